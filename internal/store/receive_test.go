package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/internal/apply"
)

var sources = []conversion.Source{conversion.Developer, conversion.Network, conversion.Relay}

const countedValuesDump = `SELECT source, COALESCE(fine, -1), coarse, country, copy_id FROM counted_postback`

func TestReceiveStates(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		wrong := body(t, won(3))
		copy(wrong[len(wrong)-20:], "AAAA")
		altered := won(1)
		altered.Fine = ptr(63)
		future := won(4)
		future.Version, future.KID = apple.AAK, "apple-cas-identifier/9"
		for i, c := range []struct {
			body   []byte
			state  conversion.State
			reason string
		}{
			{body(t, won(1)), conversion.Accepted, ""},
			{body(t, won(1)), conversion.Duplicate, ""},
			{body(t, altered), conversion.Conflict, ""},
			{wrong, conversion.Quarantined, "signature_mismatch"},
			{[]byte(`{"version":"5.0"}`), conversion.Unsupported, "unknown_version"},
			{body(t, future), conversion.Unsupported, "unknown_kid"},
			{[]byte(`{"hello":1}`), conversion.Quarantined, "unknown_format"},
			{body(t, won(2)), conversion.Accepted, ""},
		} {
			require.Equal(t, conversion.Outcome{State: c.state, Reason: c.reason}, in.postBody(c.body, conversion.Network), "%d", i)
		}
		require.Equal(t, conversion.Outcome{}, in.postBody([]byte(`[]`), conversion.Network), "no object, nothing kept")
		c := in.countAll()
		require.Equal(t, map[string]int64{"accepted": 2, "duplicate": 1, "conflict": 1, "quarantined": 2, "unsupported": 2}, c.Postbacks)
		require.Equal(t, map[string]int64{"install": 2}, c.Counted)
		conflicts, _, err := in.s.Postbacks(t.Context(), PostbackFilter{State: "conflict"}, "", 9)
		require.NoError(t, err)
		require.Equal(t, []conversion.Difference{{Field: "conversion-value", Counted: "5", Copy: "63"}}, conflicts[0].Differs)
		require.Equal(t, []string{string(body(t, altered))}, in.dump(`SELECT body FROM postback WHERE state = 'conflict'`), "byte for byte")
		require.Len(t, in.dump(`SELECT 1 FROM postback_identity`), 2, "what fails holds no identity")
		require.Equal(t, conversion.Accepted, in.post(won(3), conversion.Relay).State, "and blocks none")
	})
}

// TestReceiveEveryOrderOfArrival: three sources, each with its own of three values,
// in every order and with every choice of equal values: the best source's value
// counts, within a rank the first, and there is one row.
func TestReceiveEveryOrderOfArrival(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		values := []func(*apple.Postback){
			func(p *apple.Postback) {},
			func(p *apple.Postback) { p.Fine, p.Country = ptr(9), "DE" },
			func(p *apple.Postback) { p.Fine = nil },
		}
		// Four arrivals: each source once, and the network twice.
		arrivals := []conversion.Source{conversion.Developer, conversion.Network, conversion.Network, conversion.Relay}
		n := 0
		for _, order := range permutations(len(arrivals)) {
			n++
			best, want := conversion.Relay, ""
			for place, i := range order {
				p := won(n)
				values[(i+n)%len(values)](&p)
				from := arrivals[i]
				before := in.dump(countedValuesDump+` WHERE copy_id <> 'x' AND identity = ?`, identity(p))
				o := in.post(p, from)
				line := fmt.Sprintf("%s|%d|%s", from, fineOf(p), "|"+p.Country)
				switch {
				case place == 0:
					require.Equal(t, conversion.Accepted, o.State)
					best, want = from, line
				case from.Rank() < best.Rank():
					require.NotEqual(t, conversion.Accepted, o.State)
					if o.State == conversion.Conflict {
						require.Equal(t, "better_source", o.Reason)
					}
					best, want = from, line
				default:
					require.Empty(t, o.Reason)
					require.Equal(t, before, in.dump(countedValuesDump+` WHERE identity = ?`, identity(p)), "the first of the best stays")
				}
			}
			got := in.dump(`SELECT source, COALESCE(fine, -1), coarse, country FROM counted_postback WHERE identity = ?`, identity(won(n)))
			require.Equal(t, []string{want}, got, "order %v", order)
		}
	})
}

func fineOf(p apple.Postback) int {
	if p.Fine == nil {
		return -1
	}
	return *p.Fine
}

