package aggregate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"skand/aggregate/model"
)

// modelled is what a fit has come to, in the terms of releases: installs of a campaign in
// a window, their row, and draws that can be summed.
type modelled struct {
	fit        ModelFit
	metrics    []metricName
	prediction *model.Prediction // nil where nothing has a signal
	units      []modelUnit
	silent     map[int]string    // by window of the fit: why it has no number
	untold     map[string]string // by metric: why it has no number in any window
	interval   float64
}

type metricName struct{ metric, event string }

// modelUnit is a row of index 0, or a campaign of index 1 or 2.
type modelUnit struct {
	window            int // in the fit
	network, campaign string
	rows              []string // keys
	target            int      // in the prediction
}

// metricNames are those of an alphabet; of index 1 and 2 there are no events.
func metricNames(a *Alphabet, index int) []metricName {
	out := []metricName{{MetricNamePayers, ""}, {MetricNameRevenue, ""}}
	if index > 0 {
		return out
	}
	for _, e := range a.Events {
		out = append(out, metricName{MetricNameEvent, e})
	}
	return out
}

// Releases computes the releases of the windows that are due, in their order. It is pure:
// the same reading at the same time gives the same bytes.
func (f ModelFit) Releases(reading ModelReading, s ModelSettings, now time.Time) ([]Release, error) {
	if len(reading.Windows) != len(f.Windows) || len(reading.First) != len(f.First) {
		return nil, fmt.Errorf("model %s: %d windows were read of %d", f.Dataset, len(reading.Windows), len(f.Windows))
	}
	reading.inOrder()
	due := f.due()
	out := make([]Release, len(due))
	for i, at := range due {
		out[i] = f.release(reading.Windows[at], now)
	}
	if len(due) == 0 {
		return nil, nil
	}
	var m *modelled
	var err error
	seed := seedOf(f.release(reading.Windows[len(reading.Windows)-1], now).ID)
	if f.Dataset.SequenceIndex == 0 {
		m, err = f.fitFirst(reading, s, seed, out)
	} else {
		m, err = f.fitLater(reading, s, seed, out)
	}
	if err != nil {
		return nil, err
	}
	for i, at := range due {
		out[i].Coverage = m.interval
		m.rows(&out[i], at, reading.Windows[at])
		m.rollups(&out[i], at, reading)
	}
	return out, nil
}

// release is the line of a window's release of the model.
func (f ModelFit) release(counts Release, now time.Time) Release {
	r := counts.Line()
	r.ID = ReleaseID(r.Dataset, r.Window, r.View, ReleaseModel, ModelVersion)
	r.Kind, r.ModelVersion, r.State, r.SealedAt, r.Lab = ReleaseModel, ModelVersion, StatePrepared, now, f.Lab
	r.Carried, r.Digest, r.Taken = 0, "", Window{}
	return r
}

// inOrder sorts what a database may give in any order: sums of binary numbers hang on it.
func (r ModelReading) inOrder() {
	for _, list := range [][]Release{r.Windows, r.First} {
		for _, x := range list {
			slices.SortFunc(x.Values, func(a, b ValueBin) int {
				return cmp.Or(cmp.Compare(a.NetworkID, b.NetworkID), cmp.Compare(a.IDKind, b.IDKind), cmp.Compare(a.Source2, b.Source2),
					cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Values, b.Values), cmp.Compare(a.SchemaVersion, b.SchemaVersion))
			})
		}
	}
}

// modelWindows are releases as the model reads them.
func modelWindows(releases []Release) []ModelWindow {
	out := make([]ModelWindow, len(releases))
	for i, r := range releases {
		out[i] = ModelWindow{Window: numberOf(r.Window), B: r.B, Rows: r.Rows, Remainders: r.Remainders, Values: r.Values}
	}
	return out
}

// fitFirst fits windows of index 0, and fills in what stands beside their numbers.
func (f ModelFit) fitFirst(reading ModelReading, s ModelSettings, seed uint64, out []Release) (*modelled, error) {
	a := NewAlphabet(reading.Documents, f.Dataset)
	m := &modelled{fit: f, metrics: metricNames(a, 0), silent: map[int]string{}, interval: s.Model.Coverage}
	for i, w := range reading.Windows {
		for _, row := range w.Rows {
			k := campaignOf(row)
			m.units = append(m.units, modelUnit{i, k.network, k.campaign(), []string{row.Key()}, len(m.units)})
		}
	}
	windows := modelWindows(reading.Windows)
	err := m.predictFirst(a, windows, reading, s, seed, out)
	if errors.Is(err, model.ErrNoSignal) {
		for i := range f.Windows {
			m.silent[i] = SignalNone
		}
		return m, nil
	}
	return m, err
}

func (m *modelled) predictFirst(a *Alphabet, windows []ModelWindow, reading ModelReading, s ModelSettings, seed uint64, out []Release) error {
	if len(a.Values) == 0 {
		return model.ErrNoSignal // no schema: no value says anything
	}
	in, err := NewModelInput(a, windows)
	if err != nil {
		return fmt.Errorf("model input: %w", err)
	}
	if m.fit.Dataset.Kind == KindInstall {
		in.Consented = ModelEvidence(reading.Consented)
	}
	m.prediction, err = in.Predict(s.Model, seed)
	if err != nil {
		return err
	}
	explained, err := in.Explain(windows, s.Model)
	if err != nil {
		return err
	}
	m.explain(reading, explained, out)
	return m.check(a, windows, reading, s, seed, out)
}

// named are the metrics as explanations name them.
func (m *modelled) named() []string {
	names := make([]string, len(m.metrics))
	for i, n := range m.metrics {
		names[i] = cmp.Or(n.event, n.metric)
	}
	return names
}

// explain hands each due row its explanation.
func (m *modelled) explain(reading ModelReading, explained []model.Explanation, out []Release) {
	names := m.named()
	from, next := 0, 0
	for i, w := range reading.Windows {
		if m.fit.Windows[i].Due {
			for j, row := range w.Rows {
				out[next].Explained = append(out[next].Explained, ModelExplanation{Key: row.Key(), Metrics: names, Explanation: explained[from+j]})
			}
			next++
		}
		from += len(w.Rows)
	}
}

// rows are the lines of one window, row by row as they were published.
func (m *modelled) rows(r *Release, window int, counts Release) {
	byRow := map[string]modelUnit{}
	for _, u := range m.units {
		if u.window == window {
			for _, key := range u.rows {
				byRow[key] = u
			}
		}
	}
	for _, row := range counts.Rows {
		u, known := byRow[row.Key()]
		for i, name := range m.metrics {
			signal := m.signal(window, name)
			switch {
			case signal != SignalYes:
			case !known:
				signal = SignalNoHistory
			case len(u.rows) > 1:
				signal = SignalShared
			}
			line := Modeled{Metric: name.metric, EventName: name.event, Signal: signal}
			if signal == SignalYes {
				line = modeledOf(name.metric, name.event, m.prediction.Of(u.target, i))
			}
			r.Modeled = append(r.Modeled, ModeledRow{Key: row.Key(), Modeled: line})
		}
	}
}

// signal is whether a metric has numbers in a window.
func (m *modelled) signal(window int, name metricName) string {
	return cmp.Or(m.silent[window], m.untold[name.metric], SignalYes)
}
