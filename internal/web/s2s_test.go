package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	click   = `{"id":"c1","network_id":"example.net","app_id":10738027756,"time":"2026-11-02T08:00:00Z","campaign_id":"c39"}`
	install = `{"id":"i1","app_id":10738027756,"time":"2026-11-02T08:30:00Z","click_id":"c1","idfa":"SECRET-IDFA","att_status":"authorized"}`
	event   = `{"id":"e1","app_id":10738027756,"install_id":"i1","name":"purchase","time":"2026-11-02T08:40:00Z",
		"revenue":"9.99","currency":"USD","properties":{"level":3}}`
)

func TestS2SNeedsItsScope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, body := range map[string]string{"/v1/clicks": click, "/v1/installs": install, "/v1/events": event} {
		require.Equal(t, 401, b.post(path, "", body).status)
		require.Equal(t, 401, b.post(path, "skand_wrong", body).status)
		require.Equal(t, 403, b.post(path, "relay", body).status)
		require.Equal(t, 403, b.post(path, "admin", body).status)
		require.Equal(t, 405, b.send(b.public, "GET", path, "", nil).status)
		require.JSONEq(t, `{"id":"`+body[7:9]+`","status":"accepted"}`, b.post(path, "s2s", body).body)
		require.JSONEq(t, `{"id":"`+body[7:9]+`","status":"duplicate"}`, b.post(path, "s2s", body).body)
	}
}

func TestS2SRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	without := func(body, member string) string { return strings.Replace(body, member, "", 1) }
	for _, c := range []struct{ path, body, want string }{
		{"clicks", without(click, `"network_id":"example.net",`), "missing network_id"},
		{"clicks", strings.Replace(click, `"c39"`, "39", 1), "wrong_type campaign_id"},
		{"clicks", strings.Replace(click, `10738027756`, `"10738027756"`, 1), "wrong_type app_id"},
		{"clicks", strings.Replace(click, `10738027756`, `10738027756.5`, 1), "wrong_type app_id"},
		{"clicks", strings.Replace(click, `campaign_id`, `campaign`, 1), "unknown_field campaign"},
		{"clicks", strings.Replace(click, `"2026-11-02T08:00:00Z"`, `"yesterday"`, 1), "wrong_type time"},
		{"clicks", strings.Replace(click, `"2026-11-02T08:00:00Z"`, `1793606400`, 1), "wrong_type time"},
		{"clicks", strings.Replace(click, `2026-11-02`, `2026-11-05`, 1), "in_the_future time"},
		{"clicks", strings.Replace(click, `c1`, `c\u0000`, 1), "control_character id"},
		{"installs", strings.Replace(install, `"authorized"`, `"yes"`, 1), "unknown_value att_status"},
		{"installs", strings.Replace(install, `"authorized"`, `true`, 1), "wrong_type att_status"},
		{"installs", strings.Replace(install, `"i1"`, `""`, 1), "missing id"},
		{"installs", `{"id":"i9","app_id":1,"time":"2026-11-02T08:00:00Z","reinstall":"no"}`, "wrong_type reinstall"},
		{"events", strings.Replace(event, `"9.99"`, `"nine"`, 1), "wrong_type revenue"},
		{"events", strings.Replace(event, `"9.99"`, `"1e999999999"`, 1), "wrong_type revenue"},
		{"events", strings.Replace(event, `"9.99"`, `"1e5000"`, 1), "out_of_range revenue"},
		{"events", strings.Replace(event, `"9.99"`, `[9.99]`, 1), "wrong_type revenue"},
		{"events", without(event, `"currency":"USD",`), "missing currency"},
		{"events", without(event, `"install_id":"i1",`), "missing install_id"},
		{"events", strings.Replace(event, `{"level":3}`, `[3]`, 1), "wrong_type properties"},
		{"events", "", "not_json "}, {"events", "{", "not_json "}, {"events", event + "}", "not_json "},
		{"events", event + event, "not_json "}, {"events", "7", "wrong_type "}, {"events", "null", "missing app_id"},
	} {
		a := b.post("/v1/"+c.path, "s2s", c.body)
		require.Equal(t, 400, a.status, c.body)
		require.Equal(t, "rejected", a.at(t, "status"))
		require.Equal(t, c.want, fmt.Sprint(a.at(t, "code"), " ", a.at(t, "field")), c.body)
		require.NotEmpty(t, a.at(t, "message"))
		require.NotContains(t, a.body, "conversion.", "no type of ours stands in an answer")
	}
}

// Each item of an array has its own answer; a bad one harms no other.
func TestS2SArray(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := strings.Replace(click, `"c1"`, `"c2"`, 1)
	bad = strings.Replace(bad, `"network_id":"example.net",`, "", 1)
	a := b.post("/v1/clicks", "s2s", "["+click+","+bad+","+click+",7,null]")
	require.Equal(t, 200, a.status)
	require.JSONEq(t, `{"results":[
		{"index":0,"id":"c1","status":"accepted"},
		{"index":1,"id":"c2","status":"rejected","code":"missing","field":"network_id","message":"network_id: name the network that shows the ad"},
		{"index":2,"id":"c1","status":"duplicate"},
		{"index":3,"id":"","status":"rejected","code":"wrong_type","message":"want a JSON object"},
		{"index":4,"id":"","status":"rejected","code":"missing","field":"id","message":"id: give an id: it makes a repeated report harmless"}]}`, a.body)
	require.JSONEq(t, `{"results":[]}`, b.post("/v1/clicks", "s2s", " [] ").body)
	for _, body := range []string{"[" + click, "[" + click + "]]", "[" + click + ",]", "[" + click + "][]"} {
		a := b.post("/v1/clicks", "s2s", body)
		require.Equal(t, "400 not_json", fmt.Sprint(a.status, " ", a.at(t, "error", "code")))
	}
}

func TestS2SLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	many := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":"i%d","app_id":1}`, i) // rejected, so that it is quick
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	a := b.post("/v1/installs", "s2s", many(1000))
	require.Equal(t, 200, a.status)
	require.Len(t, a.at(t, "results"), 1000)
	a = b.post("/v1/installs", "s2s", many(1001))
	require.Equal(t, "413 too_many", fmt.Sprint(a.status, " ", a.at(t, "error", "code")))
	a = b.post("/v1/installs", "s2s", strings.Repeat(" ", 4<<20+1))
	require.Equal(t, "413 too_large", fmt.Sprint(a.status, " ", a.at(t, "error", "code")))
}

func TestS2SStoreDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.store.Close())
	a := b.post("/v1/clicks", "s2s", click)
	require.Equal(t, "503 unavailable", fmt.Sprint(a.status, " ", a.at(t, "error", "code")), "nobody knows whose token this is")
	require.NotContains(t, a.body, "sql")
}
