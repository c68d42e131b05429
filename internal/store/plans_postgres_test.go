package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/clock"
)

// A history that is past the size up to which PostgreSQL rightly finds that reading a
// table is cheaper than looking 500 keys up in it: what it chooses here it also
// chooses for any larger one.
const (
	sealedWeeks = 5
	sealedRows  = 25_000 // a week
	openRows    = 28_000
)

// otherApps get their first schema while the test runs.
var otherApps = []int64{testApp + 1, testApp + 2}

// TestReceiverNeverScansPostgreSQL runs the receiver, the decode job, the replay of
// development postbacks and the sealer on top of a history, and reads the plan of
// every statement they run. Statements that aren't prepared get a plan for their
// values; prepared ones sooner or later one for any. Both are held to it.
func TestReceiverNeverScansPostgreSQL(t *testing.T) {
	t.Parallel()
	location, published := migratedPostgres(t)
	runOn(t, location, published, func(t *testing.T, s *Store, now *clock.Movable) {
		w := &watched{inbox: newInbox(t, s, now)}
		w.history()
		for i, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			t.Log(mode)
			w.explained = explain(t, s, location, mode)
			w.seesAScan()
			for _, size := range []int{8, 500} {
				w.receive(size)
			}
			w.decodeEarly(otherApps[i])
			w.sealWeek()
		}
	})
}

// watched is an inbox whose statements are heard.
type watched struct {
	inbox
	*explained
	filled map[string]bool // relations with rows that were counted
	n      int             // of the postback sent last
}

func (w *watched) history() {
	w.t.Helper()
	w.register(nil)
	for _, app := range otherApps {
		w.apply(&apply.Bundle{Apps: []apply.App{{AppID: app, K: ptr(10), B: ptr(3)}}})
	}
	for range sealedWeeks {
		w.crowd(crowd{tag: w.now.Now().Format(time.DateOnly), n: sealedRows, at: w.now.Now()})
		w.nextWeek()
		require.Equal(w.t, sealedRows, w.seal().Installs)
	}
	w.crowd(crowd{tag: "open", n: openRows, at: w.now.Now()})
	w.sql(`INSERT INTO postback_identity SELECT app_id, environment, identity, received_at FROM counted_postback`)
	w.sql(`INSERT INTO postback SELECT app_id, received_at, encode(identity, 'hex'), source, '', '', 'accepted', '', '',
		framework, version, 'valid', '', '', identity, '', repeat('x', 100)::bytea FROM counted_postback`)
	w.sql(`VACUUM ANALYZE`) // as autovacuum does
	w.filled = map[string]bool{}
	for _, name := range w.dump(`SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 0
		AND (relname LIKE 'postback%' OR relname = 'counted_postback')`) {
		w.filled[name] = true
	}
	require.Greater(w.t, len(w.filled), 3, "%v", w.filled)
}

// wide lists what reads through a table, or more rows of one than it should.
func (w *watched) wide(plans []ranPlan, most int) (found []string) {
	for _, p := range plans {
		p.Root.each(func(n *planNode) {
			if w.filled[n.Relation] && (n.Type == "Seq Scan" || n.read() > float64(most)) {
				found = append(found, fmt.Sprintf("%s on %s reads %v rows, %d are enough:\n%s\n%s",
					n.Type, n.Relation, n.read(), most, strings.TrimSpace(p.Text), p.raw))
			}
		})
	}
	return found
}

// narrow fails if a statement that ran since the last look read more rows of a table
// than that, and if one did not run that the step is there for.
func (w *watched) narrow(what string, most int, texts ...string) {
	w.t.Helper()
	plans, err := w.take()
	require.NoError(w.t, err)
	for _, f := range w.wide(plans, most) {
		w.t.Errorf("%s: %s", what, f)
	}
	for _, text := range texts {
		ran := false
		for _, p := range plans {
			ran = ran || strings.Contains(p.Text, text)
		}
		require.Truef(w.t, ran, "%s: no plan was heard of %s", what, text)
	}
}

// seesAScan: the test would notice.
func (w *watched) seesAScan() {
	w.t.Helper()
	w.sql(`SELECT 1 FROM counted_postback WHERE copy_id = ?`, "nobody's")
	plans, err := w.take()
	require.NoError(w.t, err)
	require.Len(w.t, w.wide(plans, 100), 1)
}

