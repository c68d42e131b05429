package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
	"skand/internal/pgtest"
)

// benchLanes destinations with as many slots as one has unless told otherwise.
const (
	benchLanes = 6
	benchSlots = 4
)

// BenchmarkClaimAndSettle is what a delivery costs the store, in batches as they come:
// a slot is kept until its settlement is durable, so a commit has at most those of all
// slots. One operation is one delivery.
func BenchmarkClaimAndSettle(b *testing.B) {
	for _, name := range []string{"postgres", "sqlite"} {
		b.Run(name, func(b *testing.B) {
			s, now := benchQueue(b, name, b.N/benchLanes+2*benchSlots)
			var wants []forward.Want
			for i := range benchLanes {
				wants = append(wants, forward.Want{DestinationID: fmt.Sprint("d", i), Limit: benchSlots, Now: now.Now(), Lease: time.Minute})
			}
			b.ResetTimer()
			var done []forward.Settlement
			for settled := 0; settled < b.N; settled += len(done) {
				got, err := s.Exchange(b.Context(), done, wants)
				require.NoError(b, err)
				require.Len(b, got.Claimed, benchLanes*benchSlots)
				done = done[:0]
				for _, d := range got.Claimed {
					done = append(done, delivered(d, now.Now()))
				}
			}
			b.StopTimer()
			got, err := s.Exchange(b.Context(), done, nil)
			require.NoError(b, err)
			require.Empty(b, got.Fenced)
		})
	}
}

func delivered(d forward.Delivery, at time.Time) forward.Settlement {
	return forward.Settlement{
		Attempt: forward.Attempt{DeliveryID: d.ID, AppID: d.AppID, Attempt: d.Attempts, At: at, Duration: time.Millisecond,
			Class: forward.ClassOK, Status: 200, TemplateVersion: 1},
		DestinationID: d.DestinationID, Fence: d.Fence, Turn: d.Turn, State: forward.StateDelivered,
	}
}

// benchQueue is a store with so many deliveries to each of benchLanes destinations.
func benchQueue(b *testing.B, name string, each int) (*Store, *clock.Movable) {
	b.Helper()
	location := "sqlite:" + filepath.Join(b.TempDir(), "main")
	if name == "postgres" {
		location = pgtest.URL(b)
	}
	now := clock.NewManual(start)
	s, err := Open(b.Context(), Options{Main: location, Clock: now})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	for i := range benchLanes {
		_, err := s.SaveDestination(b.Context(), forward.Destination{
			ID: fmt.Sprint("d", i), AppID: 1, Scope: forward.ScopeAll, Enabled: true, URL: "https://h.example/?c={click_id}",
			Kinds: []string{forward.KindInstall},
		}.WithDefaults(), start)
		require.NoError(b, err)
	}
	for from := 0; from < each; from += 500 {
		err := s.main.in(b.Context(), func(t *tx) error {
			all := make([]forward.Conversion, 0, 500)
			for i := from; i < min(each, from+500); i++ {
				all = append(all, forward.Conversion{
					Kind: forward.KindInstall, DedupKey: fmt.Sprint("install/", i), AppID: 1, OccurredAt: start, Subject: fmt.Sprint(i), Att: "authorized",
					Fields: map[string]string{"event_name": "install", "click_id": fmt.Sprint("click-", i), "event_time": "2026-11-02T00:00:00Z", "app_id": "1", "is_test": "false"},
				})
			}
			return s.enqueueConversions(b.Context(), t, all...)
		})
		require.NoError(b, err)
	}
	if s.main.dialect == postgres { // as it does by itself within a minute
		_, err = s.main.w.ExecContext(b.Context(), `VACUUM ANALYZE outbox`)
		require.NoError(b, err)
	}
	return s, now
}
