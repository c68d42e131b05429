package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/internal/store"
)

// diagnose runs `skand doctor --json` and indexes what it found by check and where.
func diagnose(t *testing.T, code int, args ...string) map[string]finding {
	t.Helper()
	var out, errs bytes.Buffer
	require.Equal(t, code, realMain(t.Context(), append([]string{"doctor", "--json"}, args...), nil, &out, &errs), "%s%s", &out, &errs)
	return indexed(t, out.Bytes())
}

func indexed(t *testing.T, out []byte) map[string]finding {
	t.Helper()
	var answer struct {
		Result string    `json:"result"`
		Checks []finding `json:"checks"`
	}
	require.NoError(t, json.Unmarshal(out, &answer))
	by := map[string]finding{}
	for _, f := range answer.Checks {
		require.Contains(t, []string{levelOK, levelWarn, levelFail}, f.Level)
		if f.Level != levelOK {
			require.NotEmpty(t, f.Todo, "%+v", f)
		}
		by[f.Check+" "+f.Where] = f
	}
	return by
}

func TestDoctorChangesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	var out bytes.Buffer
	require.Zero(t, realMain(t.Context(), []string{"doctor", "--db", "sqlite:" + dir}, nil, &out, &out), out.String())
	for line := range strings.Lines(out.String()) {
		require.Regexp(t, `^(ok  |warn|fail)  [a-z]+ +\S`, line)
	}
	require.Contains(t, out.String(), "apple-cas-identifier/0: Apple's, kid apple-cas-identifier/0, P-256, production, signs AdAttributionKit; sha256:")
	require.Contains(t, out.String(), "apple-p192: Apple's, P-192, production, signs SKAdNetwork 1.0 and 2.0; sha256:")
	require.Contains(t, out.String(), "is not there yet")
	require.Contains(t, out.String(), "--endpoint")
	_, err := os.Stat(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestDoctorUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"extra"}, {"--nonsense"}, {"--endpoint", "http://a.example"}, {"--endpoint", "https://a.example/postbacks"}, {"--endpoint", "a.example"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, realMain(t.Context(), append([]string{"doctor"}, args...), nil, &out, &errs), args)
		require.Empty(t, out.String())
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
	}
}

func TestDoctorNamesWrongConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "skand.yaml")
	require.NoError(t, os.WriteFile(path, []byte("skadnetwork_p192: sometimes\n"), 0o600))
	f := diagnose(t, 1, "--config", path)["config skand.yaml, SKAND_… and flags"]
	require.Equal(t, levelFail, f.Level)
	require.Contains(t, f.Found, "skadnetwork_p192: want on or off")
}

// TestDoctorOnALab: keys, the moved clock and the switch for 1.0 and 2.0 are shown.
func TestDoctorOnALab(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "data")
	madeLab(t, db, 25*time.Hour)
	applyKeys(t, db, filepath.Join(dir, "keys.yaml"), "")
	path := filepath.Join(dir, "skand.yaml")
	require.NoError(t, os.WriteFile(path, []byte("skadnetwork_p192: off\n"), 0o600))

	by := diagnose(t, 0, "--config", path, "--db", db)
	require.Contains(t, by["clock the lab"].Found, "25h0m0s ahead")
	require.Equal(t, levelWarn, by["keys lab-p256"].Level, "a production key of one's own deserves a look")
	require.Contains(t, by["keys lab-p256"].Found, "yours, kid lab/0, P-256, production, signs SKAdNetwork 2.1 and later, AdAttributionKit")
	require.Equal(t, levelOK, by["keys lab-development"].Level)
	require.Contains(t, by["keys lab-p192"].Found, "signs nothing while skadnetwork_p192 is off")
	require.Contains(t, by["keys apple-p192"].Found, "signs nothing while skadnetwork_p192 is off")
	require.Equal(t, levelWarn, by["keys skadnetwork_p192"].Level)
	require.Contains(t, by["published "+filepath.Join(dir, "data", "published.db")].Found, "a file of its own")
}

// madeLab makes a lab's store, for production keys of one's own work nowhere else.
func madeLab(t *testing.T, db string, ahead time.Duration) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Main: db, Lab: store.Lab})
	require.NoError(t, err)
	require.NoError(t, s.SaveLabOffset(t.Context(), ahead))
	require.NoError(t, s.Close())
}

