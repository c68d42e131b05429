package aggregate

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// relabelling is a base release's bins, read by the versions that made them and by
// the new one.
type relabelling struct {
	version   int
	banded    bool
	read      *valueTree // every value under the new version, the cell of value v at v; then what nobody explains
	campaigns map[histogramKey]*campaignBins
	any       change // of any value that the old versions know, had by somebody or not
}

// campaignBins is one published histogram.
type campaignBins struct {
	before, bins []bin // by cells of the old tree, and of the new one
	installs     int
	rows         int  // that it is of: with payers and with fine installs
	stray        bool // it holds values that no version explained: who of them pays is not told
	share        *decimal.Decimal
	changed      change // of the values in its bins
}

// change says whether a value's payer flag, or its amounts, differ between versions.
type change struct{ payers, amounts bool }

func (c *change) add(before, after ValueMeaning) {
	c.payers = c.payers || before.Payer != after.Payer
	c.amounts = c.amounts || !sameAmounts(before, after)
}

func sameAmounts(a, b ValueMeaning) bool {
	return a.RevenueMin.Equal(b.RevenueMin) && a.RevenueEst.Equal(b.RevenueEst) &&
		(a.RevenueMax == nil) == (b.RevenueMax == nil) && (a.RevenueMax == nil || a.RevenueMax.Equal(*b.RevenueMax))
}

// newRelabelling reads the base's bins, and refuses a base that the old versions do
// not give again line by line: then they are not those that it was published with
// (an app that was deleted and described anew begins again at version 1), and what
// its bins mean is not known.
func newRelabelling(base Release, d Decodes) (*relabelling, error) {
	l := &relabelling{
		version: d.New.Version, banded: base.Settings.Revenue == RevenueBanded,
		read: reading(d.New), campaigns: map[histogramKey]*campaignBins{},
	}
	old := newValueTree(append([]Meaning{{}}, d.Old...)) // the empty one: an app without a schema has bins nowhere
	for _, c := range old.cells {
		if !c.stray {
			l.any.add(c.meaning, l.read.cells[c.meaning.Value].meaning)
		}
	}
	err := l.readBins(base, old)
	if err == nil {
		err = l.explain(base, old)
	}
	if err != nil {
		return nil, refuse(base.ID, RefusedUnexplained, "its app's schema versions don't give what it published: %s", err)
	}
	return l, nil
}

// reading is the cells of one version, of every value: what it has no row for says nothing.
func reading(m Meaning) *valueTree {
	t := &valueTree{events: m.Events, newest: len(m.Events)}
	for value := range maxValue + 1 {
		t.cells = append(t.cells, cell{version: m.Version, meaning: ValueMeaning{Value: value, RevenueMax: &decimal.Decimal{}}})
	}
	for _, v := range m.Values {
		t.cells[v.Value].meaning = v
	}
	t.cells = append(t.cells, cell{stray: true})
	return t
}

func (l *relabelling) keys() iter.Seq[histogramKey] { return maps.Keys(l.campaigns) }

func (l *relabelling) readBins(base Release, old *valueTree) error {
	for _, v := range base.Values {
		if v.Kind != BinFine {
			continue
		}
		key := histogramKey{v.NetworkID, v.IDKind, v.Source2}
		c := l.campaigns[key]
		if c == nil {
			c = &campaignBins{}
			l.campaigns[key] = c
		}
		before, err := old.readBin(v)
		if err != nil {
			return fmt.Errorf("bin %q: %w", v.Values, err)
		}
		after := bin{n: before.n}
		for _, i := range before.cells {
			was := old.cells[i]
			if was.stray {
				c.stray = true
				after.cells = append(after.cells, len(l.read.cells)-1)
				continue
			}
			c.changed.add(was.meaning, l.read.cells[was.meaning.Value].meaning)
			after.cells = append(after.cells, was.meaning.Value)
		}
		slices.Sort(after.cells)
		after.cells = slices.Compact(after.cells) // one value under two versions is one under the new
		c.before, c.bins, c.installs = append(c.before, before), append(c.bins, after), c.installs+before.n
	}
	for _, r := range base.Rows {
		if c := l.campaigns[campaignOf(r)]; c != nil && r.Payers != nil && *r.FineInstalls > 0 {
			c.rows++
		}
	}
	for _, e := range base.Events {
		if c := l.campaigns[histogramKey{e.NetworkID, e.IDKind, e.Source2}]; c != nil {
			c.share = e.AmbiguousShare
		}
	}
	// Bins of one value under several versions have no order of their own any more.
	for _, c := range l.campaigns {
		slices.SortFunc(c.bins, func(a, b bin) int { return b.n - a.n })
	}
	return nil
}

// readBin finds the cells of a published bin by its value list and versions.
func (t *valueTree) readBin(v ValueBin) (bin, error) {
	b := bin{}
	if v.Installs == nil {
		return b, errors.New("it has no installs")
	}
	b.n = *v.Installs
	if v.Values == "" {
		b.cells = []int{len(t.cells) - 1}
		return b, nil
	}
	for part := range strings.SplitSeq(v.Values, ";") {
		version, list := v.SchemaVersion, part
		if named, rest, several := strings.Cut(part, ":"); several {
			n, err := strconv.Atoi(named)
			if err != nil {
				return b, fmt.Errorf("version: %w", err)
			}
			version, list = n, rest
		}
		values, err := schema.FineBin(list)
		if err != nil {
			return b, err
		}
		for value := values.From; value <= values.To; value++ {
			if values.Values != nil && !slices.Contains(values.Values, value) {
				continue
			}
			i := slices.IndexFunc(t.cells, func(c cell) bool {
				return !c.stray && c.version == version && c.meaning.Value == value
			})
			if i < 0 {
				return b, fmt.Errorf("version %d has no value %d of this meaning", version, value)
			}
			b.cells = append(b.cells, i)
		}
	}
	return b, nil
}

// explain makes the base's bins and events anew from what the old versions mean.
func (l *relabelling) explain(base Release, old *valueTree) error {
	err := Published{Rows: base.Rows, Values: base.Values}.checkValues(base.B)
	if err != nil {
		return err
	}
	var values []ValueBin
	var events []EventCount
	for key, c := range l.campaigns {
		values = append(values, key.label(old.values(c.before))...)
		events = append(events, key.labelEvents(old.eventCounts(c.before, c.share))...)
	}
	switch {
	case !sameValues(base.Values, values):
		return errors.New("bins differ in what their values are worth")
	case !sameEvents(base.Events, events):
		return errors.New("events differ")
	}
	return nil
}
