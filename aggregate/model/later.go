package model

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
)

// LaterLevel is what the schema says of a coarse level of window 1 or 2.
type LaterLevel struct {
	Payer   bool
	Amounts []float64 // by metric, of one install; NaN: the schema has no number
}

// LaterCell is the installs of one campaign whose postback of index 1 or 2 is due in
// one window. They are known by index 0 alone: later postbacks can't be joined to them.
type LaterCell struct {
	Network, Campaign string
	Window            int
	Levels            [3]float64 // postbacks with low, medium, high
	AnyLevel          float64    // postbacks with a level that is not published
	// Nothing is installs of crowd tier 1 and up without such a postback: none came, or
	// one without a value. They set nothing in that time, and are no payers of it.
	Nothing float64
	Unseen  float64 // installs of tier 1 and up whose later postbacks are not published
	Null    float64 // installs of tier 0: Apple sends no later postbacks of them
}

// LaterInput is everything that the model of a later window sees.
type LaterInput struct {
	Metrics int
	Levels  [3]LaterLevel
	Cells   []LaterCell
	Shift   LaterShift // of the null tier, by the model of index 0
}

// LaterShift is how payers of the null tier differ at index 0, in log-odds. Its zero
// value is that nothing is known of it.
type LaterShift struct {
	app      normal
	network  map[string]normal
	campaign map[[2]string]normal
}

// LaterSettings are the assumptions of later windows.
type LaterSettings struct {
	// Carry is how much of the null tier's shift at index 0 there is in later windows, and
	// its standard deviation. No postback tells: Apple sends none of tier 0. Nothing
	// between none (0) and all of it (1) is likelier than the rest.
	Carry, CarrySD float64
	// ShiftSD is the standard deviation of a shift of their own, in log-odds.
	ShiftSD float64
	// DeviationFloor is that of networks' and campaigns' own deviations.
	DeviationFloor float64
	Draws          int
	Coverage       float64
}

// LaterDefaults are the settings that are documented.
func LaterDefaults() LaterSettings {
	return LaterSettings{Carry: 0.5, CarrySD: 0.35, ShiftSD: 0.2, DeviationFloor: 0.1, Draws: 200, Coverage: 0.90}
}

// Validate names the first setting that makes no sense.
func (s LaterSettings) Validate() error {
	for _, c := range []struct {
		name           string
		v, least, most float64
	}{
		{"carry", s.Carry, 0, 3},
		{"carry_sd", s.CarrySD, 0, 3},
		{"shift_sd", s.ShiftSD, 0, 5},
		{"deviation_floor", s.DeviationFloor, 0, 5},
		{"draws", float64(s.Draws), 10, 10_000},
		{"coverage", s.Coverage, 0.5, 0.99},
	} {
		if !(c.v >= c.least && c.v <= c.most) { // also NaN
			return fmt.Errorf("later windows' settings: %s is %v; it must be between %v and %v", c.name, c.v, c.least, c.most)
		}
	}
	return nil
}

// LaterShift is what this model believes of the null tier.
func (m *Model) LaterShift() LaterShift {
	s := LaterShift{network: map[string]normal{}, campaign: map[[2]string]normal{}}
	s.app = normal{m.settings.Extrapolation*m.shifts.payers + m.null.shift, m.null.shiftSD}
	if !m.null.informed {
		s.app.sd = math.Hypot(s.app.sd, math.Hypot(m.settings.ExtrapolationSD*m.shifts.payers, m.settings.Extrapolation*m.shifts.payersSD()))
	}
	for i, c := range m.in.Cells {
		at := m.layout.sites[i]
		s.network[c.Network] = m.null.network[at.network]
		s.campaign[[2]string{c.Network, c.Campaign}] = m.null.campaign[at.campaign]
	}
	return s
}

// nothing is the category beside the three levels: no postback, or none with a value.
const (
	nothing  = NoLevel
	outcomes = NoLevel + 1
)

// LaterModel is what was learnt of one index of one app. It is read only.
type LaterModel struct {
	in       LaterInput
	settings LaterSettings
	layout   *layout
	outcome  *tree
	levels   [3]float64 // the app's mix of them
}