// applyKeys trusts the lab's keys, and allows more YAML in the same file.
func applyKeys(t *testing.T, db, path, more string) {
	t.Helper()
	a, err := apple.FromSeed(99)
	require.NoError(t, err)
	keys, err := a.TrustedKeysYAML()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(keys, more...), 0o600))
	var out bytes.Buffer
	require.Zero(t, realMain(t.Context(), []string{"apply", "-f", path, "--db", db}, nil, &out, &out), out.String())
}

func TestDoctorOnPostgreSQL(t *testing.T) {
	t.Parallel()
	main := pgtest.URL(t)
	s, err := store.Open(t.Context(), store.Options{Main: main})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	var clockFound bool
	for _, f := range diagnose(t, 0, "--db", main) {
		require.NotEqual(t, levelFail, f.Level, "%+v", f)
		clockFound = clockFound || f.Check == "clock" && strings.Contains(f.Found, "agrees with the database server's")
	}
	require.True(t, clockFound)

	failed := 0
	for _, f := range diagnose(t, 1, "--db", main, "--published", main+"&application_name=readers") {
		if f.Level == levelFail {
			failed++
			require.Equal(t, "published", f.Check)
		}
	}
	require.Positive(t, failed)

	for _, f := range diagnose(t, 1, "--db", "postgres://someone:secret@127.0.0.1:1/skand") {
		require.NotContains(t, f.Where+f.Found, "secret")
	}
}

func TestDoctorTriesTheEndpoint(t *testing.T) {
	t.Parallel()
	health := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/healthz" {
			t.Errorf("doctor sent %s %s", r.Method, r.URL)
		}
		writeTo(w, `{"status":"ok"}`)
	}))
	defer health.Close()
	moved := httptest.NewTLSServer(http.RedirectHandler("https://elsewhere.example/healthz", http.StatusMovedPermanently))
	defer moved.Close()
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeTo(w, "hello") }))
	defer other.Close()

	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "data")
	f := diagnose(t, 1, "--db", db, "--endpoint", health.URL)["endpoint "+health.URL+"/healthz"]
	require.Contains(t, f.Found, "loopback")
	require.Contains(t, f.Todo, "Apple reaches public addresses only")

	madeLab(t, db, 0)
	applyKeys(t, db, filepath.Join(dir, "keys.yaml"), "forward: {allow_private_cidrs: [\"127.0.0.0/8\"]}\n")
	f = diagnose(t, 1, "--db", db, "--endpoint", health.URL)["endpoint "+health.URL+"/healthz"]
	require.Contains(t, f.Todo, "public authority")

	// A process of its own, for the roots are read once.
	roots := filepath.Join(dir, "roots.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: health.Certificate().Raw})
	require.NoError(t, os.WriteFile(roots, block, 0o600))
	try := func(endpoint string) map[string]finding {
		cmd := skandCommand("doctor", "--json", "--db", db, "--endpoint", endpoint)
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+roots)
		out, _ := cmd.Output() // exit 1 is one of the answers
		return indexed(t, out)
	}
	by := try(health.URL)
	require.Equal(t, levelOK, by["endpoint "+health.URL+"/healthz"].Level)
	require.Contains(t, by["endpoint "+health.URL].Found, "TLS 1.3, certificate for example.com")
	require.Contains(t, try(moved.URL)["endpoint "+moved.URL+"/healthz"].Todo, "no redirect")
	require.Contains(t, try(other.URL)["endpoint "+other.URL+"/healthz"].Found, "not as skand does")
}

func writeTo(w http.ResponseWriter, s string) {
	_, _ = w.Write([]byte(s)) // the asker looks at what it got
}

func TestDoctorLooksAtTheClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{at.Add(time.Second), levelOK}, {at.Add(-time.Minute), levelWarn}, {at.Add(time.Hour), levelFail}, {time.Unix(0, 0), levelFail},
	} {
		d := &doctor{now: clock.NewManual(c.now).Now}
		d.clock(&store.Examination{ServerTime: at})
		require.Equal(t, c.want, d.worst(), c.now)
	}
}
