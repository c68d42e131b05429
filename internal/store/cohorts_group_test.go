package store

import (
	"database/sql/driver"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/clock"
)

// quarter publishes random rows of two apps, with two currencies, two datasets, days
// and weeks that straddle months, and NULLs everywhere.
func quarter(t *testing.T, s *Store) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	maybe := func(n int) *int {
		if rnd.IntN(4) == 0 {
			return nil
		}
		return ptr(n)
	}
	for week := range 9 {
		for _, app := range []int64{7, testApp} {
			r := release(app, week, "base")
			r.Settings.Currency = []string{"USD", "JPY"}[week/5]
			r.Dataset.SequenceIndex = week % 2
			r.SchemaVersions = []int{1, week/3 + 2}
			r.WindowStart = r.WindowStart.Add(-24 * time.Hour * time.Duration(rnd.IntN(9))) // carried
			for _, network := range []string{"", "a.skadnetwork", "=b.net", "%c.net"} {
				row := aggregate.Row{Level: aggregate.LevelOther, NetworkID: network, Installs: 20 + rnd.IntN(99)}
				for _, source := range []string{"", "39", "40", "c39"} {
					if row.Source2 = source; source != "" && network == "" {
						continue
					}
					if source != "" {
						row.Level, row.IDKind = aggregate.LevelSrc2, aggregate.IDSource
					}
					if source == "c39" {
						row.Source2, row.IDKind = "39", aggregate.IDCampaign
					}
					row.NullInstalls, row.UnsetInstalls, row.CoarseLow = maybe(rnd.IntN(50)), maybe(0), maybe(rnd.IntN(9))
					row.FineInstalls, row.Payers, row.Redownloads = maybe(rnd.IntN(1e6)), maybe(7), nil
					row.RevenueMin, row.RevenueEst, row.RevenueMax = nil, nil, nil
					if row.Payers != nil {
						row.RevenueMin = ptr(decimal.New(rnd.Int64N(1e15), -int32(rnd.IntN(10))))
						row.RevenueEst = ptr(decimal.New(int64(rnd.IntN(100)), -1)) // 0.1 + 0.2
						row.RevenueMax = maybeMoney(maybe(rnd.IntN(1e9)))
					}
					r.Rows = append(r.Rows, row)
				}
			}
			require.NoError(t, s.Publish(t.Context(), r))
		}
	}
}

func maybeMoney(n *int) *decimal.Decimal {
	if n == nil {
		return nil
	}
	return ptr(decimal.NewFromInt(int64(*n)))
}

// addedUp is the roll-up, worked out here from the rows that readers get.
func addedUp(t *testing.T, l *CohortLook, g CohortGroup) []string {
	t.Helper()
	at := map[string]int{}
	for i, c := range CohortTable() {
		at[c.Name] = i
	}
	table, groups := g.Table(), map[string][]any{}
	var order []string
	require.NoError(t, l.Rows(t.Context(), nil, 0, func(row []any) error {
		begin := time.Time(row[at["window_start"]].(Stamp))
		period := map[string]Stamp{
			"week":  Stamp(aggregate.WindowAt(aggregate.Week, begin).Start),
			"month": Stamp(time.Date(begin.Year(), begin.Month(), 1, 0, 0, 0, 0, time.UTC)),
		}
		var keys []any
		for _, c := range table {
			if c.Name == "rows" {
				break
			}
			if p, ok := period[c.Name]; ok {
				keys = append(keys, p)
				continue
			}
			keys = append(keys, row[at[c.Name]])
		}
		key := cells(keys)
		sums := groups[key]
		if sums == nil {
			sums = append(keys, make([]any, len(table)-len(keys))...)
			for i := len(keys); i < len(table); i++ {
				if strings.HasSuffix(table[i].Name, withheldRows) || table[i].Name == "rows" {
					sums[i] = int64(0)
				}
			}
			groups[key], order = sums, append(order, key)
		}
		for i := len(keys); i < len(table); i++ {
			name := table[i].Name
			measure, withheld := strings.CutSuffix(name, withheldRows)
			switch {
			case name == "rows" || withheld && row[at[measure]] == nil:
				sums[i] = sums[i].(int64) + 1
			case withheld || row[at[name]] == nil:
			case sums[i] == nil:
				sums[i] = row[at[name]]
			case table[i].Type == Money:
				sums[i] = sums[i].(decimal.Decimal).Add(row[at[name]].(decimal.Decimal))
			default:
				sums[i] = sums[i].(int64) + row[at[name]].(int64)
			}
		}
		return nil
	}))
	out := make([]string, 0, len(order))
	for _, key := range order {
		out = append(out, cells(groups[key]))
	}
	return out
}

