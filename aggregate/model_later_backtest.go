package aggregate

import (
	"fmt"

	"skand/aggregate/model"
)

// BackTestPublished hides known values of published windows and foretells them. Known
// is what a histogram says: installs of rows whose payers are NULL are in the model's
// input as well, but imputed, and foretelling those would test nothing. Where a bin
// holds several values the app's mix says which of them was hidden, so that revenue is
// tested between bins and not within them. What it tells is a function of what is
// published.
func BackTestPublished(a *Alphabet, windows []ModelWindow, s model.Settings, o model.BackTestOptions) (model.BackTest, error) {
	in, err := NewModelInput(a, windows)
	if err != nil {
		return model.BackTest{}, fmt.Errorf("back-test published rows: %w", err)
	}
	if o.Known, err = knownValues(a, windows, in); err != nil {
		return model.BackTest{}, fmt.Errorf("back-test published rows: %w", err)
	}
	b, err := model.RunBackTest(in.Input, s, o)
	if err != nil {
		return model.BackTest{}, fmt.Errorf("back-test published rows: %w", err)
	}
	return b, nil
}

// knownValues counts the histograms alone, in the cells of the input.
func knownValues(a *Alphabet, windows []ModelWindow, in *ModelInput) ([][]float64, error) {
	mix, err := mixOf(a, windows)
	if err != nil {
		return nil, err
	}
	r := &modelReading{a: a, in: &ModelInput{}, cells: map[cellKeyOf]int{}}
	r.mix = mix
	for _, w := range windows {
		if err := r.histograms(w); err != nil {
			return nil, err
		}
	}
	type name struct {
		network, campaign string
		window            int
	}
	at := map[name]int{}
	for i, c := range in.Cells {
		at[name{c.Network, c.Campaign, c.Window}] = i
	}
	out := make([][]float64, len(in.Cells))
	for i := range out {
		out[i] = make([]float64, len(a.Values))
	}
	for _, c := range r.in.Cells {
		if i, ok := at[name{c.Network, c.Campaign, c.Window}]; ok {
			out[i] = c.Fine
		}
	}
	return out, nil
}
