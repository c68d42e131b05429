package web_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/web"
)

const signedBundle = `{"apps":[{"app_id":525463029}],"destinations":[{"id":"d","app_id":525463029,"scope":"all","kinds":["install"],
	"method":"POST","url":"https://ads.example/x","body":"json","signing":"%s","secret_env":"EXAMPLE"}]%s}`

const secretPath = "/v1/destinations/d/secret"

func signedSetup(t *testing.T, signing string) *testBundle {
	t.Helper()
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Env = func(string) string { return "" } })
	a := b.ask("POST", "/v1/apply", "admin", fmt.Sprintf(signedBundle, signing, ""))
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, "secret_env EXAMPLE is set neither here nor stored")
	return b
}

func TestSecretIsWriteOnly(t *testing.T) {
	t.Parallel()
	b := signedSetup(t, "standard-webhooks")
	first, second := forward.NewWebhookSecret(), forward.NewWebhookSecret()
	for _, secret := range []string{first, second} {
		a := b.ask("PUT", secretPath, "operator", `{"secret":"`+secret+`","overlap":"7d"}`)
		require.Equal(t, 200, a.status, a.body)
		require.NotContains(t, a.body, secret)
		require.Equal(t, "operator", a.at(t, "created_by"))
	}
	list := b.ask("GET", secretPath, "operator", "")
	require.Equal(t, 200, list.status)
	require.Equal(t, 2, strings.Count(list.body, `"fingerprint"`))
	require.Equal(t, 1, strings.Count(list.body, `"expires_at":null`))
	require.Contains(t, list.body, `"expires_at":"2026-11-09T09:00:00Z"`)

	made := b.ask("POST", secretPath+":rotate", "operator", "")
	require.Equal(t, 201, made.status, made.body)
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))
	third := fmt.Sprint(made.at(t, "secret"))
	require.True(t, strings.HasPrefix(third, "whsec_"))
	ended := b.ask("DELETE", secretPath, "operator", "")
	require.JSONEq(t, `{"ended":2}`, ended.body)
	kept, err := b.store.Secrets(t.Context(), "d")
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Equal(t, third, kept[0].Value)

	audit := b.ask("GET", "/v1/audit", "operator", "")
	require.Contains(t, audit.body, "secret.rotate")
	export := b.ask("GET", "/v1/export", "admin", "")
	for _, secret := range []string{first, second, third} {
		for _, text := range []string{list.body, audit.body, export.body, b.log.String()} {
			require.NotContains(t, text, secret[6:])
		}
	}
}

func TestSecretFaults(t *testing.T) {
	t.Parallel()
	b := signedSetup(t, "standard-webhooks")
	for _, test := range []struct{ method, path, body, want string }{
		{"PUT", secretPath, `{"secret":"s3cr3t-of-another-form"}`, "422 invalid secret"},
		{"PUT", secretPath, `{"secret":""}`, "422 invalid secret"},
		{"PUT", secretPath, `{"secret":"s3cr3t-of-another-form","purpose":"x"}`, "422 invalid secret"},
		{"PUT", secretPath, `{"secret":"s3cr3t-of-another-form","overlap":"soon"}`, "422 invalid overlap"},
		{"PUT", secretPath, `{"secret":"s3cr3t-of-another-form","overlap":"31d"}`, "422 invalid overlap"},
		{"PUT", secretPath, `{"secret":"s3cr3t-of-another-form","overlap":"-1s"}`, "422 invalid overlap"},
		{"PUT", secretPath, `{"value":"s3cr3t-of-another-form"}`, "400 bad_request "},
		{"PUT", secretPath + "?x=1", `{}`, "400 unknown_parameter x"},
		{"PUT", "/v1/destinations/nobody/secret", `{"secret":"` + forward.NewWebhookSecret() + `"}`, "404 unknown_destination id"},
		{"GET", "/v1/destinations/nobody/secret", ``, "404 unknown_destination id"},
		{"DELETE", "/v1/destinations/nobody/secret", ``, "404 unknown_destination id"},
		{"POST", "/v1/destinations/nobody/secret:rotate", `{}`, "404 unknown_destination id"},
		{"POST", secretPath + ":rotate", `{"overlap":"x"}`, "422 invalid overlap"},
		{"POST", secretPath + ":turn", `{}`, "404 not_found "},
	} {
		a := b.ask(test.method, test.path, "operator", test.body)
		require.Equal(t, test.want, fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")), "%s %s: %s", test.method, test.path, a.body)
		require.NotContains(t, a.body, "s3cr3t")
	}
	for range 5 {
		require.Equal(t, 201, b.ask("POST", secretPath+":rotate", "operator", "").status)
	}
	a := b.ask("POST", secretPath+":rotate", "operator", "")
	require.Equal(t, "409 many_secrets", fmt.Sprint(a.status, " ", a.at(t, "code")))
	require.Equal(t, 201, b.ask("POST", secretPath+":rotate", "operator", `{"overlap":"0"}`).status)
	require.NotContains(t, b.log.String(), "s3cr3t")
}

// What is applied through the server travels beside the definitions, and is answered
// as a fingerprint.
func TestApplyTakesSecrets(t *testing.T) {
	t.Parallel()
	b := signedSetup(t, "standard-webhooks")
	secret := forward.NewWebhookSecret()
	body := fmt.Sprintf(signedBundle, "standard-webhooks", `,"secrets":{"EXAMPLE":"`+secret+`","OTHER":"not asked for"}`)
	for _, step := range [][2]string{{"/v1/apply?dry_run=true", "create"}, {"/v1/apply", "create"}, {"/v1/apply", "same"}} {
		a := b.ask("POST", step[0], "admin", body)
		require.Equal(t, 200, a.status, a.body)
		require.Contains(t, a.body, `{"what":"signing secret of destination d","action":"`+step[1]+`"`)
		require.NotContains(t, a.body, secret[6:])
		require.NotContains(t, a.body, "warn")
	}
	a := b.ask("POST", "/v1/apply", "admin", fmt.Sprintf(signedBundle, "jws", `,"secrets":{"EXAMPLE":"`+secret+`"}`))
	require.Equal(t, 422, a.status)
	require.NotContains(t, a.body, secret[6:])
	require.NotContains(t, b.log.String(), secret[6:])
}

// Public keys are for anybody, on the public listener.
func TestKeySet(t *testing.T) {
	t.Parallel()
	var broken error
	b := setup(t, func(p *web.Public, _ *web.Admin) {
		p.Keys = func(context.Context) ([]byte, error) { return []byte(`{"keys":[]}`), broken }
	})
	a := b.send(b.public, "GET", "/v1/jwks", "", nil)
	require.Equal(t, 200, a.status)
	require.JSONEq(t, `{"keys":[]}`, a.body)
	require.Equal(t, "public, max-age=300", a.header.Get("Cache-Control"))
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	require.Equal(t, 404, b.send(b.public, "POST", "/v1/jwks", "", nil).status)
	broken = errors.New("disk I/O error")
	a = b.send(b.public, "GET", "/v1/jwks", "", nil)
	require.Equal(t, 503, a.status)
	require.NotContains(t, a.body, "disk")
}