func sumsOf(t *testing.T, l *CohortLook, g CohortGroup, skip, limit int) (out []string) {
	t.Helper()
	require.NoError(t, l.Sums(t.Context(), g, skip, limit, func(row []any) error {
		out = append(out, cells(row))
		return nil
	}))
	return out
}

// TestCohortSumsAreSumsOfRows: by every set of names, to the last digit; withheld is
// counted, never added as 0.
func TestCohortSumsAreSumsOfRows(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		quarter(t, s)
		names, step := CohortDimensions(), 1
		if raced {
			step = 21
		}
		for i, f := range []CohortFilter{{}, {AppID: 7, From: start, Kind: "install"}} {
			lookAt(t, s, f, func(l *CohortLook) {
				for set := 0; set < 1<<len(names); set += step + 10*i {
					var g CohortGroup
					for i, name := range names {
						if set>>i&1 == 1 {
							g = append(g, name)
						}
					}
					want, got := addedUp(t, l, g), sumsOf(t, l, g, 0, 0)
					require.ElementsMatch(t, want, got, "%v", g)
					slices.Reverse(g)
					require.Equal(t, got, sumsOf(t, l, g, 0, 0), "the order asked for changes nothing")
					require.Equal(t, got[len(got)/2:], sumsOf(t, l, g, len(got)/2, len(got)), "%v", g)
				}
			})
		}
	})
}

// TestCohortSumsHaveOneOrder on both databases, digit for digit.
func TestCohortSumsHaveOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		for week, network := range []string{"b.net", "A.net", "_.net", ""} {
			require.NoError(t, s.Publish(t.Context(), release(7, week, "base", paid(network, "39", 20, -1, ""))))
		}
		lookAt(t, s, CohortFilter{}, func(l *CohortLook) {
			var got []string
			for _, line := range sumsOf(t, l, CohortGroup{"month", "network", "week"}, 0, 0) {
				got = append(got, strings.Join(strings.Split(line, "|")[4:10], "|"))
			}
			require.Equal(t, []string{
				"-|2026-11-23T00:00:00Z|2026-11-01T00:00:00Z|USD|1|20",
				"A.net|2026-11-09T00:00:00Z|2026-11-01T00:00:00Z|USD|1|20",
				"_.net|2026-11-16T00:00:00Z|2026-11-01T00:00:00Z|USD|1|20",
				"b.net|2026-11-02T00:00:00Z|2026-11-01T00:00:00Z|USD|1|20",
			}, got)
			require.Contains(t, sumsOf(t, l, nil, 0, 0)[0], "|USD|4|80|-|4|-|4|-|4|-|4|-|4|-|4|80|0|-|4|-|4|-|4|-|4|-|4")
		})
	})
}

// TestMoneySum: exact where binary floating point is not, and beyond 64 bits.
func TestMoneySum(t *testing.T) {
	t.Parallel()
	for want, amounts := range map[string][]driver.Value{
		"<nil>": {nil, nil}, "0.3": {0.1, 0.2}, "0": {int64(0)}, "7": {nil, int64(7)}, "1.5": {1.5, nil},
		"18446744073709551614":    {int64(math.MaxInt64), int64(math.MaxInt64)},
		"-18446744073709551616":   {int64(math.MinInt64), int64(math.MinInt64)},
		"1000000000000.000000001": {"0.000000001", 1e12},
		"9007199254740994":        {float64(1 << 53), 2.0},
	} {
		m := &moneySum{}
		for _, a := range amounts {
			require.NoError(t, m.Step(nil, []driver.Value{a}))
		}
		got, err := m.WindowValue(nil)
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(got))
	}
	require.Error(t, (&moneySum{}).Step(nil, []driver.Value{"ten"}))
	require.Error(t, (&moneySum{}).Step(nil, []driver.Value{true}))
}
