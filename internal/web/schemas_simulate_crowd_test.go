package web

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/internal/store"
	"skand/schema"
)

// people draws installs: some register, few pay, few of those much; some pay with a
// second event, and some later.
func people(r *rand.Rand, n int) []schema.Install {
	start := time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)
	out := make([]schema.Install, n)
	for i := range out {
		launched := start.Add(time.Duration(r.IntN(7*24*3600)) * time.Second)
		after := func(name, revenue string, hours int) {
			at := launched.Add(time.Duration(r.IntN(hours*3600)) * time.Second)
			out[i].Events = append(out[i].Events, schema.Event{Name: name, Time: at, Revenue: decimal.RequireFromString(revenue)})
		}
		out[i].Events = []schema.Event{{Name: schema.FirstLaunch, Time: launched}}
		if r.IntN(3) > 0 {
			after("registration", "0", 20)
		}
		for range r.IntN(4) {
			after("level", "0", 400)
		}
		if r.IntN(100) == 0 {
			after("rare", "0", 40)
		}
		if r.IntN(6) == 0 {
			for range 1 + r.IntN(3) {
				after("purchase", fmt.Sprintf("%.2f", 0.99+r.ExpFloat64()*8), 47)
			}
			if r.IntN(10) == 0 {
				after("subscription", "9.99", 300)
			}
		}
	}
	return out
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// spentIn adds up what an install spent in each window.
func spentIn(i schema.Install) [3]decimal.Decimal {
	return lifeOf(i, crowdedNames([]schema.Install{i})).paid
}

// Nobody is alone in what they did: every life is that of at least b installs, and
// together they spent what they spent.
func TestCrowds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, b := range []int{1, 3, 5, 20} {
		for _, n := range []int{0, 1, b - 1, b, 2*b - 1, 2 * b, 137, 600} {
			before := people(r, n)
			after := crowds(before, b, 2)
			if n < b {
				require.Empty(t, after)
				continue
			}
			require.Len(t, after, n)
			alike := map[string]int{}
			var was, is [3]decimal.Decimal
			var payers [3]int
			for i := range after {
				alike[text(t, after[i].Events)]++
				x, y := spentIn(before[i]), spentIn(after[i])
				for w := range was {
					was[w], is[w] = was[w].Add(x[w]), is[w].Add(y[w])
					if x[w].IsPositive() {
						payers[w]++
					}
				}
			}
			for life, many := range alike {
				require.GreaterOrEqual(t, many, b, life)
			}
			if b > 1 {
				require.Equal(t, text(t, after), text(t, crowds(before, b, 2)), "drawn once and for all")
			}
			// Window 0 alone: in the others payers are parted only where there are b.
			if payers[0] >= b && n-payers[0] >= b {
				coins := decimal.NewFromInt(int64(n)).Mul(decimal.New(5, -3)) // half a coin each by rounding
				require.True(t, is[0].Sub(was[0]).Abs().LessThanOrEqual(coins), "b %d, n %d: %s of %s", b, n, is[0], was[0])
			}
		}
	}
}

// A price that enough installs paid stays that price.
func TestCrowdsKeepPrices(t *testing.T) {
	t.Parallel()
	var in []schema.Install
	for n, price := range []string{"0", "0.99", "4.99", "4.99", "99.99"} {
		for range 5 + n {
			in = append(in, schema.Install{Events: []schema.Event{
				{Name: schema.FirstLaunch, Time: launch}, {Name: "purchase", Time: launch.Add(time.Hour), Revenue: decimal.RequireFromString(price)},
			}})
		}
	}
	counts := map[string]int{}
	for _, i := range crowds(in, 5, 2) {
		counts[spentIn(i)[0].String()]++
	}
	require.Equal(t, map[string]int{"0": 5, "0.99": 6, "4.99": 15, "99.99": 9}, counts)
}

