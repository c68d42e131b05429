package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/internal/apply"
)

// wonTomorrow is signed with a kid that nobody knows yet.
func wonTomorrow(n int) apple.Postback {
	p := won(n)
	p.Version, p.KID = apple.AAK, "apple-cas-identifier/99"
	return p
}

// TestRetention: raw copies go when their app's time is over, what was counted and
// its identity stay, and a replay stays a duplicate.
func TestRetention(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.RawRetention = "20d" })
		for n := range 3 {
			in.post(won(n), conversion.Network)
		}
		in.postBody([]byte(`{"version":"9.9"}`), conversion.Network) // belongs to no app: 90 days
		in.now.Advance(19 * 24 * time.Hour)
		n, err := in.s.Retain(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		in.post(won(7), conversion.Network)
		in.now.Advance(2 * 24 * time.Hour)
		n, err = in.s.Retain(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		require.Equal(t, []string{"2"}, in.dump(`SELECT COUNT(*) FROM postback`))
		require.Equal(t, []string{"4"}, in.dump(`SELECT COUNT(*) FROM counted_postback`))
		require.Equal(t, conversion.Duplicate, in.post(won(1), conversion.Developer).State)
		in.now.Advance(100 * 24 * time.Hour)
		_, err = in.s.Retain(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"0"}, in.dump(`SELECT COUNT(*) FROM postback`))
		require.Equal(t, []string{"4"}, in.dump(`SELECT COUNT(*) FROM postback_identity`))
	})
}

// TestPartitions: on PostgreSQL a raw copy lies in its day, days are made ahead and
// dropped whole; on SQLite there is nothing to do and the job says so.
func TestPartitions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		made, ok, err := in.s.MakePartitions(t.Context())
		require.NoError(t, err)
		require.Zero(t, made, "opening has made them")
		if in.s.main.dialect == sqlite {
			require.False(t, ok)
			return
		}
		require.True(t, ok)
		in.register(nil)
		in.post(won(1), conversion.Network)
		require.Equal(t, []string{"1"}, in.dump(`SELECT COUNT(*) FROM postback_20261102`))

		// A leap beyond what was made: the default partition takes it, and making that
		// day's partition later is not an error.
		in.now.Advance(30 * 24 * time.Hour)
		in.post(won(2), conversion.Network)
		require.Equal(t, []string{"1"}, in.dump(`SELECT COUNT(*) FROM postback_default`))
		made, _, err = in.s.MakePartitions(t.Context())
		require.NoError(t, err)
		require.Equal(t, partitionsBehind+partitionsAhead, made, "all but the day that has rows")

		in.now.Advance(62 * 24 * time.Hour)
		_, err = in.s.Retain(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"false"}, in.dump(`SELECT to_regclass('postback_20261102') IS NOT NULL`))
		require.Equal(t, []string{"1"}, in.dump(`SELECT COUNT(*) FROM postback`))
	})
}

// TestImportAgain: an archived copy that is in already changes nothing.
func TestImportAgain(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.now.Advance(24 * time.Hour)
		var arrivals []conversion.Arrival
		for n := range 6 {
			b := body(t, won(n/2)) // each twice: a duplicate in the archive itself
			if n == 5 {
				b = forged(t, 9)
			}
			arrivals = append(arrivals, conversion.Arrival{
				Source: conversion.Network, Body: b, ReceivedAt: start, ID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)).String(),
			})
		}
		read := func(arrivals []conversion.Arrival) (states []string) {
			outcomes, _, err := in.ReceiveAll(t.Context(), arrivals)
			require.NoError(t, err)
			for _, o := range outcomes {
				states = append(states, string(o.State)+" "+o.Reason)
			}
			return states
		}
		require.Equal(t, []string{"accepted ", "duplicate ", "accepted "}, read(arrivals[:3]), "and here it broke off")
		again := "duplicate already_imported"
		require.Equal(t, []string{again, again, again, "duplicate ", "accepted ", "quarantined signature_mismatch"}, read(arrivals))
		before := in.dump(`SELECT * FROM postback ORDER BY id`)
		require.Len(t, before, 6)
		require.Equal(t, []string{again, again, again, again, again, again}, read(arrivals))
		require.Equal(t, before, in.dump(`SELECT * FROM postback ORDER BY id`))
	})
}
