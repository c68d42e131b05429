package schema

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// FreshErrors are the distances, in coins, of the suggested bands and of the best
// equal ones, both made from some installs, from what other installs spent.
func FreshErrors(t testing.TB, have, fresh []Install, o SuggestOptions) (suggested, bestEqual float64, s Suggestion) {
	t.Helper()
	s, err := Suggest(Evidence{Installs: have}, o)
	require.NoError(t, err)
	plan, err := o.plan(Evidence{Installs: fresh})
	require.NoError(t, err)
	amounts := func(installs []Install) sample {
		var spent []decimal.Decimal
		for _, i := range installs {
			x, _ := i.spent(0)
			spent = append(spent, x)
		}
		return plan.sample(spent)
	}
	var published fitting
	for _, b := range s.Bands {
		c := coinBand{min: plan.coins(b.Min), estimate: plan.coins(b.Est)}
		if b.Max != nil {
			c.max = plan.coins(*b.Max)
		}
		published = append(published, c)
	}
	paid, unseen := amounts(have), amounts(fresh)
	_, ours := unseen.read(published)
	_, theirs := unseen.read(paid.bands(paid.bestEqual(o.Bands), 0))
	return float64(ours), float64(theirs), s
}

// SpentOnly keeps of installs what they spent in window 0.
func SpentOnly(installs []Install) []Install {
	out := make([]Install, len(installs))
	for n, i := range installs {
		x, _ := i.spent(0)
		out[n].Revenue = &x
	}
	return out
}