// The figure of docs/schema-simulate.md: go test ./internal/web -run CrowdsAreNear -v
func TestCrowdsAreNearTheTruth(t *testing.T) {
	t.Parallel()
	d, err := schema.Parse([]byte(`{"currency":"USD","open_band_mean":30,"windows":[{"index":0,"fine":[{"value":0,"events":[]},
		{"value":1,"events":[{"name":"purchase","revenue_min":0,"revenue_max":5}]},{"value":2,"events":[{"name":"purchase","revenue_min":5,"revenue_max":15}]},
		{"value":3,"events":[{"name":"purchase","revenue_min":15}]}]},{"index":1},{"index":2}]}`))
	require.NoError(t, err)
	for _, n := range []int{500, 3000} {
		in := people(rand.New(rand.NewPCG(7, 8)), n)
		measured := func(installs []schema.Install) schema.RevenueError {
			s, err := schema.Simulate(d, nil, schema.Evidence{Installs: installs})
			require.NoError(t, err)
			return *s.Deterministic[0].Error
		}
		exact, crowd := measured(in), measured(crowds(in, 5, 2))
		t.Logf("%d installs: off per install %s (crowds: %s), total %s %% (crowds: %s %%)", n, exact.MeanAbsolute.Round(3), crowd.MeanAbsolute.Round(3),
			exact.TotalShare.Shift(2).Round(1), crowd.TotalShare.Shift(2).Round(1))
		require.True(t, crowd.MeanAbsolute.Sub(exact.MeanAbsolute).Abs().LessThan(exact.MeanAbsolute.Div(decimal.NewFromInt(5))))
		require.True(t, crowd.TotalShare.Sub(exact.TotalShare).Abs().LessThan(decimal.New(8, -2)))
	}
}

// edge is a draft that tells who spent at least so much.
func edge(t *testing.T, at decimal.Decimal) *schema.Document {
	t.Helper()
	d, err := schema.Parse(fmt.Appendf(nil, `{"currency":"USD","open_band_mean":1000,"windows":[{"index":0,"fine":[{"value":0,"events":[]},
		{"value":1,"events":[{"name":"purchase","revenue_min":%s}]}]},{"index":1},{"index":2}]}`, at))
	require.NoError(t, err)
	return d
}

// above counts the installs with value 1.
func above(t *testing.T, d *schema.Document, installs []schema.Install) int {
	t.Helper()
	s, err := schema.Simulate(d, nil, schema.Evidence{Installs: installs})
	require.NoError(t, err)
	for _, v := range s.Deterministic[0].Values {
		if v.From == "1" {
			return v.Installs
		}
	}
	return 0
}

// The attack: a draft with its edge at somebody's very amount, and one a cent above.
// On single installs, rounded or not, that tells who spent it; on crowds no two drafts
// differ by 1 to b-1 installs.
func TestDraftsThatDifferByOneInstall(t *testing.T) {
	t.Parallel()
	const k, b = 20, 5
	before := people(rand.New(rand.NewPCG(3, 4)), 160)
	week := cohortOf([]store.EvidenceWeek{{K: k, B: b, Currency: "USD", Installs: before}}, "USD", false)
	said := func(d *schema.Document) string {
		s, err := schema.Simulate(d, nil, week.evidence)
		require.NoError(t, err)
		return text(t, week.simulation(s).Deterministic)
	}
	edges := map[string]decimal.Decimal{} // where either answer can change
	for _, i := range append(before, week.evidence.Installs...) {
		if x := spentIn(i)[0]; x.IsPositive() {
			edges[x.StringFixed(2)] = x
		}
	}
	flips, pairs, same := 0, 0, 0
	for _, x := range edges {
		low, high := edge(t, x), edge(t, x.Add(decimal.New(1, -2)))
		exact, above1 := above(t, low, before), above(t, high, before)
		crowd := above(t, low, week.evidence.Installs) - above(t, high, week.evidence.Installs)
		require.True(t, crowd == 0 || crowd >= b, "%d at %s", crowd, x)
		if exact-above1 != 1 {
			continue
		}
		pairs++
		if (figures{b}).count(exact) != (figures{b}).count(above1) {
			flips++ // whoever sees rounded counts alone knows this amount to the cent
		}
		if crowd == 0 {
			require.Equal(t, said(low), said(high), "at %s", x)
			same++
		}
	}
	require.Greater(t, flips, 1)
	require.Greater(t, same, pairs/2)
	t.Logf("%d pairs of drafts differ by one install; editors get the same answer to %d, and one that differs by a crowd to %d; rounding alone gives away %d amounts",
		pairs, same, pairs-same, flips)
}

