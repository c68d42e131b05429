package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

// Template is a database that tests get copies of, so that what fills it is done
// once for a server and not once for a test.
type Template struct {
	Name string // a database name; another content must have another name, as by a hash of it
	Fill func(ctx context.Context, url string) error
}

// URL is URL with a copy of the template instead of an empty database.
func (tpl Template) URL(t testing.TB) string {
	t.Helper()
	server := testServer(t)
	if err := tpl.ensure(server); err != nil {
		t.Fatalf("template %s: %v", tpl.Name, err)
	}
	return create(t, server, tpl.Name)
}

// ensured is what this process knows of templates: a function for each server and
// name, which makes it when it is called first and tells what came of it after.
var ensured sync.Map

func (tpl Template) ensure(server *url.URL) error {
	once, _ := ensured.LoadOrStore(server.Host+"/"+tpl.Name, sync.OnceValue(func() error { return tpl.build(server) }))
	build, ok := once.(func() error)
	if !ok {
		panic("pgtest: the map of templates holds something else")
	}
	return build()
}

// build makes the template unless another process has: packages under test share a
// server. The lock is on the server's first database, and it goes with its
// connection in whatever way the process ends. A template counts when it is marked
// as one, which is the last step: what a killed process left half-filled is dropped.
func (tpl Template) build(server *url.URL) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", server.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", tpl.Name); err != nil {
		return fmt.Errorf("wait for who may be filling it: %w", err)
	}
	var there bool
	const marked = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)"
	if err := conn.QueryRowContext(ctx, marked, tpl.Name).Scan(&there); err != nil || there {
		return err
	}
	name := pq.QuoteIdentifier(tpl.Name)
	for _, text := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	u := *server
	u.Path = "/" + tpl.Name
	if err := tpl.Fill(ctx, u.String()); err != nil {
		return fmt.Errorf("fill it: %w", err)
	}
	// Without connections: one that is open would keep it from being copied.
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+name+" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
	return err
}
