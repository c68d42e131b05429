package schema

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// Evidence is what a draft is tried on. Whoever serves simulations decides what
// may go in here: published histograms hold no single install, but an answer on
// Installs is exact, so that many drafts in a row tell what each install spent.
type Evidence struct {
	Histograms []Histogram
	Installs   []Install
	// K is the least number of installs that may be looked at together: fewer are
	// refused, and whatever fewer have in common is left out of the answer. 0: no
	// limit.
	K int
}

// Install is one install of the deterministic side.
type Install struct {
	Events []Event
	// Revenue stands in place of Events when only the sum of window 0 is known. It
	// is taken for one purchase at once, before any lock.
	Revenue *decimal.Decimal
}

// ErrTooFewInstalls means that there are some installs, but fewer than K.
var ErrTooFewInstalls = errors.New("fewer installs than may be looked at together")

// Simulation is what a draft would make of the evidence. Amounts are in the
// draft's currency; shares are 0 to 1, rounded to six decimals.
type Simulation struct {
	Currency string `json:"currency"`
	// Published holds one entry for each window that histograms counted.
	Published []PublishedWindow `json:"published"`
	// Deterministic holds one entry for each table of the draft that installs
	// could be run through.
	Deterministic []MeasuredTable `json:"deterministic"`
	// Changes is the difference from the current version; null without one.
	Changes []Change `json:"changes"`
	// AmbiguousShare is the mean of the histograms that say theirs, by installs.
	AmbiguousShare *decimal.Decimal `json:"ambiguous_share"`
	Notes          []string         `json:"notes"` // assumptions that matter here
}

// Range is an estimate between bounds; Max is null where there is no bound.
type Range struct {
	Min decimal.Decimal  `json:"min"`
	Est decimal.Decimal  `json:"est"`
	Max *decimal.Decimal `json:"max"`
}

// Simulate runs a draft over the evidence. Histograms were counted under the
// current version, or under the draft itself when current is nil; each current
// value is mapped to the draft values that its installs would have (the rules
// stand at outcomeOf). Installs are encoded with the draft and decoded again, and
// the answer is compared with what they really spent.
//
// Errors: documents that Validate refuses, two currencies, a histogram that does
// not fit, an install that can't be encoded, ErrTooFewInstalls.
func Simulate(draft, current *Document, e Evidence) (Simulation, error) {
	out := Simulation{
		Currency: draft.Currency, Published: []PublishedWindow{}, Deterministic: []MeasuredTable{}, Notes: []string{},
	}
	err := e.check(draft, current)
	if err != nil {
		return out, fmt.Errorf("simulate: %w", err)
	}
	if current != nil {
		out.Changes = Diff(current, draft).Changes
	}
	out.published(draft, current, e)
	err = out.measured(draft, current, e)
	if err != nil {
		return out, fmt.Errorf("simulate: %w", err)
	}
	return out, nil
}

func (e Evidence) check(draft, current *Document) error {
	err := usable("the draft", draft)
	if err != nil {
		return err
	}
	counted := draft
	if current != nil {
		err = usable("the current version", current)
		if err != nil {
			return err
		}
		counted = current
		if draft.Currency != "" && current.Currency != "" && draft.Currency != current.Currency {
			return fmt.Errorf("currency: the draft counts in %s, the current version in %s; amounts can't be compared", draft.Currency, current.Currency)
		}
	}
	for i := range e.Histograms {
		h := &e.Histograms[i]
		err = h.Check()
		switch {
		case err != nil:
			return fmt.Errorf("histogram %d: %w", i+1, err)
		case h.Currency != "" && counted.Currency != "" && h.Currency != counted.Currency:
			return fmt.Errorf("histogram %d: currency: is %s, but the schema that it was counted under has %s", i+1, h.Currency, counted.Currency)
		case h.AppID != 0 && counted.AppID != 0 && h.AppID != counted.AppID:
			return fmt.Errorf("histogram %d: app_id: is %d, but the schema that it was counted under belongs to %d", i+1, h.AppID, counted.AppID)
		}
	}
	return e.enough()
}

// enough holds K, and that the lives can be read.
func (e Evidence) enough() error {
	for n, i := range e.Installs {
		_, _, err := cut(&Window{}, i.Events)
		if err != nil {
			return fmt.Errorf("installs[%d].%w", n, err)
		}
		if r := i.Revenue; r != nil && (r.IsNegative() || len(i.Events) > 0) {
			return fmt.Errorf("installs[%d].revenue: is %s; give an amount of 0 or more, and no events beside it", n, r)
		}
	}
	if n := len(e.Installs); n > 0 && n < e.K {
		return fmt.Errorf("installs: are %d, of %d needed: %w", n, e.K, ErrTooFewInstalls)
	}
	return nil
}

func usable(what string, d *Document) error {
	r := d.Validate()
	if r.OK {
		return nil
	}
	f := r.Errors[0]
	return fmt.Errorf("%s has %d errors, the first %s at %q: %s", what, len(r.Errors), f.Code, f.Pointer, f.Message)
}

// shareOf is part/whole to six decimals; 0 of nothing is 0.
func shareOf(part, whole decimal.Decimal) decimal.Decimal {
	if whole.IsZero() {
		return decimal.Zero
	}
	return part.DivRound(whole, 6)
}
