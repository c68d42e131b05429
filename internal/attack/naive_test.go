package attack

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/clock"
	"skand/internal/store"
)

// naive is a publisher that leaves something out, with a store of its own. It has the
// same installs as the real one: what each window was cut from, and what arrived.
type naive struct {
	t     *testing.T
	store *store.Store
	file  string
	cuts  []cut // the weekly app's installs of index 0, in order
	truth *truth
	lore  lore
}

// emptyStore is a folder with a store in which nothing is: made once, copied often.
func emptyStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Main: "sqlite:" + dir, Lab: store.Lab, Clock: clock.NewManual(begin)})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return dir
}

func newNaive(t *testing.T, empty string, cuts map[string]cut, h *truth) *naive {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(empty)))
	n := &naive{t: t, file: filepath.Join(dir, "published.db"), truth: h}
	var err error
	n.store, err = store.Open(t.Context(), store.Options{Main: "sqlite:" + dir, Lab: store.Lab, Clock: clock.NewManual(begin)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.store.Close()) })
	for _, id := range slices.Sorted(maps.Keys(cuts)) {
		d, w := cuts[id].release.Dataset, cuts[id].release.Window
		if w.Start.Before(begin.Add(weeks*week)) && d.AppID == weeklyApp && d.SequenceIndex == 0 && d.Kind == aggregate.KindInstall {
			n.cuts = append(n.cuts, cuts[id])
		}
	}
	require.Len(t, n.cuts, weeks)
	n.lore = lore{leaves: leavesOf(cuts), meanings: meaningsOf(cuts)}
	return n
}

// publish hands over releases; none of them was checked by anybody.
func (n *naive) publish(releases ...aggregate.Release) {
	n.t.Helper()
	for _, r := range releases {
		require.NoError(n.t, n.store.Publish(n.t.Context(), r))
	}
}

// change does what no publisher of ours can.
func (n *naive) change(statements ...string) {
	n.t.Helper()
	db, err := sql.Open("sqlite", "file:"+n.file+"?_pragma=busy_timeout(10000)")
	require.NoError(n.t, err)
	for _, text := range statements {
		_, err = db.ExecContext(n.t.Context(), text)
		require.NoError(n.t, err, text)
	}
	require.NoError(n.t, db.Close())
}

func (n *naive) look() *snapshot {
	n.t.Helper()
	s, err := n.open().snapshot(context.Background())
	require.NoError(n.t, err)
	return s
}

func (n *naive) open() *published {
	return openPublished(n.t, "sqlite", "file:"+n.file+"?mode=ro")
}

// reader reads what is published now, and what was in the snapshots.
func (n *naive) reader(before ...*snapshot) *reader {
	n.t.Helper()
	s := n.look()
	r := &reader{view: newView(n.t, s), snapshots: append(before, s), lore: n.lore}
	r.publisher = n.open()
	return r
}

// node is a place of the tree with all that is below it.
type node struct {
	row    aggregate.Row
	groups []aggregate.Counted
}

func (n node) installs() int { return aggregate.Batch{Groups: n.groups}.Installs() }

// nodesOf are all places of the tree that installs are at, from the top to the bottom.
func nodesOf(groups []aggregate.Counted) []node {
	found := map[string]*node{}
	put := func(row aggregate.Row, g aggregate.Counted) {
		key := row.Key()
		if found[key] == nil {
			found[key] = &node{row: row}
		}
		found[key].groups = append(found[key].groups, g)
	}
	for _, g := range groups {
		put(aggregate.Row{Level: aggregate.LevelTotal}, g)
		row := aggregate.Row{Level: aggregate.LevelNetwork, NetworkID: g.NetworkID}
		put(row, g)
		row.IDKind = g.IDKind
		if g.IDKind == aggregate.IDCampaign {
			row.Level, row.Source2 = aggregate.LevelSrc2, g.Source
			put(row, g)
			continue
		}
		for digits := 2; digits <= len(g.Source); digits++ {
			short := g.Source[len(g.Source)-digits:]
			if g.ShortForm == aggregate.ShortFirst {
				short = g.Source[:digits]
			}
			switch digits {
			case 2:
				row.Level, row.Source2 = aggregate.LevelSrc2, short
			case 3:
				row.Level, row.Source3 = aggregate.LevelSrc3, short
			case 4:
				row.Level, row.Source4 = aggregate.LevelSrc4, short
			}
			put(row, g)
		}
		if len(g.Source) < 4 {
			row.Level = aggregate.LevelWithheld
			put(row, g)
		}
	}
	out := make([]node, 0, len(found))
	for _, key := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[key])
	}
	return out
}

