package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/pgtest"
)

// Tests that are not about migrations begin with a copy of a store that has them
// behind it: they are the greater part of opening a new one.

// migratedSQLite gives the folder of a store, migrated and empty.
func migratedSQLite(t testing.TB) string {
	t.Helper()
	files, err := sqliteTemplate()
	require.NoError(t, err)
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return "sqlite:" + dir
}

var sqliteTemplate = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "skand-template-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files = map[string][]byte{}
	for file, set := range map[string]string{"skand.db": "sqlite", "published.db": "published_sqlite"} {
		if err := migrateAt(context.Background(), "sqlite:"+dir, file, set); err != nil {
			return nil, err
		}
		if files[file], err = os.ReadFile(filepath.Join(dir, file)); err != nil {
			return nil, err
		}
	}
	return files, nil
})

// migratedPostgres gives the locations of a main and a published store.
func migratedPostgres(t testing.TB) (main, published string) {
	t.Helper()
	urls := make([]string, 2)
	for i, set := range []string{"postgres", "published_postgres"} {
		sum, err := hashMigrations(set)
		require.NoError(t, err)
		urls[i] = pgtest.Template{
			// Another set of migrations is another template, on a server that lives on as well.
			Name: "skand_" + set + "_" + sum,
			Fill: func(ctx context.Context, url string) error { return migrateAt(ctx, url, "", set) },
		}.URL(t)
	}
	return urls[0], urls[1]
}

func migrateAt(ctx context.Context, location, file, set string) error {
	d, err := openDB(ctx, location, file)
	if err != nil {
		return err
	}
	_, err = migrate(ctx, d, set)
	return errors.Join(err, d.close()) // which also brings SQLite's log into its file
}

func hashMigrations(set string) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations, "migrations/"+set, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(migrations, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d %s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

// TestTemplatesAreMigratedStores: what tests begin with has nothing left to migrate,
// and holds what a store has that was opened without.
func TestTemplatesAreMigratedStores(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]struct {
		copied func(t testing.TB) (main, published string)
		fresh  func(t testing.TB) string
		tables string
	}{
		"sqlite": {
			func(t testing.TB) (string, string) { dir := migratedSQLite(t); return dir, dir },
			func(t testing.TB) string { return "sqlite:" + t.TempDir() },
			`SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql`,
		},
		"postgres": {
			migratedPostgres, pgtest.URL,
			`SELECT table_schema || '.' || table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
				WHERE table_schema IN ('public', 'bi') ORDER BY 1`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			main, published := place.copied(t)
			d, err := openDB(t.Context(), main, "skand.db")
			require.NoError(t, err)
			done, err := migrate(t.Context(), d, string(d.dialect))
			require.NoError(t, err)
			require.Empty(t, done)
			require.NoError(t, d.close())
			one, err := Open(t.Context(), Options{Main: main, Published: published})
			require.NoError(t, err)
			other, err := Open(t.Context(), Options{Main: place.fresh(t), Published: place.fresh(t)})
			require.NoError(t, err)
			require.Equal(t, dump(t, other.main, place.tables), dump(t, one.main, place.tables))
			require.Equal(t, dump(t, other.pub, place.tables), dump(t, one.pub, place.tables))
			require.NotEmpty(t, dump(t, one.pub, place.tables))
			require.NoError(t, errors.Join(one.Close(), other.Close()))
		})
	}
}
