package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web"
)

type lineAnswer struct {
	Index  int    `json:"index"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	Code   string `json:"code"`
}

func (a answer) lines(t *testing.T) []lineAnswer {
	t.Helper()
	var out struct {
		Results []lineAnswer `json:"results"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &out), a.body)
	return out.Results
}

// won is the n-th install of the relay's network, with members of the relay's own.
func (b *testBundle) relayed(n int) string {
	body := b.signed(func(p *apple.Postback) { p.ID = fmt.Sprintf("6aafb7a5-0170-41b5-bbe4-%012d", n) })
	return strings.TrimSuffix(body, "}") + fmt.Sprintf(`,"campaign_name":"Winter %d"}`, n)
}

// TestRelayBulk: an array and NDJSON get an answer per line, each on its own.
func TestRelayBulk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const path = "/postbacks/relay/example.net"
	rewritten := strings.Replace(b.relayed(4), `"fidelity-type"`, `"source-app-id":0,"fidelity-type"`, 1)
	items := []string{b.relayed(1), b.relayed(1), strings.Replace(b.relayed(2), `"did-win":true`, `"did-win":"true"`, 1), `7`, b.relayed(3), rewritten}
	want := []lineAnswer{
		{0, "accepted", "", ""}, {1, "duplicate", "", ""}, {2, "quarantined", "wrong_type", ""},
		{3, "rejected", "", "not_object"}, {4, "accepted", "", ""}, {5, "accepted", "", ""},
	}
	a := b.post(path, "relay", "["+strings.Join(items, ",\n")+"]")
	require.Equal(t, 200, a.status)
	got := a.lines(t)
	got[3].Code = "not_object" // whichever code it is, it is rejected
	require.Equal(t, want, got)

	ndjson := strings.Join([]string{b.relayed(1), `{"broken":`, "", b.relayed(5)}, "\n") + "\n"
	got = b.post(path, "relay", ndjson).lines(t)
	require.Equal(t, []string{"duplicate", "rejected", "accepted"}, []string{got[0].Status, got[1].Status, got[2].Status})
	require.NotEmpty(t, got[1].Code)

	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, []byte(b.relayed(6)), "", "  "))
	require.JSONEq(t, `{"status":"accepted"}`, b.post(path, "relay", pretty.String()).body, "one object over several lines")
	require.Equal(t, 400, b.post(path, "relay", `[{"a":1`).status)
	require.Equal(t, 400, b.post(path, "relay", ``).status)
	require.Empty(t, b.post(path, "relay", `[]`).lines(t))

	page, _, err := b.store.Postbacks(t.Context(), store.PostbackFilter{}, "", 100)
	require.NoError(t, err)
	kept := map[string]int{}
	for _, p := range page {
		require.Contains(t, p.Body, "Winter", "the relay's own members are kept")
		kept[string(p.State)]++
		if strings.Contains(p.Body, `"source-app-id":0`) {
			require.Contains(t, p.Flags, "relay_rewritten")
		}
	}
	require.Equal(t, map[string]int{"accepted": 5, "duplicate": 2, "quarantined": 1}, kept)
}

// TestRelayBulkBounds: lines, bytes, and what happens when the store fails midway.
func TestRelayBulkBounds(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *web.Public, _ *web.Admin) { p.Limits.RelayLines = 600 })
	const path = "/postbacks/relay/example.net"
	items := make([]string, 601)
	for i := range items {
		items[i] = `{"version":"9.9"}`
	}
	a := b.post(path, "relay", strings.Join(items, "\n"))
	require.Equal(t, 413, a.status)
	require.Contains(t, a.body, "at most 600")
	got := b.post(path, "relay", strings.Join(items[:600], "\n")).lines(t)
	require.Len(t, got, 600)
	require.Equal(t, lineAnswer{599, "unsupported", got[0].Reason, ""}, got[599])

	huge := `{"x":"` + strings.Repeat("a", 64<<10) + `"}`
	got = b.post(path, "relay", huge+"\n"+b.relayed(1)).lines(t)
	require.Equal(t, []string{"rejected too_large", "accepted "}, []string{got[0].Status + " " + got[0].Code, got[1].Status + " " + got[1].Code})
	require.Equal(t, 413, b.post(path, "relay", huge).status)

	b.down.Store(true)
	a = b.post(path, "relay", b.relayed(2)+"\n"+b.relayed(3))
	require.Equal(t, 500, a.status)
	require.NotContains(t, a.body, "skand.db")
	b.down.Store(false)
	got = b.post(path, "relay", b.relayed(2)+"\n"+b.relayed(3)).lines(t)
	require.Equal(t, "accepted", got[1].Status)
}

// TestRelayTokenOfOneNetwork opens that network's path and no other.
func TestRelayTokenOfOneNetwork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.token("one", auth.Token{Scopes: []auth.Scope{auth.ScopeRelayOf("Example.net")}})
	require.Equal(t, 200, b.post("/postbacks/relay/example.net", "one", b.relayed(1)).status)
	require.Equal(t, 200, b.post("/postbacks/relay/EXAMPLE.net", "one", b.relayed(1)).status)
	require.Equal(t, 403, b.post("/postbacks/relay/other.net", "one", b.relayed(2)).status)
	require.Equal(t, 403, b.post("/v1/clicks", "one", `{}`).status)
}
