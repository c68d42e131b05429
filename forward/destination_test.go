package forward

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

const exampleYAML = `
id: example-events
network_id: Example123.skadnetwork
app_id: 525463029
kinds: [install, event]
scope: attributed
method: GET
url: "https://ads.example/pb?click={click_id}&e={event_name}&rev={revenue}&cur={currency}&id={delivery_id}"
event_map: {purchase: Purchase}
send_revenue: true
schedule: default
signing: none
delay: 0s
timeout: 10s
`

func TestDestinationDocuments(t *testing.T) {
	t.Parallel()
	var d Destination
	require.NoError(t, yaml.Unmarshal([]byte(exampleYAML), &d))
	require.NoError(t, d.Validate(nil))
	require.Equal(t, "example123.skadnetwork", d.NetworkID)
	require.Equal(t, int64(525463029), d.AppID)
	require.Equal(t, 10*time.Second, d.Timeout)
	require.Equal(t, 7*24*time.Hour, d.Expires)
	require.True(t, d.Enabled, "on unless it says otherwise")
	require.Equal(t, map[string]string{"purchase": "Purchase"}, d.EventMap)

	raw, err := json.Marshal(d)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"timeout":"10s"`)
	require.Contains(t, string(raw), `"expires":"7d"`)
	var fromJSON Destination
	require.NoError(t, json.Unmarshal(raw, &fromJSON))
	require.Equal(t, d, fromJSON)

	doc, err := yaml.Marshal(d)
	require.NoError(t, err)
	var fromYAML Destination
	require.NoError(t, yaml.Unmarshal(doc, &fromYAML))
	require.Equal(t, d, fromYAML)
}

func TestDestinationRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"id":"d","consent":{"deny":"block"}}`:  `consent: json: unknown field "deny"`,
		`{"id":"d","consent":{"denied":"no"}}`:   `write send, block, or an object`,
		`{"id":"d","filter":{"country":["DE"]}}`: `filter: json: unknown field "country"`,
		`{"id":"d","query_auth":5}`:              `query_auth: write the parameter's name`,
		`{"id":"d","schedule":[5]}`:              `a list must hold durations`,
		`{"id":"d","urll":"https://h"}`:          `urll: is not a setting of a destination; the nearest is url`,
		`{"id":"d","timeout":10}`:                `timeout: a number cannot stand here`,
		`{"id":"d","timeout":"10"}`:              `"10" is not a duration`,
		`{"id":"d","app_id":"1"}`:                `app_id: a string cannot stand here`,
		`[]`:                                     `destination`,
	} {
		var d Destination
		require.ErrorContains(t, json.Unmarshal([]byte(raw), &d), want, raw)
	}
	var whole Destination
	require.NoError(t, json.Unmarshal([]byte(`{"id":"d","app_id":1,"method":"POST","schedule":["30s","2m"],"query_auth":"key",
		"body":"json","body_template":{"a":"{click_id}"},"event_window":"7d","rate":"50/s","owner":"ada",
		"consent":{"authorized":"send","denied":{"url":"https://h/?a=1&b=2"},"limited":"block"},
		"filter":{"countries":["DE"],"where":"count > 1"},"oauth":{"token_url":"https://t","client_id":"c","secret_env":"S"}}`), &whole))
	require.Equal(t, "30s,2m", whole.Schedule)
	require.Equal(t, map[string]string{"key": "{secret}"}, whole.QueryAuth)
	raw, err := json.Marshal(whole)
	require.NoError(t, err)
	var again Destination
	require.NoError(t, json.Unmarshal(raw, &again))
	require.Equal(t, whole, again)
	var off Destination
	require.NoError(t, json.Unmarshal([]byte(`{"id":"d","enabled":false}`), &off))
	require.False(t, off.Enabled)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Destination)
		want   string
	}{
		{"good", func(*Destination) {}, ""},
		{"id", func(d *Destination) { d.ID = "Bad Id" }, "id: must be"},
		{"app", func(d *Destination) { d.AppID = 0 }, "app_id: must be"},
		{"no kinds", func(d *Destination) { d.Kinds = nil }, "kinds: is empty"},
		{"kind", func(d *Destination) { d.Kinds = []string{"click"} }, `kinds: "click" is not one of its values; write install or event or modeled or postback or rejected`},
		{"no network", func(d *Destination) { d.NetworkID = "" }, "network_id: is empty"},
		{"no network, scope all", func(d *Destination) { d.NetworkID, d.Scope = "", ScopeAll }, ""},
		{"scope", func(d *Destination) { d.Scope = "network" }, "scope: "},
		{"method", func(d *Destination) { d.Method = "PUT" }, `method: "PUT" is not one of its values; write GET or POST`},
		{"schedule", func(d *Destination) { d.Schedule = "weekly" }, "schedule: "},
		{"signing", func(d *Destination) { d.Signing = "hmac" }, `signing: "hmac" is not one of its values; write none or standard-webhooks or bearer or jws`},
		{"missing", func(d *Destination) { d.Missing = "null" }, "missing: "},
		{"delay", func(d *Destination) { d.Delay = time.Hour }, "delay: is 1h; it must be between 0s and 10m"},
		{"timeout", func(d *Destination) { d.Timeout = time.Hour }, "timeout: "},
		{"expires", func(d *Destination) { d.Expires = 400 * 24 * time.Hour }, "expires: is 400d; it must be between 1m and 90d"},
		{"in flight", func(d *Destination) { d.InFlight = 65 }, "in_flight: "},
		{"event map", func(d *Destination) { d.EventMap = map[string]string{"a": ""} }, "event_map: "},
		{"macro", func(d *Destination) { d.URL = "https://h/?c={clickid}" }, "url: byte 14: unknown macro {clickid}; the nearest is {click_id}"},
	} {
		err := dest(c.change).Validate(nil)
		if c.want == "" {
			require.NoError(t, err, c.name)
			continue
		}
		require.ErrorContains(t, err, c.want, c.name)
	}
	err := Destination{}.Validate(nil)
	require.Greater(t, strings.Count(err.Error(), "\n"), 8, "all faults at once")
}

func TestValidateWantsHTTPS(t *testing.T) {
	t.Parallel()
	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		url   string
		allow []netip.Prefix
		ok    bool
	}{
		{"https://h/", nil, true},
		{"http://h/", nil, false},
		{"http://127.0.0.1:80/", nil, false},
		{"http://127.0.0.1:80/{click_id}", allow, true},
		{"http://[::1]:80?a={click_id}", allow, true},
		{"http://10.0.0.1/", allow, false},
		{"http://receiver:8080/", allow, true}, // judged at dial time
	} {
		err := dest(func(d *Destination) { d.URL = c.url }).Validate(c.allow)
		require.Equal(t, c.ok, err == nil, "%s: %v", c.url, err)
	}
}

func TestDurationForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"10s": 10 * time.Second, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "12h": 12 * time.Hour, "0s": 0, "1m5s": 65 * time.Second} {
		got, err := parseDuration(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, formatDuration(got))
	}
}

func TestMacros(t *testing.T) {
	t.Parallel()
	require.Len(t, Macros(), len(macroByName), "no name twice")
	for _, name := range append([]string{"delivery_id"}, append(identifierMacros, revenueMacros...)...) {
		require.True(t, knownMacro(name), name)
	}
	require.Equal(t, "click_id", nearestMacro("clickid"))
	require.Equal(t, "sk_payload", nearestMacro("SK_PAYLOAD"))
}
