// Package schema owns the meaning of conversion values: the document that maps
// values to events and revenue, its checks, and both directions of the mapping
// (decode what a postback carries, encode what a phone has to set).
//
// It refuses I/O of any kind, clocks, versions and history (a document does not
// know when it is in force), currency conversion, and binary floating point:
// money is read by its digits and written as decimal strings.
package schema

import (
	"encoding/json"

	"github.com/shopspring/decimal"
)

// Document is one schema as it is edited, published, stored and served. Parse is
// the only way in: it keeps the order of the input, so that the pointers of
// Validate fit what the user wrote. A Document is not changed by any method.
type Document struct {
	AppID         int64    `json:"app_id,omitempty"`
	Name          string   `json:"name,omitempty"`
	Currency      string   `json:"currency,omitempty"`       // ISO 4217 of every amount in here
	RevenueSource string   `json:"revenue_source,omitempty"` // iap, ads, all; "" when not said
	Windows       []Window `json:"windows"`

	// ReengagementWindows decode re-engagement postbacks (AdAttributionKit); when
	// there are none, Windows does.
	ReengagementWindows []Window `json:"reengagement_windows,omitempty"`

	// RevenueCap is the most that one install may count for; nil: no cap.
	RevenueCap *decimal.Decimal `json:"revenue_cap,omitempty"`
	// OpenBandMean is the estimate of a revenue band without a maximum.
	OpenBandMean *decimal.Decimal `json:"open_band_mean,omitempty"`
	// OverlapBit is the bit (0-5) of the fine value by which the phone marks an
	// install that the deterministic side counts too.
	OverlapBit *int `json:"overlap_bit,omitempty"`

	// Layout is the model that the table was written with, as JSON (see Layout and
	// Expand). The table is what decodes: Decode and Encode never read the layout.
	Layout json.RawMessage `json:"layout,omitempty"`
}

// Window is the table of one of Apple's conversion windows.
type Window struct {
	Index    int              `json:"index"`          // 0-2: days 0-2, 3-7, 8-35 after the first launch
	Fine     []Row            `json:"fine,omitempty"` // index 0 only; SKAdNetwork 1-3 use it too
	Coarse   map[string]Level `json:"coarse,omitempty"`
	Reserved [][2]int         `json:"reserved,omitempty"` // fine values kept free, both ends included
	Lock     *Lock            `json:"lock,omitempty"`
}

// Row gives a fine value its meaning: all its events happened. A row without
// events says that the app was installed and nothing else.
type Row struct {
	Value  int           `json:"value"` // 0-63
	Events []MappedEvent `json:"events"`
}

// Level gives a coarse value its meaning.
type Level struct {
	Events     []MappedEvent    `json:"events"`
	RevenueEst *decimal.Decimal `json:"revenue_est,omitempty"` // of an install at this level
}

// MappedEvent is one condition of a row or a level. Counts and revenue are those
// of the event for one install within the window, not of one occurrence. A
// minimum is included; a maximum is excluded where another band of the event
// begins at it, and included otherwise; no maximum is an open band.
type MappedEvent struct {
	Name        string           `json:"name"`
	PartnerName string           `json:"partner_name,omitempty"` // what networks call it
	CountMin    *int             `json:"count_min,omitempty"`    // nil: 1, it happened
	CountMax    *int             `json:"count_max,omitempty"`
	RevenueMin  *decimal.Decimal `json:"revenue_min,omitempty"` // nil beside a maximum or an estimate: 0
	RevenueMax  *decimal.Decimal `json:"revenue_max,omitempty"`
	RevenueEst  *decimal.Decimal `json:"revenue_est,omitempty"` // instead of the midpoint or OpenBandMean
}

// The triggers of a lock.
const (
	LockTime   = "time"   // hours into the window
	LockEvent  = "event"  // the event happened
	LockFine   = "fine"   // this fine value, or a higher one, was reached
	LockCoarse = "coarse" // this coarse value, or a higher one, was reached
)

// Lock ends a window early: what the phone set until then is what Apple sends.
type Lock struct {
	On     string
	Number int    // time: hours into the window; fine: 0-63
	Name   string // event: its name; coarse: the level
}

// MarshalJSON writes {"on", "value"}, with the value that fits the trigger.
func (l Lock) MarshalJSON() ([]byte, error) {
	var v any = l.Number
	if l.On == LockEvent || l.On == LockCoarse {
		v = l.Name
	}
	return json.Marshal(struct {
		On    string `json:"on"`
		Value any    `json:"value"`
	}{l.On, v})
}

// levels are Apple's coarse values from low to high.
var levels = []string{"low", "medium", "high"}

func levelRank(level string) int {
	for i, l := range levels {
		if l == level {
			return i
		}
	}
	return -1
}

// window finds the table for an index; nil when the document has none.
func (d *Document) window(index int, reengagement bool) *Window {
	ws := d.Windows
	if reengagement && len(d.ReengagementWindows) > 0 {
		ws = d.ReengagementWindows
	}
	for i := range ws {
		if ws[i].Index == index {
			return &ws[i]
		}
	}
	return nil
}

// isReserved reports whether the fine value lies in a reserved gap.
func (w *Window) isReserved(value int) bool {
	for _, r := range w.Reserved {
		if value >= r[0] && value <= r[1] {
			return true
		}
	}
	return false
}
