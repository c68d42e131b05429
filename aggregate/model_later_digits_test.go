package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
)

func TestAllocateWithheldToSiblings(t *testing.T) {
	t.Parallel()
	row := func(level string, installs int, digits ...string) aggregate.Row {
		r := aggregate.Row{Level: level, NetworkID: "a.example", IDKind: aggregate.IDSource, Installs: installs}
		for i, d := range digits {
			*[]*string{&r.Source2, &r.Source3, &r.Source4}[i] = d
		}
		return r
	}
	legacy := row(aggregate.LevelSrc2, 500, "7")
	legacy.IDKind = aggregate.IDCampaign
	elsewhere := row(aggregate.LevelSrc2, 900, "39")
	elsewhere.NetworkID = "b.example"
	rows := []aggregate.Row{
		row(aggregate.LevelSrc3, 60, "39", "139"),
		row(aggregate.LevelSrc4, 20, "39", "239", "5239"),
		row(aggregate.LevelWithheld, 10, "39", "239"),
		row(aggregate.LevelOther, 30, "39"),
		row(aggregate.LevelWithheld, 40, "39"),
		row(aggregate.LevelWithheld, 25, "41"), // no siblings
		row(aggregate.LevelSrc2, 80, "4"),      // not below 41
		legacy, elsewhere,
	}
	in := model.Input{Metrics: 1, Values: []model.Value{{Amounts: []float64{0}}, {Level: model.High, Payer: true, Amounts: []float64{1}}}, Cells: []model.Cell{{Fine: []float64{900, 100}}}}
	m, err := model.Fit(in, model.Defaults())
	require.NoError(t, err)
	targets := make([]model.Target, len(rows)+1) // one of an earlier window before them
	for i := range targets {
		targets[i] = model.Target{Seen: []float64{0}}
		if i > 0 {
			targets[i].Random = float64(rows[i-1].Installs)
		}
	}
	p := m.Predict(targets, nil, 1)
	shares, err := aggregate.AllocateWithheld(rows, p, 1, model.AllocationDefaults(), 1)
	require.NoError(t, err)
	got := map[string]map[string]float64{}
	for _, s := range shares {
		if got[s.Withheld] == nil {
			got[s.Withheld] = map[string]float64{}
		}
		got[s.Withheld][s.Sibling] = s.Installs.Estimate
		require.InDelta(t, 0.1*s.Installs.Estimate, s.Amounts[0].Estimate, 0.02*s.Installs.Estimate)
	}
	require.Len(t, got, 2)
	require.InDeltaMapValues(t, map[string]float64{"a.example/39/139": 20, "a.example/39/239": 10, "a.example/39/other": 10}, got["a.example/39/withheld"], 1e-9)
	require.InDeltaMapValues(t, map[string]float64{"a.example/39/239/5239": 10}, got["a.example/39/239/withheld"], 1e-9)
	_, err = aggregate.AllocateWithheld(rows, p, 1, model.AllocationSettings{}, 1)
	require.ErrorContains(t, err, "a.example/39")
}
