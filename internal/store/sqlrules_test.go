package store

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// largeTables are those that a cluster would be distributed by app.
var largeTables = []string{
	"postback", "postback_identity", "counted_postback", "click", "install", "event", "outbox", "delivery_attempt", "release_ledger",
}

var (
	tableText  = regexp.MustCompile(`(?s)CREATE TABLE ([a-z_.]+) \((.*?)\n\)[A-Z a-z_()]*;`)
	columnText = regexp.MustCompile(`(?m)^    ([a-z][a-z_0-9]*) +([A-Z]+)([^\n]*)`)
	keyText    = regexp.MustCompile(`(PRIMARY KEY|UNIQUE) \(([^)]*)\)`)
	columnKey  = regexp.MustCompile(`(?m)^    ([a-z_]+) [^\n]*(PRIMARY KEY|UNIQUE)`)
	alterText  = regexp.MustCompile(`ALTER TABLE ([a-z_.]+) ADD (?:COLUMN ([a-z_0-9]+) ([A-Z]+)|(PRIMARY KEY) \(([^)]*)\))`)
	comment    = regexp.MustCompile(`(?m)--[^\n]*`)
	timeName   = regexp.MustCompile(`(_at|_until|_seen|^window_(start|end)|^(effective|install)_(from|to|point))$`)
)

type tableRule struct {
	columns map[string]string // name to type
	keys    [][]string
}

// readMigrations is what the migrations of a set make, and their text.
func readMigrations(t *testing.T, set string) (map[string]tableRule, string) {
	t.Helper()
	files, err := fs.Glob(migrations, path.Join("migrations", set, "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all strings.Builder
	for _, f := range files {
		b, err := migrations.ReadFile(f)
		require.NoError(t, err)
		all.Write(b)
	}
	text := comment.ReplaceAllString(all.String(), "")
	tables := map[string]tableRule{} // of two with one name the later: the first made room for it
	made := tableText.FindAllStringSubmatchIndex(text, -1)
	for i, at := range made {
		m := []string{"", text[at[2]:at[3]], text[at[4]:at[5]]}
		rule := tableRule{columns: map[string]string{}}
		for _, c := range columnText.FindAllStringSubmatch(m[2], -1) {
			rule.columns[c[1]] = c[2]
		}
		for _, k := range keyText.FindAllStringSubmatch(m[2], -1) {
			rule.keys = append(rule.keys, strings.Split(k[2], ", "))
		}
		for _, k := range columnKey.FindAllStringSubmatch(m[2], -1) {
			rule.keys = append(rule.keys, []string{k[1]})
		}
		tables[strings.TrimPrefix(m[1], "bi.")] = rule
		until := len(text)
		if i+1 < len(made) {
			until = made[i+1][0]
		}
		alterTables(tables, text[at[1]:until])
	}
	require.Len(t, made, strings.Count(text, "CREATE TABLE")-strings.Count(text, " PARTITION OF "), "every CREATE TABLE is understood")
	return tables, text
}

// alterTables changes what earlier statements made.
func alterTables(tables map[string]tableRule, text string) {
	for _, m := range alterText.FindAllStringSubmatch(text, -1) {
		name, column, kind, key := strings.TrimPrefix(m[1], "bi."), m[2], m[3], m[5]
		rule, ok := tables[name]
		switch {
		case !ok: // another name of a table that made room
		case column != "":
			rule.columns[column] = kind
		default:
			rule.keys[0] = strings.Split(key, ", ") // each table names its primary key first
			tables[name] = rule
		}
	}
}

func TestMigrationsKeepTheRules(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"sqlite", "postgres"} {
		tables, text := readMigrations(t, set)
		for _, name := range largeTables {
			rule, ok := tables[name]
			require.True(t, ok, name)
			require.NotEmpty(t, rule.keys, "%s has a primary key", name)
			for _, key := range rule.keys {
				require.Contains(t, key, "app_id", "every key of %s holds app_id", name)
			}
		}
		require.Equal(t, [][]string{{"app_id", "environment", "first_seen", "identity"}}, tables["counted_postback"].keys,
			"in the order of time: the seal marks each row, and by a hash alone every mark would be on another page")
		require.NotContains(t, text, "CREATE UNIQUE INDEX", "say UNIQUE in the table, where this test looks")
		for name, rule := range tables {
			for column, kind := range rule.columns {
				if timeName.MatchString(column) {
					require.Contains(t, []string{"INTEGER", "BIGINT"}, kind, "%s: %s.%s is integer milliseconds", set, name, column)
				}
				require.NotContains(t, []string{"TIMESTAMP", "TIMESTAMPTZ", "DATE", "REAL", "DOUBLE", "FLOAT"}, kind, "%s.%s", name, column)
				if set == "postgres" && timeName.MatchString(column) {
					require.Equal(t, "BIGINT", kind, "%s.%s: 32 bits hold 24 days of milliseconds", name, column)
				}
			}
		}
	}
}

func TestMigrationsOfBothDatabasesAgree(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "published_"} {
		lite, _ := readMigrations(t, prefix+"sqlite")
		post, _ := readMigrations(t, prefix+"postgres")
		require.Equal(t, slices.Sorted(maps.Keys(lite)), slices.Sorted(maps.Keys(post)))
		for name := range lite {
			require.Equal(t, slices.Sorted(maps.Keys(lite[name].columns)), slices.Sorted(maps.Keys(post[name].columns)), name)
			require.Equal(t, lite[name].keys, post[name].keys, name)
		}
	}
	files := func(set string) (names []string) {
		entries, err := fs.ReadDir(migrations, "migrations/"+set)
		require.NoError(t, err)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	require.Equal(t, files("sqlite"), files("postgres"))
	require.Equal(t, files("published_sqlite"), files("published_postgres"))
}

func TestMigrationsUseNothingThatHides(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"sqlite", "postgres", "published_sqlite", "published_postgres"} {
		_, text := readMigrations(t, set)
		for _, word := range []string{"TRIGGER", "GROUPING SETS", "CUBE", "BY ROLLUP", "WITH ROLLUP", "CREATE FUNCTION", "-- +goose Down"} {
			require.NotContains(t, strings.ToUpper(text), word, set)
		}
	}
}

// TestPublishedTablesAreTheContract: the columns that readers hold on to.
func TestPublishedTablesAreTheContract(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"published_sqlite", "published_postgres"} {
		tables, _ := readMigrations(t, set)
		want := CohortColumns()
		slices.Sort(want)
		require.Equal(t, want, slices.Sorted(maps.Keys(tables["cohort"].columns)))
		for _, column := range []string{
			"release_id", "app_id", "dataset", "kind", "window_start", "window_end", "k", "b", "schema_versions", "model_version", "sealed_at", "lab",
		} {
			require.Contains(t, tables["release"].columns, column)
		}
		for _, secret := range []string{"digest", "carried", "installs", "payload"} {
			require.NotContains(t, tables["release"].columns, secret, "for operators only")
		}
	}
}
