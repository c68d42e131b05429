// Package pgtest owns the real PostgreSQL that tests run on: one throwaway
// cluster per test process (or the one that .ci/with-postgres shares), and in it
// a fresh database for each test that asks, empty or a copy of a template.
//
// It refuses to pretend: where PostgreSQL is missing a test fails with the
// remedy, unless SKAND_TEST_NO_POSTGRES=1 says that this is wanted.
package pgtest

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
)

// The environment variables that steer this package.
const (
	envServer = "SKAND_TEST_POSTGRES"    // superuser postgres:// URL of a running server
	envNone   = "SKAND_TEST_NO_POSTGRES" // "1": skip what needs PostgreSQL
	envFsync  = "SKAND_PG_FSYNC"         // "on": the cluster's files reach the disk, as benchmarks need
)

// URL returns the postgres:// URL of a fresh, empty database which is dropped
// when the test ends, together with a database of the same name and
// "_published" beside it. The user is a superuser.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, testServer(t), "")
}

func testServer(t testing.TB) *url.URL {
	t.Helper()
	if os.Getenv(envNone) == "1" {
		t.Skipf("%s=1: tests on PostgreSQL are left out", envNone)
	}
	server, err := serverURL()
	if err != nil {
		t.Fatalf("tests need a PostgreSQL server: %v\nrun them through `make test`, "+
			"or set %s to a superuser URL, or %s=1 to leave them out", err, envServer, envNone)
	}
	return server
}

// create makes a database for a test, a copy of template if one is named.
func create(t testing.TB, server *url.URL, template string) string {
	t.Helper()
	name := databaseName()
	if err := createDatabase(server, name, template); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		for _, n := range []string{name + "_published", name} {
			// FORCE: a test that kills its server leaves connections behind.
			err := execute(server, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(n)+" WITH (FORCE)")
			if err != nil {
				t.Errorf("drop test database: %v", err)
			}
		}
	})
	u := *server
	u.Path = "/" + name
	return u.String()
}

// createDatabase copies the files of the template ("": the server's own). The
// default since PostgreSQL 15 writes every page to the log instead, which is eight
// times slower where files need not reach the disk.
func createDatabase(server *url.URL, name, template string) error {
	text := "CREATE DATABASE " + pq.QuoteIdentifier(name)
	if template != "" {
		text += " TEMPLATE " + pq.QuoteIdentifier(template)
	}
	err := execute(server, text+" STRATEGY FILE_COPY")
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Code == "42601" { // syntax_error: before 15, which always copies
		return execute(server, text)
	}
	return err
}

func serverURL() (*url.URL, error) {
	raw := os.Getenv(envServer)
	if raw == "" {
		own, err := ownCluster()
		if err != nil {
			return nil, err
		}
		raw = own.url
	}
	u, err := url.Parse(raw)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return nil, fmt.Errorf("%s is not a postgres:// URL", envServer) // the URL holds a password
	}
	return u, nil
}

// databaseName is unique also among processes that share one server.
func databaseName() string {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return "t_" + hex.EncodeToString(b)
}

func execute(server *url.URL, statement string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", server.String())
	if err != nil {
		return err
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// Copy is URL with a copy of another test's database, to which nobody may be
// connected meanwhile.
func Copy(t testing.TB, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatalf("copy a test database: its URL is not readable") // the URL holds a password
	}
	return create(t, testServer(t), strings.TrimPrefix(u.Path, "/"))
}
