package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

func TestModelRows(t *testing.T) {
	t.Parallel()
	app, err := publishedWorld(Tiny().Model / modelWeeks)
	require.NoError(t, err)
	require.Len(t, app.windows, modelWeeks)
	require.Greater(t, app.rows, modelWeeks)
	require.NotEmpty(t, app.evidence)
	require.InDelta(t, Tiny().Model, app.installs, 0.5*float64(Tiny().Model), "the networks' weeks differ")
	for _, w := range app.windows {
		for _, r := range w.Rows {
			require.GreaterOrEqual(t, r.Installs, aggregate.FloorK)
		}
	}
	b := &bench{sizes: Tiny(), notes: t.Output(), report: newReport(Tiny())}
	require.NoError(t, b.model(t.Context()))
	require.Len(t, b.report.Rows, 2)
	for _, r := range b.report.Rows {
		require.Positive(t, r.Ratio, r.Name)
		require.NotEmpty(t, r.What)
	}
	require.Equal(t, "model.published", b.report.Rows[0].Name)
	require.NotNil(t, b.report.Rows[0].Bar)
	require.Nil(t, b.report.Rows[1].Bar)
}
