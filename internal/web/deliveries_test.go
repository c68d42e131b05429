package web_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

// sent gives the bundle a destination and n installs that it is told of; the reason of
// the first is one that a spreadsheet would run.
func sent(t *testing.T, n int) *testBundle {
	t.Helper()
	b := setup(t)
	a := b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":1}],"networks":[{"network_id":"n.example"}],"destinations":[
		{"id":"crm","app_id":1,"network_id":"n.example","scope":"all","kinds":["install"],"url":"https://h.example/?c={click_id}"}]}`)
	require.Equal(t, 200, a.status, a.body)
	for i := range n {
		body := fmt.Sprintf(`{"id":"i%d","app_id":1,"time":%q,"att_status":"authorized"}`, i, b.now.Now().Format(time.RFC3339))
		require.Equal(t, 200, b.post("/v1/installs", "s2s", body).status)
		b.now.Advance(time.Second)
	}
	return b
}

func (b *testBundle) settle(state forward.State, class forward.Class, reason string) {
	b.t.Helper()
	all, err := b.store.Claim(b.t.Context(), "crm", 1000, b.now.Now(), time.Minute)
	require.NoError(b.t, err)
	for _, d := range all {
		_, err := b.store.Settle(b.t.Context(), []forward.Settlement{{
			Attempt: forward.Attempt{DeliveryID: d.ID, AppID: d.AppID, Attempt: d.Attempts, At: b.now.Now(), Duration: time.Second,
				Class: class, Status: 422, Reason: reason, TemplateVersion: 1},
			DestinationID: "crm", Fence: d.Fence, Turn: d.Turn, State: state,
		}})
		require.NoError(b.t, err)
	}
}

func TestDeliveryLogOverTheAPI(t *testing.T) {
	t.Parallel()
	b := sent(t, 5)
	b.settle(forward.StateRefused, forward.ClassRefused, "=cmd()")
	page := b.ask("GET", "/v1/deliveries?destination=crm&state=refused&status=422&class=refused&network=N.example&kind=install&limit=3", "operator", "")
	require.Equal(t, 200, page.status, page.body)
	rows := page.at(t, "data").([]any)
	require.Len(t, rows, 3)
	require.NotEmpty(t, page.at(t, "next_cursor"))
	one := rows[0].(map[string]any)["id"].(string)
	require.NotContains(t, page.body, `"fields"`)
	require.Len(t, b.ask("GET", "/v1/deliveries?conversion=i4", "operator", "").at(t, "data"), 1, "by the id that was reported")
	require.Len(t, b.ask("GET", "/v1/deliveries?q=i3", "operator", "").at(t, "data"), 1)
	require.Len(t, b.ask("GET", "/v1/deliveries?time=attempted&status=422&from=2026-11-02", "operator", "").at(t, "data"), 5)

	whole := b.ask("GET", "/v1/deliveries/"+one, "operator", "")
	require.Equal(t, 200, whole.status)
	require.Len(t, whole.at(t, "log"), 1)
	require.NotContains(t, whole.body, `"fields"`)
	whole = b.ask("GET", "/v1/deliveries/"+one+"?fields=true", "operator", "")
	require.NotEmpty(t, whole.at(t, "fields", "event_id"), whole.body)
	require.Contains(t, b.ask("GET", "/v1/audit?action=delivery.read", "operator", "").body, one)
	require.Equal(t, 404, b.ask("GET", "/v1/deliveries/nobody", "operator", "").status)

	for query, want := range map[string]string{
		"status=99": "status", "status=x": "status", "class=server": "class", "kind=sale": "kind", "from=x": "from", "time=settled": "time",
		"from=2026-11-03&to=2026-11-02": "to", "format=xml": "format", "format=csv&limit=5": "limit", "q=a&conversion=b": "q", "time=attempted&q=x": "q",
	} {
		a := b.ask("GET", "/v1/deliveries?"+query, "operator", "")
		require.Equal(t, "400 "+want, fmt.Sprint(a.status, " ", a.at(t, "field")), query)
	}
}

// TestDeliveryExport: whole, whatever its length, and nothing in it that a spreadsheet
// runs.
func TestDeliveryExport(t *testing.T) {
	t.Parallel()
	const n = 1203 // more than a page
	b := sent(t, 1)
	var many []string
	for i := range n - 1 {
		many = append(many, fmt.Sprintf(`{"id":"m%d","app_id":1,"time":%q,"att_status":"authorized"}`, i, b.now.Now().Format(time.RFC3339)))
	}
	for len(many) > 0 {
		some := many[:min(1000, len(many))]
		many = many[len(some):]
		require.Equal(t, 200, b.post("/v1/installs", "s2s", "["+strings.Join(some, ",")+"]").status)
	}
	for range 2 {
		b.settle(forward.StateRefused, forward.ClassRefused, "=cmd()")
	}
	a := b.ask("GET", "/v1/deliveries?format=csv&state=refused", "operator", "")
	require.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, n+1)
	require.Equal(t, "id destination app_id kind event_name dedup_key state reason", strings.Join(rows[0][:8], " "))
	require.Equal(t, "'=cmd()", rows[1][7])
	a = b.ask("GET", "/v1/deliveries?format=ndjson", "operator", "")
	lines := strings.Split(strings.TrimSpace(a.body), "\n")
	require.Len(t, lines, n)
	for _, line := range lines {
		var row map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		require.Equal(t, "refused", row["state"])
	}
}

func TestReplayOverTheAPI(t *testing.T) {
	t.Parallel()
	b := sent(t, 4)
	b.settle(forward.StateRefused, forward.ClassRefused, "no")
	replay := func(body string) answer { return b.ask("POST", "/v1/deliveries:replay", "operator", body) }
	for body, field := range map[string]string{
		`{}`:                                   "filter",
		`{"filter":{}}`:                        "filter",
		`{"id":"x","filter":{"state":"gone"}}`: "filter",
		`{"filter":{"state":"pending"}}`:       "filter.state",
		`{"filter":{"state":"delivered"}}`:     "delivered",
		`{"filter":{"class":"ok"}}`:            "delivered",
		`{"filter":{"from":"x"}}`:              "filter.from",
	} {
		a := replay(body)
		require.Equal(t, "422 "+field, fmt.Sprint(a.status, " ", a.at(t, "field")), body)
	}
	dry := replay(`{"filter":{"destination":"crm","state":"refused"},"dry_run":true}`)
	require.JSONEq(t, `{"dry_run":true,"replayed":4,"by_state":{"refused":4},"left_out":{},"finished":true}`, dry.body)
	done := replay(`{"filter":{"destination":"crm","state":"refused"},"key":"monday"}`)
	require.JSONEq(t, `{"dry_run":false,"replayed":4,"by_state":{"refused":4},"left_out":{},"finished":true,"key":"monday"}`, done.body)
	require.JSONEq(t, done.body, replay(`{"filter":{"destination":"crm","state":"refused"},"key":"monday"}`).body, "asked again: nothing twice")
	require.Equal(t, "409 replay_key", func() string {
		a := replay(`{"filter":{"destination":"crm","state":"held"},"key":"monday"}`)
		return fmt.Sprint(a.status, " ", a.at(t, "code"))
	}())
	require.Len(t, b.ask("GET", "/v1/deliveries?state=pending", "operator", "").at(t, "data"), 4)
	require.Contains(t, b.ask("GET", "/v1/audit?action=deliveries.replay", "operator", "").body, "monday")
}

func TestHealthOverTheAPI(t *testing.T) {
	t.Parallel()
	b := sent(t, 4)
	b.settle(forward.StateDelivered, forward.ClassOK, "")
	_, err := b.store.CountDeliveries(t.Context())
	require.NoError(t, err)
	a := b.ask("GET", "/v1/destinations/crm/health?step=hour", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "4 1", fmt.Sprint(a.at(t, "figures", "delivered"), " ", a.at(t, "figures", "delivery_rate")))
	require.Len(t, a.at(t, "series"), 25, "a day, widened to whole hours")
	require.Len(t, b.ask("GET", "/v1/destinations:health?app=1", "operator", "").at(t, "data"), 1)
	require.Equal(t, 404, b.ask("GET", "/v1/destinations/nobody/health", "operator", "").status)
	require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", "/v1/alerts", "operator", "").body)
	b.now.Advance(15 * 24 * time.Hour)
	_, err = b.store.PublishNetworkHealth(t.Context())
	require.NoError(t, err)
	a = b.ask("GET", "/v1/network-health", "viewer", "")
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, `"network_id":"n.example"`)
	require.Contains(t, a.body, `"delivery_rate":null`, "four installs are no crowd")
	require.Contains(t, b.ask("GET", "/v1/network-health?format=csv", "viewer", "").body, "app_id,network_id,week_start")
	for query, want := range map[string]string{"step=minute": "step", "from=x": "from", "from=2020-01-01": "from", "to=2020-01-01&from=2021-01-01": "to"} {
		a := b.ask("GET", "/v1/destinations:health?"+query, "operator", "")
		require.Equal(t, "400 "+want, fmt.Sprint(a.status, " ", a.at(t, "field")), query)
	}
}
