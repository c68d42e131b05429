package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web"
)

func TestSignInOnThisMachine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Editor, 7)
	page := b.send(b.admin, "GET", "/sign-in?next=/cohorts%3Fapp%3D7", "", nil)
	require.Equal(t, 200, page.status)
	require.Contains(t, page.body, `name="password"`)
	require.Contains(t, page.body, "/cohorts?app=7")
	require.Equal(t, "no-store", page.header.Get("Cache-Control"))

	a := b.form("/sign-in", "", "email", "Anna@Example.com", "password", userPassword, "next", "/cohorts?app=7")
	require.Equal(t, "303 /cohorts?app=7", fmt.Sprint(a.status, " ", a.header.Get("Location")))
	u, err := url.Parse(b.admin.URL)
	require.NoError(t, err)
	require.Regexp(t, `^skand_`+u.Port()+`=[A-Za-z0-9_-]{43}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax$`, a.header.Get("Set-Cookie"),
		"over plain http a cookie that is Secure would be lost")
	cookie := a.cookie(t)

	me := b.with(cookie, "GET", "/v1/me", "")
	require.Equal(t, "user anna@example.com editor [7]", fmt.Sprint(me.at(t, "kind"), " ", me.at(t, "name"), " ", me.at(t, "role"), " ", me.at(t, "apps")))
	require.Equal(t, "no-store", me.header.Get("Cache-Control"))
	require.Equal(t, 303, b.with(cookie, "GET", "/sign-in", "").status, "one who is signed in needs no form")

	again := b.form("/sign-in", cookie, "email", "anna@example.com", "password", userPassword)
	require.Equal(t, "/", again.header.Get("Location"))
	require.NotEqual(t, cookie, again.cookie(t))
	require.Equal(t, 401, b.with(cookie, "GET", "/v1/me", "").status, "the session before has ended: it is renewed at sign-in")
	cookie = again.cookie(t)

	out := b.form("/sign-out", cookie)
	require.Equal(t, "303 /sign-in", fmt.Sprint(out.status, " ", out.header.Get("Location")))
	require.Contains(t, out.header.Get("Set-Cookie"), "Max-Age=0")
	require.Equal(t, 401, b.with(cookie, "GET", "/v1/me", "").status)
	require.Equal(t, 303, b.form("/sign-out", cookie).status, "again is no fault")

	trail := b.trail("?who=anna@example.com")
	require.Len(t, trail, 4)
	for i, act := range []string{"sign_in", "sign_in", "sign_out", "sign_out"} {
		require.Contains(t, trail[i], "anna@example.com/editor "+act+" session ")
	}
	require.NotContains(t, b.log.String(), strings.Split(cookie, "=")[1])
}

// Whatever is wrong, the page is the same; what was typed comes back, but no password.
func TestWrongSignIns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Viewer)
	b.user("gone@example.com", auth.Viewer)
	b.setDisabled("gone@example.com")
	var first string
	for _, try := range [][2]string{
		{"anna@example.com", "not her password"}, {"nobody@example.com", userPassword}, {"gone@example.com", userPassword}, {"anna@example.com", ""},
	} {
		a := b.form("/sign-in", "", "email", try[0], "password", try[1], "next", "//evil.example")
		require.Equal(t, 401, a.status)
		require.Empty(t, a.header.Values("Set-Cookie"))
		require.Contains(t, a.body, auth.ErrWrongPassword.Error())
		require.NotContains(t, a.body, userPassword)
		require.NotContains(t, a.body, "evil")
		require.Contains(t, a.body, try[0])
		same := strings.ReplaceAll(a.body, try[0], "EMAIL")
		if first == "" {
			first = same
		}
		require.Equal(t, first, same)
	}
	a := b.form("/sign-in", "", "email", `"><script>alert(1)</script>`, "password", "x")
	require.NotContains(t, a.body, "<script>alert")
	require.Equal(t, 400, b.send(b.admin, "POST", "/sign-in", "", strings.NewReader(`{"email":"a"}`), "Content-Type", "application/json").status)
	require.Equal(t, 400, b.form("/sign-in", "", "email", strings.Repeat("a", 20<<10)).status)
	lines := b.trail("?action=sign_in.failed")
	require.Len(t, lines, 5)
	require.Equal(t, "nobody/ sign_in.failed user anna@example.com", lines[0])
	require.Equal(t, "nobody/ sign_in.failed user (unknown)", lines[1])

	cross := b.send(b.admin, "POST", "/sign-in", "", strings.NewReader("email=anna@example.com&password="+userPassword),
		"Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example")
	require.Equal(t, 403, cross.status, "nobody is signed in by another site's page")
	require.Empty(t, cross.header.Values("Set-Cookie"))
}

