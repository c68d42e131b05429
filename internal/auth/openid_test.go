package auth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/safehttp"
)

func TestOpenIDProvesWhoItIs(t *testing.T) {
	t.Parallel()
	p := newProvider(t, clock.NewManual(start).Now)
	who, err := p.signIn(auth.NewProvider(p.rules()))
	require.NoError(t, err)
	require.Equal(t, auth.Identity{Issuer: p.URL, Subject: "anna-1", Email: "anna@example.com"}, who)
}

// Every token here is one that some attacker would like to see taken.
func TestOpenIDRefusesHostileTokens(t *testing.T) {
	t.Parallel()
	b64 := base64.RawURLEncoding.EncodeToString
	claim := func(name string, value any) func(*provider) {
		return func(p *provider) { p.claims = func(c map[string]any) { c[name] = value } }
	}
	without := func(name string) func(*provider) {
		return func(p *provider) { p.claims = func(c map[string]any) { delete(c, name) } }
	}
	raw := func(header string, sign func(signed string, t *testing.T, p *provider) string) func(*provider) {
		return func(p *provider) {
			p.sign = func(payload []byte) string {
				signed := b64([]byte(header)) + "." + b64(payload)
				return signed + "." + sign(signed, p.t, p)
			}
		}
	}
	nothing := func(string, *testing.T, *provider) string { return "" }
	for name, spoil := range map[string]func(*provider){
		"alg none":           raw(`{"alg":"none"}`, nothing),
		"alg none, kid":      raw(`{"alg":"none","kid":"first"}`, nothing),
		"alg nOnE":           raw(`{"alg":"nOnE","kid":"first"}`, nothing),
		"no alg":             raw(`{"kid":"first"}`, nothing),
		"no signature":       raw(`{"alg":"RS256","kid":"first"}`, nothing),
		"critical extension": func(p *provider) { p.sign = critical(p) },
		"HS256 with the public key": func(p *provider) {
			p.sign = p.signedBy(signingKey{jwa.HS256, asSecret(p.t), "first"})
		},
		"HS256 with the modulus": func(p *provider) {
			p.sign = p.signedBy(signingKey{jwa.HS256, rsaKey().N.Bytes(), "first"})
		},
		"HS256 with the client's secret": func(p *provider) {
			p.sign = p.signedBy(signingKey{jwa.HS256, []byte("s3cret"), ""})
		},
		"another key, the same kid": func(p *provider) {
			p.sign = p.signedBy(signingKey{jwa.RS256, newRSA(p.t, 2048), "first"})
		},
		"another key, unknown kid": func(p *provider) {
			p.sign = p.signedBy(signingKey{jwa.RS256, newRSA(p.t, 2048), "second"})
		},
		"another key, no kid": func(p *provider) { p.sign = p.signedBy(signingKey{jwa.RS256, newRSA(p.t, 2048), ""}) },
		"another kind of key": func(p *provider) { p.sign = p.signedBy(signingKey{jwa.ES256, newEC(p.t), "first"}) },
		"key of 1024 bits": func(p *provider) {
			k := signingKey{jwa.RS256, newRSA(p.t, 1024), "short"}
			p.publish(k)
			p.sign = p.signedBy(k)
		},
		"key for encryption": func(p *provider) {
			k := signingKey{jwa.RS256, newRSA(p.t, 2048), "enc"}
			p.publish(k)
			key, _ := p.keys.LookupKeyID("enc")
			require.NoError(p.t, key.Set("use", "enc"))
			p.sign = p.signedBy(k)
		},
		"which of two keys": func(p *provider) {
			k := signingKey{jwa.RS256, newRSA(p.t, 2048), ""}
			p.publish(signingKey{jwa.RS256, k.private, "second"})
			p.sign = p.signedBy(k)
		},
		"changed after signing": func(p *provider) {
			sign := p.sign
			p.sign = func(payload []byte) string {
				parts := strings.Split(sign(payload), ".")
				changed := strings.Replace(string(payload), "anna-1", "boss-1", 1)
				return parts[0] + "." + b64([]byte(changed)) + "." + parts[2]
			}
		},
		"JSON serialisation": func(p *provider) {
			sign := p.sign
			p.sign = func(payload []byte) string {
				parts := strings.Split(sign(payload), ".")
				return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2])
			}
		},
		"nothing": func(p *provider) { p.sign = func([]byte) string { return "" } },

		"another issuer":      claim("iss", "https://evil.example"),
		"issuer and a slash":  func(p *provider) { claim("iss", p.URL+"/")(p) },
		"no issuer":           without("iss"),
		"another audience":    claim("aud", "another-client"),
		"no audience":         without("aud"),
		"two audiences":       claim("aud", []string{"skand", "another-client"}),
		"another party":       claim("azp", "another-client"),
		"party is no text":    claim("azp", []string{"skand"}),
		"expired":             claim("exp", start.Add(-time.Second).Unix()),
		"never expires":       without("exp"),
		"not yet":             claim("nbf", start.Add(time.Hour).Unix()),
		"another nonce":       claim("nonce", "another"),
		"no nonce":            without("nonce"),
		"no subject":          without("sub"),
		"subject is a number": claim("sub", 7),
		"no address":          without("email"),
		"address is a list":   claim("email", []string{"anna@example.com"}),
		"address of Kelvin":   claim("email", "mi\u212ae@example.com"),
		"not verified":        claim("email_verified", false),
		"verified is unsaid":  without("email_verified"),
		"verified is 1":       claim("email_verified", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, clock.NewManual(start).Now)
			spoil(p)
			who, err := p.signIn(auth.NewProvider(p.rules()))
			require.ErrorIs(t, err, auth.ErrRefused)
			require.Zero(t, who)
			require.Equal(t, 1, p.tokens, "the token got as far as being judged")
		})
	}
}

func newRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return k
}

func signRS256(t *testing.T, signed string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(signed))
	out, err := rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, sum[:])
	require.NoError(t, err)
	return out
}

func mustKey(t *testing.T, p *provider, kid string) jwk.Key {
	t.Helper()
	k, ok := p.keys.LookupKeyID(kid)
	require.True(t, ok)
	return k
}

// critical is a good token whose header says that an extension must be understood.
func critical(p *provider) func([]byte) string {
	return func(payload []byte) string {
		header, _ := json.Marshal(map[string]any{"alg": "RS256", "kid": "first", "crit": []string{"exp"}, "exp": 1}) // texts and numbers
		b64 := base64.RawURLEncoding.EncodeToString
		signed := b64(header) + "." + b64(payload)
		return signed + "." + b64(signRS256(p.t, signed))
	}
}

// What is right, in the forms that providers have it.
func TestOpenIDTakesWhatProvidersSend(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*provider){
		"two audiences and us by azp": func(p *provider) {
			p.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"skand", "x"}, "skand" }
		},
		"verified as a text": func(p *provider) { p.claims = func(c map[string]any) { c["email_verified"] = "true" } },
		"ES256": func(p *provider) {
			k := signingKey{jwa.ES256, newEC(p.t), "ec"}
			p.publish(k)
			p.sign = p.signedBy(k)
		},
		"one key and no kid": func(p *provider) { p.sign = p.signedBy(signingKey{jwa.RS256, rsaKey(), ""}) },
		"PS256":              func(p *provider) { p.sign = p.signedBy(signingKey{jwa.PS256, rsaKey(), "first"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, clock.NewManual(start).Now)
			change(p)
			_, err := p.signIn(auth.NewProvider(p.rules()))
			require.NoError(t, err)
		})
	}
}

func TestOpenIDFlowIsOfItsBrowser(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(start)
	p := newProvider(t, now.Now)
	client := auth.NewProvider(p.rules())
	begin := func() (auth.Flow, string) {
		to, flow, err := client.Begin(t.Context(), redirect, "/")
		require.NoError(t, err)
		_, code := p.authorize(to)
		return flow, code
	}
	mine, code := begin()
	theirs, theirCode := begin()
	for name, try := range map[string]struct {
		flow        auth.Flow
		state, code string
	}{
		"no flow":                  {auth.Flow{}, "", code},
		"no state":                 {mine, "", code},
		"their state":              {mine, theirs.State, code},
		"their code":               {mine, mine.State, theirCode}, // PKCE: the code is of another verifier
		"no code":                  {mine, mine.State, ""},
		"a guess":                  {mine, mine.State, "guess"},
		"an attacker's whole flow": {mine, theirs.State, theirCode},
	} {
		_, err := client.Finish(t.Context(), try.flow, redirect, try.state, try.code)
		require.ErrorIs(t, err, auth.ErrRefused, name)
	}
	require.Zero(t, p.tokens)
	old, oldCode := begin()
	now.Advance(11 * time.Minute)
	_, err := client.Finish(t.Context(), old, redirect, old.State, oldCode)
	require.ErrorIs(t, err, auth.ErrRefused)
	fresh, freshCode := begin()
	_, err = client.Finish(t.Context(), fresh, redirect, fresh.State, freshCode)
	require.NoError(t, err)
	_, err = client.Finish(t.Context(), fresh, redirect, fresh.State, freshCode)
	require.ErrorIs(t, err, auth.ErrRefused, "a code is used once")
}

