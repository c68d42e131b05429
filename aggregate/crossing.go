package aggregate

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/shopspring/decimal"
)

// Crossing declares one noised view: installs by network and by something that is no
// part of the tree. Its cells are declared, so that which cells there are tells nothing.
type Crossing struct {
	View string `json:"view"` // country, digits, interaction, publisher
	// Values have cells of their own; everything else, and what came without, is
	// `other`. Given for country and publisher; of the others Apple knows few enough.
	Values []string `json:"values,omitempty"`
}

// Views of crossings: what is kept of every counted postback beside its place in the tree.
const (
	CrossCountry     = "country"     // country-code, "US"
	CrossDigits      = "digits"      // digits of the source identifier that came: what shows of Apple's tier
	CrossInteraction = "interaction" // ad-interaction-type of AdAttributionKit
	CrossPublisher   = "publisher"   // source-app-id; publisher-item-identifier of AdAttributionKit
)

// CrossedOther is the cell of everything that has none of its own.
const CrossedOther = "other"

// Bounds on what is spent and on what is declared. Above the ceiling an answer may be
// 55 times as likely for one value of an install as for another: no promise worth the
// name. Below the floor the noise hides what everybody did.
const (
	DefaultCrossingEpsilon = "1"
	maxCrossedValues       = 100
)

var (
	floorEpsilon   = decimal.New(1, -1)
	ceilingEpsilon = decimal.New(4, 0)
	epsilonForm    = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,6})?$`)
)

type crossingForm struct {
	fixed []string       // the values, where they are not declared
	form  *regexp.Regexp // of a declared value
	like  string
}

var crossingForms = map[string]crossingForm{
	CrossCountry:     {form: regexp.MustCompile(`^[A-Z]{2}$`), like: "two capital letters, such as US"},
	CrossDigits:      {fixed: []string{"2", "3", "4", "campaign"}},
	CrossInteraction: {fixed: []string{"click", "view"}},
	CrossPublisher:   {form: regexp.MustCompile(`^[1-9][0-9]{0,17}$`), like: "the number of an app in the App Store, such as 525463029"},
}

// Noise hides one install in the counts of a view; internal/noise has the real one.
type Noise interface {
	// Count is n with fresh noise, a whole number that may be below 0: epsilon-
	// differentially private for an install that takes one from one count of the view
	// and adds it to another.
	Count(n int, epsilon float64) (int, error)

	// HalfWidth90 is how far, in installs, Count lies from n at most in 9 of 10 draws.
	HalfWidth90(epsilon float64) (int, error)
}

// Crossed is one group of counted installs that are alike in a view.
type Crossed struct {
	View      string
	NetworkID string // lower case
	Value     string // as in Crossing.Values; "" where Apple sent none
	N         int
}

// CrossingStore reads what crossings count.
type CrossingStore interface {
	// Crossed groups the rows that SealStore.Counted(d, taken) takes by network and
	// value, once for each view.
	Crossed(ctx context.Context, d Dataset, taken Window, views []string) ([]Crossed, error)
}

// Equal reports whether two settings say the same.
func (s Settings) Equal(o Settings) bool { return reflect.DeepEqual(s, o) }

// views names the declared views.
func (s Settings) views() []string {
	names := make([]string, len(s.Crossings))
	for i, c := range s.Crossings {
		names[i] = c.View
	}
	return names
}

// epsilonEach is the share of one view: the budget of a dataset and window is what all
// views spend together, however many they are. Rounded down, so never more.
func (s Settings) epsilonEach() (decimal.Decimal, error) {
	budget, err := decimal.NewFromString(s.CrossingEpsilon)
	if err != nil {
		return decimal.Zero, fmt.Errorf("crossing_epsilon: %w", err)
	}
	share, _ := budget.QuoRem(decimal.NewFromInt(int64(len(s.Crossings))), 6)
	return share, nil
}

// validateCrossings names the field and the remedy.
func (s Settings) validateCrossings() error {
	if len(s.Crossings) == 0 {
		if s.CrossingEpsilon != "" {
			return fmt.Errorf("crossing_epsilon: %q is spent by nothing; declare crossings or leave it out", s.CrossingEpsilon)
		}
		return nil
	}
	budget, err := decimal.NewFromString(s.CrossingEpsilon)
	if err != nil || !epsilonForm.MatchString(s.CrossingEpsilon) || budget.LessThan(floorEpsilon) || budget.GreaterThan(ceilingEpsilon) {
		return fmt.Errorf("crossing_epsilon: %q is out of range; set it from %q to %q, such as %q (less is more private)",
			s.CrossingEpsilon, floorEpsilon, ceilingEpsilon, DefaultCrossingEpsilon)
	}
	seen := map[string]bool{}
	for i, c := range s.Crossings {
		if seen[c.View] {
			return fmt.Errorf("crossings[%d].view: %s is declared twice; keep one", i, c.View)
		}
		seen[c.View] = true
		err := c.validate()
		if err != nil {
			return fmt.Errorf("crossings[%d].%w", i, err)
		}
	}
	return nil
}

func (c Crossing) validate() error {
	f, known := crossingForms[c.View]
	switch {
	case !known:
		return fmt.Errorf("view: %q is unknown; set it to country, digits, interaction or publisher", c.View)
	case f.fixed != nil && len(c.Values) > 0:
		return fmt.Errorf("values: those of %s are fixed (%q); leave them out", c.View, f.fixed)
	case f.fixed == nil && (len(c.Values) == 0 || len(c.Values) > maxCrossedValues):
		return fmt.Errorf("values: %d are given; name 1 to %d, the rest goes to %q", len(c.Values), maxCrossedValues, CrossedOther)
	}
	for i, v := range c.Values {
		if !f.form.MatchString(v) {
			return fmt.Errorf("values[%d]: %q is no %s; write %s", i, v, c.View, f.like)
		}
		if slices.Contains(c.Values[:i], v) {
			return fmt.Errorf("values[%d]: %q is there twice; keep one", i, v)
		}
	}
	return nil
}

// values are those with cells, in the order in which they are published.
func (c Crossing) values() []string {
	own := crossingForms[c.View].fixed
	if own == nil {
		own = slices.Sorted(slices.Values(c.Values))
	}
	return append(slices.Clip(own), CrossedOther)
}
