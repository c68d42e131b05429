package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// filled is a template of one test's own that counts how often it was filled.
func filled(t *testing.T, times *atomic.Int32) Template {
	t.Helper()
	return Template{Name: "template_" + databaseName(), Fill: func(ctx context.Context, raw string) error {
		times.Add(1)
		db, err := sql.Open("postgres", raw)
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, "CREATE TABLE filled AS SELECT 7 AS n")
		return errors.Join(err, db.Close())
	}}
}

// forget drops a template at the end: it would outlive the tests on a server that does.
func (tpl Template) forget(t *testing.T) {
	t.Helper()
	server := testServer(t)
	t.Cleanup(func() {
		require.NoError(t, execute(server, "ALTER DATABASE "+tpl.Name+" IS_TEMPLATE false"))
		require.NoError(t, execute(server, "DROP DATABASE "+tpl.Name))
	})
}

func TestTemplateIsFilledOnce(t *testing.T) {
	t.Parallel()
	var times atomic.Int32
	tpl := filled(t, &times)
	tpl.forget(t)
	copies := make([]string, 4)
	var all sync.WaitGroup
	for i := range copies {
		all.Go(func() {
			if i%2 == 0 {
				copies[i] = tpl.URL(t)
				return
			}
			// As another process would, which knows nothing of this one.
			if err := tpl.build(testServer(t)); err != nil {
				t.Error(err)
			}
			copies[i] = create(t, testServer(t), tpl.Name)
		})
	}
	all.Wait()
	require.EqualValues(t, 1, times.Load())
	for i, raw := range copies {
		db := open(t, raw)
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT sum(n) FROM filled").Scan(&n))
		require.Equal(t, 7, n, "copies are apart: %d", i)
		_, err := db.ExecContext(t.Context(), "UPDATE filled SET n = 8")
		require.NoError(t, err)
	}
}

// TestTemplateLeftHalfFilled: who was killed while filling leaves a database that is
// not marked; the next one begins anew.
func TestTemplateLeftHalfFilled(t *testing.T) {
	t.Parallel()
	var times atomic.Int32
	tpl := filled(t, &times)
	server := testServer(t)
	require.NoError(t, createDatabase(server, tpl.Name, ""))
	half := *server
	half.Path = "/" + tpl.Name
	_, err := open(t, half.String()).ExecContext(t.Context(), "CREATE TABLE filled (n int)") // stays connected
	require.NoError(t, err)
	tpl.forget(t)
	var n int
	require.NoError(t, open(t, tpl.URL(t)).QueryRowContext(t.Context(), "SELECT n FROM filled").Scan(&n))
	require.Equal(t, 7, n)
	require.Error(t, ping(t, half), "none connects to a template")
}

func TestTemplateThatCannotBeFilled(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	fails.Store(true)
	tpl := Template{Name: "template_" + databaseName(), Fill: func(context.Context, string) error {
		if fails.Load() {
			return errors.New("syntax error in 0001")
		}
		return nil
	}}
	require.ErrorContains(t, tpl.build(testServer(t)), "syntax error in 0001")
	fails.Store(false)
	tpl.forget(t)
	tpl.URL(t)
}

func ping(t *testing.T, u url.URL) error {
	t.Helper()
	return execute(&u, "SELECT 1")
}
