package schema

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// The kinds of a histogram's rows. Fine and coarse rows count installs with a
// value, the others installs without one that could be decoded.
const (
	KindFine     = "fine"
	KindCoarse   = "coarse"
	KindNull     = string(StateNull)
	KindUnset    = string(StateUnset)
	KindUnmapped = string(StateUnmapped)
)

// Installs with a value that this histogram can't give, so that they are known to
// be missing from its bins.
const (
	KindOtherVersion = "other_version" // another schema version decoded it, or several did
	KindUnpublished  = "unpublished"   // a fine value, on rows that have no published histogram
)

// Histogram counts the installs of an app by conversion value, as it is published
// for sealed windows. It holds no single install.
type Histogram struct {
	AppID    int64  // 0: not said
	Currency string // of the document that the values were counted under; "": not said
	// AmbiguousShare is the share of the installs that two schema versions may have
	// set, 0 to 1; nil: not said.
	AmbiguousShare *decimal.Decimal
	// NullHoldsWithheld says that installs of withheld rows are counted as null, as
	// in the kinds of published rows. In other histograms they are in no number.
	NullHoldsWithheld bool
	Rows              []HistogramRow
}

// HistogramRow is one bin. Privacy merges what is small, so a bin may hold several
// values, and not always neighbours.
type HistogramRow struct {
	Index int // the conversion window, 0-2
	Kind  string
	// From and To are the first and last value of the bin: 0-63, or of coarse rows
	// 0-2 for low to high. Other kinds have none.
	From, To int
	// Values are exactly the values of a fine bin with gaps, ascending from From to
	// To; nil where the bin holds all from From to To.
	Values   []int
	Installs *int64 // nil: withheld, which is never zero
	Withheld int    // how many withheld bins this row stands for; 0: itself
	// SchemaVersion is the version the values were decoded with; 0: not said.
	SchemaVersion int
}

// check says what is wrong with a bin, beginning with the member.
func (r HistogramRow) check() error {
	most := 0
	switch {
	case r.Index < 0 || r.Index > maxWindow:
		return fmt.Errorf("index: is %d; give the conversion window, 0 to 2", r.Index)
	case r.Installs != nil && (*r.Installs < 0 || *r.Installs > maxInstalls):
		return fmt.Errorf("installs: is %d; give 0 to %d, or null for withheld", *r.Installs, int64(maxInstalls))
	case r.SchemaVersion < 0:
		return fmt.Errorf("schema_version: is %d; versions begin at 1", r.SchemaVersion)
	case r.Withheld < 0 || r.Withheld > 0 && r.Installs != nil:
		return fmt.Errorf("withheld: is %d; give how many bins a row without installs stands for", r.Withheld)
	}
	switch r.Kind {
	case KindNull, KindUnset, KindUnmapped, KindOtherVersion, KindUnpublished:
	case KindFine:
		most = maxFine
		if r.Index > 0 {
			return fmt.Errorf("kind: is fine in window %d; only window 0 has fine values", r.Index)
		}
	case KindCoarse:
		most = len(levels) - 1
	default:
		return fmt.Errorf("kind: is %.30q; use fine, coarse, null, unset, unmapped, other_version or unpublished", r.Kind)
	}
	if r.From < 0 || r.To < r.From || r.To > most {
		return fmt.Errorf("value: is %d to %d; a %s bin lies within 0 to %d", r.From, r.To, r.Kind, most)
	}
	return r.checkValues()
}

// maxInstalls bounds one bin, so that sums stay exact in 64 bits.
const maxInstalls = 1 << 40

// Check reports the first thing that keeps the histogram from being counted.
func (h *Histogram) Check() error {
	if h.Currency != "" && !CurrencyKnown(h.Currency) {
		return fmt.Errorf("currency: %.10q is not a currency; use an ISO 4217 code such as USD", h.Currency)
	}
	if s := h.AmbiguousShare; s != nil && (s.IsNegative() || s.GreaterThan(unity)) {
		return fmt.Errorf("ambiguous_share: is %s; give a share from 0 to 1", s)
	}
	if len(h.Rows) > maxHistogramRows {
		return fmt.Errorf("rows: are %d; at most %d are read", len(h.Rows), maxHistogramRows)
	}
	for i, r := range h.Rows {
		err := r.check()
		if err != nil {
			return fmt.Errorf("rows[%d].%w", i, err)
		}
	}
	return nil
}

const maxHistogramRows = 100_000

var unity = decimal.NewFromInt(1)
