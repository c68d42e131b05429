package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/clock"
)

// What an operator says of an install holds for what waits of it, and for what comes.
func TestReviewOfHeldDeliveries(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		b, err := apply.Parse([]byte(`
apps: [{app_id: 1}]
networks: [{network_id: n}]
destinations: [{id: d, app_id: 1, network_id: n, kinds: [install, event], url: "https://a.example/?c={click_id}", hold: 2d}]`))
		require.NoError(t, err)
		_, err = s.Apply(t.Context(), b, "test", false)
		require.NoError(t, err)
		k := &conversion.Intake{Store: s}
		clicked := now.Now().Add(-time.Hour)
		install := func(id string) {
			_, err := k.Click(t.Context(), &conversion.Click{ID: "c" + id, NetworkID: "n", AppID: 1, Time: clicked})
			require.NoError(t, err)
			_, err = k.Install(t.Context(), &conversion.Install{ID: id, AppID: 1, Time: clicked.Add(5 * time.Second), ClickID: "c" + id})
			require.NoError(t, err)
		}
		event := func(id, of string) {
			_, err := k.Event(t.Context(), &conversion.Event{ID: id, AppID: 1, InstallID: of, Name: "x", Time: now.Now()})
			require.NoError(t, err)
		}
		claimed := func() []string {
			rows, err := s.Claim(t.Context(), "d", 10, now.Now(), time.Minute)
			require.NoError(t, err)
			ids := []string{}
			for _, r := range rows {
				ids = append(ids, r.Fields["event_id"])
			}
			return ids
		}
		install("released")
		install("rejected")
		install("unjudged")
		event("e1", "released")
		require.Empty(t, claimed())
		held, next, err := s.Held(t.Context(), 0, "", 3)
		require.NoError(t, err)
		require.Len(t, held, 3)
		rest, last, err := s.Held(t.Context(), 1, next, 3)
		require.NoError(t, err)
		require.Len(t, rest, 1)
		require.Empty(t, last)

		done, err := s.ReviewInstall(t.Context(), Review{AppID: 1, InstallID: "released"})
		require.NoError(t, err)
		require.Equal(t, Reviewed{Review: "released", Deliveries: 2}, done)
		done, err = s.ReviewInstall(t.Context(), Review{AppID: 1, InstallID: "rejected", Rejected: true, Reason: "farm"})
		require.NoError(t, err)
		require.Equal(t, Reviewed{Review: "rejected", Deliveries: 1}, done)
		_, err = s.ReviewInstall(t.Context(), Review{AppID: 1, InstallID: "nobody"})
		require.ErrorIs(t, err, ErrNoInstall)

		event("e2", "rejected")
		event("e3", "released")
		require.ElementsMatch(t, []string{"released", "e1", "e3"}, claimed())
		held, _, err = s.Held(t.Context(), 1, "", 10)
		require.NoError(t, err)
		require.Len(t, held, 1)
		require.Equal(t, "unjudged", held[0].InstallID)
	})
}
