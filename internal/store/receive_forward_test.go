package store

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/forward"
	"skand/internal/apply"
	"skand/skan"
)

// copies saves a destination for copies of postbacks.
func (in inbox) copies(id string, change func(*forward.Destination)) {
	in.t.Helper()
	in.destination(id, func(d *forward.Destination) {
		d.Kinds = []string{forward.KindPostback}
		if change != nil {
			change(d)
		}
	})
}

// TestPostbackCopies: each conversion window is passed on once, whatever comes of it
// later, to the network that it names and to agencies.
func TestPostbackCopies(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.copies("own", nil)
		in.copies("other", func(d *forward.Destination) { d.NetworkID, d.Scope = "other.skadnetwork", forward.ScopeAll })
		in.copies("agency", func(d *forward.Destination) { d.NetworkID, d.Agency = "", true })
		in.destination("conversions", func(d *forward.Destination) { d.Scope = forward.ScopeAll })
		b := body(t, won(1))
		require.Equal(t, conversion.Accepted, in.postBody(b, conversion.Network).State)
		want := []string{"agency postback postback  pending 5239 false 5", "own postback postback  pending 5239 false 5"}
		fields := []string{"sk_source_identifier", "is_test", "sk_conversion_value"}
		require.Equal(t, want, in.lines(fields...))
		require.Equal(t, conversion.Duplicate, in.postBody(b, conversion.Developer).State)
		other := won(1)
		other.Fine = ptr(9)
		require.Equal(t, conversion.Conflict, in.post(other, conversion.Relay).State)
		require.Equal(t, want, in.lines(fields...), "neither a duplicate nor a conflict makes a second copy")
		require.Equal(t, []string{string(b), string(b)}, in.fieldOf("sk_payload"), "byte for byte")

		forged := body(t, won(2))
		require.Equal(t, conversion.Quarantined, in.postBody([]byte(strings.Replace(string(forged), uid(2), uid(3), 1)), conversion.Network).State)
		require.Equal(t, want, in.lines(fields...), "what does not verify is never passed on")

		test := won(4)
		test.SourceApp = ptr(int64(0))
		require.Equal(t, conversion.Accepted, in.post(test, conversion.Network).State)
		require.Contains(t, in.lines(fields...), "own postback postback  pending 5239 true 5", "Apple's own mark of a test")
	})
}

// fieldOf is a field of every delivery.
func (in inbox) fieldOf(name string) []string {
	in.t.Helper()
	var out []string
	for _, row := range in.dump(`SELECT fields FROM outbox ORDER BY destination_id, created_at`) {
		fields, err := in.s.openFields(row)
		require.NoError(in.t, err)
		out = append(out, fields[name])
	}
	return out
}

// TestPostbackCopiesInOneBatch: as if each had come alone.
func TestPostbackCopiesInOneBatch(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.copies("own", nil)
		var arrivals []conversion.Arrival
		for n := range 120 { // more than a chunk of the outbox
			for _, from := range []conversion.Source{conversion.Network, conversion.Developer} {
				arrivals = append(arrivals, conversion.Arrival{Source: from, Body: body(t, won(n))})
			}
		}
		_, _, err := in.ReceiveAll(t.Context(), arrivals)
		require.NoError(t, err)
		require.Equal(t, []string{"120|120"}, in.dump(`SELECT COUNT(*), COUNT(DISTINCT dedup_key) FROM outbox`))
	})
}

// TestPostbackCopyOfRelay: what a relay adds to Apple's body is nobody else's business.
func TestPostbackCopyOfRelay(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.copies("own", nil)
		var members map[string]any
		require.NoError(t, json.Unmarshal(body(t, won(1)), &members))
		want, err := json.Marshal(members)
		require.NoError(t, err)
		members["ip"], members["relay-token"] = "192.0.2.9", "s3cret"
		relayed, err := json.Marshal(members)
		require.NoError(t, err)
		require.Equal(t, conversion.Accepted, in.postBody(relayed, conversion.Relay).State)
		got := in.fieldOf("sk_payload")
		require.Len(t, got, 1)
		require.JSONEq(t, string(want), got[0])
		require.Equal(t, skan.Valid, simulated().Verify([]byte(got[0])).Verdict)
	})
}

// TestPostbackCopyDecoded: what the value says goes with it where it was read as it came.
func TestPostbackCopyDecoded(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1.99", "4.99", "9.99", "19.99", "49.99") })
		in.now.Advance(100 * 24 * time.Hour)
		in.copies("own", func(d *forward.Destination) { d.SendRevenue = true })
		in.copies("mapped", func(d *forward.Destination) { d.EventMap = map[string]string{"p5": "Whale"} })
		in.post(won(1), conversion.Network)
		in.post(won(2), conversion.Relay)
		require.Equal(t, []string{
			"mapped postback Whale  pending   ", "mapped postback postback  pending   ",
			"own postback p5  pending 49.99 49.99 USD", "own postback postback  pending   ",
		}, in.lines("revenue", "revenue_min", "currency"), "a relayed one is decoded later")
	})
}

// TestPostbackCopyLate: what verifies only when its key is known is passed on then, and
// its life begins then.
func TestPostbackCopyLate(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.copies("own", nil)
		in.register(nil)
		p := won(9)
		p.Version, p.Development, p.Interaction = apple.AAK, true, "click"
		require.Equal(t, conversion.Quarantined, in.post(p, conversion.Network).State)
		require.Empty(t, in.lines())
		in.now.Advance(20 * 24 * time.Hour)
		in.register(func(a *apply.App) { a.TrustDevelopment = true })
		replay := func() conversion.Replayed {
			done, err := conversion.Replay(t.Context(), in.s, simulated().Verifier, conversion.ReplayFilter{Trusting: true}, false)
			require.NoError(t, err)
			return done
		}
		require.Equal(t, 1, replay().States[conversion.Accepted])
		require.Equal(t, []string{"own postback postback  pending true  true"}, in.lines("is_test", "sk_version", "sk_did_win"))
		require.Equal(t, []string{"1"}, in.dump(`SELECT COUNT(*) FROM outbox WHERE expires_at = ?`, ms(in.now.Now().Add(7*24*time.Hour))))
		require.Zero(t, replay().Read)
		require.Len(t, in.lines(), 1)
	})
}

// TestPostbackCopyOfArchive: a copy that is older than its destination wants is none.
func TestPostbackCopyOfArchive(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.copies("own", nil)
		in.now.Advance(30 * 24 * time.Hour)
		_, _, err := in.ReceiveAll(t.Context(), []conversion.Arrival{
			{ID: "old", Source: conversion.Network, Body: body(t, won(1)), ReceivedAt: start},
			{ID: "new", Source: conversion.Network, Body: body(t, won(2)), ReceivedAt: in.now.Now().Add(-24 * time.Hour)},
		})
		require.NoError(t, err)
		require.Equal(t, []string{"own postback postback  pending"}, in.lines())
	})
}

// TestPostbackLookUpIsAnEmptyIndex: where nobody takes copies the receiver reads nothing.
func TestPostbackLookUpIsAnEmptyIndex(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		if in.s.main.dialect != sqlite {
			require.Len(t, in.dump(`SELECT 1 FROM pg_indexes WHERE indexname = 'destination_postback'`), 1) // what it plans hangs on sizes
			return
		}
		for _, text := range []string{postbackDestinations, `SELECT ` + postbacksWanted} {
			require.Contains(t, strings.Join(in.dump(`EXPLAIN QUERY PLAN `+text), " "), "destination_postback")
		}
	})
}
