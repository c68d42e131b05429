package aggregate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate/model"
)

// checkNote stands beside the drift test, as model.BackTestSays beside the other.
const checkNote = "Four fifths of the window's known values were hidden and foretold by the rest and the windows before: " +
	"intervals that no longer hold say that something has changed."

// check back-tests the fit, and each window that is due, and looks for drift.
func (m *modelled) check(a *Alphabet, windows []ModelWindow, reading ModelReading, s ModelSettings, seed uint64, out []Release) error {
	all, err := m.backTest(a, windows, s.Model, CheckAll, model.BackTestOptions{Share: model.BackTestShare, Seed: seed})
	if err != nil {
		return err
	}
	byBase := map[string][]ModelCheck{}
	for i, at := range m.fit.due() {
		own, err := m.backTest(a, windows[:at+1], s.Model, CheckWindow, model.DriftOptions(windows[at].Window, seedOf(out[i].ID)))
		if err != nil {
			return err
		}
		out[i].Checks = slices.Concat(all, own)
		byBase[BaseReleaseID(out[i])] = own
	}
	for i, at := range m.fit.due() {
		drifts, err := m.drift(reading, byBase, at, s.Drift)
		if err != nil {
			return err
		}
		out[i].Drifts = drifts
	}
	return nil
}

func (m *modelled) backTest(a *Alphabet, windows []ModelWindow, s model.Settings, test string, o model.BackTestOptions) ([]ModelCheck, error) {
	b, err := BackTestPublished(a, windows, s, o)
	if errors.Is(err, model.ErrNoSignal) {
		return nil, nil // there was nothing to hide, or nothing would have been left
	}
	if err != nil {
		return nil, err
	}
	var out []ModelCheck
	for _, l := range b.Levels {
		name := m.metrics[l.Metric]
		c := ModelCheck{
			Test: test, Level: l.Level, Metric: name.metric, EventName: name.event, Hidden: b.Hidden,
			Intervals: l.Intervals, Covered: l.Held, Below: l.Under, Above: l.Over, Error: ratio(l.Error), Bias: ratio(l.Bias), Note: b.Says,
		}
		if test == CheckWindow {
			c.Note = checkNote
		}
		out = append(out, c)
	}
	return out, nil
}

// ratio is a share as it is published: to a thousandth.
func ratio(x *float64) *decimal.Decimal {
	if x == nil {
		return nil
	}
	d := decimal.NewFromFloat(*x).Round(3)
	return &d
}

// ModelDrift is an alarm that stands since a window of its dataset was modelled.
type ModelDrift struct {
	Level     string    `json:"level"`
	Metric    string    `json:"metric"`
	EventName string    `json:"event_name"`
	Since     time.Time `json:"since"` // start of the first of the windows that don't hold
	Says      string    `json:"says"`
	Do        string    `json:"do"`
}

// drift looks at the tests of the windows up to one of them.
func (m *modelled) drift(reading ModelReading, own map[string][]ModelCheck, until int, s model.DriftSettings) ([]ModelDrift, error) {
	var series []model.DatedBackTest
	starts := map[string]time.Time{}
	for i := range until + 1 {
		r := reading.Windows[i]
		id := BaseReleaseID(r)
		checks := own[id]
		if checks == nil {
			checks = reading.Checks[id]
		}
		day := r.Window.Start.UTC().Format(time.DateOnly)
		starts[day] = r.Window.Start
		series = append(series, model.DatedBackTest{Window: day, BackTest: model.BackTest{Levels: m.levelsOf(checks)}})
	}
	found, err := model.FindDrift(series, s)
	if err != nil {
		return nil, fmt.Errorf("look for drift: %w", err)
	}
	var out []ModelDrift
	for _, d := range found {
		name := m.metrics[d.Metric]
		out = append(out, ModelDrift{
			Level: d.Level, Metric: name.metric, EventName: name.event, Since: starts[d.From],
			Says: fmt.Sprintf("%s of %s: %s", cmp.Or(name.event, name.metric), m.fit.Dataset, d.Says), Do: d.Do,
		})
	}
	return out, nil
}

// levelsOf reads lines of the drift test back; events that the schema no longer has are
// left out.
func (m *modelled) levelsOf(checks []ModelCheck) (out []model.BackTestLevel) {
	for _, c := range checks {
		i := slices.Index(m.metrics, metricName{c.Metric, c.EventName})
		if c.Test != CheckWindow || i < 0 {
			continue
		}
		out = append(out, model.BackTestLevel{Level: c.Level, Metric: i, Intervals: c.Intervals, Held: c.Covered, Under: c.Below, Over: c.Above})
	}
	return out
}