func identity(p apple.Postback) []byte {
	b, err := simulated().Body(p)
	if err != nil {
		panic(err)
	}
	return simulated().Verify(b).Identity.Hash()
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, rest := range permutations(n - 1) {
		for at := range n {
			p := append(append(append([]int{}, rest[:at]...), n-1), rest[at:]...)
			out = append(out, p)
		}
	}
	return out
}

func TestReceiveAfterSealingNothingChanges(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for n := range 10 {
			in.post(won(n), conversion.Relay)
		}
		in.decode()
		in.nextWeek()
		require.Equal(t, 10, in.seal().Installs)
		counted, published := in.dump(`SELECT * FROM counted_postback ORDER BY identity`), in.published()
		for n := range 10 {
			p := won(n)
			require.Equal(t, conversion.Duplicate, in.post(p, conversion.Network).State)
			p.Fine = ptr(1)
			o := in.post(p, conversion.Developer)
			require.Equal(t, conversion.Outcome{State: conversion.Conflict}, o)
		}
		require.Zero(t, in.decode())
		in.nextWeek()
		require.Zero(t, in.seal().Installs)
		require.Equal(t, counted, in.dump(`SELECT * FROM counted_postback ORDER BY identity`))
		require.Equal(t, published, in.published())
	})
}

func TestReceiveDevelopment(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		dev := won(1)
		dev.Development = true
		quarantined := conversion.Outcome{State: conversion.Quarantined, Reason: "development_not_trusted"}
		require.Equal(t, quarantined, in.post(dev, conversion.Developer), "an unknown app has not opted in")
		in.register(nil)
		require.Equal(t, quarantined, in.post(dev, conversion.Developer))
		in.register(func(a *apply.App) { a.TrustDevelopment = true })
		require.Equal(t, conversion.Accepted, in.post(dev, conversion.Developer).State)
		require.Equal(t, conversion.Duplicate, in.post(dev, conversion.Developer).State)
		require.Equal(t, conversion.Accepted, in.post(won(1), conversion.Relay).State, "the real one is not shut out")
		require.Equal(t, []string{"development", "production"}, in.dump(`SELECT environment FROM counted_postback ORDER BY environment`))
	})
}

// TestReceiveTestPostbacks: source-app-id 0 is Apple's mark of a test, which no
// window ever takes. One that a relay has added is no such mark.
func TestReceiveTestPostbacks(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for n := range 30 {
			p := won(n)
			p.SourceApp = ptr(int64(0))
			require.Equal(t, conversion.Accepted, in.post(p, conversion.Network).State)
		}
		rewritten := strings.Replace(string(body(t, won(99))), `"fidelity-type"`, `"source-app-id":0,"fidelity-type"`, 1)
		require.Equal(t, conversion.Quarantined, in.postBody([]byte(rewritten), conversion.Network).State)
		require.Equal(t, conversion.Accepted, in.postBody([]byte(rewritten), conversion.Relay).State)
		in.sql(`DELETE FROM counted_postback WHERE kind = 'install'`)
		in.decode()
		in.nextWeek()
		require.Zero(t, in.seal())
		require.Empty(t, in.published())
		require.Equal(t, map[string]int64{"test": 30}, in.countAll().Counted)
		require.Zero(t, in.countAll().Waiting)
	})
}

func TestReceiveConcurrentCopiesOfOneIdentity(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		states := make(chan conversion.State, 32)
		var wg sync.WaitGroup
		for i := range cap(states) {
			p := won(1)
			p.Fine = ptr(i % 3)
			b := body(t, p)
			wg.Go(func() {
				o, _, err := in.Receive(t.Context(), conversion.Arrival{Source: sources[i%3], Body: b})
				if err != nil {
					o.State = conversion.State(err.Error())
				}
				states <- o.State
			})
		}
		wg.Wait()
		close(states)
		seen := map[conversion.State]int{}
		for s := range states {
			seen[s]++
		}
		require.Equal(t, 1, seen[conversion.Accepted], "%v", seen)
		require.Equal(t, 31, seen[conversion.Duplicate]+seen[conversion.Conflict], "%v", seen)
		require.Equal(t, []string{"developer|0"}, in.dump(`SELECT source, fine FROM counted_postback`))
	})
}

// TestReceiveConcurrentBatches: two relays send the same postbacks, one forwards
// and one backwards. Neither may be told to come again.
func TestReceiveConcurrentBatches(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		const size = 40
		var batches [4][]conversion.Arrival
		for n := range size {
			b := body(t, won(n))
			for i := range batches {
				a := conversion.Arrival{Source: conversion.Relay, Relay: "r", Body: b}
				if i%2 == 0 {
					batches[i] = append(batches[i], a)
				} else {
					batches[i] = append([]conversion.Arrival{a}, batches[i]...)
				}
			}
		}
		errs := make([]error, len(batches))
		var wg sync.WaitGroup
		for i := range batches {
			wg.Go(func() { _, _, errs[i] = in.ReceiveAll(t.Context(), batches[i]) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, map[string]int64{"accepted": size, "duplicate": 3 * size}, in.countAll().Postbacks)
	})
}

