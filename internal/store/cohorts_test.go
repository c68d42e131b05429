package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/clock"
)

// cells words a row of values, NULL as "-".
func cells(row []any) string {
	words := make([]string, len(row))
	for i, v := range row {
		if words[i] = "-"; v != nil {
			words[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(words, "|")
}

// lookAt has a look at what f selects.
func lookAt(t *testing.T, s *Store, f CohortFilter, do func(l *CohortLook)) {
	t.Helper()
	l, err := s.LookAtCohorts(t.Context(), f)
	require.NoError(t, err)
	do(l)
	require.NoError(t, l.Close())
}

// rowsOf are the row ids behind a place, without the release id.
func rowsOf(t *testing.T, l *CohortLook, after *CohortPlace, limit int) (out []string, last *CohortPlace) {
	t.Helper()
	require.NoError(t, l.Rows(t.Context(), after, limit, func(row []any) error {
		p := PlaceOf(row)
		out, last = append(out, p.RowID), &p
		return nil
	}))
	return out, last
}

func releasesOf(t *testing.T, l *CohortLook, after, upto *CohortPlace) (out []string) {
	t.Helper()
	require.NoError(t, l.Releases(t.Context(), after, upto, func(r *Release) error {
		out = append(out, r.ID)
		return nil
	}))
	return out
}

// release is a release of a week with rows, published as they are.
func release(app int64, week int, kind string, rows ...aggregate.Row) aggregate.Release {
	at := start.Add(time.Duration(week) * weekLong)
	set := aggregate.Dataset{AppID: app, Kind: "install", Environment: "production"}
	settings := aggregate.DefaultSettings()
	settings.Currency = "USD"
	return aggregate.Release{
		ID: fmt.Sprintf("%d.%d.%s.0", app, week, kind), Dataset: set, Kind: kind, K: 10, B: 3, Settings: settings,
		Window: aggregate.WindowAt(aggregate.Week, at), WindowStart: at, SealedAt: at.Add(weekLong), SchemaVersions: []int{1}, Rows: rows,
	}
}

func paid(network, source string, installs int, payers int, revenue string) aggregate.Row {
	r := aggregate.Row{Level: aggregate.LevelSrc2, NetworkID: network, IDKind: "source", Source2: source, Installs: installs, FineInstalls: &installs}
	if payers >= 0 {
		money := decimal.RequireFromString(revenue)
		r.Payers, r.RevenueMin, r.RevenueEst, r.RevenueMax = &payers, &money, &money, &money
	}
	return r
}

// TestCohortPages: pages of any size, put together, are the whole, in one order;
// pages of releases cover theirs.
func TestCohortPages(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		for i, app := range []int64{testApp, 9, 77} { // published in no order
			for _, week := range []int{2, 0, 1} {
				for _, kind := range []string{"b", "B", "_"} {
					r := release(app, week, kind)
					for n := range 3 + i {
						r.Rows = append(r.Rows, paid(string("bA%_z"[n])+".net", "39", 20, 5, "1"))
					}
					require.NoError(t, s.Publish(t.Context(), r))
				}
			}
		}
		for _, f := range []CohortFilter{{}, {AppID: testApp}, {NetworkID: "A.net"}, {From: start.Add(weekLong), To: start.Add(2 * weekLong)}} {
			lookAt(t, s, f, func(l *CohortLook) {
				whole, _ := rowsOf(t, l, nil, 0)
				require.NotEmpty(t, whole)
				require.Len(t, whole, len(slices.Compact(slices.Sorted(slices.Values(whole)))), "each once")
				releases := releasesOf(t, l, nil, nil)
				for _, size := range []int{1, 2, 3, 5, 7, 1000} {
					var pages, of []string
					var at *CohortPlace
					for {
						page, last := rowsOf(t, l, at, size)
						if len(page) == 0 {
							break
						}
						back, err := ParseCohortPlace(last.String())
						require.NoError(t, err)
						require.Equal(t, last, back)
						of = append(of, releasesOf(t, l, at, last)...)
						pages, at = append(pages, page...), back
					}
					require.Equal(t, whole, pages, "%+v by %d", f, size)
					require.Equal(t, releases, slices.Compact(of), "%+v by %d", f, size)
				}
			})
		}
		lookAt(t, s, CohortFilter{}, func(l *CohortLook) {
			first, _ := rowsOf(t, l, nil, 1)
			require.Equal(t, []string{"9.0.B.0/%25.net/39"}, first, "the smallest app, its first week, by bytes")
		})
	})
}

func TestCohortPlaceIsChecked(t *testing.T) {
	t.Parallel()
	good := CohortPlace{AppID: 7, WindowStart: start, ReleaseID: "r", RowID: "r/a%2F|b/39"}
	back, err := ParseCohortPlace(good.String())
	require.NoError(t, err)
	require.Equal(t, &good, back)
	for _, bad := range []string{"", "x", "!", "MXwy", "%%%", good.String()[1:], good.String() + "=", "fHx8", "MXx8fA", "MXwyMDI2LTExLTAyVDAwOjAwOjAwWnwAfHg"} {
		_, err := ParseCohortPlace(bad)
		require.ErrorIs(t, err, ErrCursor, bad)
	}
}

// TestCohortsOfOneMoment: what is published during a look is not in it.
func TestCohortsOfOneMoment(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		require.NoError(t, s.Publish(t.Context(), release(1, 0, "base", paid("a", "39", 20, 5, "1"))))
		lookAt(t, s, CohortFilter{}, func(l *CohortLook) {
			require.Len(t, releasesOf(t, l, nil, nil), 1)
			require.NoError(t, s.Publish(t.Context(), release(1, 1, "base", paid("a", "39", 20, 5, "1"))))
			rows, _ := rowsOf(t, l, nil, 0)
			require.Len(t, rows, 1)
		})
		lookAt(t, s, CohortFilter{}, func(l *CohortLook) {
			rows, _ := rowsOf(t, l, nil, 0)
			require.Len(t, rows, 2)
		})
	})
}

