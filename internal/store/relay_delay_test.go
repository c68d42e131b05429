package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/internal/apply"
)

// relayed posts the n-th winner as a relay does and gives what its row decodes to:
// version, flags, and the hours from the earliest launch to the arrival.
func (in inbox) relayed(n int, relay string) string {
	in.t.Helper()
	o := in.pass(won(n), relay)
	require.Equal(in.t, conversion.Accepted, o.State)
	require.Equal(in.t, 1, in.decode())
	return in.boundOf(n)
}

func (in inbox) pass(p apple.Postback, relay string) conversion.Outcome {
	in.t.Helper()
	o, _, err := in.Receive(in.t.Context(), conversion.Arrival{Source: conversion.Relay, Relay: relay, Body: body(in.t, p)})
	require.NoError(in.t, err)
	return o
}

func (in inbox) boundOf(n int) string {
	in.t.Helper()
	p := won(n)
	r := simulated().VerifyRelayed(body(in.t, p))
	rows := in.dump(`SELECT schema_version, flags, (received_at - install_from) / 3600000 FROM counted_postback WHERE identity = ?`, r.Identity.Hash())
	require.Len(in.t, rows, 1)
	return rows[0]
}

func (in inbox) describe(networks ...apply.Network) {
	in.t.Helper()
	_, err := in.s.Apply(in.t.Context(), &apply.Bundle{Networks: networks}, "test", false)
	require.NoError(in.t, err)
}

// TestRelayDelayWidensTheBounds: what a relay passed on is decoded as if Apple had
// sent it any time within the relay's delay. Window 0: ambiguous for 24 + 96 hours.
func TestRelayDelayWidensTheBounds(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "5.50") })
		in.describe(
			apply.Network{NetworkID: "slow.example", RelayDelay: "3d", Aliases: []string{"Slow.Alias"}},
			apply.Network{NetworkID: testNetwork, RelayDelay: "1h"},
			apply.Network{NetworkID: "prompt.example"},
		)
		in.now.Advance(100 * time.Hour)
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "9.99") })

		in.now.Advance(24 * time.Hour)
		require.Equal(t, "1||168", in.relayed(1, "slow.example"), "no relay makes an arrival earlier")
		in.now.Advance(96 * time.Hour)
		require.Equal(t, "2|retry_possible|96", in.relayed(2, "prompt.example"))
		require.Equal(t, "2|retry_possible|96", in.relayed(3, "nobody.example"), "one that nobody described: 0")
		require.Equal(t, "2|ambiguous|97", in.relayed(4, testNetwork))
		require.Equal(t, "2|ambiguous|168", in.relayed(5, "SLOW.alias"))
		in.post(won(6), conversion.Network)
		require.Equal(t, "2|retry_possible|96", in.boundOf(6), "Apple's own copies have no delay")
		in.now.Advance(72 * time.Hour)
		require.Equal(t, "2|retry_possible|168", in.relayed(7, "slow.example"))
		in.now.Advance(144 * time.Hour)
		require.Equal(t, "2||96", in.relayed(8, "prompt.example"))
		require.Equal(t, "2|retry_possible|168", in.relayed(9, "slow.example"))
		in.now.Advance(72 * time.Hour)
		require.Equal(t, "2||168", in.relayed(10, "slow.example"))
	})
}

// TestRelayDelayOfTheCopyThatCounts: the arrival that was kept decides, whoever else
// has sent the same since.
func TestRelayDelayOfTheCopyThatCounts(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "5.50") })
		in.describe(apply.Network{NetworkID: "slow.example", RelayDelay: "72h"}, apply.Network{NetworkID: testNetwork, RelayDelay: "24h"})
		for n := range 4 {
			in.pass(won(n), "slow.example")
		}
		require.Equal(t, conversion.Duplicate, in.post(won(1), conversion.Developer).State)
		better := won(2)
		better.Fine = ptr(1)
		require.Equal(t, "better_source", in.post(better, conversion.Developer).Reason)
		in.sql(`DELETE FROM postback WHERE identity = ?`, simulated().VerifyRelayed(body(t, won(3))).Identity.Hash())
		require.Equal(t, 4, in.decode())
		for n, want := range []string{"1||168", "1||168", "1||96", "1||120"} {
			require.Equal(t, want, in.boundOf(n), fmt.Sprint(n))
		}
	})
}
