package aggregate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// CombinedMethod is the version of how both sides are put together.
const CombinedMethod = 1

// Where an overlap is known from.
const (
	OverlapBit      = "bit"      // fine values with the schema's overlap bit; what carries no fine value is modelled
	OverlapModelled = "modelled" // the share of reported installs whose postback counts
	OverlapNone     = "none"     // one side has nothing there
)

// LevelOrganic is the row of installs that are on neither side's account.
const LevelOrganic = "organic"

// CombinedPeriod is how long a period is: short ones would let a reader take one from
// the next and see how few people both sides share.
const CombinedPeriod = 28 * 24 * time.Hour

var firstPeriod = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)

// PeriodAt is the period that t lies in. Periods are counted from a fixed Monday, so
// that nobody can shift them, and every day and week lies in one.
func PeriodAt(t time.Time) Window {
	n := t.UTC().Sub(firstPeriod) / CombinedPeriod
	start := firstPeriod.Add(n * CombinedPeriod)
	return Window{Start: start, End: start.Add(CombinedPeriod)}
}

// CombinedDataset is both sides of an app.
func CombinedDataset(appID int64) Dataset {
	return Dataset{AppID: appID, Kind: KindCombined, Environment: EnvProduction}
}

// Sides is what both sides have published of a period: rows, release by release. It
// holds nothing else, so that nothing can be told by combined that its reader could
// not work out.
type Sides struct {
	K             int // the greatest of the releases
	SKAN          [][]Row
	Deterministic [][]Row
	Bits          []OverlapBits // empty: the schema has no overlap bit
	AllInstalls   bool          // the app reports every install, ad or not
}

// OverlapBits is how many installs of a campaign are in published bins whose values all
// have the overlap bit, and in bins none of whose values has.
type OverlapBits struct {
	NetworkID, IDKind, Source2 string
	With, Without              int
}

// CombinedRow is one line of `combined`. Estimates and bounds are installs; both bounds
// are those of an interval that is to hold the truth in 9 of 10 lines.
type CombinedRow struct {
	Level     string `json:"level"` // network, src2, other, total, organic
	NetworkID string `json:"network_id"`
	IDKind    string `json:"id_kind"`
	Source2   string `json:"source_2"`

	SKAN          *int `json:"skan"` // sums of published rows; nil: organic
	Deterministic int  `json:"deterministic"`

	Overlap  *Interval `json:"overlap"` // nil: organic
	Source   string    `json:"source"`  // bit, modelled, none; "": organic
	Combined Interval  `json:"combined"`
}

// Key is the place of the row, as Row.Key spells it.
func (n CombinedRow) Key() string {
	if n.Level == LevelOrganic {
		return "%" + LevelOrganic // whatever a network calls itself
	}
	return Row{Level: n.Level, NetworkID: n.NetworkID, IDKind: n.IDKind, Source2: n.Source2}.Key()
}

// Combine puts both sides together on a coarsening that both cuts have: the networks,
// and below them the campaigns, that every release of both sides tells of in full; what
// is left is `other`. Each row's overlap and both remainders are 0 or at least k, or it
// joins what is left. nil: not even the whole can be told.
func Combine(s Sides) []CombinedRow {
	c := combiner{k: s.K}
	c.share = c.appShare(s)
	top := c.node(s, CombinedRow{Level: LevelTotal})
	if installsOf(top.sides.SKAN) == 0 || installsOf(top.sides.Deterministic) == 0 {
		return nil // one side alone says all there is
	}
	rows := c.split(top)
	if rows == nil {
		return nil
	}
	if s.AllInstalls {
		if organic, ok := c.organic(s, top); ok {
			rows = append(rows, organic)
		}
	}
	slices.SortFunc(rows, func(a, b CombinedRow) int { return strings.Compare(a.Key(), b.Key()) })
	return rows
}

type combiner struct {
	k     int
	share beta // of reported installs whose postback counts
}

// shared is a node of the coarsening: what both sides have published of it.
type shared struct {
	row   CombinedRow
	sides Sides // the rows of the node
}

func (c combiner) node(s Sides, row CombinedRow) shared {
	return shared{row, Sides{K: s.K, SKAN: s.SKAN, Deterministic: attributedRows(s.Deterministic), Bits: s.Bits}}
}

func attributedRows(releases [][]Row) [][]Row {
	return pick(releases, func(r Row) bool { return r.NetworkID != Organic })
}

// pick keeps the releases, with those of their rows.
func pick(releases [][]Row, is func(Row) bool) [][]Row {
	out := make([][]Row, len(releases))
	for i, rows := range releases {
		for _, r := range rows {
			if is(r) {
				out[i] = append(out[i], r)
			}
		}
	}
	return out
}

