package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/pgtest"
)

// eachPlace runs a test with the locations of a new store on every database.
func eachPlace(t *testing.T, test func(t *testing.T, o Options)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Options{Main: "sqlite:" + filepath.Join(t.TempDir(), "not", "yet"), Clock: clock.NewManual(start)})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Options{Main: pgtest.URL(t), Clock: clock.NewManual(start)})
	})
}

func reopen(t *testing.T, o Options, mode LabMode) (*Store, error) {
	t.Helper()
	o.Lab = mode
	s, err := Open(t.Context(), o)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, s.Close()) })
	}
	return s, err
}

// TestLabIsDecidedOnce: the first who wants to know decides for ever; who only
// looks decides nothing.
func TestLabIsDecidedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		first LabMode
		lab   bool
	}{"lab": {Lab, true}, "production": {Production, false}} {
		t.Run(name, func(t *testing.T) {
			eachPlace(t, func(t *testing.T, o Options) {
				s, err := reopen(t, o, AsIs)
				require.NoError(t, err)
				lab, offset := s.Lab()
				require.False(t, lab)
				require.Zero(t, offset)
				for _, mode := range []LabMode{c.first, AsIs, c.first} {
					s, err = reopen(t, o, mode)
					require.NoError(t, err)
					lab, _ = s.Lab()
					require.Equal(t, c.lab, lab)
				}
				other, want := Lab, ErrNotLab
				if c.lab {
					other, want = Production, ErrIsLab
				}
				_, err = reopen(t, o, other)
				require.ErrorIs(t, err, want)
				s, err = reopen(t, o, AsIs)
				require.NoError(t, err)
				lab, _ = s.Lab()
				require.Equal(t, c.lab, lab, "a refused opening changes nothing")
			})
		})
	}
}

func TestLabOffsetSurvives(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		s, err := reopen(t, o, Lab)
		require.NoError(t, err)
		for _, ahead := range []time.Duration{25 * time.Hour, 9000 * time.Hour, 1500 * time.Millisecond, -time.Hour} {
			require.NoError(t, s.SaveLabOffset(t.Context(), ahead))
			again, err := reopen(t, o, Lab)
			require.NoError(t, err)
			lab, offset := again.Lab()
			require.True(t, lab)
			require.Equal(t, ahead, offset)
		}
	})
}

func TestReopeningMigratesNothing(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		s, err := reopen(t, o, Production)
		require.NoError(t, err)
		in := newInbox(t, s, o.Clock.(*clock.Movable))
		in.post(won(1), "network")
		for range 2 {
			for set, d := range map[string]*db{"": s.main, "published_": s.pub} {
				done, err := migrate(t.Context(), d, set+string(d.dialect))
				require.NoError(t, err)
				require.Empty(t, done)
			}
		}
		s, err = reopen(t, o, Production)
		require.NoError(t, err)
		require.Equal(t, int64(1), newInbox(t, s, in.now).countAll().Received)
	})
}

func TestReady(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		s, err := reopen(t, o, Production)
		require.NoError(t, err)
		require.NoError(t, s.Ready(t.Context()))
		require.NoError(t, s.Ready(t.Context()))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorContains(t, s.Ready(gone), "main store: ")
		require.NoError(t, s.pub.close())
		require.ErrorContains(t, s.Ready(t.Context()), "published store: ")
		s.pub = nil
	})
}

func TestOpenRefusesOtherLocations(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"sqlite:":                      "needs a folder",
		"mysql://u:secret@h/db":        "want sqlite:DIR or postgres://",
		"postgres://u:secret@%zz/db":   "not parsable",
		"/var/lib/skand":               "want sqlite:DIR or postgres://",
		"sqlite:/dev/null/no-folder":   "make the data folder",
		"postgres://u:secret@[::1]:1/": "reach postgres://u:xxxxx@",
	} {
		_, err := Open(t.Context(), Options{Main: location})
		require.ErrorContains(t, err, want, location)
		require.NotContains(t, err.Error(), "secret")
	}
	require.Equal(t, "sqlite:x", PublishedBeside("sqlite:x"))
	require.Equal(t, "postgres://h/a_published?sslmode=disable", PublishedBeside("postgres://h/a?sslmode=disable"))
}