func (w *watched) arrivals(size int, from conversion.Source) []conversion.Arrival {
	all := make([]conversion.Arrival, size)
	for i := range all {
		w.n++
		all[i] = conversion.Arrival{Source: from, Client: "192.0.2.0/24", Body: body(w.t, won(w.n))}
	}
	return all
}

func (w *watched) postAll(all []conversion.Arrival) {
	w.t.Helper()
	_, _, err := w.ReceiveAll(w.t.Context(), all)
	require.NoError(w.t, err)
}

// meets is in what looks up what counts for identities.
const meets = "CROSS JOIN postback_identity i CROSS JOIN counted_postback c"

// receive takes so many in at once, in every way there is.
func (w *watched) receive(size int) {
	w.t.Helper()
	most := 2 * size
	what := func(step string) string { return fmt.Sprintf("%s, %d at once", step, size) }

	all := w.arrivals(size, conversion.Relay)
	w.postAll(all)
	w.narrow(what("fresh"), most, "INSERT INTO postback_identity", "INSERT INTO counted_postback", "INSERT INTO postback ")
	for i := range all {
		all[i].Source = conversion.Network
	}
	w.postAll(all)
	w.narrow(what("raised"), most, meets, "UPDATE counted_postback SET source =")
	for i := range all {
		p := won(w.n - i)
		p.Fine = ptr(7)
		all[i] = conversion.Arrival{Source: conversion.Developer, Client: "192.0.2.0/24", Body: body(w.t, p)}
	}
	w.postAll(all)
	w.narrow(what("taken over"), most, meets, "UPDATE counted_postback SET copy_id =")
	require.Equal(w.t, size, w.decode())
	w.narrow(what("decoded"), most, "ORDER BY counted_at LIMIT", "SELECT 1 FROM counted_postback c JOIN", "UPDATE counted_postback SET decoded_at = d.")

	all = w.arrivals(size, "")
	for i := range all {
		all[i].Source, all[i].ReceivedAt, all[i].ID = conversion.Network, w.now.Now().Add(-30*time.Minute), uid(w.n-i)
	}
	for range 2 { // the second time it is known
		w.postAll(all)
		w.narrow(what("archived"), most, "SELECT p.id FROM unnest")
	}
	require.Equal(w.t, size, w.decode())
	w.narrow(what("archived, decoded"), most)

	all = w.arrivals(size, conversion.Network)
	for i := range all {
		copy(all[i].Body[len(all[i].Body)-20:], "AAAA")
	}
	w.postAll(all)
	w.narrow(what("quarantined"), most, "INSERT INTO flood_bound")
	_, err := conversion.Replay(w.t.Context(), w.s, simulated().Verifier, conversion.ReplayFilter{Trusting: true}, false)
	require.NoError(w.t, err)
	w.narrow(what("development replayed"), most, "a.trust_development")
}

// decodeEarly publishes the first schema of an app while its postbacks come in.
func (w *watched) decodeEarly(app int64) {
	w.t.Helper()
	const n = 300
	w.crowd(crowd{tag: fmt.Sprint(app), n: n, app: app, at: w.now.Now()})
	w.forget() // adding them is no part of it
	w.apply(&apply.Bundle{Apps: []apply.App{{AppID: app, K: ptr(10), B: ptr(3), Schema: purchases("1", "2", "3", "4", "5")}}})
	require.Equal(w.t, n, w.decode())
	w.narrow("first schema", 2*n, "UPDATE counted_postback SET decoded_at = NULL")
}

// sealWeek reads what is open and nothing that was sealed.
func (w *watched) sealWeek() {
	w.t.Helper()
	open := int(w.countAll().Waiting)
	most := open + 1 + len(otherApps) // what was read for each app is told as an average, rounded
	w.forget()                        // counting everything reads everything
	w.seal()
	w.narrow("nothing to seal", most, openDatasetsSQL, "SELECT MIN(counted_at)")
	w.nextWeek()
	require.Equal(w.t, open, w.seal().Installs)
	w.narrow("seal", most, "SELECT COUNT(*) AS n", "FOR UPDATE) AS locked", "UPDATE counted_postback SET sealed_in")
}