// Whatever drafts ask for: amounts, counts, several events, locks, later windows.
func TestNoDraftPicksOutFewerThanB(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	const b = 5
	in := people(r, 200)
	seen := crowds(in, b, 2)
	tried := 0
	for n := range 40 {
		condition := []string{
			fmt.Sprintf(`{"name":"purchase","revenue_min":%d,"revenue_max":%d}`, r.IntN(10), 10+r.IntN(40)),
			fmt.Sprintf(`{"name":"level","count_min":%d}`, 1+r.IntN(4)), `{"name":"rare"}`, `{"name":"registration"}`, `{"name":"subscription"}`,
		}
		pick := func() string { return condition[r.IntN(len(condition))] }
		doc := fmt.Sprintf(`{"currency":"USD","open_band_mean":1000,"windows":[{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[%s]},{"value":9,"events":[%s,%s]}],
			"lock":{"on":"time","value":%d}},{"index":1,"coarse":{"low":{"events":[]},"high":{"events":[%s]}}},{"index":2}]}`,
			pick(), condition[0], condition[1+r.IntN(4)], 1+r.IntN(47), pick())
		d, err := schema.Parse([]byte(doc))
		require.NoError(t, err)
		s, err := schema.Simulate(d, nil, schema.Evidence{Installs: seen})
		if err != nil {
			require.ErrorContains(t, err, "errors, the first", "%s", doc) // a draft that says nothing sensible
			continue
		}
		tried++
		for _, table := range s.Deterministic {
			for _, v := range table.Values {
				require.True(t, v.Installs == 0 || v.Installs >= b, "draft %d: %+v\n%s", n, v, doc)
			}
		}
	}
	require.Greater(t, tried, 20)
}

func TestFigures(t *testing.T) {
	t.Parallel()
	f := figures{5}
	for n, want := range map[int][2]int{0: {0, 0}, 2: {0, 0}, 3: {5, 0}, 5: {5, 5}, 7: {5, 5}, 8: {10, 5}, 999: {1000, 995}} {
		require.Equal(t, want, [2]int{f.count(n), f.told(n)}, n)
	}
	for in, want := range map[string][2]string{
		"0": {"0", "0"}, "4.99": {"5", "4.9"}, "0.0456": {"0.046", "0.045"}, "99.99": {"100", "99"}, "123456": {"120000", "120000"}, "-1.26": {"-1.3", "-1.2"}, "7": {"7", "7"},
	} {
		x := decimal.RequireFromString(in)
		require.Equal(t, want, [2]string{twoDigits(x).String(), floorTwo(x).String()}, in)
	}
	payers := 23
	share := decimal.RequireFromString("0.1264")
	e := schema.RevenueError{Installs: 101, True: decimal.RequireFromString("1234.5"), Estimated: decimal.RequireFromString("1301.1"),
		Total: decimal.RequireFromString("66.6"), TotalShare: decimal.RequireFromString("0.0539"), MeanAbsolute: decimal.RequireFromString("0.6543"), WithoutEstimate: 8}
	in := schema.Simulation{Deterministic: []schema.MeasuredTable{{Installs: 101, Payers: &payers, Values: []schema.MeasuredValue{{Installs: 23, Share: share}}, Error: &e}}}
	out := f.simulation(in).Deterministic[0]
	require.Equal(t, "100 25 25 0.13", fmt.Sprint(out.Installs, *out.Payers, out.Values[0].Installs, out.Values[0].Share))
	require.Equal(t, "100 1200 1300 67 0.05 0.65 10", fmt.Sprint(out.Error.Installs, out.Error.True, out.Error.Estimated, out.Error.Total,
		out.Error.TotalShare, out.Error.MeanAbsolute, out.Error.WithoutEstimate))
	require.Nil(t, out.CurrentError)
	require.Equal(t, "101 23 0.1264 1234.5", fmt.Sprint(in.Deterministic[0].Installs, payers, in.Deterministic[0].Values[0].Share, e.True), "the input stays")
}
