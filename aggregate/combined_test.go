package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"1970-01-05T00:00:00Z", "2026-11-22T10:00:00Z", "2026-10-26T00:00:00Z", "2031-02-02T23:59:59Z"} {
		when, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		p := PeriodAt(when)
		require.True(t, p.Contains(when))
		require.Equal(t, time.Monday, p.Start.Weekday())
		require.Equal(t, CombinedPeriod, p.End.Sub(p.Start))
		require.Zero(t, p.Start.Sub(firstPeriod)%CombinedPeriod)
		require.Equal(t, p, PeriodAt(p.Start))
		require.Equal(t, p.End, PeriodAt(p.End).Start)
		require.Equal(t, WindowAt(Week, p.Start).Start, p.Start, "weeks lie in one period")
	}
}

func TestBitsOf(t *testing.T) {
	t.Parallel()
	bin := func(values string, version, n int) ValueBin {
		return ValueBin{NetworkID: "a", IDKind: IDSource, Source2: "39", Kind: BinFine, Values: values, SchemaVersion: version, Installs: &n}
	}
	has := func(version, value int) bool { return version == 2 && value >= 32 }
	clamped := bin("32", 2, 1000)
	clamped.Kind = BinClamped
	got := BitsOf([]ValueBin{
		bin("32-35,40", 2, 1), bin("0-31", 2, 10), bin("31-32", 2, 100), bin("33", 1, 20), bin("2:32-33;1:32", 0, 100),
		bin("2:3;1:33", 0, 40), bin("", 0, 100), clamped,
	}, has)
	require.Equal(t, []OverlapBits{{NetworkID: "a", IDKind: IDSource, Source2: "39", With: 1, Without: 70}}, got)
}

// phoneWorld is four weeks of the same phones on both sides, and the truth.
type phoneWorld struct {
	sides Sides
	both  map[string]int      // installs that are on both sides, by network/campaign
	weeks []map[string][3]int // of each campaign: on the one side, on the other, on both
}

// newWorld makes one: installs that ads led to send a postback that counts with chance
// counted, and their app reports them where people consent; the phone sets the overlap
// bit exactly where it reports. Others are organic.
func newWorld(r *rand.Rand, counted float64, withBit bool) phoneWorld {
	w := phoneWorld{both: map[string]int{}}
	w.sides.K = 20
	s := DefaultSettings()
	consents := 0.15 + 0.5*r.Float64()
	networks := 1 + r.IntN(5)
	meaning := Meaning{Version: 1}
	for v := range 64 {
		meaning.Values = append(meaning.Values, ValueMeaning{Value: v, Payer: v&31 > 20, RevenueMax: moneyAt("0")})
	}
	size := make([][]int, networks)
	for n := range size {
		for range 1 + r.IntN(4) {
			size[n] = append(size[n], 5+r.IntN(1+r.IntN(1200)))
		}
	}
	for range 4 {
		posted := Batch{Schemas: []Meaning{meaning}}
		reported := Batch{}
		truth := map[string][3]int{}
		for n, campaigns := range size {
			for source, installs := range campaigns {
				network, id := fmt.Sprintf("n%d.skadnetwork", n), fmt.Sprintf("%02d", 10+source)
				values := [65]int{}
				for range installs/2 + r.IntN(1+installs) {
					did := r.IntN(32)
					consented, sent := r.Float64() < consents, r.Float64() < counted
					key := network + "/" + id
					cell := truth[key]
					if consented {
						cell[1]++
					}
					if sent {
						cell[0]++
						if withBit && consented {
							did += 32
						}
						if r.IntN(4) == 0 {
							did = 64 // withheld by Apple
						}
						values[did]++
						if consented {
							cell[2]++
							w.both[key]++
						}
					}
					truth[key] = cell
				}
				reported.Groups = append(reported.Groups, Consented{
					N: truth[network+"/"+id][1], NetworkID: network, Campaign: Campaign{IDSource, id}, ShortForm: ShortLast,
				}.Counted())
				for v, n := range values {
					g := Counted{N: n, NetworkID: network, IDKind: IDSource, Source: id, Kind: ValueFine, SchemaVersion: 1, Fine: v, Payer: v&31 > 20}
					if v == 64 {
						g.Kind = ValueNull
					}
					posted.Groups = append(posted.Groups, g)
				}
			}
		}
		reported.Groups = append(reported.Groups, Consented{N: r.IntN(400)}.Counted())
		p, q := Cut(installs, s, posted), Cut(DeterministicDataset(1), s, reported)
		w.sides.SKAN = append(w.sides.SKAN, p.Rows)
		w.sides.Deterministic = append(w.sides.Deterministic, q.Rows)
		if withBit {
			w.sides.Bits = append(w.sides.Bits, BitsOf(p.Values, func(_, value int) bool { return value >= 32 })...)
		}
		w.weeks = append(w.weeks, truth)
	}
	return w
}

