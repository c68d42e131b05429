package web_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/internal/store"
	"skand/internal/web"
)

const (
	developerPath = "/.well-known/skadnetwork/report-attribution"
	networkPath   = "/postbacks/skadnetwork"
)

var postbackPaths = []string{
	developerPath, "/.well-known/appattribution/report-attribution", networkPath, "/postbacks/adattributionkit",
}

func sample(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../../fixtures/postbacks/" + file)
	require.NoError(t, err)
	return string(text)
}

// signed is a new postback of the simulated Apple.
func (b *testBundle) signed(change func(*apple.Postback)) string {
	b.t.Helper()
	p := apple.Postback{
		Version: apple.V40, Network: "example123.skadnetwork", Campaign: 42, Source: "5239", AppID: fixtures.PuzzleAppID,
		ID: uuid.NewString(), Conversion: "download", Fidelity: 1, DidWin: true, Fine: new(int), Marketplace: "com.apple.AppStore",
	}
	change(&p)
	body, err := b.apple.Body(p)
	require.NoError(b.t, err)
	return string(body)
}

// Every path takes both frameworks, with and without its last slash, and a
// genuine postback of Apple's counts once wherever its copies arrive.
func TestGenuinePostbackOnEveryPath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := "accepted"
	for _, path := range postbackPaths {
		for _, slash := range []string{"", "/"} {
			a := b.post(path+slash, "", sample(t, "skan40_web_fine_apple.json"))
			require.Equal(t, 200, a.status, path+slash)
			require.Equal(t, "application/json", a.header.Get("Content-Type"))
			require.JSONEq(t, `{"status":"`+want+`"}`, a.body)
			want = "duplicate"
			kit := b.signed(func(p *apple.Postback) { p.Version = apple.AAK; p.Network = "example.adattributionkit" })
			require.JSONEq(t, `{"status":"accepted"}`, b.post(path+slash, "", kit).body)
		}
	}
	page, _, err := b.store.Postbacks(t.Context(), store.PostbackFilter{State: "accepted"}, "", 1000)
	require.NoError(t, err)
	require.Len(t, page, 1+2*len(postbackPaths))
	require.Contains(t, []string{"developer", "network"}, string(page[0].Source))
}

// Apple's samples share their ids, so that a later one meets an earlier one.
func TestVerdictsOfEveryFixture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for file, want := range map[string]string{
		"skan21_apple_olddoc.json":                "counts",
		"skan22_apple.json":                       "counts",
		"skan30_win_apple.json":                   "counts",
		"skan30_lose_apple_olddoc.json":           "counts",
		"skan10_apple_olddoc_example.json":        "quarantined signature_mismatch",
		"aak_dev1_reengagement_apple.json":        "quarantined development_not_trusted",
		"aak_cas0_reengagement_apple_olddoc.json": "quarantined signature_mismatch",
	} {
		a := b.post(networkPath, "", sample(t, file))
		require.Equal(t, 200, a.status)
		got := fmt.Sprint(a.at(t, "status"), " ", a.at(t, "reason"))
		if slices.Contains([]string{"accepted ", "duplicate ", "conflict "}, got) {
			got = "counts"
		}
		require.Equal(t, want, got, file)
	}
}

func TestWhatIsAnObjectIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.signed(func(p *apple.Postback) { p.Fine = nil; p.Coarse = "low"; p.Source = "39" })
	for body, want := range map[string]string{
		`{}`: "quarantined unknown_format",
		strings.Replace(good, `"app-id":525463029`, `"app-id":"525463029"`, 1):       "quarantined wrong_type",
		strings.Replace(good, `"app-id":525463029`, `"app-id":525463029.0`, 1):       "quarantined wrong_type",
		strings.Replace(good, `"app-id":525463029`, `"app-id":525463030`, 1):         "quarantined signature_mismatch",
		strings.Replace(good, `"version":"4.0"`, `"version":"5.0"`, 1):               "unsupported unknown_version",
		strings.Replace(good, `"low"`, `"huge"`, 1):                                  "quarantined wrong_value",
		b.signed(func(p *apple.Postback) { p.Version = apple.AAK; p.KID = "new/1" }): "unsupported unknown_kid",
		" \n" + good + "\n ": "accepted ",
	} {
		a := b.post(developerPath, "", body)
		require.Equal(t, 200, a.status, body)
		require.Equal(t, want, fmt.Sprint(a.at(t, "status"), " ", a.at(t, "reason")), body)
	}
	a := b.post(developerPath, "", strings.Replace(good, `"low"`, `"high"`, 1))
	require.Equal(t, "200 conflict", fmt.Sprint(a.status, " ", a.at(t, "status")))
}

func TestWhatIsNoObjectIs400(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, code := range map[string]string{
		"":                      "not_object",
		"{":                     "syntax",
		"[]":                    "not_object",
		`"text"`:                "not_object",
		"null":                  "not_object",
		`{"a":1,"a":2}`:         "duplicate_member",
		`{"a":1}{"a":1}`:        "trailing_data",
		`{"a":1}]`:              "trailing_data",
		"{\"a\":\"\xff\"}":      "invalid_utf8",
		`{"a":{"b":1,"b":2}}`:   "duplicate_member",
		`{"version":"4.0" "a"}`: "syntax",
	} {
		for _, path := range postbackPaths {
			a := b.post(path, "", body)
			require.Equal(t, 400, a.status, body)
			require.Equal(t, code, a.at(t, "error", "code"), body)
			require.NotEmpty(t, a.at(t, "error", "message"))
		}
	}
	page, _, err := b.store.Postbacks(t.Context(), store.PostbackFilter{}, "", 10)
	require.NoError(t, err)
	require.Empty(t, page, "nothing is kept of what is no object")
}

