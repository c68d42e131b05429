package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

// TestShowDestination: everything of one destination, and what a look finds without a
// key to the seal.
func TestShowDestination(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.save("d", "https://h.example/?c={event_id}", func(d *forward.Destination) {
			d.Method, d.Body, d.Signing, d.SecretEnv = "POST", "json", "standard-webhooks", "T_SECRET"
		})
		for range 2 {
			_, err := q.s.RotateSecret(t.Context(), "d", time.Hour)
			require.NoError(t, err)
		}
		q.put(3)
		held := q.claim(1)[0]
		require.NoError(t, q.settle(held, forward.ClassHeld, forward.StateHeld, time.Time{}))

		shown, err := q.s.ShowDestination(t.Context(), "d")
		require.NoError(t, err)
		require.Equal(t, "d", shown.ID)
		require.Equal(t, 2, shown.Version)
		require.Equal(t, forward.DestinationActive, shown.State)
		require.Contains(t, string(shown.Definition.Definition), `"signing":"standard-webhooks"`)
		require.EqualValues(t, 2, shown.Queue.Pending)
		require.EqualValues(t, 1, shown.Queue.Held)
		require.Len(t, shown.Secrets, 2, "the current one and the one before it")

		look := &Store{main: q.s.main} // as Examine has it: no vault, no clock
		all, err := look.destinationSecrets(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "d", all[0].Destination.ID)
		require.Len(t, all[0].Current, 1)
		require.Equal(t, shown.Secrets[0].Fingerprint, all[0].Current[0].Fingerprint)

		for _, id := range []string{"nobody", "", "\x00"} {
			_, err = q.s.ShowDestination(t.Context(), id)
			require.ErrorIs(t, err, ErrNoDestination)
		}
	})
}