// TestCohortsDecodedAgainCountOnce: a redecode stands in the place of its base, so
// that a sum over what readers get counts every install once.
func TestCohortsDecodedAgainCountOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		for _, app := range []int64{1, 2} {
			for week := range 2 {
				require.NoError(t, s.Publish(t.Context(), release(app, week, "base", paid("a", "39", 20, 5, "1"))))
			}
		}
		require.NoError(t, s.Publish(t.Context(), release(1, 1, "redecode", paid("a", "39", 20, 7, "3"))))
		for _, f := range []CohortFilter{{AppID: 1}, {}} {
			lookAt(t, s, f, func(l *CohortLook) {
				rows, _ := rowsOf(t, l, nil, 0)
				require.Equal(t, []string{"1.0.base.0/a/39", "1.1.redecode.0/a/39"}, rows[:2])
				require.Len(t, rows, len(releasesOf(t, l, nil, nil)))
				var sums []string
				require.NoError(t, l.Sums(t.Context(), CohortGroup{"dataset"}, 0, 0, func(row []any) error {
					sums = append(sums, cells(row))
					return nil
				}))
				require.Contains(t, sums[0], "1|0|install|production|USD|2|40|")
				require.Contains(t, sums[0], "|12|0|4|0|4|0|4|0|")
			})
		}
	})
}

// TestCohortPagesUseTheirIndex: a page of one app looks its rows up in order.
func TestCohortPagesUseTheirIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: migratedSQLite(t), Lab: Lab, Clock: clock.NewManual(start)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	lookAt(t, s, CohortFilter{AppID: 7, From: start, Kind: "install"}, func(l *CohortLook) {
		for _, after := range []*CohortPlace{nil, {AppID: 7, WindowStart: start, ReleaseID: "r", RowID: "r/x"}} {
			text, args := l.rowsQuery(after, 1000)
			plan := strings.Join(dump(t, s.pub, "EXPLAIN QUERY PLAN "+text, args...), "\n")
			require.Contains(t, plan, "cohort USING INDEX cohort_app_window_release (app_id=?", plan)
			require.NotContains(t, plan, "FOR ORDER BY", plan)
			require.Contains(t, plan, "TEMP B-TREE FOR LAST TERM OF ORDER BY", plan)
		}
	})
}
