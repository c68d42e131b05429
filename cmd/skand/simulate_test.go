package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"skand/skan"
)

// simulate runs one command line and gives its exit code.
func simulate(t *testing.T, args ...string) (stdout, stderr string, code int, err error) {
	t.Helper()
	cmd := newSimulateCmd()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	var ee *exitError
	switch {
	case errors.As(err, &ee):
		code = ee.code
	case err != nil:
		code = 1
	}
	return out.String(), errs.String(), code, err
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var all []T
	s := bufio.NewScanner(f)
	for s.Scan() {
		var one T
		require.NoError(t, json.Unmarshal(s.Bytes(), &one))
		all = append(all, one)
	}
	require.NoError(t, s.Err())
	return all
}

// The files of 'simulate keys' are what the other commands take, and the archive
// verifies with them.
func TestSimulateArchiveVerifiesWithItsKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stdout, _, code, err := simulate(t, "keys", "-o", filepath.Join(dir, "lab"))
	require.NoError(t, err)
	require.Zero(t, code)
	require.Len(t, strings.Fields(stdout), 3)
	keyFile := filepath.Join(dir, "lab", "lab-keys.pem")
	info, err := os.Stat(keyFile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	archive, truth := filepath.Join(dir, "archive.ndjson"), filepath.Join(dir, "truth.ndjson")
	stdout, stderr, code, err := simulate(t, "--app", "42", "--n", "150", "--seed", "3", "--networks", "example123.skadnetwork,com.example",
		"--versions", "3.0,4.0,aak", "--from", "2026-11-02", "--to", "2026-11-05", "--key", keyFile, "-o", archive, "--truth", truth)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Empty(t, stderr)
	require.Regexp(t, `installs, window 0\s+150\n`, stdout)

	raw, err := os.ReadFile(filepath.Join(dir, "lab", "trusted_keys.yaml"))
	require.NoError(t, err)
	var file struct {
		TrustedKeys []struct{ Name, SPKI, KID, Environment string } `yaml:"trusted_keys"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &file))
	var trusted []skan.TrustedKey
	for _, k := range file.TrustedKeys {
		trusted = append(trusted, skan.TrustedKey{Name: k.Name, SPKI: k.SPKI, KID: k.KID, Environment: skan.Environment(k.Environment)})
	}
	keys, err := skan.AppleKeys().With(trusted...)
	require.NoError(t, err)
	verifier := skan.NewVerifier(keys)

	identities := map[skan.Identity]bool{}
	for _, line := range readLines[struct {
		ReceivedAt time.Time `json:"received_at"`
		Source     string
		Body       string
	}](t, archive) {
		require.Regexp(t, `^(developer|network|relay:.+)$`, line.Source)
		require.False(t, line.ReceivedAt.IsZero())
		result := verifier.Verify([]byte(line.Body))
		if result.Identity != nil {
			require.EqualValues(t, 42, result.Identity.AppID)
			identities[*result.Identity] = true
		}
	}
	truths := readLines[map[string]json.RawMessage](t, truth)
	require.Len(t, truths, len(identities))
	for _, line := range truths {
		for _, name := range []string{"identity", "tier", "true_value", "payer", "revenue", "installed_at", "lock"} {
			require.Contains(t, line, name)
		}
		var id skan.Identity
		require.NoError(t, json.Unmarshal(line["identity"], &id))
		require.Contains(t, identities, id)
	}

	_, _, code, err = simulate(t, "keys", "-o", filepath.Join(dir, "lab"))
	require.ErrorContains(t, err, "exists", "a key is never overwritten")
	require.Equal(t, 1, code)
}

func TestSimulateVerifyKeysFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, _, _, err := simulate(t, "keys", "-o", dir, "--seed", "5")
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(dir, "verify_keys.json"))
	require.NoError(t, err)
	var byName map[string]string
	require.NoError(t, json.Unmarshal(raw, &byName))
	var trusted []skan.TrustedKey
	for name, spki := range byName {
		trusted = append(trusted, skan.TrustedKey{Name: name, SPKI: spki, Environment: skan.Production})
	}
	keys, err := skan.AppleKeys().With(trusted...)
	require.NoError(t, err)

	stdout, stderr, _, err := simulate(t, "--n", "20", "--seed", "5", "-o", "-")
	require.NoError(t, err)
	require.Contains(t, stderr, "simulate keys --seed 5")
	require.Contains(t, stderr, "installs, window 0", "the summary keeps out of the archive")
	valid := 0
	for _, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		var l struct{ Body string }
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		if skan.NewVerifier(keys).Verify([]byte(l.Body)).Verdict == skan.Valid {
			valid++
		}
	}
	require.Greater(t, valid, 20)
}

func TestSimulatePostsAndComparesTheAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"accepted"}`)) // a receiver that never dedups
	}))
	defer server.Close()
	stdout, _, code, err := simulate(t, "--n", "30", "--versions", "4.0", "--url", server.URL)
	require.ErrorContains(t, err, "not those of the truth")
	require.Equal(t, 1, code)
	require.Regexp(t, `(?m)^accepted\s+200 accepted\s+\d+\s*$`, stdout)
	require.Regexp(t, `(?m)^duplicate\s+200 accepted\s+\d+\s+NOT as in the truth$`, stdout)

	server.Close()
	_, _, code, err = simulate(t, "--n", "30", "--versions", "4.0", "--url", server.URL)
	require.ErrorContains(t, err, "no answer from")
	require.NotContains(t, err.Error(), "\n")
	require.Equal(t, 1, code)
}

func TestSimulateUsage(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.pem")
	require.NoError(t, os.WriteFile(bad, []byte("no key"), 0o600))
	for want, args := range map[string]string{
		"--url, -o":                  "--n 5",
		"give one of them":           "-o - --url http://127.0.0.1",
		"--n: -1":                    "-o - --n -1",
		"--app: 0":                   "-o - --app 0",
		"--networks: none":           "-o - --networks 0",
		`--networks: "a_b"`:          "-o - --networks a_b",
		`--versions: "6.0"`:          "-o - --versions 6.0",
		`--from: "monday"`:           "-o - --from monday",
		`--to: "2026"`:               "-o - --to 2026",
		"--to: 2026-11-01T00:00:00Z": "-o - --to 2026-11-01",
		"--key: open":                "-o - --key " + bad + ".none",
		"--key: " + bad + ": key":    "-o - --key " + bad,
		"--truth: open":              "-o - --n 1 --truth " + bad + "/x",
		"-o: open":                   "-o " + bad + "/x",
		"keys: -o: name the folder":  "keys",
	} {
		_, _, code, err := simulate(t, strings.Fields(args)...)
		require.ErrorContains(t, err, want, args)
		require.Equal(t, 2, code, args)
	}
}
