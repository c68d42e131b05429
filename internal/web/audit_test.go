package web_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/web"
)

// trail is the audit log, oldest line first: who/role action object.
func (b *testBundle) trail(query string) (lines []string) {
	b.t.Helper()
	a := b.ask("GET", "/v1/audit"+query, "operator", "")
	require.Equal(b.t, 200, a.status, a.body)
	for _, row := range a.at(b.t, "data").([]any) {
		e := row.(map[string]any)
		lines = append([]string{fmt.Sprintf("%v/%v %v %v", e["who"], e["role"], e["action"], e["object"])}, lines...)
	}
	return lines
}

func TestEveryWriteAndEveryLookIsAudited(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Lab = &lab{} })
	begun := len(b.trail("")) // the tokens of the test
	b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029}]}`)
	b.ask("POST", "/v1/apply?dry_run=true", "admin", `{"apps":[{"app_id":7}]}`)
	b.ask("POST", "/v1/apply", "editor", `{"apps":[{"app_id":7}]}`)
	made := b.ask("POST", "/v1/tokens", "admin", `{"name":"bi","role":"viewer"}`)
	b.ask("POST", "/v1/jobs/decode", "operator", "")
	b.ask("POST", "/v1/jobs/dust", "operator", "")
	b.ask("POST", "/v1/lab/clock", "operator", `{"advance":"25h"}`)
	b.post(networkPath, "", b.signed(func(*apple.Postback) {}))
	b.ask("GET", "/v1/postbacks?app=525463029&state=accepted", "operator", "")
	b.ask("GET", "/v1/postbacks?app=x", "operator", "")
	draft := b.drafts(priced("1"))
	id := draft[strings.LastIndex(draft, "/")+1:]
	b.write("PUT", draft, "editor", `"1"`, priced("2"))
	b.write("PUT", draft, "editor", `"1"`, priced("3"))
	b.write("POST", draft+":validate", "editor", "", "")
	b.write("POST", draft+":publish", "editor", `"2"`, `{"why":"go"}`)
	b.now.Advance(time.Hour)
	b.publishes(priced("9"), `{}`)
	b.now.Advance(time.Hour)
	b.ask("POST", schemasPath+"/versions/1:rollback", "editor", `{}`)
	b.write("DELETE", draft, "editor", `"2"`, "")
	all := b.trail("")[begun:]
	second := all[8][strings.LastIndex(all[8], " ")+1:]
	require.Equal(t, []string{
		"admin/admin apply app 525463029",
		"admin/admin token.create token " + fmt.Sprint(made.at(t, "id")),
		"operator/operator job.run job decode",
		"operator/operator lab.clock clock",
		"operator/operator postbacks.read postbacks",
		"editor/editor draft.create draft " + id,
		"editor/editor draft.save draft " + id,
		"editor/editor schema.publish version 1",
		"editor/editor draft.create draft " + second,
		"editor/editor schema.publish version 2",
		"editor/editor schema.rollback version 3",
		"editor/editor draft.delete draft " + id,
	}, all, "what was refused is not told of, for it was not done")

	require.Len(t, b.trail("?action=schema.publish&app=525463029&who=editor&from=2026-11-02T09:30:00Z&to=2026-11-03T00:00:00Z"), 1)
	text := b.ask("GET", "/v1/audit", "operator", "").body
	require.Contains(t, text, `"detail":{"effective_from":"2026-11-02T09:00:00Z","from_draft":"`+id+`","why":"go"}`)
	require.Contains(t, text, `"detail":{"cursor":"","limit":100,"state":"accepted"}`)
	require.Contains(t, text, `"detail":{"advance":"25h"}`)
	for _, secret := range b.tokens {
		require.NotContains(t, text, secret)
	}
	require.NotContains(t, text, fmt.Sprint(made.at(t, "token")))
}

func TestAuditParameters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for query, want := range map[string]string{
		"action=dance": "bad_parameter action", "from=monday": "bad_parameter from", "to=2026-11-02": "bad_parameter to",
		"app=x": "bad_parameter app", "cursor=x": "bad_cursor cursor", "object=x": "unknown_parameter object", "limit=0": "bad_parameter limit",
	} {
		a := b.ask("GET", "/v1/audit?"+query, "operator", "")
		require.Equal(t, 400, a.status, query)
		require.Equal(t, want, fmt.Sprint(a.at(t, "code"), " ", a.at(t, "field")), query)
	}
	require.Empty(t, b.trail("?who=%00"))
	first := b.ask("GET", "/v1/audit?limit=2", "operator", "")
	require.Len(t, first.at(t, "data"), 2)
	rest := b.trail("?cursor=" + fmt.Sprint(first.at(t, "next_cursor")))
	require.Len(t, rest, len(b.tokens)-2)
}

// fullLog takes no more lines.
type fullLog struct{ web.Auditor }

func (fullLog) Audit(context.Context, string, string, int64, string, any) error {
	return errors.New("INSERT INTO audit_log: no space left on device")
}

// What can't be told of is not done, and not shown.
func TestNothingIsDoneUntold(t *testing.T) {
	t.Parallel()
	l := &lab{}
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Audit, a.Lab = fullLog{}, l })
	b.post(networkPath, "", b.signed(func(*apple.Postback) {}))
	for target, body := range map[string]string{
		"GET /v1/postbacks": "", "POST /v1/jobs/decode": "", "POST /v1/lab/clock": `{"advance":"1h"}`,
	} {
		method, path, _ := strings.Cut(target, " ")
		a := b.ask(method, path, "operator", body)
		require.Equal(t, "503 unavailable", coded(t, a), target)
		require.NotContains(t, a.body, "attribution-signature")
		require.NotContains(t, a.body, "audit_log")
	}
	require.Zero(t, l.advance)
	jobs := b.ask("GET", "/v1/jobs", "operator", "").at(t, "data").([]any)
	require.Nil(t, jobs[0].(map[string]any)["last_started"])
}
