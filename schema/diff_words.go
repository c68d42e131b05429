package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// moneyWords writes an amount for people: $4.50, 3 EUR.
func moneyWords(m decimal.Decimal, currency string) string {
	s := m.String()
	if digits, ok := CurrencyMinorUnits(currency); ok && !m.IsInteger() && m.Equal(m.Round(int32(digits))) {
		s = m.StringFixed(int32(digits))
	}
	switch currency {
	case "":
		return s
	case "USD":
		return "$" + s
	default:
		return s + " " + currency
	}
}

// words say what an install with this level, or row, did. Partners adds the names
// that networks see.
func (l Level) words(currency string, partners bool) string {
	parts := make([]string, 0, len(l.Events))
	for _, e := range l.Events {
		parts = append(parts, e.words(currency, partners))
	}
	s := strings.Join(parts, " and ")
	if s == "" {
		s = "installed, nothing else"
	}
	if l.RevenueEst != nil {
		s += ", estimated at " + moneyWords(*l.RevenueEst, currency)
	}
	return s
}

func (e MappedEvent) words(currency string, partners bool) string {
	name := e.Name
	if name == "" {
		name = "an event without a name"
	}
	if partners && e.PartnerName != "" {
		name += " (for networks: " + e.PartnerName + ")"
	}
	parts := slices.DeleteFunc([]string{e.countWords(), e.revenueWords(currency)}, func(s string) bool { return s == "" })
	if e.RevenueEst != nil {
		parts = append(parts, "estimated at "+moneyWords(*e.RevenueEst, currency))
	}
	if len(parts) == 0 {
		return name
	}
	return name + " " + strings.Join(parts, ", ")
}

// countWords and revenueWords are empty where the event only has to happen.
func (e MappedEvent) countWords() string {
	least := e.leastCount()
	switch {
	case e.CountMax == nil && least == 1:
		return ""
	case e.CountMax == nil && least == 0:
		return "any number of times or never"
	case e.CountMax == nil:
		return fmt.Sprintf("%d or more times", least)
	case *e.CountMax == least:
		return fmt.Sprintf("exactly %d times", least)
	default:
		return fmt.Sprintf("%d to %d times", least, *e.CountMax)
	}
}

func (e MappedEvent) revenueWords(currency string) string {
	b, ok := e.revenueBand()
	switch {
	case !ok || b.max == nil && b.min.IsZero():
		return ""
	case b.max == nil:
		return "worth " + moneyWords(b.min, currency) + " or more"
	case b.max.Equal(b.min):
		return "worth exactly " + moneyWords(b.min, currency)
	case b.min.IsZero():
		return "worth up to " + moneyWords(*b.max, currency)
	default:
		return "worth " + moneyWords(b.min, currency) + " to " + moneyWords(*b.max, currency)
	}
}

func (l Lock) words() string {
	switch l.On {
	case LockTime:
		return fmt.Sprintf("%d hours after it opens", l.Number)
	case LockEvent:
		return fmt.Sprintf("when %s happens", l.Name)
	case LockFine:
		return fmt.Sprintf("at value %d or higher", l.Number)
	case LockCoarse:
		if l.Name == levels[len(levels)-1] {
			return "at coarse " + l.Name
		}
		return "at coarse " + l.Name + " or higher"
	default:
		return "on " + l.On
	}
}

func gapWords(gaps [][2]int) string {
	parts := make([]string, 0, len(gaps))
	for _, g := range gaps {
		if g[0] == g[1] {
			parts = append(parts, fmt.Sprint(g[0]))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d to %d", g[0], g[1]))
	}
	return strings.Join(parts, ", ")
}