func installsOf(releases [][]Row) (n int) {
	for _, rows := range releases {
		for _, r := range rows {
			n += r.Installs
		}
	}
	return n
}

// split gives the rows of a node: those of its children that may be told, and the rest
// together; else the node itself; nil if it may not be told either.
func (c combiner) split(n shared) []CombinedRow {
	var visible []shared
	for _, child := range n.children() {
		if _, ok := c.tell(child); ok {
			visible = append(visible, child)
		}
	}
	slices.SortFunc(visible, func(a, b shared) int { // the largest first
		return cmp.Or(b.size()-a.size(), strings.Compare(a.row.Key(), b.row.Key()))
	})
	for ; len(visible) > 0; visible = visible[:len(visible)-1] {
		rest := n.without(visible)
		var rows []CombinedRow
		if rest.size() > 0 {
			row, ok := c.tell(rest)
			if !ok {
				continue
			}
			rows = append(rows, row)
		}
		for _, child := range visible {
			rows = append(rows, c.split(child)...)
		}
		return rows
	}
	row, ok := c.tell(n)
	if !ok {
		return nil
	}
	return []CombinedRow{row}
}

func (n shared) size() int { return installsOf(n.sides.SKAN) + installsOf(n.sides.Deterministic) }

// children are those that both sides tell of in full.
func (n shared) children() []shared {
	found := map[string]CombinedRow{}
	for _, rows := range slices.Concat(n.sides.SKAN, n.sides.Deterministic) {
		for _, r := range rows {
			if child, ok := n.row.child(r); ok {
				found[child.Key()] = child
			}
		}
	}
	var out []shared
	for _, key := range slices.Sorted(maps.Keys(found)) {
		child := found[key]
		if n.row.complete(child, n.sides.SKAN) && n.row.complete(child, n.sides.Deterministic) {
			out = append(out, n.of(child, func(r CombinedRow) bool { return r == child }))
		}
	}
	return out
}

// child is the child of the node that a published row belongs to, if its row says so.
func (n CombinedRow) child(r Row) (CombinedRow, bool) {
	switch {
	case n.Level == LevelTotal && r.NetworkID != "":
		return CombinedRow{Level: LevelNetwork, NetworkID: r.NetworkID}, true
	case n.Level == LevelNetwork && r.Source2 != "":
		return CombinedRow{Level: LevelSrc2, NetworkID: r.NetworkID, IDKind: r.IDKind, Source2: r.Source2}, true
	}
	return CombinedRow{}, false
}

// complete reports whether every release tells of all installs of the child: it has
// rows of it, or none that could hold some. Installs of which a network does not say
// the campaign may be of any.
func (n CombinedRow) complete(child CombinedRow, releases [][]Row) bool {
	for _, rows := range releases {
		there, elsewhere := false, false
		for _, r := range rows {
			own, ok := n.child(r)
			switch {
			case ok:
				there = there || own == child
			case n.Level == LevelNetwork && r.Level == LevelWithheld:
				return false
			default:
				elsewhere = true
			}
		}
		if !there && elsewhere {
			return false
		}
	}
	return true
}

// of is the part of the node whose rows are of such a child.
func (n shared) of(row CombinedRow, is func(CombinedRow) bool) shared {
	belongs := func(r Row) bool {
		child, _ := n.row.child(r) // of what is in no child, nothing
		return is(child)
	}
	out := shared{row: row, sides: Sides{K: n.sides.K, SKAN: pick(n.sides.SKAN, belongs), Deterministic: pick(n.sides.Deterministic, belongs)}}
	for _, b := range n.sides.Bits {
		if belongs(Row{NetworkID: b.NetworkID, IDKind: b.IDKind, Source2: b.Source2}) {
			out.sides.Bits = append(out.sides.Bits, b)
		}
	}
	return out
}

// without is what the node holds beside these children.
func (n shared) without(children []shared) shared {
	row := n.row
	row.Level = LevelOther
	return n.of(row, func(r CombinedRow) bool {
		return !slices.ContainsFunc(children, func(c shared) bool { return c.row == r })
	})
}

// checkCombined refuses to let out what has a part of 1 to k-1.
func checkCombined(rows []CombinedRow, k int) error {
	for _, r := range rows {
		if r.Overlap == nil {
			continue
		}
		for _, n := range []int{r.Overlap.Est, *r.SKAN - r.Overlap.Est, r.Deterministic - r.Overlap.Est} {
			if !holds(n, k) {
				return fmt.Errorf("combined row %s has a part below k", r.Key())
			}
		}
	}
	return nil
}
