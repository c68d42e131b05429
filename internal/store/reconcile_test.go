package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/forward/reconcile"
	"skand/internal/apply"
)

// said is an upload of the test network for a day in November 2026.
func said(day int, rows ...reconcile.Row) reconcile.Upload {
	return reconcile.Upload{AppID: testApp, NetworkID: testNetwork, Day: fmt.Sprintf("2026-11-%02d", day), Currency: "USD", Rows: rows}
}

func countRowOf(event string, n int64) reconcile.Row { return reconcile.Row{Event: event, Count: n} }

func priced(event string, n int64, money string) reconcile.Row {
	return reconcile.Row{Event: event, Count: n, Revenue: ptr(decimal.RequireFromString(money))}
}

func (in inbox) upload(uploads ...reconcile.Upload) []string {
	in.t.Helper()
	kept, err := in.s.PutReconciliations(ActingAs(in.t.Context(), Actor{"olga", "operator"}), uploads, false)
	require.NoError(in.t, err)
	var out []string
	for _, k := range kept {
		out = append(out, fmt.Sprintf("%s %s %d", k.Day, k.Action, k.Revision))
	}
	return out
}

// TestReconciliationsKeepTheirRevisions: the last upload stands, who said what before
// is kept, and what says the same again is no revision.
func TestReconciliationsKeepTheirRevisions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.now.Set(start.Add(72 * time.Hour))
		in.apply(&apply.Bundle{
			Apps:     []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3)}},
			Networks: []apply.Network{{NetworkID: testNetwork, Aliases: []string{"com.example"}}, {NetworkID: "other.net"}},
		})
		require.Equal(t, []string{"2026-11-02 create 1", "2026-11-03 create 1"}, in.upload(said(2, priced("Buy", 3, "9.990")), said(3)))
		require.Equal(t, []string{"2026-11-02 same 1"}, in.upload(said(2, priced("Buy", 3, "9.990"))))
		alias := said(2, countRowOf("Buy", 4))
		alias.NetworkID = "com.example"
		require.Equal(t, []string{"2026-11-02 update 2"}, in.upload(alias))
		require.Equal(t, []string{"2026-11-02 update 3"}, in.upload(said(2)), "no rows: the network counted nothing")

		one, history, err := in.s.Reconciliation(t.Context(), testApp, testNetwork, "2026-11-02", 0)
		require.NoError(t, err)
		require.Equal(t, int64(3), one.Revision)
		require.Empty(t, one.Rows)
		require.Equal(t, "olga", one.UploadedBy)
		require.Len(t, history, 3)
		one, _, err = in.s.Reconciliation(t.Context(), testApp, testNetwork, "2026-11-02", 1)
		require.NoError(t, err)
		require.Equal(t, "9.99", one.Rows[0].Revenue.String())
		for _, missing := range []int64{4, 9} {
			_, _, err = in.s.Reconciliation(t.Context(), testApp, testNetwork, "2026-11-02", missing)
			require.ErrorIs(t, err, ErrNoReconciliation)
		}
		log, _, err := in.s.AuditLog(t.Context(), AuditFilter{Action: ActReconcile}, "", 10)
		require.NoError(t, err)
		require.Len(t, log, 4)
		require.Equal(t, "network "+testNetwork+", 2026-11-02", log[0].Object)
		require.JSONEq(t, `{"revision":3,"rows":0,"counted":0,"source":"","before":{"revision":2,"rows":1,"counted":4}}`, string(log[0].Detail))

		other := said(3, countRowOf("install", 1))
		other.NetworkID = "other.net"
		in.upload(other)
		list := pages(t, func(cursor string) (ids []string, next string) {
			all, next, err := in.s.Reconciliations(t.Context(), ReconciliationFilter{AppID: testApp}, cursor, 1)
			require.NoError(t, err)
			for _, r := range all {
				require.Nil(t, r.Rows)
				ids = append(ids, fmt.Sprint(r.Day, " ", r.NetworkID, " ", r.Revision))
			}
			return ids, next
		}, func(int) {})
		require.Equal(t, []string{"2026-11-03 other.net 1", "2026-11-03 " + testNetwork + " 1", "2026-11-02 " + testNetwork + " 3"}, list)
		some, _, err := in.s.Reconciliations(t.Context(), ReconciliationFilter{NetworkID: testNetwork, From: start.AddDate(0, 0, 1), To: start.AddDate(0, 0, 9)}, "", 9)
		require.NoError(t, err)
		require.Len(t, some, 1)
		_, _, err = in.s.Reconciliations(t.Context(), ReconciliationFilter{}, "x.1", 9)
		require.ErrorIs(t, err, ErrCursor)
	})
}

// TestUploadsAreKeptWholeOrNotAtAll, and a dry run keeps nothing.
func TestUploadsAreKeptWholeOrNotAtAll(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.apply(&apply.Bundle{
			Apps:     []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3)}},
			Networks: []apply.Network{{NetworkID: testNetwork}},
		})
		strange := said(1, countRowOf("install", 1))
		strange.NetworkID = "exmple123.skadnetwork"
		nobodys := said(1)
		nobodys.AppID = 1
		for what, bad := range map[string]reconcile.Upload{
			"did you mean " + testNetwork: strange, "has not begun": said(4), "no such app": nobodys, "is no day": {AppID: testApp, NetworkID: testNetwork, Day: "2.11."},
		} {
			_, err := in.s.PutReconciliations(t.Context(), []reconcile.Upload{said(1, countRowOf("install", 1)), bad}, false)
			require.ErrorContains(t, err, what)
		}
		kept, err := in.s.PutReconciliations(t.Context(), []reconcile.Upload{said(1), said(2)}, true)
		require.NoError(t, err)
		require.Equal(t, "create", kept[1].Action)
		require.Empty(t, in.dump(`SELECT day FROM reconciliation`))
		require.Empty(t, in.dump(`SELECT 1 FROM audit_log WHERE action = ?`, ActReconcile))
	})
}
