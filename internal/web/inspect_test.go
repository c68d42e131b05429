package web_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web"
	"skand/skan"
)

// kept gives the newest copies as the list has them.
func (b *testBundle) kept() []store.Postback {
	b.t.Helper()
	page, _, err := b.store.Postbacks(b.t.Context(), store.PostbackFilter{}, "", 100)
	require.NoError(b.t, err)
	return page
}

// look is the path of a copy, made of what the list gives.
func look(p store.Postback) string {
	return fmt.Sprintf("/v1/postbacks/%s?app=%d&received_at=%s", p.ID, p.AppID, url.QueryEscape(p.ReceivedAt.Format(time.RFC3339Nano)))
}

// checks gives the status of each check by "name field".
func (a answer) checks(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	list, ok := a.at(t, "verdict", "checks").([]any)
	require.True(t, ok, a.body)
	for _, c := range list {
		m := c.(map[string]any)
		out[strings.TrimSpace(fmt.Sprint(m["check"], " ", m["field"]))] = fmt.Sprint(m["status"])
	}
	return out
}

func TestInspectPasted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.signed(func(*apple.Postback) {})
	a := b.ask("POST", "/v1/postbacks:inspect", "operator", body)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, "valid", a.at(t, "verdict", "verdict"))
	require.Equal(t, "5239", a.at(t, "verdict", "signed_string", "parts").([]any)[2].(map[string]any)["value"])
	require.Contains(t, a.at(t, "verdict", "signed_string", "text"), skan.VisibleSeparator)
	for what, status := range a.checks(t) {
		require.Equal(t, "pass", status, what)
	}
	require.Equal(t, monday.Add(-96*time.Hour).Format(time.RFC3339), a.at(t, "launch", "from"))
	require.Equal(t, "", a.at(t, "kept"), "it has not arrived")
	require.Empty(t, b.kept(), "a look is no arrival")

	forged := strings.Replace(body, `"5239"`, `"5240"`, 1)
	a = b.ask("POST", "/v1/postbacks:inspect", "operator", forged)
	require.Equal(t, "invalid signature_mismatch", fmt.Sprint(a.at(t, "verdict", "verdict"), " ", a.at(t, "verdict", "reason")))
	require.Equal(t, "fail", a.checks(t)["signature attribution-signature"])
	require.Equal(t, "skipped", a.checks(t)["environment"])

	require.Equal(t, 200, b.post(networkPath, "", body).status)
	changed := strings.Replace(body, `"conversion-value":0`, `"conversion-value":7`, 1)
	a = b.ask("POST", "/v1/postbacks:inspect", "operator", changed)
	require.Len(t, a.at(t, "kept", "copies"), 1)
	require.Equal(t, []any{map[string]any{"field": "conversion-value", "counted": "0", "copy": "7"}}, a.at(t, "differs"))
	require.NotContains(t, a.body, "attribution-signature\\\"", "bodies of others are not given")
	require.Len(t, b.kept(), 1)
}

// A relay's copy is looked at as relays' are, where that is said.
func TestInspectPastedRelayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := strings.Replace(b.signed(func(*apple.Postback) {}), `"version"`, `"source-app-id":0,"version"`, 1)
	require.Equal(t, "invalid", b.ask("POST", "/v1/postbacks:inspect", "operator", body).at(t, "verdict", "verdict"))
	a := b.ask("POST", "/v1/postbacks:inspect?relayed=true", "operator", body)
	require.Equal(t, "valid", a.at(t, "verdict", "verdict"))
	require.Equal(t, "pass", a.checks(t)["relay source-app-id"])
	require.Equal(t, []any{"relay_rewritten"}, a.at(t, "verdict", "flags"))
	require.Contains(t, a.body, "without it the signature holds")
}

// What can't be read is explained too, up to the receiver's size.
func TestInspectPastedIsExplainedWhateverItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, want := range map[string]string{
		"": "not_object", "[]": "not_object", `{"a":1}x`: "trailing_data", `{}`: "unknown_format", "\xff": "invalid_utf8",
	} {
		a := b.ask("POST", "/v1/postbacks:inspect", "operator", body)
		require.Equal(t, 200, a.status, body)
		require.Equal(t, "malformed "+want, fmt.Sprint(a.at(t, "verdict", "verdict"), " ", a.at(t, "verdict", "reason")))
		require.Equal(t, []any{}, a.at(t, "differs"))
	}
	a := b.ask("POST", "/v1/postbacks:inspect", "operator", strings.Repeat(" ", 64<<10+1))
	require.Equal(t, "413 too_large", fmt.Sprint(a.status, " ", a.at(t, "code")))
	a = b.ask("POST", "/v1/postbacks:inspect?relayed=perhaps", "operator", "{}")
	require.Equal(t, "400 relayed", fmt.Sprint(a.status, " ", a.at(t, "field")))
	require.Equal(t, 400, b.ask("POST", "/v1/postbacks:inspect?keep=true", "operator", "{}").status)
}

func TestInspectIsRateBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var last answer
	for range 31 {
		last = b.ask("POST", "/v1/postbacks:inspect", "operator", "{}")
	}
	require.Equal(t, "429 too_many_looks", fmt.Sprint(last.status, " ", last.at(t, "code")))
	require.Equal(t, "1", last.header.Get("Retry-After"))
	require.Equal(t, 200, b.ask("POST", "/v1/postbacks:inspect", "admin", "{}").status, "somebody else has looks of their own")
	b.now.Advance(time.Second)
	require.Equal(t, 200, b.ask("POST", "/v1/postbacks:inspect", "operator", "{}").status)
	log := b.ask("GET", "/v1/audit?action=postbacks.inspect", "operator", "").body
	require.Equal(t, 32, strings.Count(log, `"postbacks.inspect"`), "what was refused was no look")
}

// From a row of the list to everything that is known of it.
func TestInspectKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.signed(func(p *apple.Postback) { p.ID = "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28" })
	b.post(networkPath, "", body)
	b.now.Advance(time.Minute)
	b.post(developerPath, "", strings.Replace(body, `"conversion-value":0`, `"conversion-value":7`, 1))
	list := b.kept()
	first := list[1]
	a := b.ask("GET", look(first), "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "valid", a.at(t, "verdict", "verdict"))
	require.Equal(t, body, a.at(t, "copy", "body"))
	copies := a.at(t, "copies").([]any)
	require.Len(t, copies, 2)
	one, two := copies[0].(map[string]any), copies[1].(map[string]any)
	require.Equal(t, "", one["body"])
	require.Equal(t, []any{map[string]any{"field": "conversion-value", "counted": "7", "copy": "0"}}, one["differs_now"], "the better copy's value counts")
	require.Equal(t, []any{}, one["differs"], "it was the first")
	require.Equal(t, []any{}, two["differs_now"])
	require.Equal(t, true, two["counts"])
	require.Contains(t, two["meaning"], "its values count")
	require.Equal(t, "developer", a.at(t, "counted", "source"))
	require.Equal(t, "app_unknown", a.at(t, "counted", "waits", "why"))

	identity := "/v1/postbacks/6AAFB7A5-0170-41b5-bbe4-fe71dedf1e28?network=Example123.skadnetwork&app=" + fmt.Sprint(fixtures.PuzzleAppID)
	same := b.ask("GET", identity, "operator", "")
	require.Equal(t, list[0].ID, same.at(t, "copy", "id"), "of an identity, the copy that counts")
	require.Equal(t, a.at(t, "counted"), same.at(t, "counted"))

	forged := strings.Replace(body, `"5239"`, `"5240"`, 1)
	b.now.Advance(time.Minute)
	b.post(networkPath, "", forged)
	a = b.ask("GET", look(b.kept()[0]), "operator", "")
	require.Equal(t, "quarantined signature_mismatch", fmt.Sprint(a.at(t, "copy", "state"), " ", a.at(t, "copy", "reason")))
	require.Equal(t, "fail", a.checks(t)["signature attribution-signature"])
	require.Equal(t, "", a.at(t, "counted"))
	require.Equal(t, false, a.at(t, "launch", "decoded"))

	log := b.ask("GET", "/v1/audit?action=postbacks.read", "operator", "").body
	require.Equal(t, 3, strings.Count(log, `"postbacks.read"`))
	require.Contains(t, log, `"postback `+first.ID+`"`)
	require.NotContains(t, b.log.String(), "attribution-signature")
}

func TestInspectKeptAsksAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post(networkPath, "", b.signed(func(*apple.Postback) {}))
	p := b.kept()[0]
	const id = "/v1/postbacks/6aafb7a5-0170-41b5-bbe4-fe71dedf1e28"
	for path, want := range map[string]string{
		id:                            "400 bad_parameter app",
		id + "?app=x":                 "400 bad_parameter app",
		id + "?app=-1":                "400 bad_parameter app",
		id + "?app=1":                 "400 bad_parameter received_at",
		id + "?app=1&received_at=now": "400 bad_parameter received_at",
		id + "?app=1&network=n&received_at=2026-11-02T09:00:00Z": "400 bad_parameter network",
		id + "?app=1&network=%00":                                "400 bad_parameter network",
		id + "?app=1&network=n&framework=skan":                   "400 bad_parameter framework",
		id + "?app=1&network=n&index=3":                          "400 bad_parameter index",
		id + "?app=1&network=n&index=x":                          "400 bad_parameter index",
		"/v1/postbacks/d?app=1&network=n":                        "400 bad_parameter id",
		"/v1/postbacks/%00?app=1&network=n":                      "400 bad_parameter id",
		id + "?app=1&state=accepted":                             "400 unknown_parameter state",
		id + "?app=1&network=n":                                  "404 not_found id",
		strings.Replace(look(p), "?app=", "?app=1", 1):           "404 not_found id",
		strings.Replace(look(p), p.ID, "x", 1):                   "404 not_found id",
	} {
		a := b.ask("GET", path, "operator", "")
		require.Equal(t, want, fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")), path)
	}
}

// only is an operator of some apps.
type only struct {
	web.Authenticator
	apps []int64
}

func (o only) Authenticate(context.Context, string) (auth.Principal, error) {
	return auth.Principal{ID: "some", Name: "some", Role: auth.Operator, Apps: o.apps}, nil
}

// Who may see some apps only learns nothing of the postbacks of others, pasted or not.
func TestInspectIsBoundedToGrants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.signed(func(*apple.Postback) {})
	b.post(networkPath, "", body)
	p := b.kept()[0]
	for _, c := range []struct {
		apps   []int64
		status int
		known  bool
	}{{nil, 200, true}, {[]int64{p.AppID}, 200, true}, {[]int64{1, 2}, 403, false}, {[]int64{}, 403, false}} {
		b.adminParts.Auth = only{apps: c.apps}
		admin := serve(t, b.adminParts.Handler())
		require.Equal(t, c.status, b.send(admin, "GET", look(p), "x", nil).status, "%v", c.apps)
		a := b.send(admin, "POST", "/v1/postbacks:inspect", "x", strings.NewReader(body))
		require.Equal(t, 200, a.status)
		require.Equal(t, c.known, a.at(t, "kept") != "", "%v", c.apps)
		require.Equal(t, "valid", a.at(t, "verdict", "verdict"), "the checks are of what was pasted")
	}
}

// An unsupported copy is explained by the keys of now: what a new key makes of it shows.
func TestInspectKeptUsesTheKeysOfNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger, err := apple.FromSeed(99)
	require.NoError(t, err)
	p := apple.Postback{
		Version: apple.V40, Network: "example123.skadnetwork", Source: "5239", AppID: fixtures.PuzzleAppID,
		ID: "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28", Conversion: "download", Fidelity: 1, DidWin: true, Fine: new(int),
	}
	body, err := stranger.Body(p)
	require.NoError(t, err)
	b.post(networkPath, "", string(body))
	at := look(b.kept()[0])
	require.Equal(t, "invalid", b.ask("GET", at, "operator", "").at(t, "verdict", "verdict"))
	public, err := stranger.Public()
	require.NoError(t, err)
	var trusted []skan.TrustedKey
	for _, k := range public {
		trusted = append(trusted, skan.TrustedKey{Name: k.Name, KID: k.KID, SPKI: k.SPKI, Environment: skan.Environment(k.Environment)})
	}
	keys, err := skan.AppleKeys().With(trusted...)
	require.NoError(t, err)
	b.adminParts.Verifier = func() *skan.Verifier { return skan.NewVerifier(keys) }
	a := b.ask("GET", at, "operator", "")
	require.Equal(t, "invalid valid", fmt.Sprint(a.at(t, "copy", "verdict"), " ", a.at(t, "verdict", "verdict")))
}

// Nothing is looked at that can't be written down first.
func TestInspectWithoutTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.signed(func(*apple.Postback) {})
	require.Equal(t, 200, b.send(b.admin, "POST", "/v1/postbacks:inspect", "operator", strings.NewReader(body), "Sec-Fetch-Site", "same-origin").status)
	b.adminParts.Auth = everybody{}
	admin := serve(t, b.adminParts.Handler())
	require.NoError(t, b.store.Close())
	for _, ask := range [][3]string{
		{"POST", "/v1/postbacks:inspect", body}, {"GET", "/v1/postbacks/x?app=1&received_at=2026-11-02T09:00:00Z", ""},
	} {
		a := b.send(admin, ask[0], ask[1], "x", strings.NewReader(ask[2]))
		require.Equal(t, "503 unavailable", fmt.Sprint(a.status, " ", a.at(t, "code")))
		require.NotContains(t, a.body, "sql")
	}
}
