package model

import "fmt"

// Settings are the assumptions that data do not decide. Each has a name, a default and
// a reason; none is hidden in a formula.
type Settings struct {
	// Extrapolation is how many times the shift of tier 1 the null tier shifts, before
	// the consented cohort has its say, and its standard deviation. Crowds shrink from
	// tier to tier by about one step each: two steps.
	Extrapolation, ExtrapolationSD float64
	// ShiftSD is the standard deviation of tier 1's shifts over apps, in log-odds: an app
	// with few installs is not believed to differ much.
	ShiftSD float64
	// NullSD is the standard deviation of what else may shift payers in the null tier,
	// in log-odds, where tier 1 shows no shift at all.
	NullSD float64
	// ConsentBiasSD is that of the consented cohort's bias, in log-odds of paying.
	ConsentBiasSD float64
	// DeviationFloor is the least standard deviation of networks' and campaigns' own
	// deviations in the null tier: that few campaigns look alike does not make them so.
	DeviationFloor float64
	Draws          int     // from the posterior predictive
	Coverage       float64 // of the intervals
}

// Defaults are the settings that are documented.
func Defaults() Settings {
	return Settings{
		Extrapolation: 2, ExtrapolationSD: 0.7, ShiftSD: 0.4, NullSD: 0.15, ConsentBiasSD: 0.6,
		DeviationFloor: 0.1, Draws: 200, Coverage: 0.90,
	}
}

// Validate names the first setting that makes no sense.
func (s Settings) Validate() error {
	for _, c := range []struct {
		name           string
		v, least, most float64
	}{
		{"extrapolation", s.Extrapolation, 0, 10},
		{"extrapolation_sd", s.ExtrapolationSD, 0, 10},
		{"shift_sd", s.ShiftSD, 0.01, 5},
		{"null_sd", s.NullSD, 0, 5},
		{"consent_bias_sd", s.ConsentBiasSD, 0.01, 5},
		{"deviation_floor", s.DeviationFloor, 0, 5},
		{"draws", float64(s.Draws), 10, 10_000},
		{"coverage", s.Coverage, 0.5, 0.99},
	} {
		if !(c.v >= c.least && c.v <= c.most) { // also NaN
			return fmt.Errorf("model settings: %s is %v; it must be between %v and %v", c.name, c.v, c.least, c.most)
		}
	}
	return nil
}
