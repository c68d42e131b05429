package schema

import "github.com/shopspring/decimal"

const (
	maxFine   = 63 // six bits
	maxWindow = 2
)

// Value is the conversion value of one postback.
type Value struct {
	Index  int    // the conversion window; 0 for SKAdNetwork 1-3
	Fine   *int   // 0-63; nil: none came
	Coarse string // low, medium, high; "": none came
	// Digits is the length of the source identifier; 0 when there is none.
	Digits       int
	Reengagement bool
}

// State says what became of a value.
type State string

// The states of a value.
const (
	StateDecoded  State = "decoded"
	StateUnmapped State = "unmapped" // the document has no row for it
	StateReserved State = "reserved" // it lies in a reserved gap: the phone runs another document
	StateNull     State = "null"     // Apple withheld it: unknown, never a zero
	StateUnset    State = "unset"    // it was not withheld, so the app never set one
)

// DecodedEvent is an event that a decoded value vouches for, as the document has it.
type DecodedEvent = MappedEvent

// Decoded is what a value says about one install. Events, amounts and Payer mean
// something only in StateDecoded; otherwise they are empty and zero.
type Decoded struct {
	State  State
	Events []DecodedEvent
	// The revenue of the install in the currency of the document, summed over the
	// events, each clamped at the cap. RevenueMax nil: open, and no cap.
	RevenueMin, RevenueEst decimal.Decimal
	RevenueMax             *decimal.Decimal
	// EstimateMissing marks a coarse level with revenue and without revenue_est.
	// What it is worth depends on the app's own mix of fine values; until that is
	// asked, RevenueEst is only the floor, RevenueMin.
	EstimateMissing bool
	Payer           bool // some event's revenue band is not zero
	Clamped         bool // the cap cut an amount
	Overlap         bool // the fine value carries the overlap bit
}

// Undecoded is the state of a value for which there is no document. Apple gives a
// fine value with 3 or 4 digits of the source identifier (crowd tiers 2 and 3), so
// no value beside them at index 0 was never set; anything else without a value may
// have been withheld.
func Undecoded(v Value) State {
	switch {
	case v.Fine != nil || v.Coarse != "":
		return StateUnmapped
	case v.Index == 0 && (v.Digits == 3 || v.Digits == 4):
		return StateUnset
	default:
		return StateNull
	}
}

// Decode looks the value up. It never fails: a value that the document does not
// know is unmapped. A coarse value never becomes a fine one; should a value carry
// both, which Apple never sends, the fine one counts.
func (d *Document) Decode(v Value) Decoded {
	out := Decoded{State: Undecoded(v), RevenueMax: &decimal.Decimal{}}
	if v.Fine != nil {
		out.Overlap = d.hasOverlapBit(*v.Fine)
	}
	w := d.window(v.Index, v.Reengagement)
	if out.State != StateUnmapped || w == nil {
		return out
	}
	if v.Fine == nil {
		l, ok := w.Coarse[v.Coarse]
		if ok && levelRank(v.Coarse) >= 0 {
			d.fill(&out, l.Events, true, l.RevenueEst)
		}
		return out
	}
	row, state := d.row(w, *v.Fine)
	out.State = state
	if row != nil {
		d.fill(&out, row.Events, false, nil)
	}
	return out
}

// row finds the row of a fine value. The overlap bit is the phone's remark beside
// the value: a table may list both halves, or only the half without the bit.
func (d *Document) row(w *Window, value int) (*Row, State) {
	if value < 0 || value > maxFine {
		return nil, StateUnmapped
	}
	if w.isReserved(value) {
		return nil, StateReserved
	}
	for i := range w.Fine {
		if w.Fine[i].Value == value {
			return &w.Fine[i], StateDecoded
		}
	}
	if d.hasOverlapBit(value) {
		return d.row(w, value&^(1<<*d.OverlapBit))
	}
	return nil, StateUnmapped
}

func (d *Document) hasOverlapBit(value int) bool {
	return d.OverlapBit != nil && *d.OverlapBit >= 0 && value >= 0 && value <= maxFine &&
		value>>*d.OverlapBit&1 == 1
}

// fill adds up the events of a row or level.
func (d *Document) fill(out *Decoded, events []MappedEvent, coarse bool, explicit *decimal.Decimal) {
	out.State = StateDecoded
	out.Events = append([]DecodedEvent{}, events...)
	var low, est, high decimal.Decimal
	open := false
	for _, e := range events {
		b, ok := e.revenueBand()
		if !ok {
			continue
		}
		out.Payer = out.Payer || e.pays()
		low = low.Add(b.min)
		if b.max == nil {
			open = true
		} else {
			high = high.Add(*b.max)
		}
		if coarse {
			est = est.Add(b.min)
			out.EstimateMissing = out.EstimateMissing || e.pays()
		} else {
			est = est.Add(d.estimate(e, b))
		}
	}
	if explicit != nil {
		est, out.EstimateMissing = *explicit, false
	}
	out.RevenueMin, out.RevenueEst = d.clamp(out, low), d.clamp(out, est)
	switch {
	case !open:
		high = d.clamp(out, high)
		out.RevenueMax = &high
	case d.RevenueCap != nil:
		out.Clamped = true
		limit := *d.RevenueCap
		out.RevenueMax = &limit
	default:
		out.RevenueMax = nil
	}
}

// estimate is the explicit one, else the midpoint of a closed band, else the
// document's mean of open bands, else the least that the band allows.
func (d *Document) estimate(e MappedEvent, b band) decimal.Decimal {
	switch {
	case e.RevenueEst != nil:
		return *e.RevenueEst
	case b.max != nil:
		return b.min.Add(*b.max).Mul(half) // exact: halving adds one decimal
	case d.OpenBandMean != nil:
		return *d.OpenBandMean
	default:
		return b.min
	}
}

var half = decimal.New(5, -1)

func (d *Document) clamp(out *Decoded, x decimal.Decimal) decimal.Decimal {
	if d.RevenueCap != nil && x.GreaterThan(*d.RevenueCap) {
		out.Clamped = true
		return *d.RevenueCap
	}
	return x
}

// OpenRevenue reports that some row or level has an open band and there is no
// cap, so that the revenue of an install has no upper bound. It is a property of
// the document alone: whoever publishes bounds asks it instead of the data.
func (d *Document) OpenRevenue() bool {
	return d.RevenueCap == nil && d.anyEvent(func(e MappedEvent) bool {
		b, ok := e.revenueBand()
		return ok && b.max == nil
	})
}

// MeasuresRevenue reports whether any value says something about revenue. Where
// none does, the zero of a decoded value is not a statement.
func (d *Document) MeasuresRevenue() bool {
	return d.anyEvent(func(e MappedEvent) bool { _, ok := e.revenueBand(); return ok })
}

func (d *Document) anyEvent(is func(MappedEvent) bool) bool {
	for _, ws := range [][]Window{d.Windows, d.ReengagementWindows} {
		for _, w := range ws {
			for _, r := range w.Fine {
				for _, e := range r.Events {
					if is(e) {
						return true
					}
				}
			}
			for _, l := range w.Coarse {
				for _, e := range l.Events {
					if is(e) {
						return true
					}
				}
			}
		}
	}
	return false
}
