package forward

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateSigning(t *testing.T) {
	t.Parallel()
	loop := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	good := map[string]func(*Destination){
		"standard webhooks": func(d *Destination) { d.Signing, d.SecretEnv = SigningStandardWebhooks, "EXAMPLE_SECRET" },
		"without a name":    func(d *Destination) { d.Signing = SigningStandardWebhooks },
		"jws":               func(d *Destination) { d.Signing, d.SecretEnv = SigningJWS, "KEY" },
		"bearer of a GET":   func(d *Destination) { d.Signing, d.SecretEnv, d.Method, d.Body = SigningBearer, "T", MethodGet, "" },
		"header":            func(d *Destination) { d.Headers, d.SecretEnv = map[string]string{"Api-Key": "k={secret}"}, "T" },
		"query":             func(d *Destination) { d.QueryAuth, d.SecretEnv = map[string]string{"key": "{secret}"}, "T" },
		"oauth": func(d *Destination) {
			d.OAuth = &OAuth{TokenURL: "https://login.example/t?x=1", ClientID: "c", SecretEnv: "T"}
		},
		"oauth and signed": func(d *Destination) {
			d.Signing, d.SecretEnv, d.OAuth = SigningStandardWebhooks, "S", &OAuth{TokenURL: "http://127.0.0.1:1/t", ClientID: "c", SecretEnv: "T"}
		},
	}
	for name, change := range good {
		require.NoError(t, destinationOf(change).Validate(loop), name)
	}
	oauth := func(change func(*OAuth)) func(*Destination) {
		return func(d *Destination) {
			o := OAuth{TokenURL: "https://login.example/t", ClientID: "c", SecretEnv: "T"}
			change(&o)
			d.OAuth = &o
		}
	}
	headers := func(list ...string) func(*Destination) {
		return func(d *Destination) {
			d.SecretEnv, d.Headers = "T", map[string]string{}
			for i := 0; i < len(list); i += 2 {
				d.Headers[list[i]] = list[i+1]
			}
		}
	}
	query := func(name, template string) func(*Destination) {
		return func(d *Destination) { d.SecretEnv, d.QueryAuth = "T", map[string]string{name: template} }
	}
	for want, change := range map[string]func(*Destination){
		"signing: standard-webhooks signs a body, and GET has none": func(d *Destination) { d.Signing, d.Method, d.Body = SigningStandardWebhooks, MethodGet, "" },
		"signing: jws signs a body, and GET has none":               func(d *Destination) { d.Signing, d.Method, d.Body = SigningJWS, MethodGet, "" },
		"body: is missing; signing: jws signs a body":               func(d *Destination) { d.Signing, d.Body = SigningJWS, "" },
		"would send the key that standard-webhooks signs with":      func(d *Destination) { d.Signing = SigningStandardWebhooks; headers("X", "{secret}")(d) },
		"would send the key that jws signs with":                    func(d *Destination) { d.Signing = SigningJWS; query("k", "{secret}")(d) },
		"oauth: both it and signing: bearer set": func(d *Destination) {
			d.Signing, d.SecretEnv = SigningBearer, "T"
			oauth(func(*OAuth) {})(d)
		},
		"secret_env: is missing; {secret} in headers":        func(d *Destination) { d.Headers = map[string]string{"X": "{secret}"} },
		"secret_env: is no name of an environment variable":  func(d *Destination) { d.Signing, d.SecretEnv = SigningBearer, "s3cr3t-itself" },
		"secret_env: SKAND_MASTER_KEY is one of skand's own": func(d *Destination) { d.Signing, d.SecretEnv = SigningBearer, "SKAND_MASTER_KEY" },
		"oauth.secret_env: is no name":                       oauth(func(o *OAuth) { o.SecretEnv = "s3cr3t itself" }),
		"oauth.secret_env: skand_token is one of":            oauth(func(o *OAuth) { o.SecretEnv = "skand_token" }),
		"oauth.token_url: is missing":                        oauth(func(o *OAuth) { o.TokenURL = "" }),
		"oauth.token_url: is no URL":                         oauth(func(o *OAuth) { o.TokenURL = "https://{idfa}.example/" }),
		"oauth.token_url: must be https":                     oauth(func(o *OAuth) { o.TokenURL = "http://10.0.0.1/t" }),
		"oauth.token_url: has a user":                        oauth(func(o *OAuth) { o.TokenURL = "https://u:s3cr3t@login.example/" }),
		"oauth.token_url: has a fragment":                    oauth(func(o *OAuth) { o.TokenURL = "https://login.example/#x" }),
		"oauth.client_id: must be":                           oauth(func(o *OAuth) { o.ClientID = "" }),
		"oauth.scopes: number 2 is no scope":                 oauth(func(o *OAuth) { o.Scopes = []string{"a", "b c"} }),
		"headers.Host: is set by skand":                      headers("Host", "x"),
		"headers.content-length: is set by skand":            headers("content-length", "{secret}"),
		"headers.Transfer-Encoding: is set by skand":         headers("Transfer-Encoding", "chunked"),
		"headers.Webhook-Id: belongs to Standard Webhooks":   headers("Webhook-Id", "1"),
		"headers.X-JWS-Signature: is where":                  func(d *Destination) { d.Signing = SigningJWS; headers("X-JWS-Signature", "1")(d) },
		"headers.authorization: is set by":                   func(d *Destination) { d.Signing = SigningBearer; headers("authorization", "1")(d) },
		`headers: "A: b" is no name of a header`:             headers("A: b", "1"),
		`headers: "A\r\nB" is no name`:                       headers("A\r\nB", "1"),
		"headers.a-b: is there twice":                        headers("A-B", "1", "a-b", "2"),
		"headers.X: has a brace beside {secret}":             headers("X", "{secret}{idfa}"),
		"headers.X: has a line end":                          headers("X", "{secret}\r\nY: 1"),
		"query_auth.k: has no {secret}":                      query("k", "plain"),
		"query_auth.k: has a brace":                          query("k", "{secret}-{delivery_id}"),
		`query_auth: "" is no name`:                          query("", "{secret}"),
		`query_auth: "a{b}" is no name`:                      query("a{b}", "{secret}"),
		"query_auth.k: stands in url too":                    func(d *Destination) { d.URL = "https://h/?k=1"; query("k", "{secret}")(d) },
	} {
		err := destinationOf(change).Validate(loop)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cr3t", want)
	}
}

func TestWarnSigning(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Destination){
		"secret_env: is missing; deliveries wait unless `skand secret set d`":      func(d *Destination) { d.Signing = SigningStandardWebhooks },
		"secret_env: nothing uses it":                                              func(d *Destination) { d.SecretEnv = "X" },
		"oauth.secret_env: is missing; deliveries wait unless `skand secret set d": func(d *Destination) { d.OAuth = &OAuth{} },
	} {
		require.Contains(t, strings.Join(destinationOf(change).Warnings(), "\n"), want)
	}
	whole := destinationOf(func(d *Destination) { d.Signing, d.SecretEnv = SigningStandardWebhooks, "X" })
	require.NotContains(t, strings.Join(whole.Warnings(), "\n"), "secret_env")
}
