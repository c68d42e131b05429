package attack

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

// naives are the publishers that leave a sentence of the promise out. Each is known by
// the sentence.
var naives = map[string]func(n *naive) *reader{
	"no threshold at all": func(n *naive) *reader {
		for _, c := range n.cuts[:3] {
			var rows []aggregate.Row
			for _, x := range nodesOf(c.batch.Groups) {
				if x.row.Level == aggregate.LevelSrc4 || x.row.Level == aggregate.LevelWithheld || x.row.IDKind == aggregate.IDCampaign {
					rows = append(rows, x.measured(everything))
				}
			}
			n.publish(c.line("", rows))
		}
		return n.reader()
	},
	"every level thresholded by itself": func(n *naive) *reader {
		for _, c := range n.cuts {
			var rows []aggregate.Row
			for _, x := range nodesOf(c.batch.Groups) {
				if x.installs() >= c.release.K {
					rows = append(rows, x.measured(atLeast(c.release.B)))
				}
			}
			n.publish(c.line("", rows))
		}
		return n.reader()
	},
	"every count thresholded by itself": func(n *naive) *reader {
		for _, c := range n.cuts {
			var rows []aggregate.Row
			for _, x := range at(n.cutOf(c).Rows, c.batch.Groups) {
				rows = append(rows, x.measured(atLeast(c.release.B)))
			}
			n.publish(c.line("", rows))
		}
		return n.reader()
	},
	"a model that read what was counted": (*naive).modelledFromCounts,
	"no rule of b": func(n *naive) *reader {
		for _, c := range n.cuts[:3] {
			var rows []aggregate.Row
			for _, x := range at(n.cutOf(c).Rows, c.batch.Groups) {
				rows = append(rows, x.measured(everything))
			}
			n.publish(c.line("", rows))
		}
		return n.reader()
	},
	"a remainder wherever something is NULL": func(n *naive) *reader {
		n.lore.merges = true
		for _, c := range n.cuts {
			p := n.cutOf(c)
			r := c.line("", p.Rows)
			r.Values, r.Events, r.Remainders = p.Values, p.Events, n.allRemainders(p, c.batch.Groups)
			n.publish(r)
		}
		return n.reader()
	},
	"an event is counted on rows": func(n *naive) *reader {
		n.lore.merges = true
		for _, c := range n.cuts {
			p := n.cutOf(c)
			r := c.line("", p.Rows)
			r.Values, r.Events = p.Values, p.Events
			for i, e := range r.Events { // the whole campaign's, thresholded by themselves
				if count := n.vouching(c, p, e); count >= c.release.B {
					r.Events[i].Installs = &count
				}
			}
			n.publish(r)
		}
		return n.reader()
	},
	"the week to date, every day": func(n *naive) *reader {
		for _, c := range n.cuts[:4] {
			from := c.release.Window.Start
			for d := 1; d <= 7; d++ {
				to := from.Add(time.Duration(d) * day)
				n.publish(over(c, from, to, n.arrivals(0, from, to, false), 20))
			}
		}
		return n.reader()
	},
	"days beside weeks": func(n *naive) *reader {
		for _, c := range n.cuts[:6] {
			from := c.release.Window.Start
			n.publish(over(c, from, from.Add(week), n.arrivals(0, from, from.Add(week), false), 20))
			for d := range 7 {
				from := from.Add(time.Duration(d) * day)
				n.publish(over(c, from, from.Add(day), n.arrivals(0, from, from.Add(day), false), 20))
			}
		}
		return n.reader()
	},
	"a window again, with k changed and a day more": func(n *naive) *reader {
		for _, c := range n.cuts {
			w := c.release.Window
			saturday := w.End.Add(-day)
			n.publish(over(c, w.Start, saturday, n.arrivals(0, w.Start, saturday, false), 20),
				over(c, w.Start, w.End, n.arrivals(0, w.Start, w.End, false), 30))
		}
		return n.reader()
	},
	"one table, refreshed": func(n *naive) *reader {
		var before []*snapshot
		c := n.cuts[2]
		for d := 1; d <= 7; d++ {
			to := c.release.Window.Start.Add(time.Duration(d) * day)
			r := over(c, c.release.Window.Start, c.release.Window.End, n.arrivals(0, c.release.Window.Start, to, false), 20)
			n.change(`DELETE FROM cohort`, `DELETE FROM release`)
			n.publish(r)
			before = append(before, n.look())
		}
		return n.reader(before...)
	},
	"datasets joined by the day of install": func(n *naive) *reader {
		for index := range 2 {
			groups := map[string][]aggregate.Counted{}
			for _, a := range n.truth.counts {
				if a.app == dailyApp && a.index == index && a.kind == aggregate.KindInstall {
					on := a.installed.Format(time.DateOnly)
					groups[on] = append(groups[on], a.group)
				}
			}
			for on, installs := range groups {
				at, err := time.Parse(time.DateOnly, on)
				require.NoError(n.t, err)
				r := over(n.cuts[0], at, at.Add(day), nil, 10)
				r.ID += fmt.Sprint(".", index)
				r.Dataset.AppID, r.Dataset.SequenceIndex = dailyApp, index
				for _, x := range nodesOf(installs) {
					if x.installs() >= r.K {
						r.Rows = append(r.Rows, x.measured(atLeast(r.B)))
					}
				}
				n.publish(r)
			}
		}
		n.change(`UPDATE cohort SET install_from = window_start, install_to = window_end`)
		return n.reader()
	},
	"whoever posts is counted": func(n *naive) *reader {
		n.lore.forged = map[string]map[string]int{}
		for _, c := range n.cuts {
			w := c.release.Window
			r := over(c, w.Start, w.End, nil, 20)
			for _, x := range nodesOf(n.arrivals(0, w.Start, w.End, true)) {
				if x.row.NetworkID == victim && x.row.Level == aggregate.LevelSrc4 && x.installs() >= 20 {
					x.row.Installs = x.installs()
					r.Rows = append(r.Rows, x.row)
				}
			}
			n.lore.forged[r.ID] = forgedOn(n.truth, w)
			n.publish(r)
		}
		return n.reader()
	},
	"decoded again from the counted rows": (*naive).decodedAgain,
	"a noised view, drawn for every question": func(n *naive) *reader {
		c := n.cuts[0]
		n.publish(c.line("", n.cutOf(c).Rows))
		n.change(`DROP TABLE IF EXISTS cohort_crossing`, `CREATE VIEW cohort_crossing AS SELECT release_id, 'country' AS view, network_id,
			'US' AS value, installs + ABS(RANDOM()) % 100 AS installs, 0.1 AS epsilon, 50 AS half_width90 FROM cohort`)
		return n.reader()
	},
	"both sides week by week, as they are": func(n *naive) *reader {
		c := n.cuts[0]
		n.publish(c.line("", n.cutOf(c).Rows))
		n.change(`DROP TABLE IF EXISTS deterministic_cohort`, `DROP TABLE IF EXISTS combined`,
			`CREATE VIEW deterministic_cohort AS SELECT release_id, row_id, app_id, window_start, window_end, 72 AS horizon_hours, network_id,
			id_kind, source_2, source_3, source_4, level, installs / 3 AS installs, 1 AS payers, 0 AS revenue_min, 0 AS revenue_est, 0 AS revenue_max, currency FROM cohort`,
			`CREATE VIEW combined AS SELECT release_id, row_id, app_id, window_start AS period_start, window_end AS period_end, network_id, id_kind,
			source_2, level, installs AS skan_installs, installs / 3 AS deterministic_installs, installs / 3 - 2 AS overlap_est, 0 AS overlap_low,
			0 AS overlap_high, 'bit' AS overlap_source, installs + 2 AS combined_est, 0 AS combined_low, 0 AS combined_high, 1 AS method_version FROM cohort`)
		return n.reader()
	},
	"the health of networks, to the last delivery": func(n *naive) *reader {
		c := n.cuts[0]
		n.publish(c.line("", n.cutOf(c).Rows))
		n.change(`DROP TABLE IF EXISTS deterministic_cohort`,
			`CREATE VIEW deterministic_cohort AS SELECT release_id, app_id, window_start, network_id, 20 AS installs FROM cohort WHERE network_id IS NOT NULL GROUP BY app_id, window_start, network_id`,
			`INSERT INTO network_health SELECT app_id, network_id, window_start, window_end, 20, 5, 95, 5, 'below 1 minute', '1 to 24 hours', 1, window_end
			FROM cohort WHERE network_id IS NOT NULL GROUP BY app_id, window_start, network_id`)
		return n.reader()
	},
	"a table of countries": func(n *naive) *reader {
		n.change(`CREATE TABLE cohort_country (release_id TEXT, country TEXT, installs INTEGER)`,
			`ALTER TABLE cohort ADD COLUMN source_app INTEGER`)
		return n.reader()
	},
}

