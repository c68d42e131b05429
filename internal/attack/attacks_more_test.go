package attack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// wholeRemainders [no row pinned to 1..b-1]: the exact whole numbers that rows can hold
// which share a remainder, for a reader who knows what NULL says: 1 to b-1, or all but
// that. (A linear program knows of no gap in between.)
func (r *reader) wholeRemainders() (found []string) {
	for _, x := range r.based() {
		for _, m := range x.remainders {
			among := func(at *row) int { return *at.kinds[kindFine] }
			if m.measure == "redownloads" {
				among = func(at *row) int { return at.installs }
			}
			rows := x.sharers(m)
			for _, i := range rows {
				possible := []int{}
				for _, n := range hiddenCounts(among(x.rows[i]), x.b) {
					sums := map[int]bool{n: true}
					for _, j := range rows {
						if j != i {
							sums = plus(sums, hiddenCounts(among(x.rows[j]), x.b), m.installs)
						}
					}
					if sums[m.installs] {
						possible = append(possible, n)
					}
				}
				few := func(n int) bool { return n > 0 && n < x.b }
				if len(possible) == 1 && (few(possible[0]) || few(among(x.rows[i])-possible[0])) {
					found = append(found, fmt.Sprintf("%s %s: %d of %s", x.id, x.rows[i].key, possible[0], m.measure))
				}
			}
		}
	}
	return found
}

// hiddenCounts are the counts that NULL can stand for.
func hiddenCounts(among, b int) (out []int) {
	for n := 1; n < among; n++ {
		if n < b || among-n < b {
			out = append(out, n)
		}
	}
	return out
}

func plus(sums map[int]bool, counts []int, most int) map[int]bool {
	out := map[int]bool{}
	for s := range sums {
		for _, n := range counts {
			if s+n <= most {
				out[s+n] = true
			}
		}
	}
	return out
}

// snapshotDifferences [only new releases]: what was there stays as it was, and what is
// new belongs to a release that was not there.
func (r *reader) snapshotDifferences() (found []string) {
	for i := 1; i < len(r.snapshots); i++ {
		before, after := r.snapshots[i-1], r.snapshots[i]
		known := map[string]bool{}
		for _, line := range before.tables["release"].lines {
			known[line[slices.Index(before.tables["release"].columns, "release_id")]] = true
		}
		for name, old := range before.tables {
			id := slices.Index(old.columns, "release_id")
			if id < 0 {
				continue // names and meanings: configuration
			}
			now := after.tables[name]
			for _, line := range old.lines {
				if _, there := slices.BinarySearchFunc(now.lines, line, slices.Compare); !there {
					found = append(found, fmt.Sprintf("snapshot %d: a line of %s is gone: %v", i, name, line))
				}
			}
			for _, line := range now.lines {
				_, there := slices.BinarySearchFunc(old.lines, line, slices.Compare)
				if !there && known[line[id]] {
					found = append(found, fmt.Sprintf("snapshot %d: release %s has a new line in %s", i, line[id], name))
				}
			}
		}
	}
	return found
}

// whales [at most the cap, with b payers around it]: money stands only where payers
// do, and is never more than the cap for each of them.
func (r *reader) whales() (found []string) {
	for _, x := range r.view.releases {
		highest := decimal.Zero
		for _, m := range append(slices.Clone(r.meanings[x.id]), r.redecodedBy[x.id]) {
			for _, v := range m.Values {
				highest = decimal.Max(highest, v.RevenueEst) // of an open band
				if v.RevenueMax != nil {
					highest = decimal.Max(highest, *v.RevenueMax)
				}
			}
		}
		check := func(what string, payers *int, most *decimal.Decimal) {
			switch {
			case most == nil:
			case payers == nil || *payers > 0 && *payers < x.b:
				found = append(found, fmt.Sprintf("%s %s: money of hidden payers", x.id, what))
			case most.GreaterThan(highest.Mul(decimal.NewFromInt(int64(*payers)))):
				found = append(found, fmt.Sprintf("%s %s: %s for %d payers", x.id, what, most, *payers))
			}
		}
		for _, at := range x.rows {
			check(at.key, at.payers, cmp.Or(at.mostRevenue, at.est))
		}
		for _, m := range x.remainders {
			check("remainder "+m.network, &m.installs, m.most)
		}
		for _, b := range x.bins {
			check("bin "+b.values, b.installs, b.most)
		}
	}
	return found
}