// TestReceiveHostileStrings: what a stranger wrote reaches text columns.
func TestReceiveHostileStrings(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		kid := won(1)
		kid.Version = apple.AAK
		for _, evil := range []string{`a\u0000b`, `\u0000`, `\u001b[31m`, `a\uFFFDb`, strings.Repeat("k", 3000), "é漢字\U0001F600"} {
			kid.KID = evil
			require.Equal(t, conversion.Outcome{State: conversion.Unsupported, Reason: "unknown_kid"}, in.post(kid, conversion.Network), evil)
			require.NotEmpty(t, in.postBody([]byte(`{"version":"9.`+evil+`","transaction-id":"x"}`), conversion.Network).State)
		}
		in.postBody([]byte("{\"version\":\"\xff\xfe.0\"}"), conversion.Network)
		in.postBody([]byte(`{"version":"7.\u0000"}`), conversion.Network)
		o, _, err := in.Receive(t.Context(), conversion.Arrival{Source: conversion.Relay, Relay: "r\x00\xff", Body: []byte(`{"version":"5.0","\u0000":"\u0000"}`)})
		require.NoError(t, err)
		require.Equal(t, conversion.Unsupported, o.State)
		page, _, err := in.s.Postbacks(t.Context(), PostbackFilter{}, "", 100)
		require.NoError(t, err)
		require.NotEmpty(t, page)
		for _, p := range page {
			require.NotContains(t, p.Key+p.Version, "\x00")
		}
	})
}

func TestReceiveBatchIsAllOrNothing(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		result := func(n int) conversion.Copy {
			b := body(t, won(n))
			return conversion.Copy{ID: uid(n), Source: conversion.Network, ReceivedAt: start, Body: b, Result: simulated().Verify(b)}
		}
		bad := result(2)
		bad.ID = uid(1) // the same key as the first: the database refuses it
		_, err := in.s.Save(t.Context(), []conversion.Copy{result(1), bad, result(3)})
		require.ErrorContains(t, err, "keep postbacks: keep copies: ")
		for _, table := range []string{"postback", "postback_identity", "counted_postback"} {
			require.Empty(t, in.dump(`SELECT 1 FROM `+table), table)
		}
		outcomes, err := in.s.Save(t.Context(), []conversion.Copy{result(3), result(1), result(2)})
		require.NoError(t, err)
		require.Equal(t, []conversion.Outcome{{State: conversion.Accepted}, {State: conversion.Accepted}, {State: conversion.Accepted}}, outcomes)
	})
}

// TestReceiveReplayAfterRetention: the identity outlives the rows it stood for.
func TestReceiveReplayAfterRetention(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.post(won(1), conversion.Network)
		in.sql(`DELETE FROM postback`)
		in.sql(`DELETE FROM counted_postback`)
		in.now.Advance(5000 * 24 * time.Hour)
		require.Equal(t, conversion.Duplicate, in.post(won(1), conversion.Developer).State)
		upper := won(1)
		upper.Network = "EXAMPLE123.skadnetwork"
		require.Equal(t, conversion.Duplicate, in.post(upper, conversion.Developer).State, "case is no new identity")
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback`))
	})
}

// TestReceiveArchives: an archived arrival counts when it came, unless that window
// is closed; then it counts now.
func TestReceiveArchives(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		archived := func(n int, when time.Time) string {
			_, _, err := in.ReceiveAll(t.Context(), []conversion.Arrival{{Source: conversion.Network, Body: body(t, won(n)), ReceivedAt: when}})
			require.NoError(t, err)
			return in.dump(`SELECT counted_at FROM counted_postback WHERE identity = ?`, identity(won(n)))[0]
		}
		in.now.Advance(30 * 24 * time.Hour)
		for n := range 12 {
			require.Equal(t, fmt.Sprint(ms(start)), archived(n, start))
		}
		in.decode()
		require.Equal(t, 12, in.seal().Installs)
		closes := start.AddDate(0, 0, 7)
		require.Equal(t, fmt.Sprint(ms(in.now.Now())), archived(50, closes.Add(-time.Millisecond)))
		require.Equal(t, fmt.Sprint(ms(closes)), archived(51, closes))
	})
}
