package apply

import (
	"slices"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// AppCrossings are the noised views of an app; none unless they are declared.
type AppCrossings struct {
	Crossings []aggregate.Crossing `json:"crossings,omitempty"`
	// CrossingEpsilon is what all of them spend together on one dataset and window, a
	// decimal in quotes; "" is 1.
	CrossingEpsilon string `json:"crossing_epsilon,omitempty"`
}

// crossings spells what is the same alike, so that 1.0 for 1 is no change.
func (c AppCrossings) crossings() ([]aggregate.Crossing, string) {
	if len(c.Crossings) == 0 {
		return nil, c.CrossingEpsilon
	}
	epsilon := c.CrossingEpsilon
	if epsilon == "" {
		epsilon = aggregate.DefaultCrossingEpsilon
	}
	if d, err := decimal.NewFromString(epsilon); err == nil {
		epsilon = d.String()
	}
	list := slices.Clone(c.Crossings)
	for i := range list {
		if len(list[i].Values) == 0 {
			list[i].Values = nil
		}
	}
	return list, epsilon
}