func TestOpenIDKeysAreReadAgain(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(start)
	p := newProvider(t, now.Now)
	client := auth.NewProvider(p.rules())
	for range 3 {
		_, err := p.signIn(client)
		require.NoError(t, err)
	}
	require.Equal(t, 1, p.keyReads)
	next := signingKey{jwa.RS256, newRSA(t, 2048), "next"}
	p.sign = p.signedBy(next)
	for range 3 { // a token of nobody's key does not make us ask without end
		_, err := p.signIn(client)
		require.ErrorIs(t, err, auth.ErrRefused)
	}
	require.Equal(t, 1, p.keyReads)
	p.publish(next)
	now.Advance(time.Minute)
	_, err := p.signIn(client)
	require.NoError(t, err)
	require.Equal(t, 2, p.keyReads)
	require.NoError(t, p.keys.RemoveKey(mustKey(t, p, "next")))
	now.Advance(time.Hour)
	_, err = p.signIn(client)
	require.ErrorIs(t, err, auth.ErrRefused, "a key that was withdrawn")
}

func TestOpenIDProviderThatIsAway(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(start)
	p := newProvider(t, now.Now)
	p.down = true
	client := auth.NewProvider(p.rules())
	_, _, err := client.Begin(t.Context(), redirect, "/")
	require.ErrorContains(t, err, "ask the OpenID provider")
	require.NotErrorIs(t, err, auth.ErrRefused)
	p.down = false
	_, _, err = client.Begin(t.Context(), redirect, "/")
	require.Error(t, err, "not asked again at once")
	now.Advance(5 * time.Second)
	_, err = p.signIn(client)
	require.NoError(t, err)

	// Private addresses are called only where the configuration lists them.
	rules := p.rules()
	rules.Client = safehttp.NewClient(safehttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	_, _, err = auth.NewProvider(rules).Begin(t.Context(), redirect, "/")
	var blocked *safehttp.BlockedError
	require.ErrorAs(t, err, &blocked)
}

func TestOpenIDRolesAndDomains(t *testing.T) {
	t.Parallel()
	p := newProvider(t, clock.NewManual(start).Now)
	for name, c := range map[string]struct {
		groups any
		want   auth.Role
	}{
		"one":         {[]string{"staff", "ua"}, auth.Viewer},
		"the highest": {[]string{"ops", "ua"}, auth.Operator},
		"a text":      {"ops", auth.Operator},
		"none known":  {[]string{"staff"}, auth.RoleNone},
		"no list":     {map[string]any{"ops": true}, auth.RoleNone},
		"not there":   {nil, auth.RoleNone},
		"a role":      {[]string{"admin"}, auth.RoleNone},
	} {
		rules := p.rules()
		rules.RoleClaim, rules.RoleMap = "groups", map[string]auth.Role{"ua": auth.Viewer, "ops": auth.Operator}
		p.claims = func(claims map[string]any) { claims["groups"] = c.groups }
		who, err := p.signIn(auth.NewProvider(rules))
		require.NoError(t, err, name)
		require.Equal(t, c.want, who.Role, name)
	}
	for domain, ok := range map[string]bool{"example.com": true, "EXAMPLE.com": true, "ample.com": false, "sub.example.com": false} {
		rules := p.rules()
		rules.Domains = []string{"other.example", domain}
		_, err := p.signIn(auth.NewProvider(rules))
		if ok {
			require.NoError(t, err, domain)
			continue
		}
		require.ErrorIs(t, err, auth.ErrRefused, domain)
	}
}
