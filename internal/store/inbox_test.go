package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/clock"
	"skand/skan"
)

// testApp lies beyond 32 bits, as the ids of today's apps do.
const (
	testApp     = 6_446_901_002
	testNetwork = "example123.skadnetwork"
)

// simulated is one simulated Apple for the package, with a verifier that trusts it.
var simulated = sync.OnceValue(func() (one struct {
	*apple.Apple
	*skan.Verifier
}) {
	var err error
	if one.Apple, err = apple.FromSeed(7); err != nil {
		panic(err)
	}
	trusted, err := traffic.TrustedKeys(one.Apple)
	if err != nil {
		panic(err)
	}
	keys, err := skan.AppleKeys().With(trusted...)
	if err != nil {
		panic(err)
	}
	one.Verifier = skan.NewVerifier(keys)
	return one
})

// inbox is a store with Apple before it and a sealer behind it.
type inbox struct {
	t   *testing.T
	s   *Store
	now *clock.Movable
	conversion.Receiver
}

func eachInbox(t *testing.T, test func(t *testing.T, in inbox)) {
	t.Helper()
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) { test(t, newInbox(t, s, now)) })
}

func newInbox(t *testing.T, s *Store, now *clock.Movable) inbox {
	return inbox{t, s, now, conversion.Receiver{
		Verifier: func() conversion.Verifier { return simulated().Verifier }, Store: s, Now: now.Now,
	}}
}

