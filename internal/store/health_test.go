package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward"
	"skand/internal/apply"
)

func (q queue) healthOf(from, to time.Time, step time.Duration) forward.Health {
	q.t.Helper()
	_, err := q.s.CountDeliveries(q.t.Context())
	require.NoError(q.t, err)
	all, err := q.s.Health(q.t.Context(), HealthAsk{DestinationID: "d", From: from, To: to, Step: step})
	require.NoError(q.t, err)
	require.Len(q.t, all, 1)
	return all[0]
}

// TestHealthFollowsWhatHappens: a random life of deliveries over days, counted at random
// moments, against counting everything anew at the end.
func TestHealthFollowsWhatHappens(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		random := rand.New(rand.NewPCG(9, 10))
		written, retries, attempts := 0, 0, 0
		for range 120 {
			q.now.Advance(time.Duration(random.IntN(90)) * time.Minute)
			switch random.IntN(5) {
			case 0:
				written += random.IntN(4)
				q.put(written)
			case 1, 2:
				for _, d := range q.claim(3) {
					attempts++
					if d.Attempts > 1 {
						retries++
					}
					switch random.IntN(4) {
					case 0:
						require.NoError(t, q.settle(d, forward.ClassRetry, forward.StatePending, q.now.Now().Add(time.Hour)))
					case 1:
						require.NoError(t, q.settle(d, forward.ClassRefused, forward.StateRefused, time.Time{}))
					default:
						require.NoError(t, q.settle(d, forward.ClassOK, forward.StateDelivered, time.Time{}))
					}
				}
			case 3:
				_, err := q.s.CountDeliveries(t.Context())
				require.NoError(t, err)
			case 4:
				q.replay(DeliveryReplay{Filter: DeliveryFilter{State: forward.StateRefused}})
			}
		}
		states := q.counts("d")
		h := q.healthOf(start, q.now.Now().Add(time.Hour), time.Hour)
		f := h.Figures
		require.EqualValues(t, written, f.Eligible)
		require.EqualValues(t, states[forward.StateDelivered], f.Delivered)
		require.EqualValues(t, states[forward.StateRefused], f.Refused)
		require.EqualValues(t, states[forward.StatePending], f.Waiting)
		require.EqualValues(t, states[forward.StatePending], h.Queue.Pending)
		require.EqualValues(t, attempts, f.Attempts)
		require.EqualValues(t, retries, f.Retries)
		require.Positive(t, f.Delivered)
		require.Positive(t, retries)
		sum := dump(t, q.s.main, `SELECT CAST(SUM(settled_at - created_at) / COUNT(*) AS BIGINT) FROM outbox WHERE state = 'delivered'`)
		require.Equal(t, sum[0], fmt.Sprint(f.Response.Mean), "the mean is exact")
		var eligible, tried int64
		for _, p := range h.Series {
			eligible += p.Eligible
			tried += p.Attempts
		}
		require.EqualValues(t, []int64{f.Eligible, f.Attempts}, []int64{eligible, tried}, "the series adds up to the whole")
		before := dump(t, q.s.main, `SELECT * FROM delivery_hour ORDER BY hour`)
		_, err := q.s.CountDeliveries(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, dump(t, q.s.main, `SELECT * FROM delivery_hour ORDER BY hour`), "counting again changes nothing")
		_, err = q.s.Health(t.Context(), HealthAsk{DestinationID: "nobody", From: start, To: q.now.Now()})
		require.ErrorIs(t, err, ErrNoDestination)
	})
}

// TestHealthOfTheQueue tells of what waits now.
func TestHealthOfTheQueue(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(3)
		require.NoError(t, q.settle(q.claim(1)[0], forward.ClassHeld, forward.StateHeld, time.Time{}))
		q.now.Advance(time.Hour)
		h := q.healthOf(start, q.now.Now(), 0)
		require.Equal(t, forward.Queue{Pending: 2, Held: 1, OldestDue: 3600}, h.Queue)
		require.Nil(t, h.Series)
		require.Equal(t, q.now.Now(), *h.AsOf)
		alerts, err := q.s.Alerts(t.Context(), forward.DefaultThresholds())
		require.NoError(t, err)
		var ids []string
		for _, a := range alerts {
			ids = append(ids, a.ID)
		}
		require.Equal(t, []string{"held/d", "oldest_due/d"}, ids)
		require.Equal(t, start, *alerts[1].Since)
	})
}

