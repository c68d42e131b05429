package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

func TestManualWakesWaitersInTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	c := clock.NewManual(start)
	soon, later := c.After(time.Minute), c.After(time.Hour)
	require.Equal(t, 2, c.Waiting())

	c.Advance(59 * time.Second)
	require.Empty(t, soon)
	c.Advance(time.Second)
	require.Equal(t, start.Add(time.Minute), <-soon)
	require.Empty(t, later)

	c.Set(start.Add(48 * time.Hour))
	require.Equal(t, start.Add(48*time.Hour), <-later)
	require.Zero(t, c.Waiting())
	require.NotNil(t, <-c.After(0))
}

func TestLabRunsWithItsBase(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	base := clock.NewManual(start)
	lab := clock.NewLab(base, time.Hour)
	require.Equal(t, start.Add(time.Hour), lab.Now())

	jumped, ran := lab.After(2*time.Hour), lab.After(30*time.Hour)
	lab.Advance(25 * time.Hour)
	<-jumped
	require.Empty(t, ran)
	require.Equal(t, 26*time.Hour, lab.Offset())

	base.Advance(30 * time.Hour)
	<-ran
	require.Equal(t, start.Add(56*time.Hour), lab.Now())
}
