package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/skan"
)

// forged is a body that nobody's key has signed.
func forged(t *testing.T, n int) []byte {
	return []byte(strings.Replace(string(body(t, won(1))), uid(1), uid(n), 1))
}

// TestFloodIsBounded: of what does not verify a thousand are stored per place and
// hour; the others are only counted, in one big batch as well as one by one, and
// neither another place nor the next hour pays for it.
func TestFloodIsBounded(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		b := forged(t, 2)
		send := func(n int, client string) map[conversion.State]int {
			arrivals := make([]conversion.Arrival, n)
			for i := range arrivals {
				arrivals[i] = conversion.Arrival{Source: conversion.Network, Client: client, Body: b}
			}
			outcomes, _, err := in.ReceiveAll(t.Context(), arrivals)
			require.NoError(t, err)
			states := map[conversion.State]int{}
			for _, o := range outcomes {
				states[o.State]++
				require.Equal(t, skan.ReasonSignature, o.Reason)
			}
			return states
		}
		first := map[conversion.State]int{conversion.Quarantined: 700}
		require.Equal(t, first, send(700, "192.0.2.0/24"))
		require.Equal(t, map[conversion.State]int{conversion.Quarantined: 300, conversion.Dropped: 400}, send(700, "192.0.2.0/24"))
		require.Equal(t, map[conversion.State]int{conversion.Dropped: 1}, send(1, "192.0.2.0/24"))
		require.Equal(t, map[conversion.State]int{conversion.Quarantined: 1}, send(1, "198.51.100.0/24"), "a neighbour")
		require.Equal(t, conversion.Accepted, in.post(won(3), conversion.Network).State, "and the genuine are not asked")
		in.now.Advance(time.Hour)
		require.Equal(t, first, send(700, "192.0.2.0/24"), "the next hour")

		c := in.countAll()
		require.Equal(t, map[string]int64{"quarantined": 1701, "dropped": 401, "accepted": 1}, c.Postbacks)
		require.EqualValues(t, 2103, c.Received)
		require.Equal(t, []string{"1702"}, in.dump(`SELECT COUNT(*) FROM postback`))
	})
}

// TestFloodOfMadeUpVersions: a stranger who counts versions up gets one bound.
func TestFloodOfMadeUpVersions(t *testing.T) {
	t.Parallel()
	seen := map[conversion.Flood]bool{}
	for i := range 50 {
		c := conversion.Copy{Source: conversion.Network, Result: skan.Result{Version: fmt.Sprintf("%d.7", i)}}
		f, bound := conversion.FloodOf(&c, conversion.Quarantined)
		require.EqualValues(t, conversion.MaxQuarantined, bound)
		seen[f] = true
	}
	require.Len(t, seen, 1)
}

// TestReplayAfterAKeyWasAdded: what was unsupported is kept, and counts from when
// its key is known; what is still unknown stays as it was.
func TestReplayAfterAKeyWasAdded(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		strange := won(1)
		strange.Version, strange.KID = "aak", "apple-cas-identifier/7"
		kept := body(t, strange)
		apple := conversion.Receiver{Verifier: func() conversion.Verifier { return skan.NewVerifier(skan.AppleKeys()) }, Store: in.s, Now: in.now.Now}
		o, _, err := apple.Receive(t.Context(), conversion.Arrival{Source: conversion.Developer, Body: kept})
		require.NoError(t, err)
		require.Equal(t, conversion.Unsupported, o.State)
		require.Equal(t, conversion.Unsupported, in.post(wonTomorrow(2), conversion.Developer).State)

		in.now.Advance(10 * 24 * time.Hour)
		lab, err := simulated().Public()
		require.NoError(t, err)
		keys, err := skan.AppleKeys().With(skan.TrustedKey{
			Name: "apple-seven", KID: "apple-cas-identifier/7", SPKI: lab[1].SPKI, Environment: skan.Production,
		})
		require.NoError(t, err)
		now := skan.NewVerifier(keys)
		filter := conversion.ReplayFilter{States: []conversion.State{conversion.Unsupported}}
		done, err := conversion.Replay(t.Context(), in.s, now, filter, true)
		require.NoError(t, err)
		require.Equal(t, conversion.Replayed{Read: 2, States: map[conversion.State]int{conversion.Accepted: 1, conversion.Unsupported: 1}}, done)
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback`), "a dry run stores nothing")

		done, err = conversion.Replay(t.Context(), in.s, now, filter, false)
		require.NoError(t, err)
		require.Equal(t, map[conversion.State]int{conversion.Accepted: 1, conversion.Unsupported: 1}, done.States)
		require.Equal(t, []string{fmt.Sprintf("%d|%d", ms(in.now.Now()), ms(start))}, in.dump(`SELECT counted_at, received_at FROM counted_postback`),
			"it counts in the window in which it became valid")
		done, err = conversion.Replay(t.Context(), in.s, now, filter, false)
		require.NoError(t, err)
		require.Equal(t, map[conversion.State]int{conversion.Unsupported: 1}, done.States)
		require.Equal(t, map[string]int64{"accepted": 1, "unsupported": 1}, in.countAll().Postbacks)
	})
}

// TestReplayWhenAnAppTrustsDevelopmentKeys: opting in lets in what is kept, without
// a second verdict; opting out keeps it from being published.
func TestReplayWhenAnAppTrustsDevelopmentKeys(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for n := range 15 {
			p := won(n)
			p.Development = true
			require.Equal(t, conversion.Quarantined, in.post(p, conversion.Developer).State)
		}
		trusting := conversion.ReplayFilter{Trusting: true}
		done, err := conversion.Replay(t.Context(), in.s, simulated(), trusting, false)
		require.NoError(t, err)
		require.Zero(t, done.Read)

		in.register(func(a *apply.App) { a.TrustDevelopment = true })
		done, err = conversion.Replay(t.Context(), in.s, simulated(), trusting, false)
		require.NoError(t, err)
		require.Equal(t, map[conversion.State]int{conversion.Accepted: 15}, done.States)
		require.Equal(t, []string{"development|15"}, in.dump(`SELECT verdict, COUNT(*) FROM postback GROUP BY verdict`))
		in.decode()

		in.register(nil)
		in.nextWeek()
		require.Zero(t, in.seal().Installs, "the app no longer trusts them")
		in.register(func(a *apply.App) { a.TrustDevelopment = true })
		require.Equal(t, 15, in.seal().Installs)
		for _, row := range in.published() {
			require.Contains(t, row, "|development|")
		}
	})
}
