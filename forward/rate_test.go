package forward

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rate.Limit{"": rate.Inf, "50/s": 50, "600/m": 10, "3600/h": 1, "1/h": rate.Limit(1.0 / 3600)} {
		got, err := parseRate(text)
		require.NoError(t, err, text)
		require.InDelta(t, float64(want), float64(got), 1e-12, text)
	}
	for _, text := range []string{"50", "0/s", "-1/s", "1.5/s", "50/d", "50/", "/s", "s", "100001/s", "99999999999/h", "50 / s", "50/s/s"} {
		_, err := parseRate(text)
		require.Error(t, err, text)
	}
}

// TestBucketKeepsItsRate: whatever is asked for and given back, in no span does more go
// out than the rate and the burst allow; and all of it goes out in the end.
func TestBucketKeepsItsRate(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(3, seed))
		per := []string{"50/s", "7/s", "600/m", "1000/h"}[seed%4]
		limit, err := parseRate(per)
		require.NoError(t, err)
		b, err := newBucket(per)
		require.NoError(t, err)
		burst := float64(b.limiter.Burst())
		now := monday
		type made struct {
			at time.Time
			n  int
		}
		var out []made
		total := 0
		for range 400 {
			want := r.IntN(8) + 1
			n, wait := b.take(want, now)
			require.LessOrEqual(t, n, want)
			require.Equal(t, n == 0, wait > 0)
			used := r.IntN(n + 1)
			b.give(n - used)
			out, total = append(out, made{now, used}), total+used
			now = now.Add(wait + time.Duration(r.Int64N(int64(30*time.Millisecond))))
		}
		require.Positive(t, total)
		for i := range out {
			sum := 0
			for j := i; j < len(out); j++ {
				sum += out[j].n
				span := out[j].at.Sub(out[i].at).Seconds()
				require.LessOrEqual(t, float64(sum), float64(limit)*span+2*burst+1e-6, per)
			}
		}
	}
}

func TestBucketWaits(t *testing.T) {
	t.Parallel()
	b, err := newBucket("2/s")
	require.NoError(t, err)
	n, wait := b.take(4, monday)
	require.Equal(t, []any{1, time.Duration(0)}, []any{n, wait})
	n, wait = b.take(4, monday)
	require.Equal(t, []any{0, 500 * time.Millisecond}, []any{n, wait})
	n, _ = b.take(4, monday.Add(wait))
	require.Equal(t, 1, n, "exactly then there is one")
	b.give(1)
	n, _ = b.take(4, monday.Add(wait))
	require.Equal(t, 1, n, "what was not used is there at once")
	n, wait = b.take(4, monday.Add(-time.Hour))
	require.Equal(t, []any{0, true}, []any{n, wait > 0}, "a clock that goes back lets nothing out")
	free, err := newBucket("")
	require.NoError(t, err)
	n, wait = free.take(64, monday)
	require.Equal(t, []any{64, time.Duration(0)}, []any{n, wait})
	_, err = newBucket("fast")
	require.ErrorIs(t, err, errRate)
}
