package aggregate

import (
	"fmt"
	"math/rand/v2"

	"skand/aggregate/model"
)

// resplits is how often what a publication withheld is split anew for the draws. Every
// split is fitted by itself and gives its part of them, so that intervals hold what
// nobody knows of the split, and what follows from it (Rubin, "Multiple Imputation for
// Nonresponse in Surveys", 1987: five to ten do).
const resplits = 5

// Predict fits and estimates the rows. The estimates are those of the split's means;
// the same seed gives the same bounds. model.ErrNoSignal where no value was seen.
func (in *ModelInput) Predict(s model.Settings, seed uint64) (*model.Prediction, error) {
	m, err := model.Fit(in.Input, s)
	if err != nil {
		return nil, fmt.Errorf("model published rows: %w", err)
	}
	parts := make([]*model.Prediction, resplits)
	r := rand.New(rand.NewPCG(seed, 0x73706c6974))
	each := s
	each.Draws = (s.Draws + resplits - 1) / resplits
	for i := range parts {
		split, err := in.again(r)
		if err != nil {
			return nil, fmt.Errorf("split published rows: %w", err)
		}
		split.Consented = in.Consented
		part, err := model.Fit(split.Input, each)
		if err != nil {
			return nil, fmt.Errorf("model split rows: %w", err)
		}
		parts[i] = part.Predict(split.Targets, split.Groups, r.Uint64())
	}
	return model.Pool(m.Expect(in.Targets, in.Groups), parts), nil
}
