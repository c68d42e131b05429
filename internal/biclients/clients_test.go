package biclients

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/pgtest"
	"skand/internal/store"
	"skand/internal/web"
)

// The environment variables of these tests.
const (
	envAll      = "SKAND_TEST_BICLIENTS" // "all": none may be missing
	envEvidence = "SKAND_TEST_EVIDENCE"  // a folder with @evidence-dev/postgres in node_modules
)

const password = "correct horse battery staple"

// need leaves a test out where a program is missing, and says which.
func need(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program+" is not installed: "+install)
	}
	return path
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv(envAll) == "all" {
		require.Fail(t, why)
	}
	t.Skip(why)
}

// run gives a program its input and returns what it prints.
func run(t *testing.T, c *exec.Cmd, input string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &complaints
	err := c.Run()
	require.NoError(t, err, "%s: %s%s", c.Path, complaints.String(), out.String())
	require.Empty(t, complaints.String())
	return out.String()
}

// cells are the cells of a table that a client printed, in one writing: days without a
// time of day, numbers without zeros at their end.
func cells(table [][]string) []string {
	lines := make([]string, len(table))
	for i, row := range table {
		for j, c := range row {
			c, _, _ = strings.Cut(c, "T00:00:00Z")
			if d, err := decimal.NewFromString(c); err == nil {
				c = d.String()
			}
			row[j] = c
		}
		lines[i] = strings.Join(row, "|")
	}
	return lines
}

func parseCSV(t *testing.T, text string, comma rune) []string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = comma
	table, err := r.ReadAll()
	require.NoError(t, err, text)
	return cells(table)
}

// login is a role of the BI group on a published database with real rows.
type login struct {
	name, role      string
	main, published *url.URL // as a superuser
}

// onPostgres publishes into a fresh database and makes a login for BI tools.
func onPostgres(t *testing.T) (login, *store.Store) {
	t.Helper()
	psql := need(t, "psql", "apt-get install postgresql-client")
	main, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	published := *main
	published.Path += "_published"
	name := strings.TrimPrefix(main.Path, "/")
	l := login{"login_" + name, "bi_" + name, main, &published}
	s, now := openStore(t, main.String())
	publish(t, s, now)
	report, err := s.GrantReaders(t.Context(), store.Readers{Role: l.role, Login: l.name, Password: password})
	require.NoError(t, err)
	require.Contains(t, strings.Join(report.Done, "\n"), "made login "+l.name)
	t.Cleanup(func() { // roles belong to the server, which may outlive the test
		for _, on := range []*url.URL{l.published, l.main} {
			out, err := exec.Command(psql, "-X", "-q", on.String(), "-c", `DROP OWNED BY `+l.name+`, `+l.role).CombinedOutput()
			require.NoError(t, err, string(out))
		}
		out, err := exec.Command(psql, "-X", "-q", l.main.String(), "-c", `DROP ROLE `+l.name+`, `+l.role).CombinedOutput()
		require.NoError(t, err, string(out))
	})
	return l, s
}

// connection is a documented connection string with the names of this server. Its
// TLS is left away, as the throwaway server has none.
func (l login) connection(documented, password string) string {
	return strings.NewReplacer(
		"db.example:5432", l.main.Host, "Server=db.example", "Server="+l.main.Hostname(), "Port=5432", "Port="+l.main.Port(),
		"skand_published", strings.TrimPrefix(l.published.Path, "/"), "metabase", l.name, "PASSWORD", password,
		"sslmode=require", "sslmode=disable", "SSLmode=require", "SSLmode=disable",
	).Replace(documented)
}

// overHTTP is the same question to the API, in the columns of the answer in SQL.
func overHTTP(t *testing.T, s *store.Store) []string {
	t.Helper()
	admin := web.Admin{Reader: s, Auth: everybody{}}
	server := httptest.NewServer(admin.Handler())
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		server.URL+"/v1/cohorts?dataset=0.install.production&group=week,network&format=json", nil)
	require.NoError(t, err)
	resp, err := server.Client().Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.Equal(t, 200, resp.StatusCode)
	var page struct {
		Data []map[string]any `json:"data"`
		Next *string          `json:"next_cursor"`
	}
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	require.NoError(t, dec.Decode(&page))
	require.Nil(t, page.Next)
	table := make([][]string, len(page.Data))
	for i, row := range page.Data {
		for _, name := range []string{"week", "network_id", "installs", "payers", "payers_withheld_rows", "revenue_est", "currency"} {
			v, there := row[name]
			require.True(t, there, name)
			if v == nil {
				v = ""
			}
			table[i] = append(table[i], fmt.Sprint(v))
		}
	}
	lines := cells(table)
	slices.Sort(lines) // by week and network; its own order begins with the network
	return lines
}

// everybody may see what viewers see.
type everybody struct{}

func (everybody) Authenticate(context.Context, string) (auth.Principal, error) {
	return auth.Principal{Role: auth.Viewer}, nil
}
