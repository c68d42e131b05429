package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web"
)

func (b *testBundle) setDisabled(email string) {
	b.t.Helper()
	a, err := b.store.AccountByEmail(b.t.Context(), email)
	require.NoError(b.t, err)
	yes := true
	_, err = b.store.ChangeAccount(b.t.Context(), a.ID, store.Match{Any: true}, store.AccountChange{Disabled: &yes})
	require.NoError(b.t, err)
}

// A new route fails here until it is written down who may use it (rules), and which apps
// it touches (touches in route_apps.go).
func TestEveryRouteHasItsRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, rules, b.adminParts.Routes(), "write down who may use a new route")
	touched := web.Touches()
	slices.Sort(touched)
	require.Equal(t, b.routes(), touched, "say in route_apps.go which apps a new route touches")
	for _, open := range b.adminParts.OpenRoutes() {
		require.Contains(t, openToAll, open, "nothing else is for everybody")
	}
}

// openToAll are the paths that need nobody: signing in, and what its page is made of.
var openToAll = []string{
	"GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /sign-in/oidc", "GET /sign-in/callback", "GET /static/",
}

// Every route by everybody who has nothing to show.
func TestEveryRouteRefusesStrangers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	by := b.strangers()
	for _, pattern := range b.routes() {
		method, path := target(pattern)
		for name, ask := range by {
			a := ask(method, path, "{}")
			require.Empty(t, a.cookie(t), "%s by %s", pattern, name)
			if web.IsPage(pattern) && a.status == http.StatusSeeOther {
				require.Regexp(t, `^/sign-in(\?next=|$)`, a.header.Get("Location"), "%s by %s", pattern, name)
				continue
			}
			require.Equal(t, http.StatusUnauthorized, a.status, "%s by %s: %s", pattern, name, a.body)
			if !web.IsPage(pattern) {
				require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
				require.NotEmpty(t, a.header.Get("WWW-Authenticate"))
			}
		}
	}
}

// Every route by every role, shown as a token and as a session.
func TestEveryRouteByEveryRole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessions := map[string]string{}
	for _, role := range roles {
		b.user(role+"@example.com", auth.Role(role))
		sessions[role] = b.signsIn(role + "@example.com")
	}
	for _, pattern := range b.routes() {
		method, path := target(pattern)
		for _, scope := range []string{"relay", "s2s"} {
			a := b.ask(method, path, scope, "")
			require.Equal(t, http.StatusForbidden, a.status, "%s by the scope %s, which is no role", pattern, scope)
		}
		for i, role := range roles {
			for kind, ask := range map[string]caller{
				"token":   func(method, path, body string) answer { return b.ask(method, path, role, body) },
				"session": func(method, path, body string) answer { return b.with(sessions[role], method, path, body) },
			} {
				a := ask(method, path, "{}")
				if i < slices.Index(roles, rules[pattern]) {
					require.Equal(t, http.StatusForbidden, a.status, "%s by the %s of a %s", pattern, kind, role)
					require.Contains(t, a.body, rules[pattern])
					continue
				}
				if a.status == http.StatusForbidden && a.header.Get("Content-Type") == "application/problem+json" {
					// A token is no person; what it asks of itself is not there.
					require.Equal(t, "token not_a_person", fmt.Sprint(kind, " ", a.at(t, "code")), "%s by a %s", pattern, role)
					continue
				}
				require.NotContains(t, []int{401, 403, 500, 503}, a.status, "%s by the %s of a %s: %s", pattern, kind, role, a.body)
				if pattern == "DELETE /v1/me/sessions/{session}" || pattern == "POST /v1/tokens" || a.status >= 400 {
					continue
				}
				require.NotContains(t, a.body, sessions[role])
			}
		}
	}
}
