package model

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// DriftShare is what is hidden of a window to find drift. Were it a fifth, as beside
// published numbers, the rest of the window would tell the model what has changed.
const DriftShare = 0.8

// DriftOptions are those of the back-tests of a series: most of the known values of the
// newest window, foretold by what is left of it and by the windows before.
func DriftOptions(window int, seed uint64) BackTestOptions {
	return BackTestOptions{Share: DriftShare, Seed: seed, Window: &window}
}

// DriftSettings say when coverage has fallen.
type DriftSettings struct {
	// Bound is the coverage that a back-test must not be below. It lies under the
	// intervals' own 0.90, for intervals of one app err together more than the test's
	// independent ones would.
	Bound float64
	// Significance is the chance at which a back-test counts as below the bound, were
	// the coverage just at the bound.
	Significance float64
	Running      int // so many back-tests running make an alarm
}

// DriftDefaults are the settings that are documented.
func DriftDefaults() DriftSettings { return DriftSettings{Bound: 0.85, Significance: 0.05, Running: 2} }

// Validate names the first setting that makes no sense.
func (s DriftSettings) Validate() error {
	switch {
	case !(s.Bound > 0 && s.Bound < 1):
		return fmt.Errorf("drift settings: bound is %v; it must be above 0 and below 1", s.Bound)
	case !(s.Significance > 0 && s.Significance < 0.5):
		return fmt.Errorf("drift settings: significance is %v; it must be above 0 and below 0.5", s.Significance)
	case s.Running < 1:
		return fmt.Errorf("drift settings: running is %d; it must be at least 1", s.Running)
	}
	return nil
}

// DatedBackTest is the back-test of one window; a series has them in order of windows.
type DatedBackTest struct {
	Window string
	BackTest
}

// Drift is an alarm: intervals of one metric at one level no longer hold.
type Drift struct {
	Level     string  `json:"level"`
	Metric    int     `json:"metric"`
	From      string  `json:"from"` // first and last window of those running
	To        string  `json:"to"`
	Intervals int     `json:"intervals"` // over those windows
	Held      int     `json:"held"`
	Under     int     `json:"under"`
	Over      int     `json:"over"`
	Bound     float64 `json:"bound"`
	Chance    float64 `json:"chance"` // of so few held in To, were the coverage just at the bound
	Says      string  `json:"says"`
	Do        string  `json:"do"`
}

// FindDrift looks whether coverage is below the bound in the last back-tests of the
// series, by the exact binomial test in each of them: alarms are of now, and end by
// themselves. A back-test without intervals of a level is passed over; it tells nothing.
func FindDrift(series []DatedBackTest, s DriftSettings) ([]Drift, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(series) == 0 {
		return nil, nil
	}
	var out []Drift
	for _, l := range series[len(series)-1].Levels {
		if d := runningBelow(series, l.Level, l.Metric, s); d != nil {
			out = append(out, *d)
		}
	}
	return out, nil
}

func runningBelow(series []DatedBackTest, level string, metric int, s DriftSettings) *Drift {
	d := &Drift{Level: level, Metric: metric, Bound: s.Bound}
	found := 0
	for i := len(series) - 1; i >= 0 && found < s.Running; i-- {
		l, ok := series[i].Of(level, metric)
		if !ok || l.Intervals == 0 {
			continue
		}
		chance := atMost(l.Held, l.Intervals, s.Bound)
		if chance > s.Significance {
			return nil
		}
		if found == 0 {
			d.To, d.Chance = series[i].Window, chance
		}
		d.From = series[i].Window
		d.Intervals += l.Intervals
		d.Held += l.Held
		d.Under += l.Under
		d.Over += l.Over
		found++
	}
	if found < s.Running {
		return nil
	}
	d.Says = fmt.Sprintf("From %s to %s %d of %d intervals of known values held at level %s (%.0f %%; the alarm is below %.0f %%): %d values were below theirs, %d above.",
		d.From, d.To, d.Held, d.Intervals, level, 100*float64(d.Held)/float64(d.Intervals), 100*s.Bound, d.Under, d.Over)
	d.Do = d.advice()
	return d
}

// aside is the share of misses on one side from which on they are not of both.
const aside = 0.8

func (d *Drift) advice() string {
	const until = " Until it ends, read the intervals of these windows as too narrow."
	missed := float64(d.Under + d.Over)
	switch {
	case float64(d.Over) >= aside*missed:
		return "Known values came out higher than their campaigns and earlier windows foretold: look for a price, an offer or a change of the schema in these windows, and for a campaign that began to buy other people." + until
	case float64(d.Under) >= aside*missed:
		return "Known values came out lower than their campaigns and earlier windows foretold: look for an event that the app no longer sets, a change of the schema in these windows, and for a network that sends other people." + until
	}
	return "Known values came out both higher and lower than foretold: campaigns differ more than they did. Look for campaigns whose digits were given to another use, and for a schema that is not yet on all phones." + until
}

// atMost is the chance that a binomial is at most k.
func atMost(k, n int, p float64) float64 {
	if k >= n {
		return 1
	}
	return math.Min(1, distuv.Binomial{N: float64(n), P: p}.CDF(float64(k)))
}
