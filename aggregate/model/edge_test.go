package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// honest predicts every cell in full and requires what must always hold.
func honest(t *testing.T, in Input, s Settings) []Interval {
	t.Helper()
	m, err := Fit(in, s)
	require.NoError(t, err)
	targets := make([]Target, len(in.Cells))
	for i, c := range in.Cells {
		seen := make([]float64, in.Metrics)
		for v, k := range c.Fine {
			for metric, a := range in.Values[v].Amounts {
				seen[metric] += k * a
			}
		}
		targets[i] = Target{Cell: i, Seen: seen, Coarse: c.Coarse, Null: c.Null}
	}
	p := m.Predict(targets, nil, 1)
	out := make([]Interval, len(targets))
	for i, x := range targets {
		for metric := range in.Metrics {
			y := p.Of(i, metric)
			for _, v := range []float64{y.Estimate, y.Low, y.High} {
				require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%+v", y)
				require.GreaterOrEqual(t, v, x.Seen[metric]-1e-6*(1+x.Seen[metric]))
			}
			require.LessOrEqual(t, y.Low, y.Estimate)
			require.LessOrEqual(t, y.Estimate, y.High)
		}
		most := x.Seen[0] + x.Null + x.Coarse[0] + x.Coarse[1] + x.Coarse[2]
		require.LessOrEqual(t, p.Of(i, 0).High, math.Ceil(most)+3, "more payers than installs")
		out[i] = p.Of(i, 0)
	}
	return out
}

func quick() Settings {
	s := Defaults()
	s.Draws = 40
	return s
}

func one(fine []float64, coarse [3]float64, null float64) Input {
	return Input{Metrics: 2, Values: benchValues(), Cells: []Cell{{Network: "n", Campaign: "10", Fine: fine, Coarse: coarse, Null: null}}}
}

func TestNoSignal(t *testing.T) {
	t.Parallel()
	none := make([]float64, 6)
	for name, in := range map[string]Input{
		"empty":      {Metrics: 2},
		"no cells":   {Metrics: 2, Values: benchValues()},
		"all null":   one(none, [3]float64{}, 1000),
		"all coarse": one(none, [3]float64{500, 300, 200}, 0),
	} {
		_, err := Fit(in, Defaults())
		require.ErrorIs(t, err, ErrNoSignal, name)
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	noLevels := one([]float64{5, 5, 5, 1, 1, 1}, [3]float64{3, 3, 3}, 30)
	noLevels.Values = benchValues()
	for i := range noLevels.Values {
		noLevels.Values[i].Level = NoLevel
	}
	duplicate := one([]float64{50, 20, 9, 4, 2, 1}, [3]float64{9, 4, 2}, 30)
	duplicate.Cells = append(duplicate.Cells, duplicate.Cells[0])
	for name, in := range map[string]Input{
		"one campaign, one window":     one([]float64{50, 20, 9, 4, 2, 1}, [3]float64{9, 4, 2}, 30),
		"one install seen":             one([]float64{1, 0, 0, 0, 0, 0}, [3]float64{}, 100_000),
		"one payer seen":               one([]float64{0, 0, 0, 1, 0, 0}, [3]float64{}, 1000),
		"nobody pays":                  one([]float64{70, 30, 10, 0, 0, 0}, [3]float64{20, 9, 0}, 50),
		"all pay":                      one([]float64{0, 0, 0, 70, 30, 10}, [3]float64{0, 0, 40}, 50),
		"fractions":                    one([]float64{0.3, 0.01, 0, 0.2, 0, 1e-9}, [3]float64{0.4, 0.2, 0.1}, 0.7),
		"millions":                     one([]float64{4e8, 2e8, 1e8, 1e7, 1e6, 1e5}, [3]float64{1e8, 1e7, 1e7}, 3e8),
		"levels that nothing maps":     noLevels,
		"the same cell twice":          duplicate,
		"coarse of an unseen level":    one([]float64{40, 10, 0, 0, 0, 0}, [3]float64{0, 0, 30}, 10),
		"nothing but fine":             one([]float64{40, 10, 5, 3, 2, 1}, [3]float64{}, 0),
		"tier 1 only in one direction": one([]float64{0, 0, 0, 3, 2, 1}, [3]float64{400, 0, 0}, 10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			honest(t, in, quick())
		})
	}
}

