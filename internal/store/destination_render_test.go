package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

func TestCarried(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.save("other", "https://o.example/?c={click_id}", nil)
		require.Equal(t, 6, q.put(3))
		got, err := q.s.Carried(t.Context(), DeliveryFilter{AppID: 1, DestinationID: "d"}, 2)
		require.NoError(t, err)
		require.Len(t, got, 2)
		for _, d := range got {
			require.Equal(t, "d", d.DestinationID)
			require.Equal(t, "purchase", d.EventName)
			require.Regexp(t, `^c\d$`, d.Fields["click_id"])
			require.Equal(t, 1, d.Attempts, "as the first attempt would be")
		}
		require.Len(t, q.claim(10), 3, "a look takes nothing")
		one, err := q.s.Carried(t.Context(), DeliveryFilter{AppID: 1, DestinationID: "d", DeliveryID: got[1].ID}, 5)
		require.NoError(t, err)
		require.Len(t, one, 1)
		require.Equal(t, got[1].Fields, one[0].Fields)
		none, err := q.s.Carried(t.Context(), DeliveryFilter{AppID: 1, DestinationID: "other", DeliveryID: got[1].ID}, 5)
		require.NoError(t, err)
		require.Empty(t, none, "it is another's")

		r, err := q.s.Destination(t.Context(), "d")
		require.NoError(t, err)
		require.Equal(t, 1, r.TemplateVersion)
		for _, id := range []string{"none", "\x00"} {
			_, err = q.s.Destination(t.Context(), id)
			require.ErrorIs(t, err, ErrNoDestination)
		}
		_, err = forward.Compile(r.Destination)
		require.NoError(t, err)
	})
}
