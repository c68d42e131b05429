package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/safehttp"
)

// provider is an OpenID provider over loopback http, with keys of its own. What it
// answers can be made as wrong as an attacker would like it.
type provider struct {
	*httptest.Server
	t   *testing.T
	now func() time.Time

	mu       sync.Mutex
	keys     jwk.Set
	keyReads int
	down     bool
	codes    map[string]url.Values // by code: what the browser was sent with
	claims   func(map[string]any)  // changes the claims of the next token
	sign     func(payload []byte) string
	tokens   int
}

type signingKey struct {
	alg     jwa.SignatureAlgorithm
	private any
	kid     string
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newProvider(t *testing.T, now func() time.Time) *provider {
	t.Helper()
	p := &provider{t: t, now: now, codes: map[string]url.Values{}, keys: jwk.NewSet()}
	p.publish(signingKey{jwa.RS256, rsaKey(), "first"})
	p.sign = p.signedBy(signingKey{jwa.RS256, rsaKey(), "first"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		p.answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			// What a provider says it signs with is no rule of ours.
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.keyReads++
		p.answer(w, p.keys)
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked went away
}

func (p *provider) publish(k signingKey) {
	p.t.Helper()
	private, err := jwk.FromRaw(k.private)
	require.NoError(p.t, err)
	public, err := private.PublicKey()
	require.NoError(p.t, err)
	require.NoError(p.t, public.Set(jwk.KeyIDKey, k.kid))
	require.NoError(p.t, p.keys.AddKey(public))
}

func (p *provider) signedBy(k signingKey) func([]byte) string {
	return func(payload []byte) string {
		h := jws.NewHeaders()
		if k.kid != "" {
			_ = h.Set(jws.KeyIDKey, k.kid) // a text is a kid
		}
		out, err := jws.Sign(payload, jws.WithKey(k.alg, k.private, jws.WithProtectedHeaders(h)))
		if err != nil {
			p.t.Errorf("sign: %v", err)
		}
		return string(out)
	}
}

// authorize is the provider's page, at which somebody signs in: it gives the code that
// the browser brings back.
func (p *provider) authorize(to string) (state, code string) {
	p.t.Helper()
	u, err := url.Parse(to)
	require.NoError(p.t, err)
	q := u.Query()
	require.Equal(p.t, p.URL+"/authorize", u.Scheme+"://"+u.Host+u.Path)
	require.Equal(p.t, "code", q.Get("response_type"))
	require.Equal(p.t, "skand", q.Get("client_id"))
	require.Equal(p.t, "S256", q.Get("code_challenge_method"))
	require.Equal(p.t, redirect, q.Get("redirect_uri"))
	require.Equal(p.t, "openid email", q.Get("scope"))
	p.mu.Lock()
	defer p.mu.Unlock()
	code = rand.Text()
	p.codes[code] = q
	return q.Get("state"), code
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = r.ParseForm() // what can't be read has no code
	begun, ok := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code")) // once
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	id, secret, _ := r.BasicAuth()
	switch {
	case !ok, begun.Get("redirect_uri") != r.PostForm.Get("redirect_uri"),
		begun.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(verifier[:]), id != "skand", secret != "s3cret":
		w.WriteHeader(http.StatusBadRequest)
		p.answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	p.tokens++
	now := p.now()
	claims := map[string]any{
		"iss": p.URL, "sub": "anna-1", "aud": "skand", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"nonce": begun.Get("nonce"), "email": "Anna@Example.com", "email_verified": true, "groups": []string{"staff", "ua"},
	}
	if p.claims != nil {
		p.claims(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Errorf("claims: %v", err)
	}
	p.answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(payload)})
}

const redirect = "https://skand.example.com/sign-in/callback"

// rules are those of a client of the provider.
func (p *provider) rules() auth.OpenID {
	return auth.OpenID{
		Issuer: p.URL, ClientID: "skand", ClientSecret: "s3cret", Scopes: []string{"openid", "email"}, DefaultRole: auth.Viewer, Provision: true,
		Client: safehttp.NewClient(safehttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}), Now: p.now,
	}
}

// signIn goes the whole way.
func (p *provider) signIn(client *auth.Provider) (auth.Identity, error) {
	p.t.Helper()
	to, flow, err := client.Begin(p.t.Context(), redirect, "/cohorts")
	require.NoError(p.t, err)
	state, code := p.authorize(to)
	require.Equal(p.t, flow.State, state)
	return client.Finish(p.t.Context(), flow, redirect, state, code)
}

// asSecret is the provider's public key in the clothes that a careless library takes
// for an HMAC secret.
func asSecret(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func newEC(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}
