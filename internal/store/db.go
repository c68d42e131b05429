// Package store owns all SQL: the main store with raw rows, and the published
// store that readers see, on SQLite or PostgreSQL. Exported methods own their
// transaction; unexported functions are handed one. It refuses decisions: what a
// copy is, how a window is cut and where a conversion goes is decided by pure
// functions of the domain packages that it calls inside its transactions.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"  // the PostgreSQL driver
	_ "modernc.org/sqlite" // the SQLite driver, pure Go
)

// dialect names a database and the folder of its migrations.
type dialect string

const (
	sqlite   dialect = "sqlite"
	postgres dialect = "postgres"
)

func init() { sqlx.BindDriver(string(sqlite), sqlx.QUESTION) }

// db is one database: one writer connection on SQLite beside a pool of readers;
// on PostgreSQL both are the same pool.
type db struct {
	dialect  dialect
	w, r     *sqlx.DB
	prepared prepared
	looks    *looks // PostgreSQL only
}

// tx is a transaction that knows its dialect.
type tx struct {
	*sqlx.Tx
	dialect  dialect
	prepared *prepared
}

// selecter is what reads rows: a transaction, or a pool outside of one.
type selecter interface {
	SelectContext(ctx context.Context, into any, text string, args ...any) error
	Rebind(text string) string
}

// q rebinds a text with ? marks for the database at hand.
func (d *db) q(text string) string { return d.w.Rebind(text) }
func (t *tx) q(text string) string { return t.Rebind(text) }

// forUpdate locks the rows of a SELECT; SQLite has one writer and needs none.
func (t *tx) forUpdate() string {
	if t.dialect == postgres {
		return " FOR UPDATE"
	}
	return ""
}

// in runs f in one transaction on the writer and commits when f returns nil.
func (d *db) in(ctx context.Context, f func(*tx) error) error {
	raw, err := d.w.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	t := &tx{Tx: raw, dialect: d.dialect, prepared: &d.prepared}
	if err := f(t); err != nil {
		return errors.Join(err, ignoreDone(raw.Rollback()))
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	d.prepared.learn(ctx, d.w)
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (d *db) close() error {
	d.prepared.close()
	if err := d.looks.close(); err != nil {
		return errors.Join(err, d.w.Close())
	}
	if d.r == d.w {
		return d.w.Close()
	}
	return errors.Join(d.r.Close(), d.w.Close())
}

// openDB opens location, which is "sqlite:DIR" (the file name inside DIR is
// given) or a postgres:// URL. It makes DIR, never a PostgreSQL database.
func openDB(ctx context.Context, location, file string) (*db, error) {
	if dir, ok := strings.CutPrefix(location, "sqlite:"); ok {
		return openSQLite(ctx, dir, file)
	}
	if !strings.HasPrefix(location, "postgres://") && !strings.HasPrefix(location, "postgresql://") {
		return nil, fmt.Errorf("open database: want sqlite:DIR or postgres://…, got %q", redact(location))
	}
	if _, err := parseURL(location); err != nil {
		return nil, err
	}
	pool, err := sqlx.Open(string(postgres), location)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", redact(location), err)
	}
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach %s: %w", redact(location), err), pool.Close())
	}
	looks, err := openLooks(location)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &db{dialect: postgres, w: pool, r: pool, looks: looks}, nil
}

func openSQLite(ctx context.Context, dir, file string) (*db, error) {
	if dir == "" {
		return nil, errors.New("open database: sqlite: needs a folder, as in sqlite:./skand-data")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, file)
	// synchronous FULL: what was committed survives a power cut, which is what a 200 means.
	// secure_delete: what is erased is overwritten, not only let go of.
	v := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)",
	}}
	w, err := sqlx.Open(string(sqlite), "file:"+path+"?"+v.Encode())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), w.Close())
	}
	v = url.Values{"_pragma": {"busy_timeout(10000)", "query_only(1)"}}
	r, err := sqlx.Open(string(sqlite), "file:"+path+"?"+v.Encode())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), w.Close())
	}
	r.SetMaxOpenConns(4)
	return &db{dialect: sqlite, w: w, r: r}, nil
}

// parseURL never repeats a URL that it can't read: there may be a password in it.
func parseURL(location string) (*url.URL, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, errors.New("open database: the URL is not parsable; escape what is special in user and password, as in %40 for @")
	}
	return u, nil
}

// redact hides the password of a database URL in messages.
func redact(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "the database URL (not parsable)"
	}
	return u.Redacted()
}
