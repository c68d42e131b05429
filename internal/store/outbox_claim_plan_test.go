package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
)

// TestClaimReadsWhatItTakes: a claim out of a long queue reads the rows that it takes,
// in the order of an index, and a settlement those that it settles; with plans for the
// values, and with one for any.
func TestClaimReadsWhatItTakes(t *testing.T) {
	t.Parallel()
	const waiting, few = 3000, 4
	location, published := migratedPostgres(t)
	runOn(t, location, published, func(t *testing.T, s *Store, now *clock.Movable) {
		q := queue{t, s, now}
		q.save("d", "https://h.example/?c={click_id}", nil)
		require.Equal(t, waiting, q.put(waiting))
		_, err := s.main.w.ExecContext(t.Context(), `VACUUM ANALYZE outbox`)
		require.NoError(t, err)
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			x := explain(t, s, location, mode)
			s.standings.forget()
			want := forward.Want{DestinationID: "d", Limit: few, Now: now.Now(), Lease: time.Minute}
			outcomes := q.delivered(q.claim(few))
			for range 3 { // by a transaction, and then by one statement
				require.Len(t, outcomes, few)
				outcomes = q.delivered(q.exchange(outcomes, want).Claimed)
			}
			q.exchange(outcomes) // or they would lie at the head of the queue
			plans, err := x.take()
			require.NoError(t, err)
			seen, atOnce := 0, 0
			for _, p := range plans {
				if !strings.Contains(p.Text, "outbox") {
					continue
				}
				seen++
				if p.Text == exchangeSQL {
					atOnce++
				}
				p.Root.each(func(n *planNode) {
					require.NotEqual(t, "Sort", n.Type+map[bool]string{true: " of few"}[n.Rows <= few], "%s\n%s", mode, p.raw)
					if n.Relation == "outbox" && strings.Contains(n.Type, "Scan") {
						require.LessOrEqual(t, n.read(), float64(2*few), "%s\n%s", mode, p.raw)
					}
				})
			}
			require.GreaterOrEqual(t, seen, 4, "a claim, a settlement and both at once")
			require.Equal(t, 3, atOnce)
		}
	})
}
