package aggregate

import (
	"errors"
	"fmt"

	"skand/aggregate/model"
	"skand/schema"
)

// fitLater fits windows of index 1 or 2 beside the installs that they are of.
func (f ModelFit) fitLater(reading ModelReading, s ModelSettings, seed uint64, out []Release) (*modelled, error) {
	a := NewAlphabet(reading.Documents, f.Dataset)
	m := &modelled{fit: f, metrics: metricNames(a, f.Dataset.SequenceIndex), silent: map[int]string{}, untold: map[string]string{}, interval: s.Later.Coverage}
	err := m.predictLater(reading, s, seed, out)
	if errors.Is(err, model.ErrNoSignal) {
		for i := range f.Windows {
			m.silent[i] = SignalNone
		}
		return m, nil
	}
	return m, err
}

func (m *modelled) predictLater(reading ModelReading, s ModelSettings, seed uint64, out []Release) error {
	if !m.levelsTell(reading) {
		return model.ErrNoSignal
	}
	set := m.fit.Dataset
	set.SequenceIndex = 0
	w := LaterWindows{
		Index: m.fit.Dataset.SequenceIndex, Hours: hoursOf(m.fit.Windows[0].Counts.Window.Kind()), Documents: reading.Documents, Set: set,
		First: m.firstWindows(reading), Later: modelWindows(reading.Windows),
	}
	if set.Kind == KindInstall {
		w.Consented = ModelEvidence(reading.Consented)
	}
	in, err := NewLaterInput(w, s.Model)
	if err != nil {
		return fmt.Errorf("model input: %w", err)
	}
	at := map[int]int{}
	for i, x := range w.Later {
		at[x.Window] = i
		m.silent[i] = SignalNoHistory
	}
	for i, c := range in.Cells {
		m.units = append(m.units, modelUnit{at[c.Window], c.Network, c.Campaign, in.Rows[i], i})
		delete(m.silent, at[c.Window])
	}
	if len(in.Cells) == 0 {
		return nil
	}
	var untold []string
	m.prediction, untold, err = in.Predict(s.Later, seed)
	if err != nil {
		return err
	}
	if len(untold) > 0 {
		m.untold[MetricNameRevenue] = SignalNoPrice
	}
	explained, err := in.Explain(s.Later)
	if err != nil {
		return err
	}
	m.explainLater(explained, out)
	return nil
}

// explainLater hands the row of each campaign its explanation; where several rows are of
// one campaign the number is none of theirs.
func (m *modelled) explainLater(explained []model.Explanation, out []Release) {
	for next, window := range m.fit.due() {
		for _, u := range m.units {
			if u.window == window && len(u.rows) == 1 {
				out[next].Explained = append(out[next].Explained,
					ModelExplanation{Key: u.rows[0], Metrics: m.named(), Explanation: explained[u.target]})
			}
		}
	}
}

// levelsTell says whether some version of the schema says what a level of this index
// means: where none does a level is no sign that nobody paid.
func (m *modelled) levelsTell(reading ModelReading) bool {
	set := m.fit.Dataset
	for _, d := range reading.Documents {
		for _, level := range laterLevels {
			x := d.Decode(schema.Value{Index: set.SequenceIndex, Coarse: level, Reengagement: set.Kind == KindReengagement})
			if x.State == schema.StateDecoded {
				return true
			}
		}
	}
	return false
}

// firstWindows are those of index 0, numbered without gaps up to the newest window of the
// fit: in a week that has no release nothing was published, and its installs, if there
// were any, are in the release of a later one.
func (m *modelled) firstWindows(reading ModelReading) []ModelWindow {
	if len(reading.First) == 0 {
		return nil
	}
	var out []ModelWindow
	empty := func(before int) {
		for n := out[len(out)-1].Window + 1; n < before; n++ {
			out = append(out, ModelWindow{Window: n, B: out[len(out)-1].B})
		}
	}
	for i, w := range modelWindows(reading.First) {
		if i > 0 {
			empty(w.Window)
		}
		out = append(out, w)
	}
	empty(numberOf(m.fit.Windows[len(m.fit.Windows)-1].Counts.Window) + 1)
	return out
}
