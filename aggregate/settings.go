package aggregate

import (
	"fmt"
	"regexp"
	"time"
)

// The floors of the privacy promise stand beside the knobs: configuration below
// them is refused when it is read, so nothing later has to ask.
const (
	FloorK   = 10
	FloorB   = 3
	MinDepth = 2
	MaxDepth = 4
)

// How an app publishes revenue.
const (
	RevenueExact  = "exact"  // sums on rows, beside payers
	RevenueBanded = "banded" // never on rows: with a price list, small exact sums can be solved
)

// Settings of one app. A change applies from the next window not yet begun.
type Settings struct {
	K         int           `json:"k"`     // installs a row needs: this value must be >= 10
	B         int           `json:"b"`     // installs a measure needs: must be >= 3 and <= k
	Depth     int           `json:"depth"` // source digits the tree goes down to: 2, 3 or 4
	Window    WindowKind    `json:"window"`
	Currency  string        `json:"currency"` // ISO 4217
	Revenue   string        `json:"revenue"`  // exact, banded
	SealDelay time.Duration `json:"seal_delay"`

	// Noised views, and what they spend together on one dataset and window: a decimal,
	// 0.1 to 4. None is the default.
	Crossings       []Crossing `json:"crossings,omitempty"`
	CrossingEpsilon string     `json:"crossing_epsilon,omitempty"`
}

// DefaultSettings is an app that says nothing.
func DefaultSettings() Settings {
	return Settings{
		K: 20, B: 5, Depth: 4, Window: Week, Currency: "USD", Revenue: RevenueExact, SealDelay: time.Hour,
	}
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// Validate returns nil or one line that names the field and the remedy.
func (s Settings) Validate() error {
	switch {
	case s.K < FloorK:
		return fmt.Errorf("k: %d is below the floor of %d; set k to %d or more", s.K, FloorK, FloorK)
	case s.B < FloorB:
		return fmt.Errorf("b: %d is below the floor of %d; set b to %d or more", s.B, FloorB, FloorB)
	case s.B > s.K:
		return fmt.Errorf("b: %d is above k = %d; set b to %d or less", s.B, s.K, s.K)
	case s.Depth < MinDepth || s.Depth > MaxDepth:
		return fmt.Errorf("depth: %d is not a number of source digits; set depth to 2, 3 or 4", s.Depth)
	case s.Window != Week && s.Window != Day:
		return fmt.Errorf("window: %q is unknown; set window to week or day", string(s.Window))
	case s.Revenue != RevenueExact && s.Revenue != RevenueBanded:
		return fmt.Errorf("revenue: %q is unknown; set revenue to exact or banded", s.Revenue)
	case !currencyForm.MatchString(s.Currency):
		return fmt.Errorf("currency: %q is not an ISO 4217 code; set currency to three capital letters, such as USD", s.Currency)
	case s.SealDelay < 0:
		return fmt.Errorf("seal_delay: %s is negative; set seal_delay to 0s or more (default 1h)", s.SealDelay)
	}
	return s.validateCrossings()
}

// SettingsAt is one entry of an app's history of settings.
type SettingsAt struct {
	EffectiveFrom time.Time `json:"effective_from"` // a window boundary, see NextEffective
	Settings
}

// NextEffective is when a change made now takes effect: the first boundary after
// now of windows of both the current and the next kind. So no window that has
// begun is ever cut by other rules than those it began under, and none overlaps.
func NextEffective(current, next Settings, now time.Time) time.Time {
	if current.Window == Day && next.Window == Day {
		return WindowAt(Day, now).End
	}
	return WindowAt(Week, now).End
}

// InForce is the settings of the window that starts at windowStart: the last of
// the history (in order of EffectiveFrom) that took effect by then. A window that
// begins before the first entry takes the first; an empty history the defaults.
func InForce(history []SettingsAt, windowStart time.Time) Settings {
	if len(history) == 0 {
		return DefaultSettings()
	}
	found := history[0]
	for _, h := range history[1:] {
		if h.EffectiveFrom.After(windowStart) {
			break
		}
		found = h
	}
	return found.Settings
}
