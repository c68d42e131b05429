package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

// publishRandom publishes releases of random rows: two apps, weeks and days, some
// windows decoded again, NULLs everywhere. It returns the rows that are current.
func (in inbox) publishRandom() (current []Cohort) {
	in.t.Helper()
	r := rand.New(rand.NewPCG(11, 4))
	maybe := func() *int {
		if r.IntN(3) == 0 {
			return nil
		}
		return ptr(r.IntN(50))
	}
	outdated := map[string]bool{}
	for i := range 12 {
		release := measured()
		release.Remainders, release.Events, release.Values, release.Rows = nil, nil, nil, nil
		release.Dataset.AppID = int64(1 + i%2)
		release.Window = aggregate.WindowAt(aggregate.Week, start.AddDate(0, 0, 7*(i/2)))
		release.WindowStart, release.Kind = release.Window.Start, aggregate.ReleaseBase
		if i%5 == 0 && i > 0 {
			release.WindowStart = release.WindowStart.AddDate(0, 0, -7) // it was carried
		}
		for n := range 1 + r.IntN(6) {
			row := aggregate.Row{
				NetworkID: fmt.Sprintf("net%d", n%3), IDKind: "source", Source2: fmt.Sprintf("%02d", n), Level: aggregate.LevelSrc2,
				Installs: 10 + r.IntN(40), NullInstalls: maybe(), UnsetInstalls: maybe(), FineInstalls: maybe(), CoarseHigh: maybe(),
				Payers: maybe(), Redownloads: maybe(), SchemaVersions: []int{1 + i/6},
			}
			if row.Payers != nil {
				row.RevenueMin = ptr(decimal.New(r.Int64N(10_000), -2))
				row.RevenueEst = ptr(row.RevenueMin.Add(decimal.New(1, -2)))
			}
			release.Rows = append(release.Rows, row)
		}
		release.ID = fmt.Sprintf("release %d", i)
		require.NoError(in.t, in.s.Publish(in.t.Context(), release))
		if i%3 == 0 {
			outdated[release.ID] = true
			release.ID, release.Kind = release.ID+" again", aggregate.ReleaseRedecode
			for n := range release.Rows {
				release.Rows[n].Payers, release.Rows[n].RevenueMin, release.Rows[n].RevenueEst = nil, nil, nil
			}
			require.NoError(in.t, in.s.Publish(in.t.Context(), release))
		}
	}
	for _, row := range in.everyRow() {
		if !outdated[row.ReleaseID] {
			current = append(current, row)
		}
	}
	return current
}

// everyRow reads the table itself, both decodes of a window.
func (in inbox) everyRow() (out []Cohort) {
	in.t.Helper()
	err := in.s.pub.r.SelectContext(in.t.Context(), &out,
		`SELECT `+strings.Join(CohortColumns(), ", ")+` FROM `+in.s.pub.table("cohort")+` ORDER BY release_id, row_id`)
	require.NoError(in.t, err)
	return out
}

// viewSum is a roll-up of the test's own, in exact numbers.
type viewSum struct {
	rows, installs, payers, payersWithheld int64
	revenue                                decimal.Decimal
	revenueWithheld                        int64
}

func (s viewSum) String() string {
	payers, revenue := "-", "-"
	if s.payersWithheld < s.rows {
		payers = fmt.Sprint(s.payers)
	}
	if s.revenueWithheld < s.rows {
		revenue = s.revenue.String()
	}
	return fmt.Sprintf("%d|%d|%s|%d|%s|%d", s.rows, s.installs, payers, s.payersWithheld, revenue, s.revenueWithheld)
}

// TestViewsAreSumsOverRows: every roll-up against one made here, row by row.
func TestViewsAreSumsOverRows(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		current := in.publishRandom()
		require.Len(t, dump(t, in.s.pub, `SELECT row_id FROM `+in.s.pub.table("cohort_current")), len(current))
		require.Greater(t, len(in.everyRow()), len(current))
		monday := func(s Stamp) string {
			return aggregate.WindowAt(aggregate.Week, time.Time(s)).Start.Format(time.DateOnly)
		}
		for view, by := range map[string]struct {
			columns string
			key     func(Cohort) string
		}{
			"cohort_by_network": {"network_id, window_start, window_end", func(c Cohort) string {
				return *c.NetworkID + "|" + c.WindowStart.String() + "|" + c.WindowEnd.String()
			}},
			"cohort_by_source": {"network_id, id_kind, source_2, window_start, window_end", func(c Cohort) string {
				return *c.NetworkID + "|source|" + *c.Source2 + "|" + c.WindowStart.String() + "|" + c.WindowEnd.String()
			}},
			"cohort_by_week":           {"week, network_id", func(c Cohort) string { return monday(c.WindowStart) + "|" + *c.NetworkID }},
			"cohort_by_month":          {"month, network_id", func(c Cohort) string { return c.WindowStart.String()[:7] + "-01|" + *c.NetworkID }},
			"cohort_by_schema_version": {"schema_versions", func(c Cohort) string { return c.SchemaVersions }},
		} {
			want := map[string]*viewSum{}
			for _, c := range current {
				key := fmt.Sprintf("%d|%s", c.AppID, by.key(c))
				if want[key] == nil {
					want[key] = &viewSum{}
				}
				s := want[key]
				s.rows++
				s.installs += c.Installs
				if c.Payers == nil {
					s.payersWithheld++
				} else {
					s.payers += *c.Payers
				}
				if c.RevenueEst == nil {
					s.revenueWithheld++
				} else {
					s.revenue = s.revenue.Add(*c.RevenueEst)
				}
			}
			lines := []string{}
			for key, s := range want {
				lines = append(lines, key+"|"+s.String())
			}
			require.ElementsMatch(t, lines, in.view(view, "app_id, "+by.columns), view)
		}
	})
}

// view is a roll-up with its keys, times and days as they are published as text.
func (in inbox) view(name, keys string) []string {
	in.t.Helper()
	shown := []string{}
	for _, key := range strings.Split(keys, ", ") {
		if in.s.pub.dialect == postgres && strings.HasPrefix(key, "window_") {
			key = `to_char(` + key + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
		}
		if in.s.pub.dialect == postgres && (key == "week" || key == "month") {
			key = "CAST(" + key + " AS TEXT)"
		}
		shown = append(shown, key)
	}
	var out []string
	for _, line := range dump(in.t, in.s.pub, `SELECT `+strings.Join(shown, ", ")+`, rows, installs,
		payers, payers_withheld_rows, revenue_est, revenue_est_withheld_rows FROM `+in.s.pub.table(name)) {
		cells := strings.Split(line, "|")
		if revenue := &cells[len(cells)-2]; *revenue != "<nil>" { // 1 and 1.00 are alike
			*revenue = decimal.RequireFromString(*revenue).String()
		}
		out = append(out, strings.ReplaceAll(strings.Join(cells, "|"), "<nil>", "-"))
	}
	return out
}
