package conversion

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// CatalogueEvent is what an app means by one name of an event, and who answers for it.
type CatalogueEvent struct {
	Name       string
	Definition string
	FiresWhen  string
	Owner      string
	Window     time.Duration    // after the install in which it counts, inclusive; 0: always
	MinValue   *decimal.Decimal // in the app's currency; nil: any amount, also none
}

// Catalogue of an app's events. The zero value knows no name and minds none.
type Catalogue struct {
	byName map[string]CatalogueEvent
	names  []string
}

// NewCatalogue of an app. The later of two lines of one name counts.
func NewCatalogue(events []CatalogueEvent) Catalogue {
	c := Catalogue{byName: make(map[string]CatalogueEvent, len(events))}
	for _, e := range events {
		c.byName[e.Name] = e
	}
	for name := range c.byName {
		c.names = append(c.names, name)
	}
	slices.Sort(c.names)
	return c
}

// Lookup gives what the app means by a name, which it spells as its catalogue does.
func (c Catalogue) Lookup(name string) (CatalogueEvent, bool) {
	e, ok := c.byName[name]
	return e, ok
}

// Names in order, for a message that says what would have been known.
func (c Catalogue) Names() []string { return slices.Clone(c.names) }

// The flags of an event. A flagged event is kept; a destination may leave it out.
const (
	FlagUnknownEvent  = "unknown_event"  // the app has a catalogue without this name: warn
	FlagBelowMinimum  = "below_minimum"  // worth less than the catalogue's minimum, or nothing
	FlagOutsideWindow = "outside_window" // too long after its install, or before it
)

// Judge an event by the catalogue. install is the time of its install, zero while
// that is unknown (its window is then judged when it comes). revenue is the event's,
// in the app's currency, nil where it has none or no rate is known: an amount that
// can't be compared is given the benefit of the doubt.
func (c Catalogue) Judge(e *Event, install time.Time, revenue *decimal.Decimal) []string {
	if len(c.byName) == 0 {
		return nil
	}
	def, ok := c.byName[e.Name]
	if !ok {
		return []string{FlagUnknownEvent}
	}
	var flags []string
	if def.MinValue != nil && below(e, revenue, *def.MinValue) {
		flags = append(flags, FlagBelowMinimum)
	}
	if def.Window > 0 && !install.IsZero() && !within(e.Time, install, def.Window) {
		flags = append(flags, FlagOutsideWindow)
	}
	return flags
}

func below(e *Event, revenue *decimal.Decimal, least decimal.Decimal) bool {
	switch {
	case revenue != nil:
		return revenue.LessThan(least)
	case e.Revenue == nil:
		return least.IsPositive()
	default:
		return false
	}
}

// within reports whether at lies in the span after an install, inclusive. App and
// backend tell the time by two clocks, so what was done up to the skew that reporters
// are allowed before the install counts as done at once.
func within(at, install time.Time, span time.Duration) bool {
	since := at.UnixMilli() - install.UnixMilli()
	return since >= -maxSkew.Milliseconds() && since <= span.Milliseconds()
}
