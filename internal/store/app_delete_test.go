package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward"
	"skand/internal/apply"
)

var whatever = TagMatch{Any: true}

func (in inbox) deleteApp(d AppDeletion) AppDeleted {
	in.t.Helper()
	d.Match = whatever
	done, err := in.s.DeleteApp(in.t.Context(), testApp, d)
	require.NoError(in.t, err)
	return done
}

// TestDeleteAppMeetsOneState: a deletion meets the state that was read, and says what
// is stored where it doesn't.
func TestDeleteAppMeetsOneState(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		_, err := in.s.App(t.Context(), testApp)
		require.ErrorIs(t, err, ErrNoApp)
		_, err = in.s.DeleteApp(t.Context(), testApp, AppDeletion{Match: whatever})
		require.ErrorIs(t, err, ErrNoApp)
		in.register(nil)
		seen, err := in.s.App(t.Context(), testApp)
		require.NoError(t, err)
		require.JSONEq(t, fmt.Sprintf(`{"app_id":%d,"k":10,"b":3}`, testApp), string(seen.Definition.Definition))
		in.now.Advance(time.Second)
		in.register(func(a *apply.App) { a.Name = "Puzzle" })
		for _, m := range []TagMatch{{}, {Tags: []string{"x", seen.Tag}}} {
			var stale *StaleApp
			_, err = in.s.DeleteApp(t.Context(), testApp, AppDeletion{Match: m, Destinations: true, Erase: true})
			require.ErrorAs(t, err, &stale)
			require.Contains(t, string(stale.Current.Definition.Definition), "Puzzle")
			require.NotEqual(t, seen.Tag, stale.Current.Tag)
			require.Contains(t, err.Error(), "2026-11-02T00:00:01Z")
		}
		seen, err = in.s.App(t.Context(), testApp)
		require.NoError(t, err)
		done, err := in.s.DeleteApp(as(t, "ann", "admin"), testApp, AppDeletion{Match: TagMatch{Tags: []string{"x", seen.Tag}}})
		require.NoError(t, err)
		require.Equal(t, AppDeleted{AppID: testApp, Destinations: []string{}}, done)
		_, err = in.s.App(t.Context(), testApp)
		require.ErrorIs(t, err, ErrNoApp)
		require.Equal(t, []string{fmt.Sprintf("ann/admin app.delete %d app %d", testApp, testApp)}, in.audited(AuditFilter{Action: ActAppDelete}))
	})
}

// TestDeletedAppIsUnknown: postbacks for it are kept as those of an app that nobody
// described, its schema is nobody's mapping, and applying it again restores both.
func TestDeletedAppIsUnknown(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		trusting := func(a *apply.App) { a.TrustDevelopment, a.Schema = true, purchases("1", "2", "3", "4", "5") }
		in.register(trusting)
		in.decode()
		draft, err := in.s.CreateDraft(t.Context(), testApp, NewDraft{Document: []byte(`{"idea":1}`)})
		require.NoError(t, err)
		developed := func(n int) conversion.Outcome {
			p := won(n)
			p.Development = true
			return in.post(p, conversion.Network)
		}
		require.Equal(t, conversion.Accepted, developed(1).State)
		before := in.configuration()
		in.deleteApp(AppDeletion{})

		require.Equal(t, conversion.Outcome{State: conversion.Quarantined, Reason: "development_not_trusted"}, developed(2))
		require.Equal(t, conversion.Accepted, in.post(won(3), conversion.Network).State)
		require.Equal(t, conversion.Duplicate, in.post(won(3), conversion.Network).State)
		in.decode()
		_, err = in.s.Mapping(t.Context(), testApp, 0, in.now.Now())
		require.ErrorIs(t, err, ErrNoMapping)
		history, _, err := in.s.MappingHistory(t.Context(), testApp, in.now.Now(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, history)
		_, err = in.s.Draft(t.Context(), testApp, draft.ID)
		require.ErrorIs(t, err, ErrNoApp)
		_, err = in.s.RollBack(t.Context(), testApp, 1, Publication{})
		require.ErrorIs(t, err, ErrNoApp)
		exported, err := in.s.Export(t.Context())
		require.NoError(t, err)
		require.Empty(t, exported.Apps)

		require.Equal(t, map[string]string{
			fmt.Sprintf("app %d", testApp): "create", fmt.Sprintf("schema of app %d", testApp): "same",
		}, actions(in.register(trusting)), "settings and schema are what they were")
		require.Equal(t, before, in.configuration())
		m, err := in.s.Mapping(t.Context(), testApp, 0, in.now.Now())
		require.NoError(t, err)
		require.Equal(t, 1, m.Version)
		_, err = in.s.Draft(t.Context(), testApp, draft.ID)
		require.NoError(t, err)
	})
}

