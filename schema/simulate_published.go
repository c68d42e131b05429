package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

// PublishedWindow is what histograms say about one conversion window under the
// draft. Installs are counted where their bins are not withheld.
type PublishedWindow struct {
	Index        int   `json:"index"`
	Installs     int64 `json:"installs"`
	WithheldBins int   `json:"withheld_bins"` // bins of unknown size: see Histogram.NullHoldsWithheld

	Null     int64 `json:"null"`
	Unset    int64 `json:"unset"`
	Unmapped int64 `json:"unmapped"` // under the schema that they were counted with
	Fine     int64 `json:"fine"`
	Coarse   int64 `json:"coarse"`

	// OtherVersions and Unpublished are installs with a value that stands in no bin of
	// this version; they are neither in Installs nor in what the draft makes of it.
	OtherVersions int64 `json:"other_versions"`
	Unpublished   int64 `json:"unpublished"`

	NullShare decimal.Decimal `json:"null_share"` // of Installs and of those without a bin
	// Values are those of the draft, fine before coarse, and those of nothing set.
	Values []ValueShare `json:"values"`
	Unused []string     `json:"unused"` // mapped values that no install is expected to have

	// Payers and Revenue are what the draft would report; the Current ones what the
	// current version reports on the same installs (null without one).
	Payers         Range  `json:"payers"`
	Revenue        Range  `json:"revenue"`
	CurrentPayers  *Range `json:"current_payers"`
	CurrentRevenue *Range `json:"current_revenue"`
	// WithoutEstimate counts installs on coarse levels without revenue_est; they
	// are in Revenue at the least that they can have paid.
	WithoutEstimate decimal.Decimal `json:"without_estimate"`
	// Disputed installs have a value that draft and current version read
	// differently: while both are on phones, it can't be used.
	Disputed      decimal.Decimal `json:"disputed"`
	DisputedShare decimal.Decimal `json:"disputed_share"` // of the installs with a value
}

// ValueShare is the installs that a value of the draft would have.
type ValueShare struct {
	Kind     string          `json:"kind"`  // fine, coarse, or unset: nothing would be set
	Value    string          `json:"value"` // 0-63, low, medium, high, or ""
	Means    string          `json:"means"`
	Installs Range           `json:"installs"`
	Share    decimal.Decimal `json:"share"` // of the window's installs, by the estimate
}

func (s *Simulation) published(draft, current *Document, e Evidence) {
	counted := current
	if counted == nil {
		counted = draft
	}
	runs := map[int]*windowRun{}
	versions := map[int]bool{}
	ambiguous, known := decimal.Zero, decimal.Zero
	nullHolds := false
	for _, h := range e.Histograms {
		n := decimal.Zero
		nullHolds = nullHolds || h.NullHoldsWithheld
		for _, r := range h.Rows {
			w := runs[r.Index]
			if w == nil {
				w = newWindowRun(draft, counted, r.Index)
				runs[r.Index] = w
			}
			w.row(r)
			if r.SchemaVersion > 0 {
				versions[r.SchemaVersion] = true
			}
			if r.Installs != nil {
				n = n.Add(decimal.NewFromInt(*r.Installs))
			}
		}
		if h.AmbiguousShare != nil {
			ambiguous, known = ambiguous.Add(n.Mul(*h.AmbiguousShare)), known.Add(n)
		}
	}
	if !known.IsZero() {
		a := shareOf(ambiguous, known)
		s.AmbiguousShare = &a
	}
	withheld, other, unpublished := 0, int64(0), int64(0)
	for _, index := range slices.Sorted(maps.Keys(runs)) {
		w := runs[index].finish(current != nil)
		withheld += w.WithheldBins
		other, unpublished = other+w.OtherVersions, unpublished+w.Unpublished
		s.Published = append(s.Published, w)
	}
	if len(runs) > 0 && current == nil {
		s.note("The histogram is read as counted under the draft itself; give the current version to see what changes.")
	}
	if len(versions) > 1 {
		s.note("The histogram holds values of %d schema versions; all are read with one.", len(versions))
	}
	if other > 0 {
		s.note("%d installs have values that other schema versions decoded, or several did; they are left out.", other)
	}
	if unpublished > 0 {
		s.note("%d installs have a fine value without a published one, as payers are withheld on their rows; they are left out.", unpublished)
	}
	switch {
	case withheld > 0 && nullHolds:
		s.note("%d counts of published rows are withheld for privacy; their installs are counted as null.", withheld)
	case withheld > 0:
		s.note("%d bins of the histogram are withheld for privacy and are in no number.", withheld)
	}
	if len(runs) > 0 && !draft.Equal(counted) {
		s.note("Installs within a band, and values within a merged bin, are taken to be spread evenly; min and max hold without that.")
	}
}

func (s *Simulation) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// windowRun counts one window.
type windowRun struct {
	PublishedWindow
	draft, counted *Document
	same           bool
	sides          map[string][2]side // by kind: counted, draft
	known          map[string]map[int]outcome
	values         map[string]map[int]*Range
	now, was       measure
}