// truth is the overlap of a row: of the campaigns that are in it.
func (w phoneWorld) truth(rows []CombinedRow, row CombinedRow) (n int) {
	own := map[string]string{} // which row a campaign is in
	for key := range w.both {
		network, source := key[:len(key)-3], key[len(key)-2:]
		for _, place := range []string{network + "/" + source, network + "/other", network, "other", "total"} {
			found := false
			for _, r := range rows {
				if r.Key() == place {
					own[key], found = place, true
				}
			}
			if found {
				break
			}
		}
	}
	for key, both := range w.both {
		if own[key] == row.Key() {
			n += both
		}
	}
	return n
}

// TestCombinedHoldsTheTruth: of the rows of many worlds, at least 86 of 100 have the
// number of installs of either side, each once, within their interval (90 are meant).
// Worlds without the bit have the share that the method assumes: 0.9, spread as Beta(18, 2).
func TestCombinedHoldsTheTruth(t *testing.T) {
	t.Parallel()
	for _, withBit := range []bool{true, false} {
		t.Run(fmt.Sprintf("bit %t", withBit), func(t *testing.T) {
			t.Parallel()
			rows, held, worlds, finer, width := 0, 0, 0, 0, 0.0
			for seed := range uint64(250) {
				r := rand.New(rand.NewPCG(seed, 9))
				w := newWorld(r, betaDraw(r, 18, 2), withBit)
				combined := Combine(w.sides)
				require.NoError(t, checkCombined(combined, w.sides.K))
				seen, reported := 0, 0
				for _, row := range combined {
					seen, reported = seen+*row.SKAN, reported+row.Deterministic
					truth := *row.SKAN + row.Deterministic - w.truth(combined, row)
					rows++
					width += float64(row.Combined.High-row.Combined.Low) / float64(truth)
					if truth >= row.Combined.Low && truth <= row.Combined.High {
						held++
					}
					if row.Level == LevelSrc2 {
						finer++
					}
				}
				if len(combined) > 0 {
					worlds++
					require.Equal(t, installsOf(w.sides.SKAN), seen, "every published install is in one row")
					require.Equal(t, installsOf(attributedRows(w.sides.Deterministic)), reported)
				}
			}
			t.Logf("%d of %d rows of %d worlds hold the truth (%.1f %%), mean width %.1f %% of it, %d rows of campaigns",
				held, rows, worlds, 100*float64(held)/float64(rows), 100*width/float64(rows), finer)
			require.Greater(t, worlds, 150)
			require.Greater(t, finer, 100)
			require.GreaterOrEqual(t, float64(held)/float64(rows), 0.86)
		})
	}
}

// betaDraw is one draw of a share, for whole a and b: an order statistic of uniform ones.
func betaDraw(r *rand.Rand, a, b int) float64 {
	draws := make([]float64, a+b-1)
	for i := range draws {
		draws[i] = r.Float64()
	}
	for i := range draws { // the a-th smallest
		for j := i + 1; j < len(draws); j++ {
			if draws[j] < draws[i] {
				draws[i], draws[j] = draws[j], draws[i]
			}
		}
	}
	return draws[a-1]
}

// TestNaiveCombinedLeaks: who publishes the overlap of both sides week by week and row
// by row, as it is, tells of fewer than k installs of the same worlds.
func TestNaiveCombinedLeaks(t *testing.T) {
	t.Parallel()
	leaks, told := 0, 0
	for seed := range uint64(40) {
		w := newWorld(rand.New(rand.NewPCG(seed, 9)), 0.9, true)
		for _, campaigns := range w.weeks {
			for _, n := range campaigns {
				visible := n[0] >= w.sides.K && n[1] >= w.sides.K
				for _, part := range []int{n[2], n[0] - n[2], n[1] - n[2]} {
					if visible && !holds(part, w.sides.K) {
						leaks++
					}
				}
			}
		}
		rows := Combine(w.sides)
		require.NoError(t, checkCombined(rows, w.sides.K))
		told += len(rows)
	}
	require.Greater(t, leaks, 100)
	require.Greater(t, told, 50)
	t.Logf("the naive publisher told of %d remainders of 1 to k-1; combined of none in %d rows", leaks, told)
}
