package aggregate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return v
}

func TestWindowAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, at, kind, start, end string }{
		{"a Wednesday", "2026-11-18T13:00:00Z", "week", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"Monday midnight begins", "2026-11-16T00:00:00Z", "week", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"Sunday's last moment", "2026-11-22T23:59:59.999Z", "week", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"another zone's Monday is UTC's Sunday", "2026-11-16T00:30:00+01:00", "week", "2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"},
		{"a day", "2026-02-28T23:00:00Z", "day", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"a week over the year's end", "2027-01-01T00:00:00Z", "week", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := WindowAt(WindowKind(c.kind), at(t, c.at))
			require.Equal(t, Window{Start: at(t, c.start), End: at(t, c.end)}, w)
			require.Equal(t, WindowKind(c.kind), w.Kind())
		})
	}
}

// Windows of one kind tile time: none overlaps, none is missing.
func TestWindowsTile(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 0))
	for range 2000 {
		moment := time.UnixMilli(r.Int64N(4e12)).UTC()
		for _, kind := range []WindowKind{Week, Day} {
			w := WindowAt(kind, moment)
			require.True(t, w.Contains(moment))
			require.Equal(t, w, WindowAt(kind, w.Start))
			require.Equal(t, w, WindowAt(kind, w.End.Add(-time.Millisecond)))
			next := kind.Next(w)
			require.Equal(t, w.End, next.Start)
			require.False(t, w.Contains(next.Start))
		}
		require.Equal(t, time.Monday, WindowAt(Week, moment).Start.Weekday())
	}
}

func TestInstallBounds(t *testing.T) {
	t.Parallel()
	w := WindowAt(Week, at(t, "2026-11-16T00:00:00Z"))
	for _, c := range []struct {
		index    int
		idKind   string
		from, to time.Duration // before window start, before window end
	}{
		{0, IDSource, 96 * time.Hour, 24 * time.Hour},
		{0, IDCampaign, 65 * 24 * time.Hour, 24 * time.Hour},
		{0, "", 65 * 24 * time.Hour, 24 * time.Hour}, // may mix both: the widest
		{1, IDSource, 312 * time.Hour, 72 * time.Hour},
		{1, "", 312 * time.Hour, 72 * time.Hour}, // no campaign ids after index 0
		{2, IDSource, 984 * time.Hour, 192 * time.Hour},
	} {
		from, to := InstallBounds(c.index, c.idKind, w)
		require.Equal(t, w.Start.Add(-c.from), from, "%d %q", c.index, c.idKind)
		require.Equal(t, w.End.Add(-c.to), to, "%d %q", c.index, c.idKind)
	}
}