func TestTooManySignIns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Viewer)
	for range 10 {
		require.Equal(t, 401, b.form("/sign-in", "", "email", "anna@example.com", "password", "guess").status)
	}
	a := b.form("/sign-in", "", "email", "anna@example.com", "password", userPassword)
	require.Equal(t, 429, a.status)
	require.Equal(t, "120", a.header.Get("Retry-After"))
	require.Contains(t, a.body, "try again in 2 minutes")
	require.Empty(t, a.cookie(t))
	b.now.Advance(2 * time.Minute)
	require.NotEmpty(t, b.signsIn("anna@example.com"))
}

// asked sends to a handler what a browser or a proxy would, on no network.
func asked(b *testBundle, method, path, host, remote, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = host, remote
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.adminParts.Handler().ServeHTTP(w, r)
	return w
}

// Which cookie a browser is given, by the way that it came; "": none, and nobody is
// signed in.
func TestCookieByTheWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Viewer)
	const near, far, proxy = "127.0.0.1:5000", "203.0.113.7:5000", "10.1.2.3:5000"
	const host, secure = "__Host-skand=", "Secure"
	for name, c := range map[string]struct {
		self, host, remote string
		headers            []string
		want               string
	}{
		"this machine":                  {"", "127.0.0.1:8081", near, nil, "skand_8081="},
		"by its name":                   {"", "localhost:8081", near, nil, "skand_8081="},
		"IPv6":                          {"", "[::1]:8081", "[::1]:5000", nil, "skand_8081="},
		"port 80":                       {"", "localhost", near, nil, "skand_80="},
		"a container's port":            {"", "localhost:8081", "172.17.0.1:5000", nil, "skand_8081="},
		"another machine":               {"", "skand.example.com", far, nil, ""},
		"another machine, by address":   {"", "192.0.2.1:8081", far, nil, ""},
		"a name that was rebound":       {"", "evil.example:8081", near, nil, ""},
		"a proxy that nobody named":     {"", "127.0.0.1:8081", near, []string{"X-Forwarded-For", "203.0.113.7"}, ""},
		"it says https":                 {"", "127.0.0.1:8081", near, []string{"X-Forwarded-Proto", "https"}, ""},
		"a trusted proxy, https":        {"", "skand.example.com", proxy, []string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.7"}, host},
		"a trusted proxy, http":         {"", "skand.example.com", proxy, []string{"X-Forwarded-Proto", "http", "X-Forwarded-For", "203.0.113.7"}, ""},
		"client writes before it":       {"", "skand.example.com", proxy, []string{"X-Forwarded-Proto", "https, http"}, ""},
		"admin_url":                     {"https://skand.example.com", "skand.example.com", far, nil, host},
		"admin_url in capitals":         {"https://skand.example.com/", "SKAND.example.com", far, nil, host},
		"admin_url, another host":       {"https://skand.example.com", "evil.example", far, nil, ""},
		"admin_url, and a tunnel to it": {"https://skand.example.com", "127.0.0.1:8081", near, nil, "skand_8081="},
		"admin_url of plain http":       {"http://skand.lan:8081", "skand.lan:8081", far, nil, "skand_8081="},
	} {
		b.adminParts.SelfURL, b.adminParts.Trusted = c.self, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		form := url.Values{"email": {"anna@example.com"}, "password": {userPassword}}.Encode()
		w := asked(b, "POST", "/sign-in", c.host, c.remote, form, append(c.headers, "Content-Type", "application/x-www-form-urlencoded")...)
		cookie := w.Header().Get("Set-Cookie")
		if c.want == "" {
			require.Equal(t, 403, w.Code, name)
			require.Empty(t, cookie, name)
			require.Contains(t, w.Body.String(), "admin_url", name)
			continue
		}
		require.Equal(t, 303, w.Code, "%s: %s", name, w.Body)
		require.True(t, strings.HasPrefix(cookie, c.want), "%s: %s", name, cookie)
		require.Equal(t, c.want == host, strings.Contains(cookie, secure), "%s: %s", name, cookie)
		pair, _, _ := strings.Cut(cookie, ";")
		back := asked(b, "GET", "/v1/me", c.host, c.remote, "", append(c.headers, "Cookie", pair)...)
		require.Equal(t, 200, back.Code, name)
		twice := asked(b, "GET", "/v1/me", c.host, c.remote, "", append(c.headers, "Cookie", pair+"; "+pair+"x")...)
		require.Equal(t, 401, twice.Code, "%s: two of one name", name)
	}
}

func TestOwnPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/cohorts?app=7&from=2026-11-02": "/cohorts?app=7&from=2026-11-02", "/": "/", "": "/",
		"https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "javascript:alert(1)": "/",
		"/\tevil": "/", "/\n/evil.example": "/", "cohorts": "/", "/sign-in?next=/sign-in": "/", "/sign-out": "/", "http:/x": "/", "/%2F/evil": "/",
		"/a#b": "/", "///evil.example": "/", "/x?next=https://evil.example": "/x?next=https://evil.example", "/" + strings.Repeat("a", 3000): "/",
	} {
		require.Equal(t, want, web.OwnPath(next), "%q", next)
	}
}

// Pages send people who are not signed in to the form, and back from it.
func TestPagesAskToSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Viewer)
	a := b.send(b.admin, "GET", "/?app=7", "", nil)
	require.Equal(t, "303 /sign-in?next=%2F%3Fapp%3D7", fmt.Sprint(a.status, " ", a.header.Get("Location")))
	part := b.send(b.admin, "GET", "/?part=1", "", nil, "HX-Request", "true", "HX-Current-URL", "http://"+strings.TrimPrefix(b.admin.URL, "http://")+"/cohorts?app=7")
	require.Equal(t, "401 /sign-in?next=%2Fcohorts%3Fapp%3D7", fmt.Sprint(part.status, " ", part.header.Get("HX-Redirect")), "the page, not its part")
	require.Equal(t, 200, b.with(b.signsIn("anna@example.com"), "GET", "/", "").status)
}

func TestSignInTellsNothingOfTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Viewer)
	cookie := b.signsIn("anna@example.com")
	require.NoError(t, b.store.Close())
	for _, a := range []answer{
		b.form("/sign-in", "", "email", "anna@example.com", "password", userPassword), b.with(cookie, "GET", "/v1/me", ""), b.form("/sign-out", cookie),
		b.with(cookie, "PUT", "/v1/me", `{"current_password":"`+userPassword+`","new_password":"harbour-anvil-plum"}`),
	} {
		require.Equal(t, 503, a.status, a.body)
		require.NotContains(t, a.body, "sql")
		require.NotContains(t, a.body, "database")
		require.Empty(t, a.header.Values("Set-Cookie"), "a session that may go on must not look ended")
	}
	require.Contains(t, b.log.String(), "database is closed")
}

func TestMyPasswordAndSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user("anna@example.com", auth.Viewer)
	first, second, third := b.signsIn("anna@example.com"), b.signsIn("anna@example.com"), b.signsIn("anna@example.com")
	b.now.Advance(time.Hour)
	list := b.with(first, "GET", "/v1/me/sessions", "").at(t, "data").([]any)
	require.Len(t, list, 3)
	current := 0
	for _, s := range list {
		m := s.(map[string]any)
		if m["current"] == true {
			current++
			require.Equal(t, "2026-11-02T22:00:00Z", m["ends_at"])
		}
		require.Equal(t, "password 127.0.0.0/24 Go-http-client/1.1", fmt.Sprint(m["method"], " ", m["client"], " ", m["agent"]))
	}
	require.Equal(t, 1, current)
	for _, s := range list {
		if id := s.(map[string]any)["id"].(string); s.(map[string]any)["current"] == false {
			require.Equal(t, 204, b.with(first, "DELETE", "/v1/me/sessions/"+id, "").status)
			require.Equal(t, "404 unknown_session", coded(t, b.with(first, "DELETE", "/v1/me/sessions/"+id, "")))
			break
		}
	}
	ended := 0
	for _, cookie := range []string{second, third} {
		if b.with(cookie, "GET", "/v1/me", "").status == 401 {
			ended++
		}
	}
	require.Equal(t, 1, ended)
	require.JSONEq(t, `{"ended":1}`, b.with(first, "DELETE", "/v1/me/sessions", "").body)

	change := func(current, next string) answer {
		return b.with(first, "PUT", "/v1/me", fmt.Sprintf(`{"current_password":%q,"new_password":%q}`, current, next))
	}
	require.Equal(t, "422 wrong_password", coded(t, change("not hers at all", "harbour-anvil-plum")))
	require.Equal(t, "422 invalid", coded(t, change(userPassword, "password12345")))
	done := change(userPassword, "harbour-anvil-plum")
	require.Equal(t, 204, done.status, done.body)
	require.Equal(t, 401, b.with(first, "GET", "/v1/me", "").status)
	require.Equal(t, 200, b.with(done.cookie(t), "GET", "/v1/me", "").status)
	require.Equal(t, 401, b.form("/sign-in", "", "email", "anna@example.com", "password", userPassword).status)

	token := b.ask("GET", "/v1/me", "editor", "")
	require.Equal(t, "token editor editor []", fmt.Sprint(token.at(t, "kind"), " ", token.at(t, "name"), " ", token.at(t, "role"), " ", token.at(t, "apps")))
	require.Equal(t, "403 not_a_person", coded(t, b.ask("PUT", "/v1/me", "editor", `{}`)))
}

func TestUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const anna = `{"email":"Anna@Example.com","role":"editor","apps":[7,7],"password":"` + userPassword + `"}`
	made := b.ask("POST", "/v1/users", "admin", anna)
	require.Equal(t, 201, made.status, made.body)
	require.Equal(t, `"1"`, made.header.Get("ETag"))
	require.Equal(t, "anna@example.com editor [7] false true", fmt.Sprint(made.at(t, "email"), " ", made.at(t, "role"), " ", made.at(t, "apps"), " ",
		made.at(t, "disabled"), " ", made.at(t, "password")))
	require.NotContains(t, made.body, "argon2")
	require.Equal(t, "409 email_taken", coded(t, b.ask("POST", "/v1/users", "admin", anna)))
	for body, want := range map[string]string{
		`{"email":"x","role":"viewer","password":"` + userPassword + `"}`:                        "422 invalid",
		`{"email":"x@example.com","role":"none","password":"` + userPassword + `"}`:              "422 invalid",
		`{"email":"x@example.com","role":"viewer","password":"short"}`:                           "422 invalid",
		`{"email":"x@example.com","role":"viewer"}`:                                              "422 invalid",
		`{"email":"x@example.com","role":"viewer","apps":[0],"password":"` + userPassword + `"}`: "422 invalid",
		`{"mail":"x@example.com"}`:                                                               "400 bad_request",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", "/v1/users", "admin", body)), body)
	}
	cookie := b.signsIn("anna@example.com")
	path := "/v1/users/" + fmt.Sprint(made.at(t, "id"))
	require.Equal(t, "428 if_match_required", coded(t, b.ask("PUT", path, "admin", `{"role":"viewer"}`)))
	require.Equal(t, "412 stale", coded(t, b.write("PUT", path, "admin", `"7"`, `{"role":"viewer"}`)))
	require.Equal(t, "422 invalid", coded(t, b.write("PUT", path, "admin", `"1"`, `{"role":"root"}`)))
	require.Equal(t, 200, b.with(cookie, "GET", "/v1/me", "").status)
	changed := b.write("PUT", path, "admin", `"1"`, `{"role":"operator","apps":[]}`)
	require.Equal(t, "200 operator []", fmt.Sprint(changed.status, " ", changed.at(t, "role"), " ", changed.at(t, "apps")))
	require.Equal(t, 401, b.with(cookie, "GET", "/v1/me", "").status, "rights have changed, sessions ended")

	cookie = b.signsIn("anna@example.com")
	reset := b.ask("POST", path+":reset", "admin", "")
	require.Equal(t, 200, reset.status, reset.body)
	require.Equal(t, 401, b.with(cookie, "GET", "/v1/me", "").status)
	in := b.form("/sign-in", "", "email", "anna@example.com", "password", fmt.Sprint(reset.at(t, "password")))
	require.Equal(t, 303, in.status)
	require.JSONEq(t, `{"ended":1}`, b.ask("DELETE", path+"/sessions", "admin", "").body)
	require.Equal(t, 401, b.with(in.cookie(t), "GET", "/v1/me", "").status)
	require.Equal(t, "422 invalid", coded(t, b.ask("POST", path+":reset", "admin", `{"password":"short"}`)))
	given := b.ask("POST", path+":reset", "admin", `{"password":"a harbour of plums"}`)
	require.NotContains(t, given.body, "password")

	chief := b.user("chief@example.com", auth.Admin)
	require.Equal(t, "409 last_admin", coded(t, b.write("PUT", "/v1/users/"+chief.ID, "admin", "*", `{"disabled":true}`)))
	list := b.ask("GET", "/v1/users", "admin", "")
	require.Len(t, list.at(t, "data"), 2)
	require.NotContains(t, list.body, "argon2")
	require.Equal(t, "404 unknown_user", coded(t, b.ask("GET", "/v1/users/nobody", "admin", "")))
	require.Equal(t, "404 unknown_user", coded(t, b.write("PUT", "/v1/users/nobody", "admin", "*", `{}`)))
	require.Equal(t, "404 unknown_user", coded(t, b.ask("POST", "/v1/users/nobody:reset", "admin", "")))

	lines, _, err := b.store.AuditLog(t.Context(), store.AuditFilter{Action: store.ActUserChange}, "", 9)
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.JSONEq(t, `{"from":{"role":"editor","apps":[7]},"to":{"role":"operator","apps":[]}}`, string(lines[0].Detail))
	require.Equal(t, "admin", lines[0].Who)
	audit := b.ask("GET", "/v1/audit?limit=1000", "operator", "").body
	for _, secret := range []string{userPassword, fmt.Sprint(reset.at(t, "password")), "argon2", "harbour"} {
		require.NotContains(t, audit, secret)
	}
	require.Equal(t, http.StatusOK, b.ask("GET", "/v1/audit?action=user.password", "operator", "").status)
}

func TestTokensOfSomeAppsOverTheAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.ask("POST", "/v1/tokens", "admin", `{"name":"beta","role":"viewer","apps":[444555666]}`)
	require.Equal(t, 201, made.status, made.body)
	me := b.ask("GET", "/v1/me", fmt.Sprint(made.at(t, "token")), "")
	require.Equal(t, "[444555666]", fmt.Sprint(me.at(t, "apps")))
	require.Equal(t, 422, b.ask("POST", "/v1/tokens", "admin", `{"name":"beta","role":"none","scopes":["relay"],"apps":[7]}`).status)
}