// TestDeleteAppWithDestinations: an app that still forwards is not deleted, unless its
// destinations may go too; then nothing of it is sent any more, now or later.
func TestDeleteAppWithDestinations(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		in := newInbox(t, q.s, q.now)
		in.apply(&apply.Bundle{Apps: []apply.App{{AppID: 1}, {AppID: 2}}})
		q.save("b", "https://b.example/", nil)
		q.save("others", "https://o.example/", func(d *forward.Destination) { d.AppID = 2 })
		require.Equal(t, 6, q.put(3))
		sent, under := q.claim(1)[0], q.claim(1)[0]
		require.NoError(t, q.settle(sent, forward.ClassOK, forward.StateDelivered, q.now.Now()))

		var left *DestinationsLeft
		for _, erase := range []bool{false, true} {
			_, err := q.s.DeleteApp(t.Context(), 1, AppDeletion{Match: whatever, Erase: erase})
			require.ErrorAs(t, err, &left)
			require.Equal(t, &DestinationsLeft{1, []string{"b", "d"}}, left)
			require.Contains(t, err.Error(), "b, d")
		}
		_, err := q.s.App(t.Context(), 1)
		require.NoError(t, err, "and nothing was done")
		done, err := q.s.DeleteApp(t.Context(), 1, AppDeletion{Match: whatever, Destinations: true})
		require.NoError(t, err)
		require.Equal(t, AppDeleted{AppID: 1, Destinations: []string{"b", "d"}, Undelivered: 5}, done)
		require.Empty(t, q.claim(10))
		require.ErrorIs(t, q.settle(under, forward.ClassOK, forward.StateDelivered, q.now.Now()), errFenced,
			"what was under way changes nothing any more")
		gone := q.one(under.ID)
		require.Equal(t, forward.StateExpired, gone.State)
		require.Equal(t, "destination_deleted", gone.Reason)
		require.Equal(t, forward.StateDelivered, q.one(sent.ID).State)
		require.Equal(t, []string{"others"}, in.dump(`SELECT id FROM destination`))

		q.save("d", "https://h.example/", nil)
		q.save("b", "https://b.example/", nil)
		require.Empty(t, q.claim(10), "under its old name it hears nothing of before")
		require.Zero(t, q.put(3), "nor of the same things again")
		entries, _, err := q.s.AuditLog(t.Context(), AuditFilter{Action: ActAppDelete}, "", 10)
		require.NoError(t, err)
		require.JSONEq(t, `{"destinations":["b","d"],"undelivered":5,"erase":false}`, string(entries[0].Detail))
	})
}

// TestEveryTableOfAppsIsDecided: a new table that holds something of an app is erased
// with it, or stays for a reason.
func TestEveryTableOfAppsIsDecided(t *testing.T) {
	t.Parallel()
	decided := map[string]string{
		"app":                 "deleted",
		"destination":         "deleted, or in the way",
		"destination_version": "deleted with their destinations",
		"destination_secret":  "deleted with their destinations",
		"app_setting":         "stays: which windows there were, and by which rules",
		"schema_version":      "stays: published rows name versions",
		"postback_identity":   "stays: a replay must not count again",
		"release_ledger":      "stays: a window is published once",
		"network_week":        "stays: a week is published once",
		"audit_log":           "stays: lines are only ever added",
		"erasure":             "stays: reports of who was erased must not bring them back",
	}
	for _, table := range erasedTables {
		require.NotContains(t, decided, table.name)
		decided[table.name] = "erased"
	}
	for _, set := range []string{"sqlite", "postgres"} {
		tables, _ := readMigrations(t, set)
		found := 0
		for name, rule := range tables {
			if _, ofApps := rule.columns["app_id"]; !ofApps {
				continue
			}
			found++
			require.Contains(t, decided, name, "decide what becomes of %s when its app is deleted", name)
			for _, table := range erasedTables {
				if table.name == name {
					require.Contains(t, rule.keys, table.key, "%s is deleted by its key", name)
				}
			}
		}
		require.Equal(t, len(decided), found, strings.Join([]string{set, "has them all"}, " "))
	}
}
