package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
)

func TestSimulateDraft(t *testing.T) {
	t.Parallel()
	b := described(t)
	draft := b.drafts(priced("1"))
	require.Equal(t, "404 unknown_version", coded(t, b.ask("POST", draft+":simulate", "operator", "{}")), "nothing was decoded yet")
	require.Equal(t, 201, b.write("POST", draft+":publish", "editor", `"1"`, `{}`).status)
	for range 12 {
		b.post(networkPath, "", b.signed(func(p *apple.Postback) { one := 1; p.AppID, p.Fine = 525463029, &one }))
	}
	require.Equal(t, 200, b.ask("POST", "/v1/jobs/decode", "operator", "").status)
	b.now.Advance(time.Hour)
	dearer := b.drafts(priced("4"))
	a := b.ask("POST", dearer+":simulate", "operator", "{}")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, `"1"`, a.header.Get("ETag"))
	require.Equal(t, "1", fmt.Sprint(a.at(t, "version")))
	require.NotEmpty(t, a.at(t, "simulation", "changes"))
	windows := a.at(t, "simulation", "published").([]any)
	require.Len(t, windows, 1)
	require.Equal(t, "12", fmt.Sprint(windows[0].(map[string]any)["installs"]))
	require.Contains(t, strings.Join(b.trail("?action=schema.simulate"), ""), "operator/operator schema.simulate draft ")

	bad := b.drafts(`{"windows":[]}`)
	for path, want := range map[string]string{
		bad + `:simulate {}`: "422 invalid",
		dearer + `:simulate {"from":"2026-11-09T00:00:00Z"}`: "422 invalid",
		dearer + `:simulate {"days":3}`:                      "400 bad_request",
		draftsPath + `/none:simulate {}`:                     "404 unknown_draft",
	} {
		path, body, _ := strings.Cut(path, " ")
		require.Equal(t, want, coded(t, b.ask("POST", path, "operator", body)), path)
	}
	require.Len(t, b.trail("?action=schema.simulate"), 1, "what was refused was not looked at")
}
