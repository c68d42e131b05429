package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/clock"
)

// as acts under a name and a role.
func as(t *testing.T, who, role string) context.Context {
	return ActingAs(t.Context(), Actor{who, role})
}

// audited is the audit log, oldest line first: who role action app object.
func (in inbox) audited(f AuditFilter) []string {
	in.t.Helper()
	entries, next, err := in.s.AuditLog(in.t.Context(), f, "", 1000)
	require.NoError(in.t, err)
	require.Empty(in.t, next)
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[len(entries)-1-i] = fmt.Sprintf("%s/%s %s %d %s", e.Who, e.Role, e.Action, e.AppID, e.Object)
	}
	return lines
}

func TestAuditTellsOfEveryWrite(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		b := bundle(t)
		_, err := in.s.Apply(as(t, "ann", "admin"), b, "unused", true)
		require.NoError(t, err)
		require.Empty(t, in.audited(AuditFilter{}), "a dry run did nothing")
		_, err = in.s.Apply(as(t, "ann", "admin"), b, "unused", false)
		require.NoError(t, err)
		app := fmt.Sprintf("app %d", testApp)
		want := []string{
			fmt.Sprintf("ann/admin schema.publish %d version 1", testApp),
			"ann/admin apply 0 configuration",
			fmt.Sprintf("ann/admin apply %d %s", testApp, app),
		}
		require.Equal(t, want, in.audited(AuditFilter{}))
		_, err = in.s.Apply(as(t, "ann", "admin"), bundle(t), "unused", false)
		require.NoError(t, err)
		require.Len(t, in.audited(AuditFilter{}), 3, "nothing changed")
		_, err = in.s.Apply(as(t, "ann", "admin"), &apply.Bundle{Apps: []apply.App{{AppID: 1}, {AppID: 0}}}, "unused", false)
		require.Error(t, err)
		require.Len(t, in.audited(AuditFilter{}), 3, "nothing was done, nothing is told")

		in.register(func(a *apply.App) { a.K = ptr(30) })
		entries, _, err := in.s.AuditLog(t.Context(), AuditFilter{}, "", 1)
		require.NoError(t, err)
		require.Equal(t, "tester/local", entries[0].Who+"/"+entries[0].Role, "nobody authenticated: the name is the command's")
		require.Contains(t, string(entries[0].Detail), `"what":"app 6446901002 settings","action":"update"`)

		_, token, err := auth.New(auth.Token{Name: "bi", Role: auth.Viewer, CreatedAt: start, CreatedBy: "skand token"})
		require.NoError(t, err)
		require.NoError(t, in.s.CreateToken(t.Context(), token))
		require.Error(t, in.s.CreateToken(t.Context(), token), "its hash is there")
		require.NoError(t, in.s.RevokeToken(as(t, "ann", "admin"), token.ID))
		require.ErrorIs(t, in.s.RevokeToken(t.Context(), "nobody"), ErrNoSuchToken)
		require.Equal(t, []string{
			"skand token/local token.create 0 token " + token.ID, "ann/admin token.revoke 0 token " + token.ID,
		}, in.audited(AuditFilter{})[4:])
		for _, line := range in.dump(`SELECT detail FROM audit_log`) {
			require.NotContains(t, line, string(token.Hash))
			require.NotContains(t, line, "10.1.2.3", "of a destination its name is enough")
		}
	})
}

func TestAuditLogFilters(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for i := range 12 {
			ctx := as(t, []string{"ann", "bob"}[i%2], "operator")
			action := []string{ActJobRun, ActPostbacksRead, ActLabClock}[i%3]
			require.NoError(t, in.s.Audit(ctx, "", action, int64(i%4), fmt.Sprint(i), map[string]int{"n": i}))
			in.now.Advance(time.Minute)
		}
		for f, want := range map[AuditFilter]string{
			{}:                                 "0 1 2 3 4 5 6 7 8 9 10 11",
			{AppID: 3}:                         "3 7 11",
			{Who: "ann"}:                       "0 2 4 6 8 10",
			{Who: "an"}:                        "",
			{Who: "\x00"}:                      "",
			{Action: ActLabClock}:              "2 5 8 11",
			{From: start.Add(9 * time.Minute)}: "9 10 11",
			{To: start.Add(2 * time.Minute)}:   "0 1",
			{Who: "bob", Action: ActJobRun, AppID: 1, From: start.Add(time.Minute), To: start.Add(10 * time.Minute)}: "9",
		} {
			var ids []string
			for _, line := range in.audited(f) {
				ids = append(ids, line[strings.LastIndex(line, " ")+1:])
			}
			require.Equal(t, want, strings.Join(ids, " "), "%+v", f)
		}
		for limit := 1; limit <= 13; limit++ {
			got := pages(t, func(cursor string) (ids []string, next string) {
				page, next, err := in.s.AuditLog(t.Context(), AuditFilter{Who: "ann"}, cursor, limit)
				require.NoError(t, err)
				for _, e := range page {
					ids = append(ids, e.Object)
				}
				return ids, next
			}, func(int) {
				require.NoError(t, in.s.Audit(as(t, "eve", "operator"), "", ActJobRun, 0, "new", nil))
			})
			require.Equal(t, []string{"10", "8", "6", "4", "2", "0"}, got)
		}
		_, _, err := in.s.AuditLog(t.Context(), AuditFilter{}, "x", 5)
		require.ErrorIs(t, err, ErrCursor)
		one, _, err := in.s.AuditLog(t.Context(), AuditFilter{AppID: 1}, "", 1)
		require.NoError(t, err)
		require.Equal(t, AuditEntry{
			ID: one[0].ID, At: start.Add(9 * time.Minute), Who: "bob", Role: "operator", Action: ActJobRun, AppID: 1, Object: "9", Detail: []byte(`{"n":9}`),
		}, one[0])
	})
}

// TestAuditRefusedIsNotDone: where the log can't be written, the write is not done.
func TestAuditRefusedIsNotDone(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		in := newInbox(t, s, now)
		in.register(nil)
		in.sql(`DROP TABLE audit_log`)
		_, err := s.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: testApp, Name: "other"}}}, "tester", false)
		require.ErrorContains(t, err, "audit apply")
		require.NotContains(t, strings.Join(in.dump(`SELECT definition FROM app`), ""), "other")
		_, err = s.CreateDraft(t.Context(), testApp, NewDraft{Document: []byte(`{}`)})
		require.ErrorContains(t, err, "audit draft.create")
		require.Empty(t, in.dump(`SELECT draft_id FROM schema_draft`))
	})
}

// TestAuditLogIsOnlyAddedTo: no text of this package takes a line out or changes it.
func TestAuditLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	change := regexp.MustCompile(`(?i)(UPDATE|DELETE\s+FROM|TRUNCATE|DROP\s+TABLE|ALTER\s+TABLE|REPLACE\s+INTO)\s+audit_log`)
	n := 0
	require.NoError(t, filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotRegexp(t, change, string(text), name)
		n += strings.Count(string(text), "audit_log")
		return nil
	}))
	require.Greater(t, n, 3, "the walk finds what is there")
}