// undeclared [only declared views]: every table, view and column is one that some
// attack knows.
func (r *reader) undeclared() []string {
	columns, err := r.publisher.columns()
	if err != nil {
		return []string{err.Error()}
	}
	return unregistered(columns)
}

// place columns: what rows can be grouped by.
var dimensions = []string{"network_id", "id_kind", "source_2", "source_3", "source_4", "level"}

// statements [no row below k exists]: what SQL can ask of rows, by every grouping.
func (r *reader) statements() (found []string) {
	const joined = ` FROM cohort c JOIN release r ON r.release_id = c.release_id `
	texts := []string{
		`SELECT c.row_id, c.installs` + joined + `WHERE c.installs < r.k`,
		`SELECT x.row_id, x.rest FROM (SELECT c.row_id, r.k, SUM(c.installs) OVER (PARTITION BY c.release_id) - c.installs AS rest` + joined + `) x
			WHERE x.rest > 0 AND x.rest < x.k`,
		`SELECT x.row_id, x.grown FROM (SELECT c.row_id, r.k, c.installs - LAG(c.installs) OVER (
				PARTITION BY r.dataset, c.network_id, c.id_kind, c.source_2, c.source_3, c.source_4, c.level, c.window_start ORDER BY c.window_end, c.release_id) AS grown` +
			joined + `) x WHERE x.grown <> 0 AND ABS(x.grown) < x.k`,
		`SELECT p.row_id, p.installs - SUM(c.installs)` + joined + `JOIN cohort p ON p.release_id = c.release_id
			WHERE p.level = 'total' AND c.level = 'network'
				OR p.level = 'network' AND c.level = 'src2' AND c.network_id = p.network_id
				OR p.level = 'src2' AND c.level = 'src3' AND c.network_id = p.network_id AND c.source_2 = p.source_2
				OR p.level = 'src3' AND c.level = 'src4' AND c.network_id = p.network_id AND c.source_3 = p.source_3
			GROUP BY p.row_id, p.installs HAVING p.installs > SUM(c.installs) AND p.installs - SUM(c.installs) < MIN(r.k)`,
	}
	for set := range 1 << len(dimensions) { // CUBE, one grouping at a time
		by := "c.release_id"
		for i, d := range dimensions {
			if set>>i&1 == 1 {
				by += ", c." + d
			}
		}
		texts = append(texts, `SELECT MIN(c.row_id), SUM(c.installs)`+joined+`GROUP BY `+by+` HAVING SUM(c.installs) < MIN(r.k)`)
	}
	if r.publisher.driver == "postgres" {
		texts = append(texts,
			`SELECT MIN(c.row_id), SUM(c.installs)`+joined+`GROUP BY c.release_id, CUBE (`+"c."+strings.Join(dimensions, ", c.")+`) HAVING SUM(c.installs) < MIN(r.k)`,
			`SELECT MIN(c.row_id), SUM(c.installs) FILTER (WHERE c.level <> 'other')`+joined+`GROUP BY c.release_id, ROLLUP (c.network_id, c.source_2, c.source_3)
				HAVING SUM(c.installs) FILTER (WHERE c.level <> 'other') < MIN(r.k)`)
	}
	for _, view := range []string{"cohort_current", "cohort_by_network", "cohort_by_source", "cohort_by_week", "cohort_by_month", "cohort_by_schema_version"} {
		texts = append(texts, `SELECT '`+view+`', v.installs FROM `+view+` v WHERE v.installs < (SELECT MIN(r.k) FROM release r WHERE r.app_id = v.app_id)`)
	}
	for _, text := range texts {
		answer, err := r.publisher.query(r.publisher.ctx, text)
		if err != nil {
			return []string{err.Error()}
		}
		for _, line := range answer.lines {
			found = append(found, strings.Join(line, " ")+" by "+text)
		}
	}
	return found
}