// cutOf is what the real publisher makes of a window.
func (n *naive) cutOf(c cut) aggregate.Published {
	return aggregate.Cut(c.release.Dataset, c.release.Settings, c.batch)
}

// allRemainders gives every network the sum of what its rows withhold.
func (n *naive) allRemainders(p aggregate.Published, groups []aggregate.Counted) (out []aggregate.Remainder) {
	sums := map[string]aggregate.Remainder{}
	for _, x := range at(p.Rows, groups) {
		if x.row.Payers != nil || x.row.FineInstalls == nil || x.row.NetworkID == "" {
			continue
		}
		r := sums[x.row.NetworkID]
		r.NetworkID, r.Measure = x.row.NetworkID, aggregate.MeasurePayers
		r.Rows++
		for _, g := range x.groups {
			if g.Kind == aggregate.ValueFine && g.Payer {
				r.Installs += g.N
			}
		}
		sums[x.row.NetworkID] = r
	}
	for _, r := range sums {
		out = append(out, r)
	}
	return out
}

// vouching counts the installs of an event's campaign that vouch for it, on the rows
// whose payers stand.
func (n *naive) vouching(c cut, p aggregate.Published, e aggregate.EventCount) (count int) {
	values, where := valuesOf(c.batch.Schemas)
	for _, x := range at(p.Rows, c.batch.Groups) {
		if x.row.Payers == nil || x.row.NetworkID != e.NetworkID || x.row.Source2 != e.Source2 || x.row.IDKind != e.IDKind && e.Source2 != "" {
			continue
		}
		for _, g := range x.groups {
			i, known := where[fmt.Sprint(g.SchemaVersion, ":", g.Fine)]
			if g.Kind == aggregate.ValueFine && known && values[i].vouches(e.EventName) {
				count += g.N
			}
		}
	}
	return count
}

// forgedOn is what a forger knows: how many rows it sent, by place.
func forgedOn(h *truth, w aggregate.Window) map[string]int {
	out := map[string]int{}
	for _, a := range h.forged {
		if a.app == weeklyApp && a.index == 0 && w.Contains(a.at) && a.group.NetworkID == victim {
			out[place(a.group)]++
		}
	}
	return out
}
