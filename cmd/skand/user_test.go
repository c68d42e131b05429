package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// skandWith runs a command with something on standard input.
func skandWith(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = realMain(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// Beside the server and through it: the same commands do the same.
func TestUserCommands(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	p := serveProgram(t, "--lab", "--db", db)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	signsIn := func(email, password string) (int, string) {
		t.Helper()
		resp, err := browser.PostForm(p.Admin+"/sign-in", url.Values{"email": {email}, "password": {password}})
		require.NoError(t, err)
		defer func() { require.NoError(t, resp.Body.Close()) }()
		cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		return resp.StatusCode, cookie
	}
	known := func(cookie string) bool {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Admin+"/v1/me", nil)
		require.NoError(t, err)
		req.Header.Set("Cookie", cookie)
		resp, err := browser.Do(req)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode == http.StatusOK
	}
	const password = "plum-anvil-harbour"
	for name, target := range map[string][]string{"beside": {"--db", db}, "through": {"--server", p.Admin, "--token", testAdminToken}} {
		email := name + "@example.com"
		user := func(stdin string, args ...string) (int, string, string) {
			return skandWith(t, stdin, append(append([]string{"user"}, args...), target...)...)
		}
		code, out, errs := user(password+"\n", "add", email, "--role", "viewer", "--app", "7", "--app", "9", "--password-stdin")
		require.Zero(t, code, errs)
		require.Equal(t, "added: "+email+", viewer of apps 7, 9\n", out)
		code, _, errs = user(password, "add", email, "--role", "viewer", "--password-stdin")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "an account with this e-mail address exists")

		status, cookie := signsIn(email, password)
		require.Equal(t, http.StatusSeeOther, status)
		require.True(t, known(cookie))
		code, out, errs = user("", "set-role", email, "editor")
		require.Zero(t, code, errs)
		require.Equal(t, "now: "+email+", editor of apps 7, 9\n", out)
		require.False(t, known(cookie), "rights have changed")
		code, out, errs = user("", "grant", email, "--all-apps")
		require.Zero(t, code, errs)
		require.Contains(t, out, "of every app")
		code, out, errs = user("", "grant", strings.ToUpper(email), "--app", "7")
		require.Zero(t, code, errs)
		require.Contains(t, out, "of app 7")

		code, made, errs := user("", "reset-password", email)
		require.Zero(t, code, errs)
		status, _ = signsIn(email, password)
		require.Equal(t, http.StatusUnauthorized, status)
		status, cookie = signsIn(email, strings.TrimSpace(made))
		require.Equal(t, http.StatusSeeOther, status)
		code, out, errs = user("harbour-anvil-plum", "reset-password", email, "--password-stdin")
		require.Zero(t, code, errs)
		require.Empty(t, out)
		require.False(t, known(cookie))
		_, cookie = signsIn(email, "harbour-anvil-plum")
		require.True(t, known(cookie))
		code, out, errs = user("", "sign-out", email)
		require.Zero(t, code, errs)
		require.Equal(t, "1 sessions ended\n", out)
		require.False(t, known(cookie))

		code, out, errs = user("", "disable", email)
		require.Zero(t, code, errs)
		require.Contains(t, out, "disabled")
		status, _ = signsIn(email, "harbour-anvil-plum")
		require.Equal(t, http.StatusUnauthorized, status)
		code, _, errs = user("", "enable", email)
		require.Zero(t, code, errs)
		code, out, errs = user("", "list")
		require.Zero(t, code, errs)
		require.Regexp(t, `(?m)^`+email+` +editor +app 7 +\d{4}-\d\d-\d\d \d\d:\d\d UTC +enabled$`, out)
		code, out, _ = user("", "list", "--json")
		require.Zero(t, code)
		require.Contains(t, out, `"email":"`+email+`"`)
		require.NotContains(t, out, "argon2")

		code, _, errs = user("", "disable", "nobody@example.com")
		require.Equal(t, 1, code)
		require.Contains(t, errs, `there is no account "nobody@example.com"`)
	}
}

func TestUserUsage(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	for _, c := range []struct{ stdin, args, want string }{
		{"", "add", "takes EMAIL"},
		{"", "add anna --role viewer --password-stdin", "is no e-mail address"},
		{"", "add a@example.com --role viewer", "--password-stdin"},
		{"", "add a@example.com --role viewer --password-stdin --no-password", "--password-stdin"},
		{"", "add a@example.com --role root --no-password", `role "root"`},
		{"", "add a@example.com --no-password", `role ""`},
		{"", "add a@example.com --role viewer --password-stdin", "nothing"},
		{"short", "add a@example.com --role viewer --password-stdin", "at least 12"},
		{"password12345", "add a@example.com --role viewer --password-stdin", "commonest"},
		{"", "add a@example.com --role viewer --no-password --app 0", "app 0"},
		{"", "set-role a@example.com", "EMAIL and ROLE"},
		{"", "set-role a@example.com root", `role "root"`},
		{"", "grant a@example.com", "--all-apps"},
		{"", "grant a@example.com --all-apps --app 7", "--all-apps"},
	} {
		code, _, errs := skandWith(t, c.stdin, append(append([]string{"user"}, strings.Fields(c.args)...), "--db", db)...)
		require.Equal(t, 2, code, "%s: %s", c.args, errs)
		if c.want != "nothing" {
			require.Contains(t, errs, c.want, c.args)
		}
		require.NotContains(t, errs, "password12345")
	}
}
