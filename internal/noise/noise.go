// Package noise owns the randomness that hides one install in a published count: the
// Laplace mechanism of differential privacy, from Google's library, with the
// randomness of the operating system. It is the one door to that library.
//
// It refuses to keep accounts: who may draw, how often and for how much is the
// ledger's. It knows no install and no view, and it has no seed, so that nobody can
// draw the same noise twice.
package noise

import (
	"fmt"

	dp "github.com/google/differential-privacy/go/v3/noise"
)

// What one install can do to the counts of one view. The exact number of installs of
// each network is published beside them, so what is to be hidden is which value an
// install has: another value takes one from one count and adds it to another.
const (
	countsMoved = 2
	movedBy     = 1
)

// uncovered is the share of draws that lie beyond HalfWidth90.
const uncovered = 0.10

// Laplace is aggregate.Noise for publishing. The zero value is ready.
type Laplace struct{}

// Count is n with noise drawn for this call, a whole number that may be below 0.
// Together with all other counts of its view, each drawn with the same epsilon, it is
// epsilon-differentially private for a change of the value of one install (scale
// 2/epsilon), and for one install more or less with epsilon/2. Epsilon must be above 0.
func (Laplace) Count(n int, epsilon float64) (int, error) {
	noised, err := dp.Laplace().AddNoiseInt64(int64(n), countsMoved, movedBy, epsilon, 0)
	if err != nil {
		return 0, fmt.Errorf("draw noise: %w", err)
	}
	return int(noised), nil
}

// HalfWidth90 is how far, in installs, Count lies from n at most, in 9 of 10 draws.
func (Laplace) HalfWidth90(epsilon float64) (int, error) {
	span, err := dp.Laplace().ComputeConfidenceIntervalInt64(0, countsMoved, movedBy, epsilon, 0, uncovered)
	if err != nil {
		return 0, fmt.Errorf("width of the noise: %w", err)
	}
	return int(span.UpperBound), nil
}
