package store

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

// TestBIPage: the questions of docs/bi.md are answered by both databases, to whom the
// page is for.
func TestBIPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "bi.md"))
	require.NoError(t, err)
	questions := sqlBlock.FindAllSubmatch(page, -1)
	require.GreaterOrEqual(t, len(questions), 5)
	ask := func(t *testing.T, d *sqlx.DB) {
		for _, q := range questions {
			require.Positive(t, count(t, d, `SELECT COUNT(*) FROM (`+string(q[1])+`) AS answer`), "no answer to %s", q[1])
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		runOn(t, "sqlite:"+dir, "sqlite:"+dir, func(t *testing.T, s *Store, now *clock.Movable) {
			in := newInbox(t, s, now)
			in.campaigns(1, 2)
			in.modelAll()
			d, err := sqlx.Open(string(sqlite), "file:"+filepath.Join(dir, "published.db")+"?mode=ro")
			require.NoError(t, err)
			defer func() { require.NoError(t, d.Close()) }()
			ask(t, d)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		onGranting(t, func(t *testing.T, g granting) {
			g.campaigns(1, 2)
			g.modelAll()
			g.grant()
			ask(t, g.as(g.published, g.readers.Login))
		})
	})
}
