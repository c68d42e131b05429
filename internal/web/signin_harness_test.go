package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
)

const userPassword = "plum-anvil-harbour"

// user adds a person who can sign in with userPassword.
func (b *testBundle) user(email string, role auth.Role, apps ...int64) auth.Account {
	b.t.Helper()
	a, err := b.adminParts.Sessions.Hasher.NewAccount(auth.Account{
		Email: email, Role: role, Apps: apps, CreatedAt: b.now.Now(), CreatedBy: "test",
	}, userPassword)
	require.NoError(b.t, err)
	require.NoError(b.t, b.store.CreateAccount(b.t.Context(), a))
	return a
}

// form posts a form, with a cookie if it is not "".
func (b *testBundle) form(path, cookie string, values ...string) answer {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		v.Set(values[i], values[i+1])
	}
	return b.send(b.admin, http.MethodPost, path, "", strings.NewReader(v.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie)
}

// cookie is what the answer gives the browser, as the browser sends it back.
func (a answer) cookie(t *testing.T) string {
	t.Helper()
	for _, line := range a.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		if c.Value != "" && !strings.HasSuffix(c.Name, "_flow") {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}

// signsIn gives the cookie of somebody who signed in.
func (b *testBundle) signsIn(email string) string {
	b.t.Helper()
	a := b.form("/sign-in", "", "email", email, "password", userPassword)
	require.Equal(b.t, http.StatusSeeOther, a.status, a.body)
	cookie := a.cookie(b.t)
	require.NotEmpty(b.t, cookie)
	return cookie
}

// with asks with a cookie.
func (b *testBundle) with(cookie, method, path, body string, headers ...string) answer {
	b.t.Helper()
	return b.send(b.admin, method, path, "", strings.NewReader(body), append(headers, "Cookie", cookie)...)
}

// callers are all kinds of callers of the matrix, by name; each asks for itself.
type caller func(method, path, body string) answer

// strangers show what opens nothing (any more).
func (b *testBundle) strangers() map[string]caller {
	expired := auth.Token{Role: auth.Admin, ExpiresAt: b.now.Now().Add(time.Minute)}
	b.token("expired", expired)
	b.token("revoked", auth.Token{Role: auth.Admin})
	_, err := b.store.RevokeTokensNamed(b.t.Context(), "revoked")
	require.NoError(b.t, err)
	b.user("chief@example.com", auth.Admin)
	b.user("disabled@example.com", auth.Admin)
	b.user("gone@example.com", auth.Admin)
	old := b.signsIn("chief@example.com")
	b.now.Advance(13 * time.Hour) // the tokens are for ever, but the one
	disabled, gone := b.signsIn("disabled@example.com"), b.signsIn("gone@example.com")
	b.setDisabled("disabled@example.com")
	require.Equal(b.t, http.StatusSeeOther, b.form("/sign-out", gone).status)
	by := map[string]caller{}
	for _, name := range []string{"", "skand_wrong", "expired", "revoked"} {
		by["token "+name] = func(method, path, body string) answer { return b.ask(method, path, name, body) }
	}
	for name, cookie := range map[string]string{
		"session that is over": old, "session of a disabled account": disabled, "session that was ended": gone,
		"session that never was": old[:strings.IndexByte(old, '=')+1] + strings.Repeat("A", 43), "session of nothing": old[:strings.IndexByte(old, '=')+1],
		"session and a bad token": "",
	} {
		by[name] = func(method, path, body string) answer { return b.with(cookie, method, path, body) }
	}
	good := b.signsIn("chief@example.com")
	by["session and a bad token"] = func(method, path, body string) answer {
		return b.with(good, method, path, body, "Authorization", "Bearer skand_wrong")
	}
	return by
}
