package aggregate

import (
	"fmt"

	"skand/aggregate/model"
)

// Explain explains the estimates of Predict, row by row in the windows' order. Windows
// are those that the input was read from. All that it says is a function of what is
// published, and of consented cohorts that were.
func (in *ModelInput) Explain(windows []ModelWindow, s model.Settings) ([]model.Explanation, error) {
	m, err := model.Fit(in.Input, s)
	if err != nil {
		return nil, fmt.Errorf("explain published rows: %w", err)
	}
	var installs []float64
	for _, w := range windows {
		for _, r := range w.Rows {
			installs = append(installs, float64(r.Installs))
		}
	}
	out, err := m.Explain(in.Targets, in.Groups, installs)
	if err != nil {
		return nil, fmt.Errorf("explain published rows: %w", err)
	}
	return out, nil
}

// Explain explains the estimates of Predict, cell by cell.
func (in *LaterInput) Explain(s model.LaterSettings) ([]model.Explanation, error) {
	m, err := model.FitLater(in.LaterInput, s)
	if err != nil {
		return nil, fmt.Errorf("explain published rows: %w", err)
	}
	return m.Explain(), nil
}
