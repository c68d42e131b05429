package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// TestOldHealthIsForgotten: hours of a year ago stay, those before go, as do replays
// that ended long ago; one under way stays however old it is.
func TestOldHealthIsForgotten(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		old, young := ms(now.Now().Add(-401*24*time.Hour)), ms(now.Now().Add(-399*24*time.Hour))
		run := func(text string, args ...any) {
			_, err := s.main.w.ExecContext(t.Context(), s.main.q(text), args...)
			require.NoError(t, err)
		}
		for _, hour := range []int64{old, young} {
			run(`INSERT INTO delivery_hour (app_id, destination_id, hour, eligible, delivered, refused, expired, response_ms, responses, stale)
				VALUES (1, 'd', ?, 1, 1, 0, 0, 5, '', 0)`, hour)
			run(`INSERT INTO attempt_hour (app_id, destination_id, hour, class, status, attempts, retries) VALUES (1, 'd', ?, 'ok', 200, 1, 0)`, hour)
			run(`INSERT INTO conversion_repeat (app_id, hour, kind, repeats) VALUES (1, ?, 'event', 1)`, hour)
		}
		ended, late := ms(now.Now().Add(-31*24*time.Hour)), ms(now.Now().Add(-29*24*time.Hour))
		for key, finished := range map[string]any{"ended": ended, "lately": late, "going": nil} {
			run(`INSERT INTO delivery_replay (replay_key, request, begun_at, finished_at, place, counts) VALUES (?, '{}', ?, ?, '', '{}')`, key, old, finished)
		}
		_, err := s.Retain(t.Context())
		require.NoError(t, err)
		for _, table := range []string{"delivery_hour", "attempt_hour", "conversion_repeat"} {
			var hours []int64
			require.NoError(t, s.main.r.SelectContext(t.Context(), &hours, `SELECT hour FROM `+table))
			require.Equal(t, []int64{young}, hours, table)
		}
		var keys []string
		require.NoError(t, s.main.r.SelectContext(t.Context(), &keys, `SELECT replay_key FROM delivery_replay ORDER BY replay_key`))
		require.Equal(t, []string{"going", "lately"}, keys)
	})
}