// uid is the n-th transaction id.
func uid(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", n, n) }

func ptr[T any](v T) *T { return &v }

// won is a version 4 winner of the test app, with a fine value of 5.
func won(n int) apple.Postback {
	return apple.Postback{
		Version: apple.V40, Network: testNetwork, Source: "5239", AppID: testApp, ID: uid(n),
		Conversion: "download", Fidelity: 1, DidWin: true, Fine: ptr(5),
	}
}

func body(t *testing.T, p apple.Postback) []byte {
	t.Helper()
	b, err := simulated().Body(p)
	require.NoError(t, err)
	return b
}

func (in inbox) post(p apple.Postback, from conversion.Source) conversion.Outcome {
	in.t.Helper()
	return in.postBody(body(in.t, p), from)
}

func (in inbox) postBody(b []byte, from conversion.Source) conversion.Outcome {
	in.t.Helper()
	o, _, err := in.Receive(in.t.Context(), conversion.Arrival{Source: from, Client: "192.0.2.0/24", Body: b})
	require.NoError(in.t, err)
	return o
}

// sql runs a statement on the main store, outside of all promises.
func (in inbox) sql(text string, args ...any) {
	in.t.Helper()
	_, err := in.s.main.w.ExecContext(in.t.Context(), in.s.main.q(text), args...)
	require.NoError(in.t, err)
}

// dump is the answer to a query on the main store, one string a row.
func (in inbox) dump(text string, args ...any) []string {
	in.t.Helper()
	return dump(in.t, in.s.main, text, args...)
}

func dump(t *testing.T, d *db, text string, args ...any) []string {
	t.Helper()
	rows, err := d.w.QueryxContext(t.Context(), d.q(text), args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	out := []string{}
	for rows.Next() {
		cells, err := rows.SliceScan()
		require.NoError(t, err)
		line := make([]string, len(cells))
		for i, c := range cells {
			if b, ok := c.([]byte); ok {
				c = string(b)
			}
			line[i] = fmt.Sprint(c)
		}
		out = append(out, strings.Join(line, "|"))
	}
	require.NoError(t, rows.Err())
	return out
}

// register applies the test app with its defaults, changed by change.
func (in inbox) register(change func(*apply.App)) []Change {
	in.t.Helper()
	a := apply.App{AppID: testApp, K: ptr(10), B: ptr(3)}
	if change != nil {
		change(&a)
	}
	return in.apply(&apply.Bundle{Apps: []apply.App{a}})
}

func (in inbox) apply(b *apply.Bundle) []Change {
	in.t.Helper()
	changes, err := in.s.Apply(in.t.Context(), b, "tester", false)
	require.NoError(in.t, err)
	return changes
}

// purchases is a schema in which fine value v > 0 is a purchase of exactly prices[v-1].
func purchases(prices ...string) json.RawMessage {
	rows := []string{`{"value": 0, "events": []}`}
	for i, p := range prices {
		rows = append(rows, fmt.Sprintf(
			`{"value": %d, "events": [{"name": "p%d", "revenue_min": %q, "revenue_max": %q, "revenue_est": %q}]}`, i+1, i+1, p, p, p))
	}
	return json.RawMessage(`{"currency": "USD", "windows": [{"index": 0, "fine": [` + strings.Join(rows, ",") +
		`], "coarse": {"low": {"events": []}, "medium": {"events": []}, "high": {"events": []}}}, {"index": 1}, {"index": 2}]}`)
}

func (in inbox) decode() int {
	in.t.Helper()
	n, err := conversion.DecodeAll(in.t.Context(), in.s, in.now.Now)
	require.NoError(in.t, err)
	return n
}

func (in inbox) sealer() *aggregate.Sealer {
	return &aggregate.Sealer{Store: in.s, Published: in.s, Clock: in.now, Log: slog.New(slog.DiscardHandler)}
}

func (in inbox) seal() aggregate.Report {
	in.t.Helper()
	r, err := in.sealer().Run(in.t.Context())
	require.NoError(in.t, err)
	return r
}

// nextWeek moves to an hour after the end of the week, when it is sealed.
func (in inbox) nextWeek() {
	in.now.Set(aggregate.WindowAt(aggregate.Week, in.now.Now()).End.Add(time.Hour))
}

// published lists every column of every published row.
func (in inbox) published() []string {
	in.t.Helper()
	out := []string{}
	err := in.s.Cohorts(in.t.Context(), CohortFilter{}, func(c *Cohort) error {
		out = append(out, strings.Join(c.Cells(), "|"))
		return nil
	})
	require.NoError(in.t, err)
	return out
}

func (in inbox) countAll() Counts {
	in.t.Helper()
	c, err := in.s.Counts(in.t.Context())
	require.NoError(in.t, err)
	return c
}

// crowd writes n decoded rows that are alike straight into the store: what the
// sealer finds, without n signatures.
type crowd struct {
	tag     string // of their identities
	n       int
	at      time.Time
	app     int64  // 0: the test app
	network string // "": the test network
	source  string // "": 5239
	kind    string // value kind; "": fine
	payer   bool
	revenue string // "": 0
	version int
}

func (in inbox) crowd(c crowd) {
	in.t.Helper()
	require.NoError(in.t, addCrowd(in.t.Context(), in.s, c))
}

func addCrowd(ctx context.Context, s *Store, c crowd) error {
	or := func(v, other string) string {
		if v == "" {
			return other
		}
		return v
	}
	if c.app == 0 {
		c.app = testApp
	}
	blob, number := "BLOB", "TEXT"
	if s.main.dialect == postgres {
		blob, number = "BYTEA", "NUMERIC"
	}
	text := `INSERT INTO counted_postback (app_id, environment, first_seen, identity, copy_id, source, counted_at, received_at,
			framework, version, network_id, sequence_index, kind, id_kind, source_id, redownload, fine, coarse, country,
			interaction, decoded_at, value_kind, state, flags, schema_version, payer, revenue_min, revenue_est, revenue_max)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		SELECT ?, 'production', ?, CAST(CAST(? AS TEXT) || '/' || CAST(i AS TEXT) AS ` + blob + `), 'copy', 'network', ?, ?,
			'skadnetwork', '4.0', ?, 0, 'install', 'source', ?, FALSE, 5, '', '',
			'', ?, ?, 'decoded', '', ?, ?, CAST(? AS ` + number + `), CAST(? AS ` + number + `), CAST(? AS ` + number + `) FROM n`
	rev := or(c.revenue, "0")
	_, err := s.main.w.ExecContext(ctx, s.main.q(text), c.n, c.app, ms(c.at), c.tag, ms(c.at), ms(c.at),
		or(c.network, testNetwork), or(c.source, "5239"), ms(c.at), or(c.kind, "fine"), c.version, c.payer, rev, rev, rev)
	return err
}
