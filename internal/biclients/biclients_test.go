package biclients

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/clock"
	"skand/internal/store"
	"skand/skan"
)

const appID = 6_446_901_002

// start is a Monday.
var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// question is one of docs/bi.md that every client is asked.
const question = "What did each network bring, week by week?"

// documented is what docs/bi.md says.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/bi.md")
	require.NoError(t, err)
	return string(text)
}

// documentedSQL is the statement under a question.
func documentedSQL(t *testing.T, question string) string {
	t.Helper()
	_, rest, found := strings.Cut(documented(t), "\n"+question+"\n\n```sql\n")
	require.True(t, found, "docs/bi.md asks %q", question)
	sql, _, found := strings.Cut(rest, "\n```")
	require.True(t, found)
	return sql
}

// documentedConnection is the connection string in the line of a tool.
func documentedConnection(t *testing.T, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(documented(t))
	require.Len(t, m, 2, "docs/bi.md has a line like %s", pattern)
	return m[1]
}

// openStore opens a store with the simulated Apple behind it.
func openStore(t *testing.T, main string) (*store.Store, *clock.Movable) {
	t.Helper()
	now := clock.NewManual(start)
	s, err := store.Open(t.Context(), store.Options{Main: main, Lab: store.Lab, Clock: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, now
}

// publish sends postbacks of three weeks and three networks through the whole way to
// the published store. One campaign has fewer than k installs and one fewer than b
// payers, so that rows withhold something; amounts have decimals that binary floating
// point has not.
func publish(t *testing.T, s *store.Store, now *clock.Movable) {
	t.Helper()
	a, err := apple.FromSeed(11)
	require.NoError(t, err)
	trusted, err := traffic.TrustedKeys(a)
	require.NoError(t, err)
	keys, err := skan.AppleKeys().With(trusted...)
	require.NoError(t, err)
	verifier := skan.NewVerifier(keys)
	k, b := 10, 3
	_, err = s.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: appID, K: &k, B: &b, Schema: json.RawMessage(schema)}}}, "test", false)
	require.NoError(t, err)
	receiver := conversion.Receiver{Verifier: func() conversion.Verifier { return verifier }, Store: s, Now: now.Now}
	sealer := aggregate.Sealer{Store: s, Published: s, Clock: now, Log: slog.New(slog.DiscardHandler)}
	n := 0
	for week := range 3 {
		var arrivals []conversion.Arrival
		for _, c := range []struct {
			network, source  string
			installs, payers int
		}{
			{"alpha.skadnetwork", "5239", 14 + week, 6}, {"alpha.skadnetwork", "5240", 12, 1},
			{"beta.skadnetwork", "1117", 11, 11 - week}, {"gamma.skadnetwork", "9901", 4 + 9*(week%2), 0},
		} {
			for i := range c.installs {
				n++
				value := 0
				if i < c.payers {
					value = 1 + i%2
				}
				body, err := a.Body(apple.Postback{
					Version: apple.V40, Network: c.network, Source: c.source, AppID: appID, Conversion: "download", Fidelity: 1,
					ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", n, n), DidWin: true, Fine: &value,
				})
				require.NoError(t, err)
				arrivals = append(arrivals, conversion.Arrival{Source: conversion.Network, Client: "192.0.2.0/24", Body: body})
			}
		}
		outcomes, _, err := receiver.ReceiveAll(t.Context(), arrivals)
		require.NoError(t, err)
		for _, o := range outcomes {
			require.Equal(t, conversion.Accepted, o.State)
		}
		now.Set(aggregate.WindowAt(aggregate.Week, now.Now()).End.Add(time.Hour))
		_, err = conversion.DecodeAll(t.Context(), s, now.Now)
		require.NoError(t, err)
		report, err := sealer.Run(context.WithoutCancel(t.Context()))
		require.NoError(t, err)
		require.Equal(t, 1, report.Published)
	}
	settings := aggregate.DefaultModelSettings()
	settings.Model.Draws = 50 // what is asked hangs on no number
	modeller := aggregate.Modeller{Store: s, Published: s, Clock: now, Log: slog.New(slog.DiscardHandler), Settings: settings}
	_, err = modeller.Run(t.Context())
	require.NoError(t, err)
}

// schema has two prices.
const schema = `{"currency":"USD","windows":[{"index":0,"fine":[{"value":0,"events":[]},
	{"value":1,"events":[{"name":"small","revenue_min":"0.1","revenue_max":"0.1","revenue_est":"0.1"}]},
	{"value":2,"events":[{"name":"large","revenue_min":"19.99","revenue_max":"24.99","revenue_est":"20.015"}]}]},
	{"index":1},{"index":2}]}`
