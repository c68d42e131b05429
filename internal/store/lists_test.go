package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
)

// pages walks a list and returns the ids of its items, page by page. Between two
// pages something new arrives, which must not shift what is still to come.
func pages(t *testing.T, list func(cursor string) (ids []string, next string), arrive func(page int)) []string {
	t.Helper()
	var all []string
	cursor := ""
	for page := 0; ; page++ {
		ids, next := list(cursor)
		all = append(all, ids...)
		if next == "" {
			return all
		}
		require.NotEqual(t, cursor, next)
		require.Less(t, page, 100)
		cursor = next
		arrive(page)
	}
}

func TestListPostbacks(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for n := range 9 {
			in.post(won(n), conversion.Network)
			if n%3 == 2 {
				in.now.Advance(time.Second) // three at a time have one arrival time
			}
		}
		want := in.dump(`SELECT id FROM postback ORDER BY received_at DESC, id DESC`)
		for limit := 1; limit <= 10; limit++ {
			got := pages(t, func(cursor string) (ids []string, next string) {
				page, next, err := in.s.Postbacks(t.Context(), PostbackFilter{AppID: testApp, State: "accepted"}, cursor, limit)
				require.NoError(t, err)
				for _, p := range page {
					ids = append(ids, p.ID)
				}
				return ids, next
			}, func(page int) {
				in.now.Advance(time.Second)
				require.Equal(t, conversion.Duplicate, in.post(won(page%9), conversion.Network).State)
			})
			require.Equal(t, want, got, "limit %d", limit)
		}
		page, _, err := in.s.Postbacks(t.Context(), PostbackFilter{AppID: 1}, "", 10)
		require.NoError(t, err)
		require.Empty(t, page)
		one, _, err := in.s.Postbacks(t.Context(), PostbackFilter{State: "accepted"}, "", 1)
		require.NoError(t, err)
		require.Equal(t, Postback{
			ID: want[0], AppID: testApp, ReceivedAt: start.Add(2 * time.Second), Source: conversion.Network, State: conversion.Accepted,
			Framework: "skadnetwork", Version: "4.0", Verdict: "valid", Key: "lab-p256", Flags: []string{}, Differs: []conversion.Difference{},
			Body: one[0].Body,
		}, one[0])
	})
}

func TestListReleasesAndDefinitions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		var b apply.Bundle
		for app := int64(1); app <= 4; app++ {
			b.Apps = append(b.Apps, apply.App{AppID: app * 2_000_000_000})
			for week := range 2 {
				in.crowd(crowd{tag: fmt.Sprint(app, week), app: app * 2_000_000_000, n: 20, at: start.Add(time.Duration(week) * weekLong)})
			}
		}
		in.apply(&b)
		in.now.Advance(3 * weekLong)
		require.Equal(t, 8, in.seal().Published)
		for limit := 1; limit <= 9; limit++ {
			got := pages(t, func(cursor string) (ids []string, next string) {
				page, next, err := in.s.Releases(t.Context(), 0, cursor, limit)
				require.NoError(t, err)
				for _, r := range page {
					ids = append(ids, fmt.Sprintf("%s %d", r.WindowEnd, r.AppID/2_000_000_000))
				}
				return ids, next
			}, func(int) {})
			require.Equal(t, []string{
				"2026-11-16T00:00:00Z 1", "2026-11-16T00:00:00Z 2", "2026-11-16T00:00:00Z 3", "2026-11-16T00:00:00Z 4",
				"2026-11-09T00:00:00Z 1", "2026-11-09T00:00:00Z 2", "2026-11-09T00:00:00Z 3", "2026-11-09T00:00:00Z 4",
			}, got)
			got = pages(t, func(cursor string) (ids []string, next string) {
				page, next, err := in.s.Definitions(t.Context(), "app", cursor, limit)
				require.NoError(t, err)
				for _, d := range page {
					ids = append(ids, d.ID)
				}
				return ids, next
			}, func(int) {})
			require.Equal(t, []string{"2000000000", "4000000000", "6000000000", "8000000000"}, got)
		}
		mine, _, err := in.s.Releases(t.Context(), 6_000_000_000, "", 9)
		require.NoError(t, err)
		require.Len(t, mine, 2)
		for _, kind := range []string{"network", "destination"} {
			none, next, err := in.s.Definitions(t.Context(), kind, "", 9)
			require.NoError(t, err)
			require.Empty(t, none)
			require.Empty(t, next)
		}
		_, _, err = in.s.Definitions(t.Context(), "token", "", 9)
		require.ErrorContains(t, err, `no kind "token"`)
	})
}

func TestListsRefuseForeignCursors(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for _, cursor := range []string{"nonsense", ".", "|", "x.y", "2026|r", "99999999999999999999.a", "' OR 1=1 --"} {
			_, _, err := in.s.Postbacks(t.Context(), PostbackFilter{}, cursor, 5)
			require.ErrorIs(t, err, ErrCursor, cursor)
			_, _, err = in.s.Releases(t.Context(), 0, cursor, 5)
			require.ErrorIs(t, err, ErrCursor, cursor)
			_, _, err = in.s.Deliveries(t.Context(), DeliveryFilter{}, cursor, 5)
			require.ErrorIs(t, err, ErrCursor, cursor)
		}
		// One of our shape, with bytes that no id of ours has, finds nothing or something
		// but is never an error of the database.
		for _, id := range []string{"1.\x00", "1.\xff"} {
			_, _, err := in.s.Postbacks(t.Context(), PostbackFilter{}, id, 5)
			require.ErrorIs(t, err, ErrCursor, "%q", id)
			_, _, err = in.s.Deliveries(t.Context(), DeliveryFilter{}, id, 5)
			require.ErrorIs(t, err, ErrCursor, "%q", id)
		}
		_, _, err := in.s.Releases(t.Context(), 0, "2026-11-02T00:00:00Z|\x00", 5)
		require.ErrorIs(t, err, ErrCursor)
		_, _, err = in.s.Definitions(t.Context(), "app", "\x00", 5)
		require.ErrorIs(t, err, ErrCursor)
	})
}

// TestLastSealed: the newest release of each app, with the share of null values of
// its named networks.
func TestLastSealed(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		sealed, err := in.s.AnySealed(t.Context())
		require.NoError(t, err)
		require.False(t, sealed)
		in.register(nil)
		in.crowd(crowd{tag: "old", n: 20, at: start, kind: "null"})
		in.crowd(crowd{tag: "a", n: 30, at: start.Add(weekLong)})
		in.crowd(crowd{tag: "b", n: 10, at: start.Add(weekLong), kind: "null"})
		in.crowd(crowd{tag: "c", n: 12, at: start.Add(weekLong), network: "b.skadnetwork"})
		in.now.Advance(2*weekLong + time.Hour)
		in.seal()
		got, err := in.s.LastSealed(t.Context())
		require.NoError(t, err)
		require.Equal(t, []Sealed{{
			AppID: testApp, SealedAt: in.now.Now(), NullRatio: map[string]float64{testNetwork: 0.25, "b.skadnetwork": 0},
		}}, got)
		sealed, err = in.s.AnySealed(t.Context())
		require.NoError(t, err)
		require.True(t, sealed)
	})
}