// FitLater learns from counts. ErrNoSignal where no level was seen in the whole app.
func FitLater(in LaterInput, s LaterSettings) (*LaterModel, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	m := &LaterModel{in: in, settings: s}
	names := Input{}
	total := 0.0
	for _, c := range in.Cells {
		names.Cells = append(names.Cells, Cell{Network: c.Network, Campaign: c.Campaign, Window: c.Window})
		for level, n := range c.Levels {
			m.levels[level] += n
			total += n
		}
	}
	if total == 0 {
		return nil, fmt.Errorf("later windows: %w", ErrNoSignal)
	}
	floats.Scale(1/total, m.levels[:])
	m.layout = newLayout(names)
	counts := make([][]float64, len(in.Cells))
	for i, c := range in.Cells {
		counts[i] = []float64{c.Levels[Low], c.Levels[Medium], c.Levels[High], c.Nothing}
		floats.AddScaled(counts[i][:nothing], c.AnyLevel, m.levels[:])
	}
	m.outcome = grow(m.layout, outcomes, counts, pooled(outcomes, counts, nil), polya)
	return m, nil
}

func (in LaterInput) check() error {
	if in.Metrics < 1 {
		return fmt.Errorf("later windows: there is no metric; the first is payers")
	}
	for level, l := range in.Levels {
		if len(l.Amounts) != in.Metrics {
			return fmt.Errorf("later windows: level %d has %d amounts of %d", level, len(l.Amounts), in.Metrics)
		}
		for _, a := range l.Amounts {
			if a < 0 || a >= 1e12 {
				return fmt.Errorf("later windows: level %d is worth %v", level, a)
			}
		}
	}
	for i, c := range in.Cells {
		for _, n := range []float64{c.Levels[Low], c.Levels[Medium], c.Levels[High], c.AnyLevel, c.Nothing, c.Unseen, c.Null} {
			if !(n >= 0 && n < 1e12) { // also NaN
				return fmt.Errorf("later windows: cell %d (%s, %s) counts %v installs", i, c.Network, c.Campaign, n)
			}
		}
	}
	return nil
}

// Untold are the levels for which the schema has no number of a metric: estimates of it
// are without them.
func (m *LaterModel) Untold(metric int) (out []int) {
	for level, l := range m.in.Levels {
		if math.IsNaN(l.Amounts[metric]) {
			out = append(out, level)
		}
	}
	return out
}

// laterWorld is the shares of outcomes by cell, and the null tier's log-odds.
type laterWorld struct {
	outcome [][]float64
	shift   []float64
}

// shifts gives the null tier's log-odds by cell: for z the deviation of a kind, an own
// one of each network and campaign, shared by all their windows.
func (m *LaterModel) shifts(z func(kind int, of [2]string) float64) []float64 {
	s, in := m.settings, m.in.Shift
	carry := max(0, s.Carry+s.CarrySD*z(0, [2]string{}))
	own := s.DeviationFloor / math.Sqrt2
	out := make([]float64, len(m.in.Cells))
	for i, c := range m.in.Cells {
		network, campaign := [2]string{c.Network}, [2]string{c.Network, c.Campaign}
		n, k := in.network[c.Network], in.campaign[campaign]
		first := in.app.mean + in.app.sd*z(1, [2]string{}) +
			n.mean + n.sd*z(2, network) + k.mean + k.sd*z(3, campaign)
		out[i] = carry*first + s.ShiftSD*z(4, [2]string{}) + own*(z(5, network)+z(6, campaign))
	}
	return out
}

func (m *LaterModel) mean() laterWorld {
	return laterWorld{m.outcome.expect(), m.shifts(func(int, [2]string) float64 { return 0 })}
}

func (m *LaterModel) draw(src rand.Source) laterWorld {
	type name struct {
		kind int
		of   [2]string
	}
	drawn, normal := map[name]float64{}, standard(src)
	return laterWorld{m.outcome.draw(src), m.shifts(func(kind int, of [2]string) float64 {
		x, known := drawn[name{kind, of}]
		if !known {
			x = normal.Rand()
			drawn[name{kind, of}] = x
		}
		return x
	})}
}

// null is the outcomes of tier 0: payers' levels shift, against all else.
func (m *LaterModel) null(w laterWorld, cell int) []float64 {
	out := make([]float64, outcomes)
	copy(out, w.outcome[cell])
	for level, l := range m.in.Levels {
		if l.Payer {
			out[level] *= exp(w.shift[cell])
		}
	}
	floats.Scale(1/floats.Sum(out), out)
	return out
}

// any is the levels of postbacks that had one.
func (m *LaterModel) any(w laterWorld, cell int) []float64 {
	out := make([]float64, outcomes)
	copy(out, w.outcome[cell][:nothing])
	total := floats.Sum(out)
	if !(total > 0) {
		copy(out, m.levels[:])
		return out
	}
	floats.Scale(1/total, out)
	return out
}