func TestOneInstallSeenSaysLittle(t *testing.T) {
	t.Parallel()
	x := honest(t, one([]float64{1, 0, 0, 0, 0, 0}, [3]float64{}, 1000), Defaults())[0]
	require.Greater(t, x.High-x.Low, 300.0, "an interval that is as wide as what is known is little: %+v", x)
}

func TestBiasedConsent(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 3, windows: 2, installs: 400, coarse: 0.2, null: 0.3, pay: 0.1, consent: 0.2}
	in, _, truths := b.world(1)
	total := 0.0
	for _, x := range truths {
		total += x[0]
	}
	for name, share := range map[string]float64{"all who consent pay": 1, "none does": 0} {
		for i := range in.Consented {
			in.Consented[i].Payers = share * in.Consented[i].Installs
		}
		sum := 0.0
		for _, x := range honest(t, in, quick()) {
			sum += x.Estimate
		}
		require.InDelta(t, 1, sum/total, 0.6, name) // a bias of the cohort, not a world without others
	}
}

func TestInputIsChecked(t *testing.T) {
	t.Parallel()
	good := func() Input { return one([]float64{5, 5, 5, 1, 1, 1}, [3]float64{}, 3) }
	for name, change := range map[string]func(*Input){
		"there is no metric":   func(in *Input) { in.Metrics = 0 },
		"counts 5 values of 6": func(in *Input) { in.Cells[0].Fine = in.Cells[0].Fine[1:] },
		"counts NaN":           func(in *Input) { in.Cells[0].Null = math.NaN() },
		"counts -1":            func(in *Input) { in.Cells[0].Coarse[1] = -1 },
		"counts +Inf":          func(in *Input) { in.Cells[0].Fine[2] = math.Inf(1) },
		"and level 9":          func(in *Input) { in.Values[0].Level = 9 },
		"1 amounts of 2":       func(in *Input) { in.Values[0].Amounts = []float64{1} },
		"is worth NaN":         func(in *Input) { in.Values[0].Amounts[1] = math.NaN() },
		"9 payers of 3":        func(in *Input) { in.Consented = []Evidence{{Installs: 3, Payers: 9}} },
		"NaN payers":           func(in *Input) { in.Consented = []Evidence{{Installs: 3, Payers: math.NaN()}} },
		"of +Inf installs":     func(in *Input) { in.Consented = []Evidence{{Installs: math.Inf(1), Payers: 1}} },
	} {
		in := good()
		change(&in)
		_, err := Fit(in, Defaults())
		require.ErrorContains(t, err, name)
	}
	_, err := Fit(good(), Settings{})
	require.ErrorContains(t, err, "model settings: shift_sd is 0")
}

func TestRandomInputsAreHonest(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		honest(t, randomInput(rand.New(rand.NewPCG(seed, 9))), quick())
	}
}

// randomInput has at least one fine install.
func randomInput(r *rand.Rand) Input {
	in := Input{Metrics: 1 + r.IntN(3)}
	for range 1 + r.IntN(8) {
		v := Value{Level: r.IntN(levels), Payer: r.IntN(3) == 0, Amounts: make([]float64, in.Metrics)}
		for i := range v.Amounts {
			v.Amounts[i] = float64(r.IntN(4)) * math.Pow(10, float64(r.IntN(3)))
		}
		v.Amounts[0] = 0
		if v.Payer {
			v.Amounts[0] = 1
		}
		in.Values = append(in.Values, v)
	}
	count := func() float64 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return r.Float64() * 3
		case 2:
			return float64(r.IntN(50))
		}
		return math.Floor(math.Pow(10, 6*r.Float64()))
	}
	for range 1 + r.IntN(8) {
		c := Cell{Network: string(rune('a' + r.IntN(3))), Campaign: string(rune('a' + r.IntN(3))), Window: r.IntN(4), Null: count()}
		for range in.Values {
			c.Fine = append(c.Fine, count())
		}
		c.Coarse = [3]float64{count(), count(), count()}
		in.Cells = append(in.Cells, c)
		if n := count(); r.IntN(3) == 0 {
			in.Consented = append(in.Consented, Evidence{Network: c.Network, Campaign: c.Campaign, Installs: n, Payers: n * r.Float64()})
		}
	}
	in.Cells[0].Fine[0]++
	return in
}

func FuzzFitPredict(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		honest(t, randomInput(rand.New(rand.NewPCG(a, b))), quick())
	})
}
