package web_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/safehttp"
	"skand/internal/web"
)

// elsewhere is a provider that signs in whoever comes as subject. What hostile tokens do
// is tested with package auth; here it is the way of the browser.
type elsewhere struct {
	*httptest.Server
	mu      sync.Mutex
	key     *rsa.PrivateKey
	codes   map[string]url.Values
	subject string
	email   string
	nonce   string // instead of the right one
}

func newElsewhere(t *testing.T, now func() time.Time) *elsewhere {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	e := &elsewhere{key: key, codes: map[string]url.Values{}, subject: "anna-1", email: "anna@example.com"}
	b64 := base64.RawURLEncoding.EncodeToString
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // whoever asked went away
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": e.URL, "authorization_endpoint": e.URL + "/authorize", "token_endpoint": e.URL + "/token", "jwks_uri": e.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "kid": "k", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		begun, ok := e.codes[r.FormValue("code")]
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || begun.Get("code_challenge") != b64(sum[:]) || begun.Get("redirect_uri") != r.FormValue("redirect_uri") {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		nonce := begun.Get("nonce")
		if e.nonce != "" {
			nonce = e.nonce
		}
		claims, _ := json.Marshal(map[string]any{ // texts and numbers
			"iss": e.URL, "sub": e.subject, "aud": "skand", "exp": now().Add(time.Minute).Unix(), "iat": now().Unix(),
			"nonce": nonce, "email": e.email, "email_verified": true,
		})
		signed := b64([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + b64(claims)
		digest := sha256.Sum256([]byte(signed))
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		if err != nil {
			t.Errorf("sign: %v", err)
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": signed + "." + b64(sig)})
	})
	e.Server = httptest.NewServer(mux)
	t.Cleanup(e.Close)
	return e
}

// arrive is somebody at the provider's page: the query that the browser comes back with.
func (e *elsewhere) arrive(to string) string {
	u, _ := url.Parse(to) // what it was sent to
	e.mu.Lock()
	defer e.mu.Unlock()
	code := rand.Text()
	e.codes[code] = u.Query()
	return url.Values{"state": {u.Query().Get("state")}, "code": {code}}.Encode()
}

func setupElsewhere(t *testing.T) (*testBundle, *elsewhere) {
	t.Helper()
	var e *elsewhere
	b := setup(t, func(_ *web.Public, a *web.Admin) {
		e = newElsewhere(t, a.Now)
		rules := auth.OpenID{
			Issuer: e.URL, ClientID: "skand", Scopes: []string{"openid", "email"}, Provision: true, DefaultRole: auth.Viewer, Now: a.Now,
			Client: safehttp.NewClient(safehttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		}
		a.OpenID = &web.OpenID{Name: "Example SSO", Provider: auth.NewProvider(rules), Rules: rules}
	})
	return b, e
}

// flowCookie is what a browser keeps of a sign-in under way.
func flowCookie(t *testing.T, a answer) string {
	t.Helper()
	line := a.header.Get("Set-Cookie")
	require.Regexp(t, `^skand_[0-9]+_flow=[A-Za-z0-9_-]+; Path=/; Max-Age=600; HttpOnly; SameSite=Lax$`, line)
	pair, _, _ := strings.Cut(line, ";")
	return pair
}

func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	b, e := setupElsewhere(t)
	page := b.send(b.admin, "GET", "/sign-in?next=/cohorts", "", nil)
	require.Contains(t, page.body, "Example SSO")
	require.Contains(t, page.body, "/sign-in/oidc?next=%2Fcohorts")
	begun := b.send(b.admin, "GET", "/sign-in/oidc?next=/cohorts", "", nil)
	require.Equal(t, 303, begun.status, begun.body)
	to := begun.header.Get("Location")
	require.Contains(t, to, e.URL+"/authorize?")
	require.Contains(t, to, "redirect_uri="+url.QueryEscape(b.admin.URL+"/sign-in/callback"))
	flow, back := flowCookie(t, begun), e.arrive(to)

	for name, try := range map[string]struct{ cookie, query string }{
		"another browser": {"", back}, "no state": {flow, strings.Split(back, "&")[0]}, "another state": {flow, strings.Replace(back, "state=", "state=x", 1)},
		"a spoilt cookie": {flow[:len(flow)-9], back}, "nothing": {flow, ""},
	} {
		a := b.with(try.cookie, "GET", "/sign-in/callback?"+try.query, "")
		require.Equal(t, 403, a.status, name)
		require.Empty(t, a.cookie(t), name)
	}
	said := b.with(flow, "GET", "/sign-in/callback?error=access_denied&state=x", "")
	require.Equal(t, 403, said.status)
	require.Contains(t, said.body, "the provider says access_denied")
	require.NotContains(t, b.with(flow, "GET", "/sign-in/callback?error=call+this+number", "").body, "number")

	in := b.with(flow, "GET", "/sign-in/callback?"+back, "")
	require.Equal(t, "303 /cohorts", fmt.Sprint(in.status, " ", in.header.Get("Location")), in.body)
	require.Contains(t, strings.Join(in.header.Values("Set-Cookie"), "\n"), "_flow=; Path=/; Max-Age=0", "it is used once")
	me := b.with(in.cookie(t), "GET", "/v1/me", "")
	require.Equal(t, "user anna@example.com viewer", fmt.Sprint(me.at(t, "kind"), " ", me.at(t, "name"), " ", me.at(t, "role")))
	users := b.ask("GET", "/v1/users", "admin", "")
	require.Contains(t, users.body, `"password":false`)
	require.Contains(t, users.body, `"provider":"`+e.URL+`"`)
}

func TestSignInElsewhereRefused(t *testing.T) {
	t.Parallel()
	b, e := setupElsewhere(t)
	try := func() answer {
		begun := b.send(b.admin, "GET", "/sign-in/oidc", "", nil)
		return b.with(flowCookie(t, begun), "GET", "/sign-in/callback?"+e.arrive(begun.header.Get("Location")), "")
	}
	require.Equal(t, 303, try().status)
	e.nonce = "another"
	a := try()
	require.Equal(t, 403, a.status)
	require.Empty(t, a.cookie(t))
	require.NotContains(t, a.body, "nonce", "a stranger hears that it did not work, the log hears why")
	require.Contains(t, b.log.String(), "nonce")
	e.nonce, e.subject = "", "eve-1"
	require.Equal(t, 403, try().status, "another person with an address that is taken")
	require.Len(t, b.trail("?action=sign_in.failed"), 2)
	for range 40 { // strangers make us ask the provider only so often
		a = try()
	}
	require.Equal(t, 429, a.status)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	b.now.Advance(2 * time.Hour)
	e.Close()
	away := b.send(b.admin, "GET", "/sign-in/oidc", "", nil)
	require.Equal(t, 503, away.status)
	require.Contains(t, away.body, "does not answer")
	require.Contains(t, away.body, `name="password"`, "who has a password can still use it")
}

func TestNoProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/sign-in/oidc", "/sign-in/callback?code=x&state=y"} {
		require.Equal(t, 404, b.send(b.admin, "GET", path, "", nil).status)
	}
	require.NotContains(t, b.send(b.admin, "GET", "/sign-in", "", nil).body, "/sign-in/oidc")
}
