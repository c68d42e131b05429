package aggregate

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"skand/aggregate/model"
	"skand/schema"
)

// LaterWindows is what was published of the first postbacks of an app and of its second
// or third ones.
type LaterWindows struct {
	Index     int                      // of Later: 1 or 2
	Hours     int                      // length of a window: 168 or 24
	Documents map[int]*schema.Document // by schema version
	Set       Dataset                  // of First
	First     []ModelWindow            // index 0; Window counts without gaps, here and in Later
	Later     []ModelWindow
	Consented []model.Evidence // of index 0
}

// LaterInput is published rows of a later index beside the installs that they are of.
// Cells are campaigns by window of Later, for all their installs; where index 1 or 2 has
// no row for a campaign, its installs are in the row that holds it: the network's
// `other`, or the app's.
type LaterInput struct {
	model.LaterInput
	Rows  [][]string // by cell: keys of its rows; none where nothing of it is published
	again func(*rand.Rand) (*LaterInput, error)
}

// NewLaterInput reads windows. Those of Later whose installs came, in part, before the
// windows of First are left out: nobody can say how many they are. First postbacks with
// a campaign id are of versions up to 3 and have no later ones: their installs are
// taken to do what others of the network do.
func NewLaterInput(w LaterWindows, s model.Settings) (*LaterInput, error) {
	lag, err := model.LagWeights(w.Index, w.Hours, w.locks())
	if err != nil {
		return nil, fmt.Errorf("later windows: %w", err)
	}
	a := NewAlphabet(w.Documents, w.Set)
	first, err := NewModelInput(a, w.First)
	if err != nil {
		return nil, fmt.Errorf("later windows: index 0: %w", err)
	}
	later, err := NewModelInput(a, w.Later)
	if err != nil {
		return nil, fmt.Errorf("later windows: index %d: %w", w.Index, err)
	}
	first.Consented = w.Consented
	read := func(first, later *ModelInput) (*LaterInput, error) {
		out := &LaterInput{LaterInput: model.LaterInput{Metrics: 2, Levels: w.levels()}}
		m, err := model.Fit(first.Input, s)
		switch {
		case err == nil:
			out.Shift = m.LaterShift()
		case !errors.Is(err, model.ErrNoSignal): // without a signal nothing is known of the shift
			return nil, fmt.Errorf("later windows: index 0: %w", err)
		}
		r := laterReading{w, lag, first.Targets, later.Targets, out}
		r.read()
		return out, nil
	}
	in, err := read(first, later)
	if err != nil {
		return nil, err
	}
	in.again = func(random *rand.Rand) (*LaterInput, error) {
		f, err := first.again(random)
		if err != nil {
			return nil, fmt.Errorf("later windows: split index 0: %w", err)
		}
		f.Consented = w.Consented
		l, err := later.again(random)
		if err != nil {
			return nil, fmt.Errorf("later windows: split index %d: %w", w.Index, err)
		}
		return read(f, l)
	}
	return in, nil
}

// Predict fits and estimates the cells: MetricPayers and MetricRevenue of that window of
// all their installs. untold are the levels for which the schema has no revenue: the
// revenue is without them. model.ErrNoSignal where no level was seen. Sums over indices
// are not offered: their draws are of their own.
func (in *LaterInput) Predict(s model.LaterSettings, seed uint64) (p *model.Prediction, untold []string, err error) {
	m, err := model.FitLater(in.LaterInput, s)
	if err != nil {
		return nil, nil, fmt.Errorf("model published rows: %w", err)
	}
	parts := make([]*model.Prediction, resplits)
	r := rand.New(rand.NewPCG(seed, 0x6c6174657273706c))
	each := s
	each.Draws = (s.Draws + resplits - 1) / resplits
	for i := range parts {
		split, err := in.again(r)
		if err != nil {
			return nil, nil, err
		}
		part, err := model.FitLater(split.LaterInput, each)
		if err != nil {
			return nil, nil, fmt.Errorf("model split rows: %w", err)
		}
		parts[i] = part.Predict(r.Uint64())
	}
	for _, level := range m.Untold(MetricRevenue) {
		untold = append(untold, laterLevels[level])
	}
	return model.Pool(m.Expect(), parts), untold, nil
}

var laterLevels = [3]string{model.Low: CoarseLow, model.Medium: CoarseMedium, model.High: CoarseHigh}

// newest is the document of the newest version, which phones have by now.
func (w LaterWindows) newest() *schema.Document {
	versions := slices.Sorted(maps.Keys(w.Documents))
	if len(versions) == 0 {
		return nil
	}
	return w.Documents[versions[len(versions)-1]]
}

// locks are the schema's time locks, in hours into each window.
func (w LaterWindows) locks() (out [3]int) {
	d := w.newest()
	if d == nil {
		return out
	}
	windows := d.Windows
	if w.Set.Kind == KindReengagement && len(d.ReengagementWindows) > 0 {
		windows = d.ReengagementWindows
	}
	for _, x := range windows {
		if x.Index >= 0 && x.Index < len(out) && x.Lock != nil && x.Lock.On == schema.LockTime {
			out[x.Index] = x.Lock.Number
		}
	}
	return out
}
