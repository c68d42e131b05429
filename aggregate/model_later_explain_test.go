package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
)

// What is explained of a row adds up to the row's installs and to its estimates, and
// what is called observed is what the row says.
func TestExplainPublishedRows(t *testing.T) {
	t.Parallel()
	for _, installs := range []int{500, 3_000} {
		_, a, windows := publishedWorld(t, "worse", 4, installs, 3)
		in, err := aggregate.NewModelInput(a, windows)
		require.NoError(t, err)
		all, err := in.Explain(windows, model.Defaults())
		require.NoError(t, err)
		s := model.Defaults()
		s.Draws = 80
		p, err := in.Predict(s, 1)
		require.NoError(t, err)
		i := 0
		for _, w := range windows {
			for _, r := range w.Rows {
				e := all[i]
				counted, payers, revenue := 0.0, 0.0, 0.0
				for _, part := range e.Parts {
					counted += part.Installs
					payers += part.Amounts[aggregate.MetricPayers]
					revenue += part.Amounts[aggregate.MetricRevenue]
				}
				require.InDelta(t, r.Installs, counted, 1e-6, r.Key())
				require.InDelta(t, p.Of(i, aggregate.MetricPayers).Estimate, payers, 1e-6*max(1, payers), r.Key())
				require.InDelta(t, p.Of(i, aggregate.MetricRevenue).Estimate, revenue, 1e-6*max(1, revenue), r.Key())
				seen := e.Parts[0]
				require.Equal(t, model.PartSeen, seen.Part)
				if r.Payers != nil {
					require.True(t, seen.Observed[aggregate.MetricPayers])
					require.InDelta(t, *r.Payers, seen.Amounts[aggregate.MetricPayers], 1e-9)
				}
				require.Contains(t, e.Sentences[0], "installs")
				i++
			}
		}
		require.Len(t, all, i)
		_, err = in.Explain(windows[1:], model.Defaults())
		require.Error(t, err, "rows of other windows")
	}
}
