package apply_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

const signedYAML = `
destinations:
- {id: d, app_id: 1, scope: all, kinds: [install], method: POST, url: "https://ads.example/", signing: standard-webhooks, secret_env: ONE,
   oauth: {token_url: "https://login.example/", client_id: c, secret_env: TWO}}
- {id: e, app_id: 1, scope: all, kinds: [install], url: "https://ads.example/"}
`

func TestTakeSecrets(t *testing.T) {
	t.Parallel()
	b, err := apply.Parse([]byte(signedYAML))
	require.NoError(t, err)
	b.TakeSecrets(func(string) string { return "" })
	require.Nil(t, b.Secrets)
	b.Serving(func(name string) string { return map[string]string{"TWO": "x"}[name] })
	require.True(t, b.Served("TWO"))
	require.False(t, b.Served("ONE"))
	environment := map[string]string{"ONE": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "TWO": "s3cr3t-of-two", "THREE": "nobody's"}
	b.TakeSecrets(func(name string) string { return environment[name] })
	require.Equal(t, apply.Secrets{"ONE": environment["ONE"], "TWO": environment["TWO"]}, b.Secrets)
	require.NoError(t, b.Check(nil))

	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secrets", b.Secrets)
	for _, text := range []string{fmt.Sprint(b.Secrets), fmt.Sprintf("%+v %#v", b.Secrets, b.Secrets), fmt.Sprintf("%+v", *b), log.String()} {
		require.NotContains(t, text, "s3cr3t")
		require.NotContains(t, text, "MfKQ9")
	}
	require.Equal(t, "secrets [ONE TWO]", fmt.Sprint(b.Secrets))

	b.Secrets["ONE"] = "s3cr3t-of-one"
	b.Secrets["TWO"] = "s3cr3t\n"
	err = b.Check(nil)
	require.ErrorContains(t, err, `destination "d": ONE, read from the environment: the secret does not begin with whsec_`)
	require.ErrorContains(t, err, `destination "d": TWO, read from the environment: the secret has 7 bytes`)
	require.NotContains(t, err.Error(), "s3cr3t")
}

// A file with secrets in it would be kept, copied and reviewed.
func TestFilesHoldNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(file, []byte(signedYAML+"secrets: {ONE: s3cr3t}\n"), 0o600))
	_, err := apply.Read(file)
	require.ErrorContains(t, err, "secrets: do not belong into files")
	require.NotContains(t, err.Error(), "s3cr3t")
}