// TestHealthTellsRepeatsAndDiscrepancy: reports that came twice, and deliveries that
// were never written.
func TestHealthTellsRepeatsAndDiscrepancy(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{}, apply.NetworkConsented{})
		_, err := c.s.SaveDestination(t.Context(), forward.Destination{
			ID: "told", AppID: testApp, NetworkID: testNetwork, Scope: forward.ScopeAttributed, Enabled: true, URL: "https://h.example/",
			Kinds: []string{forward.KindInstall, forward.KindEvent},
		}.WithDefaults(), c.now.Now().Add(-time.Hour))
		require.NoError(t, err)
		for i := range 4 {
			id := fmt.Sprint("i", i)
			c.take(clicked("c"+id, -2, nil), installed(id, -1, func(in *conversion.Install) { in.ClickID = "c" + id }), happened("e"+id, id, -1))
		}
		for range 2 { // a report that comes again and again
			ok, err := c.Event(t.Context(), happened("ei0", "i0", -1))
			require.NoError(t, err)
			require.False(t, ok)
		}
		ok, err := c.Install(t.Context(), installed("i1", -1, func(in *conversion.Install) { in.ClickID = "ci1" }))
		require.NoError(t, err)
		require.False(t, ok)
		c.sql(`DELETE FROM outbox WHERE destination_id = 'told' AND kind = 'event' AND subject = ?`, c.hash(hashInstall, "i2"))
		all, err := c.s.Health(t.Context(), HealthAsk{DestinationID: "told", From: start.Add(-time.Hour), To: start.Add(time.Hour)})
		require.NoError(t, err)
		h := all[0]
		require.EqualValues(t, 3, h.Deduplicated.Duplicates)
		require.EqualValues(t, 11, h.Deduplicated.Received)
		require.InDelta(t, 3./11, *h.Deduplicated.Share, 1e-9)
		require.NotNil(t, h.Discrepancy, h.Untold)
		require.EqualValues(t, 8, h.Discrepancy.Conversions)
		require.EqualValues(t, 7, h.Discrepancy.Deliveries)
		require.InDelta(t, .125, *h.Discrepancy.Share, 1e-9)
	})
}

// TestNetworkHealthIsPublishedOnce: eight days after its end, by the rules, and whatever
// happens then it stays; a network of few installs has a line that says nothing.
func TestNetworkHealthIsPublishedOnce(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{}, apply.NetworkConsented{})
		for id, network := range map[string]string{"told": testNetwork, "few": "few.example"} {
			_, err := c.s.SaveDestination(t.Context(), forward.Destination{
				ID: id, AppID: testApp, NetworkID: network, Scope: forward.ScopeAttributed, Enabled: true, URL: "https://h.example/",
				Kinds: []string{forward.KindInstall},
			}.WithDefaults(), start)
			require.NoError(t, err)
		}
		for i := range 30 {
			id := fmt.Sprint("i", i)
			c.take(clicked("c"+id, -2, func(k *conversion.Click) {
				if i >= 26 {
					k.NetworkID = "few.example"
				}
			}), installed(id, -1, func(in *conversion.Install) { in.ClickID = "c" + id }))
		}
		c.sql(`UPDATE outbox SET state = 'delivered', settled_at = created_at + 90000`)
		refused := []string{c.hash(hashInstall, "i0"), c.hash(hashInstall, "i1"), c.hash(hashInstall, "i2")}
		for _, s := range refused {
			c.sql(`UPDATE outbox SET state = 'refused' WHERE subject = ?`, s)
		}
		publish := func() int64 {
			n, err := c.s.PublishNetworkHealth(t.Context())
			require.NoError(t, err)
			return n
		}
		seen := func() (lines []string) {
			require.NoError(t, c.s.NetworkHealth(t.Context(), CohortFilter{AppID: testApp}, func(v []any) error {
				lines = append(lines, fmt.Sprint(v[1], " ", v[2], " ", v[6], " ", v[7], " ", v[8], " ", v[9]))
				return nil
			}))
			return lines
		}
		c.now.Set(start.AddDate(0, 0, 15).Add(-time.Hour)) // seven days and 23 hours after the week
		publish()
		for _, line := range seen() {
			require.NotContains(t, line, "2026-11-02", "not before it is settled")
		}
		c.now.Advance(time.Hour)
		require.Positive(t, publish())
		want := []string{
			"few.example 2026-11-02T00:00:00Z <nil> <nil> <nil> <nil>",
			testNetwork + " 2026-11-02T00:00:00Z 90 10 1 to 10 minutes 1 to 10 minutes",
		}
		of := func() (lines []string) {
			for _, line := range seen() {
				if strings.Contains(line, "2026-11-02") {
					lines = append(lines, line)
				}
			}
			return lines
		}
		require.Subset(t, of(), want)
		whole := seen()
		c.sql(`UPDATE outbox SET state = 'refused'`)
		require.Zero(t, publish())
		require.Equal(t, whole, seen(), "it is never changed")
		// A copy that a crash cut short is made up for.
		_, err := c.s.pub.w.ExecContext(t.Context(), c.s.pub.q(`DELETE FROM `+c.s.pub.table("network_health")+` WHERE network_id = 'few.example' AND week_start = ?`), c.s.pub.stamp(start))
		require.NoError(t, err)
		require.Zero(t, publish())
		require.Equal(t, whole, seen())
		c.now.Set(start.AddDate(0, 0, 7*10+1))
		publish()
		require.Len(t, c.dump(`SELECT week_start FROM network_week WHERE network_id = 'few.example'`), 2+networkWeeksBack, "back over what it missed, and no further")
	})
}