func newWindowRun(draft, counted *Document, index int) *windowRun {
	w := &windowRun{
		PublishedWindow: PublishedWindow{Index: index, Values: []ValueShare{}, Unused: []string{}},
		draft:           draft, counted: counted, same: draft == counted || draft.Equal(counted),
		sides: map[string][2]side{}, known: map[string]map[int]outcome{}, values: map[string]map[int]*Range{},
	}
	for _, kind := range []string{KindFine, KindCoarse} {
		w.sides[kind] = [2]side{sideOf(counted, index, kind), sideOf(draft, index, kind)}
		w.known[kind] = map[int]outcome{}
		w.values[kind] = map[int]*Range{}
		for _, e := range w.sides[kind][1].table {
			w.values[kind][e.rank] = &Range{Max: &decimal.Decimal{}}
		}
	}
	return w
}

func (w *windowRun) row(r HistogramRow) {
	if r.Installs == nil {
		w.WithheldBins += max(1, r.Withheld)
		return
	}
	n := *r.Installs
	switch r.Kind {
	case KindOtherVersion:
		w.OtherVersions += n
		return
	case KindUnpublished:
		w.Unpublished += n
		return
	}
	w.Installs += n
	switch r.Kind {
	case KindNull:
		w.Null += n
	case KindUnset:
		w.Unset += n
	case KindUnmapped:
		w.Unmapped += n
	default:
		w.bin(r, n)
	}
}

// bin spreads the installs of a bin over those of its values that are mapped.
func (w *windowRun) bin(r HistogramRow, n int64) {
	var ranks []int
	for _, v := range r.values() {
		d := w.counted.Decode(valueOf(r.Index, r.Kind, v))
		if d.State != StateDecoded {
			continue
		}
		rank := v
		if d.Overlap {
			rank &^= 1 << *w.counted.OverlapBit // the remark of the phone is no part of the meaning
		}
		ranks = append(ranks, rank)
	}
	if len(ranks) == 0 {
		w.Unmapped += n
		return
	}
	if r.Kind == KindFine {
		w.Fine += n
	} else {
		w.Coarse += n
	}
	installs := decimal.NewFromInt(n)
	parts := decimal.NewFromInt(int64(len(ranks)))
	bounds := map[int]bool{}
	var now, was measure
	for _, rank := range ranks {
		o := w.outcome(r.Kind, rank)
		part := installs.DivRound(parts, weightDigits)
		for to, weight := range o.shares {
			w.value(r.Kind, to).Est = w.value(r.Kind, to).Est.Add(part.Mul(weight))
			now.expect(w.decode(w.draft, r.Kind, to), part.Mul(weight))
		}
		for to := range o.possible {
			bounds[to] = true
			now.bound(w.decode(w.draft, r.Kind, to))
		}
		was.expect(w.decode(w.counted, r.Kind, rank), part)
		was.bound(w.decode(w.counted, r.Kind, rank))
		if !w.same && !Agree(w.draft, w.counted, valueOf(r.Index, r.Kind, rank)) {
			w.Disputed = w.Disputed.Add(part)
		}
	}
	for to := range bounds {
		v := w.value(r.Kind, to)
		high := v.Max.Add(installs)
		v.Max = &high
		if len(bounds) == 1 {
			v.Min = v.Min.Add(installs)
		}
	}
	w.now.add(now, installs)
	w.was.add(was, installs)
}

func (w *windowRun) value(kind string, rank int) *Range {
	v := w.values[kind][rank]
	if v == nil {
		v = &Range{Max: &decimal.Decimal{}}
		w.values[kind][rank] = v
	}
	return v
}

// decode reads a rank; -1 is an install that sets nothing.
func (w *windowRun) decode(d *Document, kind string, rank int) Decoded {
	if rank < 0 {
		return Decoded{State: StateUnset, RevenueMax: &decimal.Decimal{}}
	}
	return d.Decode(valueOf(w.Index, kind, rank))
}

func (w *windowRun) outcome(kind string, rank int) outcome {
	o, ok := w.known[kind][rank]
	if ok {
		return o
	}
	s := w.sides[kind]
	e := s[0].entryOf(rank)
	switch {
	case w.same || e == nil:
		o = outcome{map[int]decimal.Decimal{rank: unity}, map[int]bool{rank: true}}
	default:
		o = outcomeOf(s[0], *e, s[1])
	}
	w.known[kind][rank] = o
	return o
}

func valueOf(index int, kind string, rank int) Value {
	if kind == KindCoarse {
		return Value{Index: index, Coarse: levels[rank]}
	}
	return Value{Index: index, Fine: &rank, Digits: 4}
}

func rankName(kind string, rank int) string {
	if kind == KindCoarse {
		return levels[rank]
	}
	return strconv.Itoa(rank)
}
