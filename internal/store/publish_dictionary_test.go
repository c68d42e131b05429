package store

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

var updateDocs = flag.Bool("update", false, "write docs/data-dictionary.md anew")

// publishedColumns are the columns that a database has, table by table.
func publishedColumns(t *testing.T, d *db) map[string][]string {
	t.Helper()
	text := `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite%' AND m.name <> 'goose_db_version' ORDER BY m.name, c.cid`
	if d.dialect == postgres {
		text = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'bi'
			ORDER BY table_name, ordinal_position`
	}
	out := map[string][]string{}
	for _, line := range dump(t, d, text) {
		table, column, _ := strings.Cut(line, "|")
		out[table] = append(out[table], column)
	}
	return out
}

func TestDictionaryHasEveryColumn(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		told := map[string][]string{}
		for _, d := range dictionary() {
			require.NotContains(t, told, d.name)
			require.NotEmpty(t, d.about, d.name)
			for _, c := range d.columns {
				told[d.name] = append(told[d.name], c.column)
				require.NotEmpty(t, c.meaning, "%s.%s", d.name, c.column)
				require.NotContains(t, c.meaning+c.unit+c.null, "|", "%s.%s: it would end the cell of the page", d.name, c.column)
			}
		}
		there := publishedColumns(t, s.pub)
		for table, columns := range there {
			if table == "release" || strings.HasPrefix(table, "cohort_by_") {
				slices.Sort(columns) // the page groups what belongs together
				slices.Sort(told[table])
			}
			require.Equal(t, columns, told[table], "data dictionary of %s", table)
		}
		require.Len(t, told, len(there), "nothing is told of that is not there")
	})
}

func TestDictionaryTellsWhereNullCanBe(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		text := `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND c."notnull" = 0 AND c.pk = 0 AND m.name NOT LIKE 'sqlite%' AND m.name <> 'goose_db_version'`
		if s.pub.dialect == postgres {
			text = `SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c JOIN information_schema.tables t
				ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
				WHERE c.table_schema = 'bi' AND c.is_nullable = 'YES'`
		}
		var said []string
		for _, d := range tablesDescribed {
			for _, c := range d.columns {
				if c.null != "" {
					said = append(said, d.name+"."+c.column)
				}
			}
		}
		require.ElementsMatch(t, dump(t, s.pub, text), said)
	})
}

func TestDictionaryIsPublished(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		s, err := reopen(t, o, AsIs)
		require.NoError(t, err)
		all := `SELECT table_name, column_name, position, meaning, COALESCE(unit, '-'), COALESCE(null_says, '-') FROM ` +
			s.pub.table("data_dictionary") + ` ORDER BY ` + s.pub.byBytes("table_name") + `, position`
		want := dump(t, s.pub, all)
		require.Len(t, want, len(dictionaryLines()))
		require.True(t, slices.ContainsFunc(want, func(line string) bool {
			return strings.HasPrefix(line, "cohort|payers|25|installs among `fine_installs` whose value includes revenue|installs|1 to b-1 paid")
		}))
		// Another version's text is replaced, and what it no longer tells is gone.
		for _, text := range []string{
			`UPDATE ` + s.pub.table("data_dictionary") + ` SET meaning = 'old' WHERE column_name = 'payers'`,
			`INSERT INTO ` + s.pub.table("data_dictionary") + ` VALUES ('gone', 'gone', 1, 'gone', NULL, NULL)`,
			`DELETE FROM ` + s.pub.table("data_dictionary") + ` WHERE table_name = 'release'`,
		} {
			_, err := s.pub.w.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		s, err = reopen(t, o, AsIs)
		require.NoError(t, err)
		require.Equal(t, want, dump(t, s.pub, all))
	})
}

// TestDictionaryPage: go test ./internal/store -run TestDictionaryPage -update writes it.
func TestDictionaryPage(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "data-dictionary.md")
	if *updateDocs {
		require.NoError(t, os.WriteFile(path, []byte(DictionaryMarkdown()), 0o644))
	}
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, DictionaryMarkdown(), string(page))
}