// Every way gives bands that touch, hold k payers and estimate inside.
func TestCandidatesAreTables(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(23, 24))
	for range 40 {
		amounts := make([]int64, 1+r.IntN(80))
		scale := math.Exp(12 * r.Float64())
		for i := range amounts {
			amounts[i] = 1 + int64(scale*r.ExpFloat64()*r.ExpFloat64())
		}
		s := newSample(amounts)
		n, k := 1+r.IntN(63), r.IntN(len(amounts)+1)*r.IntN(2)
		for _, w := range s.try(candidates(n), k) {
			require.LessOrEqual(t, len(w.fitting), n, w.words)
			low, in := int64(1), 0
			for i, b := range w.fitting {
				require.Equal(t, low, b.min, w.words)
				require.Equal(t, i == len(w.fitting)-1, b.max == 0, w.words)
				require.GreaterOrEqual(t, b.estimate, b.min, w.words)
				require.True(t, b.max == 0 || b.estimate < b.max, "%s: %v", w.words, b)
				require.GreaterOrEqual(t, b.installs, k, w.words)
				low, in = b.max, in+b.installs
			}
			if len(w.fitting) > 0 {
				require.Len(t, amounts, in, w.words)
				require.LessOrEqual(t, w.fitting[len(w.fitting)-1].estimate, s.amounts[len(amounts)-1], "no estimate above what was paid")
			}
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	bands := func(n int) fitting { return make(fitting, n) }
	for name, c := range map[string]struct {
		all             []tried
		chosen, nearest int
	}{
		"least":               {[]tried{{fitting: bands(9), distance: 200}, {fitting: bands(9), distance: 100}}, 1, 1},
		"first of equals":     {[]tried{{fitting: bands(9), distance: 100}, {fitting: bands(9), distance: 100}}, 0, 0},
		"earlier within 1 %":  {[]tried{{fitting: bands(9), distance: 101}, {fitting: bands(9), distance: 100}}, 0, 1},
		"not beyond":          {[]tried{{fitting: bands(9), distance: 102}, {fitting: bands(9), distance: 100}}, 1, 1},
		"fewer within 1 %":    {[]tried{{fitting: bands(9), distance: 100}, {fitting: bands(5), distance: 101}}, 1, 0},
		"more are no simpler": {[]tried{{fitting: bands(9), distance: 101}, {fitting: bands(5), distance: 100}}, 1, 1},
		"no bands no choice":  {[]tried{{fitting: bands(9), distance: 100}, {distance: 10}}, 0, 0},
		"no error at all":     {[]tried{{fitting: bands(9), distance: 1}, {fitting: bands(9)}}, 1, 1},
	} {
		chosen, nearest := choose(c.all)
		require.Equal(t, []int{c.chosen, c.nearest}, []int{chosen, nearest}, name)
	}
}

func TestSuggestSaysWhy(t *testing.T) {
	t.Parallel()
	installs := spenders(rand.New(rand.NewPCG(25, 26)), 300)
	limit := decimal.NewFromInt(500)
	o := SuggestOptions{Bands: 12, Currency: "USD", Cap: &limit}
	s, err := Suggest(Evidence{Installs: installs}, o)
	require.NoError(t, err)
	chosen := slices.IndexFunc(s.Candidates, func(c TriedTable) bool { return c.Chosen })
	require.GreaterOrEqual(t, chosen, 0)
	require.Contains(t, s.Method, s.Candidates[chosen].Method)
	require.Contains(t, s.Method, "of 20 ways")
	require.Len(t, s.Candidates, 20)
	require.Len(t, s.Bands, s.Candidates[chosen].Bands)
	require.True(t, s.Suggested.MeanAbsolute.Equal(s.Candidates[chosen].MeanAbsolute))
	require.True(t, s.Equal.MeanAbsolute.Equal(s.Candidates[0].MeanAbsolute))
	require.True(t, s.BestEqual.MeanAbsolute.Equal(s.Candidates[1].MeanAbsolute))
	for i, c := range s.Candidates {
		require.Equal(t, i == chosen, c.Chosen)
		require.True(t, s.Suggested.MeanAbsolute.LessThanOrEqual(c.MeanAbsolute.Mul(decimal.New(1011, -3))), c.Method)
	}
	// What is cut off at the cap is an error of every table.
	above := decimal.Zero
	for _, i := range installs {
		above = above.Add(decimal.Max(decimal.Zero, i.Revenue.Sub(limit)))
	}
	require.True(t, above.IsPositive())
	require.True(t, s.Suggested.MeanAbsolute.GreaterThan(above.DivRound(decimal.NewFromInt(300), 9)))

	slices.Reverse(installs)
	again, err := Suggest(Evidence{Installs: installs}, o)
	require.NoError(t, err)
	require.Equal(t, s, again, "the order of the installs decides nothing")
}

func TestSuggestNotesABetterCurrentVersion(t *testing.T) {
	t.Parallel()
	// Two payers say little; the version that was made of more says more.
	current := bandTable(t, "buy", "0.01,4,6", "")
	s, err := Suggest(Evidence{Installs: []Install{paid("1.99"), paid("5")}}, SuggestOptions{Bands: 2, Current: current})
	require.NoError(t, err)
	require.True(t, s.Current.MeanAbsolute.LessThan(s.Suggested.MeanAbsolute))
	require.Contains(t, s.Notes, "The current version is nearer to these installs than the suggestion: keep it until there are more payers.")
}

// Where equal bands are right, or where nothing is to be gained, nothing is lost.
func TestSuggestHoldsOnOtherSpending(t *testing.T) {
	t.Parallel()
	for name, draw := range map[string]func(r *rand.Rand) float64{
		"even":         func(r *rand.Rand) float64 { return 50 * r.Float64() },
		"bell":         func(r *rand.Rand) float64 { return max(1, 25+5*r.NormFloat64()) },
		"three prices": func(r *rand.Rand) float64 { return []float64{0.99, 4.99, 19.99}[r.IntN(3)] },
		"two humps":    func(r *rand.Rand) float64 { return max(1, 5+80*float64(r.IntN(2))+2*r.NormFloat64()) },
		"power law":    func(r *rand.Rand) float64 { return min(math.Pow(1-r.Float64(), -0.8), 2000) },
	} {
		r := rand.New(rand.NewPCG(27, 28))
		world := func(n int) []Install {
			out := make([]Install, n)
			for i := range out {
				x := decimal.NewFromFloat(draw(r) * float64(r.IntN(10)/9)).Round(2) // one in ten pays
				out[i].Revenue = &x
			}
			return out
		}
		fresh := world(5000)
		for _, n := range []int{300, 2000} {
			ours, theirs := 0.0, 0.0
			for range 3 {
				a, b, _ := FreshErrors(t, world(n), fresh, SuggestOptions{Bands: 10, Currency: "USD"})
				ours, theirs = ours+a, theirs+b
			}
			t.Logf("%s, %d installs: error %.0f, that of best equal bands %.0f", name, n, ours, theirs)
			require.LessOrEqual(t, ours, 1.03*theirs, name)
		}
	}
}

// With K nothing is told to the last digit, and round amounts give round edges.
func TestSuggestWithKIsRound(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(29, 30))
	digits := func(x decimal.Decimal) int { return len(strings.Trim(x.Coefficient().String(), "0")) }
	for range 8 {
		installs := spenders(r, 200+r.IntN(400))
		for _, i := range installs {
			*i.Revenue = decimal.New(twoDigits(i.Revenue.Shift(2).IntPart()), -2)
		}
		s, err := Suggest(Evidence{Installs: installs, K: 10}, SuggestOptions{Bands: 4 + r.IntN(30), Currency: "USD"})
		require.NoError(t, err)
		for _, b := range s.Bands {
			require.LessOrEqual(t, digits(b.Min), 2, b.Min)
			require.GreaterOrEqual(t, b.Installs, 10)
		}
		for _, c := range s.Candidates {
			require.LessOrEqual(t, digits(c.MeanAbsolute), 2, c.MeanAbsolute)
			require.GreaterOrEqual(t, c.TotalShare.Exponent(), int32(-2))
		}
		for _, n := range s.Notes {
			require.NotContains(t, n, "There are")
		}
	}
	require.Equal(t, []int64{0, 9, 99, 100, 110, 9900, 10000, 13000}, []int64{twoDigits(0), twoDigits(9), twoDigits(99), twoDigits(104), twoDigits(105), twoDigits(9949), twoDigits(9950), twoDigits(12999)})
}

func BenchmarkSuggest(b *testing.B) {
	installs := spenders(rand.New(rand.NewPCG(31, 32)), 10000) // three of four pay, nearly all other amounts
	for b.Loop() {
		_, err := Suggest(Evidence{Installs: installs}, SuggestOptions{Bands: 20, Currency: "USD"})
		if err != nil {
			b.Fatal(err)
		}
	}
}