// at gives the installs of each row of a cut.
func at(rows []aggregate.Row, groups []aggregate.Counted) []node {
	x := &release{}
	for _, r := range rows {
		x.rows = append(x.rows, &row{key: r.Key(), level: r.Level})
	}
	var leaves []string
	for _, g := range groups {
		leaves = append(leaves, place(g))
	}
	slices.Sort(leaves)
	covers, out := x.covers(slices.Compact(leaves)), make([]node, len(rows))
	for i, r := range rows {
		out[i].row = r
		for _, g := range groups {
			if slices.Contains(covers[r.Key()], place(g)) {
				out[i].groups = append(out[i].groups, g)
			}
		}
	}
	return out
}

// measured shows each measure of a node by itself, or not.
func (n node) measured(show func(n, among int) bool) aggregate.Row {
	row, count := n.row, map[string]int{}
	row.NullInstalls, row.Payers, row.Redownloads = nil, nil, nil
	row.RevenueMin, row.RevenueEst, row.RevenueMax = nil, nil, nil
	var least, est, most decimal.Decimal
	for _, g := range n.groups {
		count["installs"] += g.N
		count[g.Kind+g.Coarse] += g.N
		if g.Redownload {
			count["redownloads"] += g.N
		}
		if g.Kind == aggregate.ValueFine && g.Payer {
			count["payers"] += g.N
			times := decimal.NewFromInt(int64(g.N))
			least, est = least.Add(g.RevenueMin.Mul(times)), est.Add(g.RevenueEst.Mul(times))
			if g.RevenueMax != nil {
				most = most.Add(g.RevenueMax.Mul(times))
			}
		}
	}
	shown := func(name string, among int) *int {
		if !show(count[name], among) {
			return nil
		}
		return ptr(count[name])
	}
	all := count["installs"]
	row.Installs, row.NullInstalls, row.UnsetInstalls = all, shown(aggregate.ValueNull, all), shown(aggregate.ValueUnset, all)
	row.UnmappedInstalls, row.FineInstalls = shown(aggregate.ValueUnmapped, all), shown(aggregate.ValueFine, all)
	row.CoarseLow, row.CoarseMedium = shown("coarselow", all), shown("coarsemedium", all)
	row.CoarseHigh, row.Redownloads = shown("coarsehigh", all), shown("redownloads", all)
	row.Payers = shown("payers", count[aggregate.ValueFine])
	if count["payers"] > 0 { // money is no count, so it needs no threshold
		row.RevenueMin, row.RevenueEst, row.RevenueMax = &least, &est, &most
	}
	return row
}

func everything(int, int) bool { return true }

// atLeast is what most dashboards do: a count below b is NULL, and nothing else.
func atLeast(b int) func(n, among int) bool {
	return func(n, _ int) bool { return n == 0 || n >= b }
}

// line is a release of another name over other rows.
func (c cut) line(suffix string, rows []aggregate.Row) aggregate.Release {
	r := c.release
	r.ID += suffix
	slices.SortFunc(rows, func(a, b aggregate.Row) int { return cmp.Compare(a.Key(), b.Key()) })
	r.Rows = rows
	return r
}

// arrivals are the weekly app's installs of an index that were counted in [from, to).
func (n *naive) arrivals(index int, from, to time.Time, forged bool) (groups []aggregate.Counted) {
	all := n.truth.counts
	if forged {
		all = slices.Concat(all, n.truth.forged)
	}
	for _, a := range all {
		if a.app == weeklyApp && a.index == index && a.kind == aggregate.KindInstall && !a.at.Before(from) && a.at.Before(to) {
			groups = append(groups, a.group)
		}
	}
	return groups
}

// over cuts arrivals as if nothing else had been published of them.
func over(c cut, from, to time.Time, groups []aggregate.Counted, k int) aggregate.Release {
	s := c.release.Settings
	s.K, s.B = k, min(s.B, k)
	r := c.line(fmt.Sprintf(".%s.%s.%d", from.Format(time.DateOnly), to.Format(time.DateOnly), k), nil)
	r.Window, r.WindowStart = aggregate.Window{Start: from, End: to}, from
	r.Rows = aggregate.Cut(c.release.Dataset, s, aggregate.Batch{Groups: groups}).Rows
	r.K, r.B = s.K, s.B
	return r
}
