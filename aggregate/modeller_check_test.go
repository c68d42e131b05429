package aggregate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate/model"
)

// Two windows running whose known values no longer are what was foretold ring; the next
// window on which they hold ends it; what was modelled before is read from what was
// published then.
func TestModelDriftReadsEarlierTests(t *testing.T) {
	t.Parallel()
	source := modelable(Week, 4, all)
	m := &modelled{fit: ModelFit{Dataset: source.Dataset, Windows: source.Windows}, metrics: []metricName{{MetricNamePayers, ""}, {MetricNameEvent, "level"}}}
	reading := ModelReading{Checks: map[string][]ModelCheck{}}
	for _, w := range source.Windows {
		reading.Windows = append(reading.Windows, w.Counts)
	}
	id := func(i int) string { return BaseReleaseID(reading.Windows[i]) }
	test := func(metric, event string, covered int) []ModelCheck {
		return []ModelCheck{
			{Test: CheckAll, Level: model.BackTestCell, Metric: metric, EventName: event, Intervals: 60},
			{Test: CheckWindow, Level: model.BackTestCell, Metric: metric, EventName: event, Intervals: 60, Covered: covered, Above: 60 - covered},
		}
	}
	found := func(own map[string][]ModelCheck, until int) []ModelDrift {
		d, err := m.drift(reading, own, until, model.DriftDefaults())
		require.NoError(t, err)
		return d
	}
	reading.Checks[id(1)] = test(MetricNameEvent, "level", 30)
	own := map[string][]ModelCheck{id(2): test(MetricNameEvent, "level", 28), id(3): test(MetricNameEvent, "level", 58)}
	require.Empty(t, found(own, 1), "one window alone")
	rings := found(own, 2)
	require.Len(t, rings, 1)
	require.Equal(t, source.Windows[1].Counts.Window.Start, rings[0].Since)
	require.Equal(t, "level", rings[0].EventName)
	require.Contains(t, rings[0].Says, "level of 1.0.install.production: From "+source.Windows[1].Counts.Window.Start.Format(time.DateOnly))
	require.Contains(t, rings[0].Do, "higher than")
	require.Empty(t, found(own, 3), "it ends by itself")
	own[id(2)] = test(MetricNameEvent, "an event that the schema no longer has", 0)
	require.Empty(t, found(own, 2))
	own[id(2)] = nil // nothing could be hidden: that window tells nothing, and the last two that tell are not there
	require.Empty(t, found(own, 2))
}

func TestModeledNumbersAreRoundedOutward(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metric string
		x      model.Interval
		want   string
	}{
		{MetricNamePayers, model.Interval{Estimate: 12.345, Low: 10.06, High: 14.91}, "12.3 10 15"},
		{MetricNamePayers, model.Interval{Estimate: 7, Low: 7, High: 7}, "7 7 7"},
		{MetricNameRevenue, model.Interval{Estimate: 14.970000000000002, Low: 14.969999999999999, High: 14.970000000000002}, "14.97 14.97 14.97"},
		{MetricNameRevenue, model.Interval{Estimate: 0.004, Low: 0, High: 0.004}, "0 0 0.01"},
		{MetricNameEvent, model.Interval{Estimate: 0.05, Low: 0.05, High: 0.05}, "0.1 0 0.1"},
	} {
		m := modeledOf(c.metric, "", c.x)
		require.Equal(t, c.want, m.Estimate.String()+" "+m.Low.String()+" "+m.High.String())
		require.Equal(t, SignalYes, m.Signal)
	}
}
