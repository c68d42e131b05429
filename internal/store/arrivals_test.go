package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
)

// arrived are the arrivals of the last 30 days, one a line.
func (in inbox) arrived(by string, apps ...int64) (lines []string) {
	in.t.Helper()
	all, err := in.s.Arrivals(in.t.Context(), by, apps, in.now.Now().Add(-30*24*time.Hour), in.now.Now())
	require.NoError(in.t, err)
	for _, a := range all {
		lines = append(lines, fmt.Sprintf("%s %s %d", a.Day.Format(time.DateOnly), a.Name, a.N))
	}
	return lines
}

func (in inbox) countArrivals() int64 {
	in.t.Helper()
	n, err := in.s.CountArrivals(in.t.Context())
	require.NoError(in.t, err)
	return n
}

func TestArrivalsAreCounted(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		require.Zero(t, in.countArrivals(), "of nothing")
		day := start.Format(time.DateOnly)
		in.post(won(1), conversion.Developer)
		in.post(won(1), conversion.Network)
		in.post(won(2), conversion.Network)
		forged := won(3)
		body := strings.Replace(string(body(t, forged)), "5239", "5238", 1)
		in.postBody([]byte(body), conversion.Network)
		other := won(4)
		other.AppID, other.Network = 7, "zzz.skadnetwork"
		in.post(other, conversion.Network)
		in.countArrivals()
		require.Equal(t, []string{day + " invalid 1", day + " valid 4"}, in.arrived("verdict"))
		require.Equal(t, []string{day + " accepted 3", day + " duplicate 1", day + " quarantined 1"}, in.arrived("state"))
		require.Equal(t, []string{day + " skadnetwork 4.0 5"}, in.arrived("version"))
		require.Equal(t, []string{day + " developer 1", day + " network 4"}, in.arrived("source"))
		require.Equal(t, []string{day + " example123.skadnetwork 2", day + " zzz.skadnetwork 1"}, in.arrived("network"))
		require.Equal(t, []string{day + " valid 1"}, in.arrived("verdict", 7))
		require.Empty(t, in.arrived("verdict", 8))
		_, err := in.s.Arrivals(t.Context(), "body", nil, start, start)
		require.ErrorContains(t, err, `nothing is counted by "body"`)

		last, err := in.s.LastCopies(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, last, 2)
		require.Nil(t, last[0].Developer, "only a network sent copies of app 7")
		require.Equal(t, start.Truncate(time.Hour), *last[1].Developer)
	})
}

// TestArrivalsGoBack: counting again changes nothing; what came in with an old time is
// found; what a retention has taken stays counted.
func TestArrivalsGoBack(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.post(won(1), conversion.Network)
		in.countArrivals()
		before := in.dump(`SELECT * FROM arrival_hour`)
		in.countArrivals()
		require.Equal(t, before, in.dump(`SELECT * FROM arrival_hour`))

		old := start.Add(-20 * 24 * time.Hour)
		_, _, err := in.ReceiveAll(t.Context(), []conversion.Arrival{{Source: conversion.Network, Body: body(t, won(2)), ReceivedAt: old}})
		require.NoError(t, err)
		for range 4 { // it goes back a part of the days at a time
			in.countArrivals()
		}
		found := []string{old.Format(time.DateOnly) + " valid 1", start.Format(time.DateOnly) + " valid 1"}
		require.Equal(t, found, in.arrived("verdict"))

		in.sql(`DELETE FROM postback WHERE received_at = ?`, ms(old))
		in.sql(`DELETE FROM postback_identity`) // so that a copy is kept again
		for range 8 {
			in.countArrivals()
		}
		require.Equal(t, found, in.arrived("verdict"), "a retention is no news")

		in.now.Advance(arrivalsKept + 30*24*time.Hour)
		p := won(9)
		in.post(p, conversion.Network)
		in.countArrivals()
		require.Equal(t, []string{"1"}, in.dump(`SELECT COUNT(*) FROM arrival_hour`), "old hours go")
	})
}

// TestArrivalsStayRight: random copies at random hours, with counting between them, come
// to the same as counting once.
func TestArrivalsStayRight(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for n := range 24 {
			p := won(n)
			p.Version = []string{apple.V40, apple.V30, apple.V22}[n%3]
			if p.Version != apple.V40 {
				p.Source = "39"
			}
			in.post(p, []conversion.Source{conversion.Developer, conversion.Network}[n%2])
			in.now.Advance(time.Duration(n*37) * time.Minute)
			if n%5 == 0 {
				in.countArrivals()
			}
		}
		in.countArrivals()
		const counted = `SELECT app_id, hour, source, version, SUM(copies) FROM arrival_hour GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`
		const real = `SELECT app_id, received_at - received_at % 3600000, source, version, COUNT(*) FROM postback GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`
		require.Equal(t, in.dump(real), in.dump(counted))
	})
}
