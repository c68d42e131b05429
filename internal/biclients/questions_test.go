package biclients

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// answer is what publish sent, added up by hand: week, network, installs, payers, rows
// that withhold payers, revenue, currency. In two weeks a network had fewer than k, so
// that all are one row; in the other, two campaigns withhold what fewer than b did.
var answer = []string{
	"2026-11-02||41|18|0|161.12|USD",
	"2026-11-09|alpha.skadnetwork|27|6|1|60.345|USD",
	"2026-11-09|beta.skadnetwork|11||1||USD",
	"2026-11-09|gamma.skadnetwork|13|0|0|0|USD",
	"2026-11-16||43|16|0|141.005|USD",
}

// TestClientsOfPostgreSQL: each of them answers the documented question as the BI role,
// and all of them as /v1/cohorts does.
func TestClientsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	sql := documentedSQL(t, question)
	l, s := onPostgres(t)
	require.Equal(t, answer, overHTTP(t, s))

	t.Run("psql", func(t *testing.T) {
		t.Parallel()
		psql := need(t, "psql", "apt-get install postgresql-client")
		url := l.connection(documentedConnection(t, "(?m)^\\| psql \\| `psql \"(.*)\"` \\|$"), strings.ReplaceAll(password, " ", "%20"))
		ask := func(sql string) string {
			return run(t, exec.CommandContext(t.Context(), psql, "-X", "--csv", "-t", "-v", "ON_ERROR_STOP=1", url), sql+";\n")
		}
		require.Equal(t, answer, parseCSV(t, ask(sql), ','))
		require.Equal(t, l.name+"\n", ask("SELECT current_user"), "as the BI role, not as the superuser of the tests")
	})

	t.Run("odbc", func(t *testing.T) {
		t.Parallel()
		isql := need(t, "isql", "apt-get install unixodbc odbc-postgresql")
		needODBCDriver(t)
		connection := l.connection(documentedConnection(t, "(?m)^\\| ODBC \\| `(.*)` \\|$"), password)
		// isql takes a line as a statement; -b is batch, -d sets the delimiter, -q quotes text.
		c := exec.CommandContext(t.Context(), isql, "-k", connection, "-b", "-d,", "-q")
		require.Equal(t, answer, parseCSV(t, run(t, c, strings.Join(strings.Fields(sql), " ")+"\n"), ','))
	})

	t.Run("evidence", func(t *testing.T) {
		t.Parallel()
		node := need(t, "node", "https://nodejs.org, or apt-get install nodejs")
		folder := os.Getenv(envEvidence)
		if folder == "" {
			missing(t, envEvidence+" names no folder where `npm ci` has put .ci/biclients: run .ci/run")
		}
		port, err := strconv.Atoi(l.main.Port())
		require.NoError(t, err)
		input, err := json.Marshal(map[string]any{"sql": sql, "options": map[string]any{
			"host": l.main.Hostname(), "port": port, "database": strings.TrimPrefix(l.published.Path, "/"),
			"user": l.name, "password": password, "schema": "bi",
		}})
		require.NoError(t, err)
		c := exec.CommandContext(t.Context(), node, "testdata/evidence.cjs", folder)
		c.Env = append(os.Environ(), "TZ=UTC")
		require.Equal(t, answer, jsonLines(t, run(t, c, string(input))))
	})
}

// TestSqlite3AnswersTheSame asks the file of the published store, of the same traffic.
func TestSqlite3AnswersTheSame(t *testing.T) {
	t.Parallel()
	shell := need(t, "sqlite3", "apt-get install sqlite3")
	dir := t.TempDir()
	s, now := openStore(t, "sqlite:"+dir)
	publish(t, s, now)
	require.Equal(t, answer, overHTTP(t, s))
	file := documentedConnection(t, "(?m)^\\| sqlite3 \\| `sqlite3 \"(.*)\"` \\|$")
	file = strings.ReplaceAll(file, "skand-data", dir)
	c := exec.CommandContext(t.Context(), shell, "-batch", "-csv", file)
	require.Equal(t, answer, parseCSV(t, run(t, c, documentedSQL(t, question)+";\n"), ','))
}

// TestEveryQuestionCanBeAsked: what docs/bi.md asks of both databases is SQL on both.
func TestEveryQuestionCanBeAsked(t *testing.T) {
	t.Parallel()
	var asked []string
	for _, part := range strings.Split(documented(t), "\n```sql\n")[1:] {
		sql, _, _ := strings.Cut(part, "\n```")
		asked = append(asked, sql)
	}
	require.GreaterOrEqual(t, len(asked), 5)
	t.Run("psql", func(t *testing.T) {
		t.Parallel()
		l, _ := onPostgres(t)
		psql := need(t, "psql", "apt-get install postgresql-client")
		url := l.connection(documentedConnection(t, "(?m)^\\| psql \\| `psql \"(.*)\"` \\|$"), strings.ReplaceAll(password, " ", "%20"))
		for _, sql := range asked {
			c := exec.CommandContext(t.Context(), psql, "-X", "--csv", "-t", "-v", "ON_ERROR_STOP=1", url)
			require.NotEmpty(t, run(t, c, sql+";\n"), sql)
		}
	})
	t.Run("sqlite3", func(t *testing.T) {
		t.Parallel()
		shell := need(t, "sqlite3", "apt-get install sqlite3")
		dir := t.TempDir()
		s, now := openStore(t, "sqlite:"+dir)
		publish(t, s, now)
		for _, sql := range asked {
			c := exec.CommandContext(t.Context(), shell, "-batch", "-csv", "file:"+dir+"/published.db?mode=ro")
			require.NotEmpty(t, run(t, c, sql+";\n"), sql)
		}
	})
}

// needODBCDriver leaves the test out where no driver bears the documented name.
func needODBCDriver(t *testing.T) {
	t.Helper()
	odbcinst := need(t, "odbcinst", "apt-get install unixodbc odbc-postgresql")
	out, err := exec.CommandContext(t.Context(), odbcinst, "-q", "-d", "-n", "PostgreSQL Unicode").CombinedOutput()
	if err != nil {
		missing(t, "no ODBC driver is called PostgreSQL Unicode ("+strings.TrimSpace(string(out))+"): apt-get install odbc-postgresql")
	}
}

// jsonLines are rows, an array of JSON a line.
func jsonLines(t *testing.T, text string) []string {
	t.Helper()
	var table [][]string
	for line := range strings.Lines(text) {
		var row []any
		dec := json.NewDecoder(strings.NewReader(line))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&row), line)
		cells := make([]string, len(row))
		for i, v := range row {
			if v != nil {
				cells[i] = fmt.Sprint(v)
			}
		}
		table = append(table, cells)
	}
	return cells(table)
}