// 405 comes before 413, 413 before 400, and nothing asks for a Content-Type.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	huge := strings.Repeat("x", 64<<10+1)
	for _, path := range append(postbackPaths, "/postbacks/relay/n") {
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			a := b.send(b.public, method, path, "", strings.NewReader(huge))
			require.Equal(t, 405, a.status, method)
			require.Equal(t, "POST", a.header.Get("Allow"))
			require.Equal(t, "method_not_allowed", a.at(t, "error", "code"))
		}
		a := b.post(path, "relay", huge)
		require.Equal(t, 413, a.status)
		require.Equal(t, "too_large", a.at(t, "error", "code"))
		require.Contains(t, a.at(t, "error", "message"), "64 KiB")
	}
	for _, kind := range []string{"", "text/plain", "application/json; charset=utf-16", "multipart/form-data"} {
		body := b.signed(func(*apple.Postback) {})
		a := b.send(b.public, "POST", developerPath, "", strings.NewReader(body), "Content-Type", kind)
		require.Equal(t, "200 accepted", fmt.Sprint(a.status, " ", a.at(t, "status")))
	}
}

// The limit is exact, also for a body that does not say how long it is.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.signed(func(*apple.Postback) {})
	pad := func(n int) string { return body + strings.Repeat(" ", n-len(body)) }
	for n, want := range map[int]int{64 << 10: 200, 64<<10 + 1: 413, 1 << 20: 413} {
		require.Equal(t, want, b.post(developerPath, "", pad(n)).status, "%d bytes", n)
		chunked := io.MultiReader(strings.NewReader(pad(n))) // hides its length
		require.Equal(t, want, b.send(b.public, "POST", developerPath, "", chunked).status, "%d bytes chunked", n)
	}
}

// What may succeed later is a 500, and later it does.
func TestStoreDownIs500(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.signed(func(*apple.Postback) {})
	b.down.Store(true)
	a := b.post(networkPath, "", body)
	require.Equal(t, 500, a.status)
	require.Equal(t, "not_stored", a.at(t, "error", "code"))
	for _, secret := range []string{"INSERT", "/var/lib", "disk"} {
		require.NotContains(t, a.body, secret)
	}
	require.Contains(t, b.log.String(), "disk I/O error")
	b.down.Store(false)
	require.JSONEq(t, `{"status":"accepted"}`, b.post(networkPath, "", body).body)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.JSONEq(t, `{"status":"ok"}`, b.send(b.public, "GET", "/healthz", "", nil).body)
	require.Equal(t, 200, b.send(b.public, "GET", "/readyz", "", nil).status)
	require.Equal(t, 404, b.send(b.public, "GET", "/", "", nil).status)
	require.Equal(t, "not_found", b.send(b.public, "GET", "/v1/cohorts", "", nil).at(t, "error", "code"))
	require.NoError(t, b.store.Close())
	a := b.send(b.public, "GET", "/readyz", "", nil)
	require.Equal(t, 503, a.status)
	require.JSONEq(t, `{"status":"not ready"}`, a.body)
	require.Equal(t, 200, b.send(b.public, "GET", "/healthz", "", nil).status, "alive is not ready")
}

func TestWithoutTheReceiveRole(t *testing.T) {
	t.Parallel()
	b := setup(t, func(p *web.Public, _ *web.Admin) { p.Receive = false })
	require.Equal(t, 200, b.send(b.public, "GET", "/readyz", "", nil).status)
	for _, path := range append(postbackPaths, "/v1/clicks", "/postbacks/relay/n") {
		require.Equal(t, 404, b.send(b.public, http.MethodPost, path, "s2s", strings.NewReader("{}")).status)
	}
}

func TestRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := strings.TrimSuffix(b.signed(func(*apple.Postback) {}), "}") + `,"campaign_name":"Winter","ip":"192.0.2.1"}`
	const path = "/postbacks/relay/Example.Net"
	a := b.post(path, "", body)
	require.Equal(t, 401, a.status)
	require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
	require.Equal(t, 401, b.post(path, "skand_wrong", body).status)
	require.Equal(t, 403, b.post(path, "s2s", body).status)
	require.Equal(t, 403, b.post(path, "admin", body).status, "a role is no scope")
	require.JSONEq(t, `{"status":"accepted"}`, b.post(path, "relay", body).body)
	require.JSONEq(t, `{"status":"duplicate"}`, b.post(path, "relay", strings.Replace(body, "Winter", "Summer", 1)).body)
	for _, name := range []string{"%00", "a%20b", "a%2Fb", strings.Repeat("n", 201), "-"} {
		require.Equal(t, 404, b.post("/postbacks/relay/"+name, "relay", body).status, name)
	}
	page, _, err := b.store.Postbacks(t.Context(), store.PostbackFilter{}, "", 10)
	require.NoError(t, err)
	require.Len(t, page, 2)
	require.EqualValues(t, "relay", page[0].Source)
}
