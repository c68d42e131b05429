// Package pgtest owns the real PostgreSQL that tests run on: one throwaway
// cluster per test process (or the one that .ci/with-postgres shares), and in it
// a fresh database for each test that asks.
//
// It refuses to pretend: where PostgreSQL is missing a test fails with the
// remedy, unless SKAND_TEST_NO_POSTGRES=1 says that this is wanted.
package pgtest

import (
	"context"
	"database/sql"
	"encoding/hex"
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
)

// URL returns the postgres:// URL of a fresh, empty database which is dropped
// when the test ends, together with a database of the same name and
// "_published" beside it. The user is a superuser.
func URL(t testing.TB) string {
	t.Helper()
	if os.Getenv(envNone) == "1" {
		t.Skipf("%s=1: tests on PostgreSQL are left out", envNone)
	}
	server, err := serverURL()
	if err != nil {
		t.Fatalf("tests need a PostgreSQL server: %v\nrun them through `make test`, "+
			"or set %s to a superuser URL, or %s=1 to leave them out", err, envServer, envNone)
	}
	name := databaseName()
	if err := execute(server, "CREATE DATABASE "+pq.QuoteIdentifier(name)); err != nil {
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
