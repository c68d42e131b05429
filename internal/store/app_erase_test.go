package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
)

// rowsOf counts what each table holds of an app.
func (in inbox) rowsOf(app int64) map[string]string {
	in.t.Helper()
	out := map[string]string{}
	tables, _ := readMigrations(in.t, string(in.s.main.dialect))
	for name, rule := range tables {
		if _, ofApps := rule.columns["app_id"]; ofApps {
			out[name] = in.dump(`SELECT COUNT(*) FROM `+name+` WHERE app_id = ?`, app)[0]
		}
	}
	return out
}

// TestEraseApp: with everything that was kept of people, but nothing that keeps a
// window from being published twice, nor a replay from counting.
func TestEraseApp(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		in := c.inbox
		in.apply(&apply.Bundle{Apps: []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3)}, {AppID: 1, K: ptr(10), B: ptr(3)}}})
		for _, step := range c.story("x") {
			_, err := step()
			require.NoError(t, err)
		}
		in.sql(`INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version)
			SELECT app_id, id, 1, 0, 0, 'server', 500, '', 'said x', 1 FROM outbox`)
		_, err := in.s.CreateDraft(t.Context(), testApp, NewDraft{Document: []byte(`{}`)})
		require.NoError(t, err)
		for n := range 12 {
			require.Equal(t, conversion.Accepted, in.post(won(n), conversion.Network).State)
		}
		in.crowd(crowd{tag: "other", n: 20, at: start, app: 1})
		in.decode()
		in.nextWeek()
		require.Equal(t, 32, in.seal().Installs)
		for n := range 3 { // of the open window
			require.Equal(t, conversion.Accepted, in.post(won(20+n), conversion.Network).State)
		}
		published, other, ledger := in.published(), in.rowsOf(1), in.ledgerLines()

		done := in.deleteApp(AppDeletion{Destinations: true, Erase: true})
		require.Equal(t, []string{"all", "own"}, done.Destinations)
		attempts := done.Erased["delivery_attempt"]
		require.Positive(t, attempts)
		require.Equal(t, map[string]int64{
			"postback": 15, "counted_postback": 15, "click": 1, "install": 1, "event": 2, "consent_change": 1, "reconciliation": 0, "delivery_hour": 0, "attempt_hour": 0, "conversion_repeat": 0, "arrival_hour": 0, "counted_hour": 0, "model_drift": 0, "schema_draft": 1,
			"outbox": attempts, "delivery_attempt": attempts,
		}, done.Erased)
		left := in.rowsOf(testApp)
		for name, n := range left {
			switch name {
			case "postback_identity":
				require.Equal(t, "15", n)
			case "release_ledger", "app_setting":
				require.Equal(t, "1", n, name)
			case "audit_log":
				require.NotEqual(t, "0", n, name)
			default:
				require.Equal(t, "0", n, name)
			}
		}
		require.Equal(t, other, in.rowsOf(1), "nothing of another app")
		require.Equal(t, published, in.published())
		require.Equal(t, ledger, in.ledgerLines())

		for n := range 12 {
			require.Equal(t, conversion.Duplicate, in.post(won(n), conversion.Network).State, "what was erased is not counted again")
			require.Equal(t, conversion.Duplicate, in.post(won(n), conversion.Developer).State)
		}
		in.register(nil)
		in.nextWeek()
		in.decode()
		require.Zero(t, in.seal(), "what was erased before its window ended is never published")
		require.Equal(t, published, in.published())
	})
}

// TestEraseIsFinishedLater: an erasure that broke off leaves the app deleted, and is
// asked for again without a state to meet; also for what nobody ever described.
func TestEraseIsFinishedLater(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crowd(crowd{tag: "a", n: deleteBatch + 7, at: start})
		in.crowd(crowd{tag: "b", n: 3, at: start, app: 1})
		erase := AppDeletion{Erase: true}
		done, err := in.s.DeleteApp(as(t, "ann", "admin"), testApp, erase)
		require.NoError(t, err)
		require.Equal(t, int64(deleteBatch+7), done.Erased["counted_postback"], "more than one batch")
		again, err := in.s.DeleteApp(as(t, "ann", "admin"), testApp, erase)
		require.NoError(t, err)
		for name, n := range again.Erased {
			require.Zero(t, n, name)
		}
		line := fmt.Sprintf("ann/admin app.erase %d app %d", testApp, testApp)
		require.Equal(t, []string{line, line}, in.audited(AuditFilter{}))
		require.Equal(t, []string{"3"}, in.dump(`SELECT COUNT(*) FROM counted_postback`))
	})
}

// TestRetentionOfDeletedApps: raw copies of a deleted app go as those of any app that
// nobody described do, whatever it had set.
func TestRetentionOfDeletedApps(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.RawRetention = "3650d" })
		in.post(won(1), conversion.Network)
		in.now.Set(start.Add(apply.DefaultRawRetention + 24*time.Hour))
		n, err := in.s.Retain(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		in.deleteApp(AppDeletion{})
		_, err = in.s.Retain(t.Context())
		require.NoError(t, err)
		require.Equal(t, "0", strings.Join(in.dump(`SELECT COUNT(*) FROM postback`), ""))
		require.Equal(t, conversion.Duplicate, in.post(won(1), conversion.Network).State)
	})
}
