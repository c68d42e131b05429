package model

import (
	"fmt"
	"math"
	"slices"
)

// BackTestSays is to stand beside every back-test that people see.
const BackTestSays = "Known values were hidden at random and foretold. This tests only the part of the model for installs " +
	"that are like those whose values are seen; how installs differ that Apple withholds can't be tested so."

// BackTestShare is what is hidden for the back-test that stands beside published numbers.
const BackTestShare = 0.2

// BackTestOptions say what is hidden.
type BackTestOptions struct {
	Share float64 // of the known values of each campaign and window
	Seed  uint64  // the same seed hides the same and foretells the same
	// Known are the counts that may be hidden, by cell and value, each at most that of
	// the input: what an adapter has only imputed is no known value. Nil: all.
	Known [][]float64
	// Window hides in that window only, so that two tests of a series don't hide the
	// same installs; nil hides in all.
	Window *int
}

// BackTest is how well known values were foretold.
type BackTest struct {
	Share    float64         `json:"share"`
	Known    int             `json:"known_installs"`
	Hidden   int             `json:"hidden_installs"`
	Interval float64         `json:"interval"` // what coverage should be
	Levels   []BackTestLevel `json:"levels"`
	Says     string          `json:"says"`
}

// Levels of a back-test.
const (
	BackTestCell     = "cell" // a campaign in a window
	BackTestCampaign = "campaign"
	BackTestNetwork  = "network"
)

// BackTestLevel is the judgement of one metric at one level.
type BackTestLevel struct {
	Level     string `json:"level"`  // cell, campaign, network
	Metric    int    `json:"metric"` // in the input's amounts: 0 payers
	Intervals int    `json:"intervals"`
	Held      int    `json:"held"`
	Under     int    `json:"under"` // truths below their interval
	Over      int    `json:"over"`  // truths above it
	// Coverage is Held / Intervals. Counts of few installs are held more often than
	// the interval says, for an interval of whole numbers can't be cut to fit.
	Coverage float64 `json:"coverage"`
	Truth    float64 `json:"truth"`    // sum of what was hidden
	Estimate float64 `json:"estimate"` // sum of what was foretold
	// Error is the sum of absolute errors over the sum of truths, Bias that of signed
	// ones; nil where nothing was there to be found.
	Error *float64 `json:"error"`
	Bias  *float64 `json:"bias"`
	Width float64  `json:"width"` // mean width of the intervals
}

// RunBackTest hides a share of the known values in each campaign and window, fits the
// rest and foretells what was hidden. Consented cohorts are left out: they speak of the
// null tier, which no hidden value is in. ErrNoSignal where nothing could be hidden, or
// nothing was left.
func RunBackTest(in Input, s Settings, o BackTestOptions) (BackTest, error) {
	if !(o.Share > 0 && o.Share < 1) {
		return BackTest{}, fmt.Errorf("back-test: share is %v; it must be above 0 and below 1", o.Share)
	}
	if err := in.check(); err != nil {
		return BackTest{}, fmt.Errorf("back-test: %w", err)
	}
	left, targets, truth, known, err := hide(in, o)
	if err != nil {
		return BackTest{}, err
	}
	if len(targets) == 0 {
		return BackTest{}, fmt.Errorf("back-test: %w", ErrNoSignal)
	}
	m, err := Fit(left, s)
	if err != nil {
		return BackTest{}, fmt.Errorf("back-test: %w", err)
	}
	out := BackTest{Share: o.Share, Known: known, Interval: s.Coverage, Says: BackTestSays}
	for _, t := range targets {
		out.Hidden += int(t.Random)
	}
	p := m.Predict(targets, nil, o.Seed)
	for _, level := range []string{BackTestCell, BackTestCampaign, BackTestNetwork} {
		groups := together(in, targets, level)
		for metric := range in.Metrics {
			out.Levels = append(out.Levels, judgeBackTest(p, groups, truth, level, metric))
		}
	}
	return out, nil
}

// Of is the judgement of a level and metric; ok is false where there is none.
func (b BackTest) Of(level string, metric int) (l BackTestLevel, ok bool) {
	for _, l := range b.Levels {
		if l.Level == level && l.Metric == metric {
			return l, true
		}
	}
	return BackTestLevel{}, false
}

// together groups targets of a campaign, or of a network, over all windows.
func together(in Input, targets []Target, level string) [][]int {
	type name struct{ network, campaign, window string }
	groups := map[name][]int{}
	var order []name
	for i, t := range targets {
		c := in.Cells[t.Cell]
		n := name{network: c.Network}
		if level != BackTestNetwork {
			n.campaign = c.Campaign
		}
		if level == BackTestCell {
			n.window = fmt.Sprint(t.Cell)
		}
		if groups[n] == nil {
			order = append(order, n)
		}
		groups[n] = append(groups[n], i)
	}
	out := make([][]int, len(order))
	for i, n := range order {
		out[i] = groups[n]
	}
	return out
}

// sameAmount is how far sums of the same amounts may differ by the order of adding.
const sameAmount = 1e-6

func judgeBackTest(p *Prediction, groups [][]int, truth [][]float64, level string, metric int) BackTestLevel {
	l := BackTestLevel{Level: level, Metric: metric, Intervals: len(groups)}
	var wrong, off float64
	for _, members := range groups {
		t := 0.0
		for _, i := range members {
			t += truth[i][metric]
		}
		x := p.Sum(members, metric)
		slack := sameAmount * max(1, math.Abs(t))
		switch {
		case t < x.Low-slack:
			l.Under++
		case t > x.High+slack:
			l.Over++
		default:
			l.Held++
		}
		l.Truth += t
		l.Estimate += x.Estimate
		l.Width += (x.High - x.Low) / float64(len(groups))
		wrong += math.Abs(x.Estimate - t)
		off += x.Estimate - t
	}
	l.Coverage = float64(l.Held) / float64(len(groups))
	if l.Truth > 0 {
		wrong, off = wrong/l.Truth, off/l.Truth
		l.Error, l.Bias = &wrong, &off
	}
	return l
}

// cloneCells copies cells with their counts: the input is the caller's.
func cloneCells(cells []Cell) []Cell {
	out := slices.Clone(cells)
	for i := range out {
		out[i].Fine = slices.Clone(out[i].Fine)
	}
	return out
}
