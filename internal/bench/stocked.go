package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/lib/pq"  // the drivers of the stores
	_ "modernc.org/sqlite" // likewise

	"skand/internal/clock"
	"skand/internal/store"
)

// stocked is a store of which this program fills the tables itself: postbacks of
// months can't be sent in minutes. It is read and sealed as the program does it.
type stocked struct {
	*store.Store
	now             *clock.Movable
	kind            database
	place           string
	main, published *sql.DB
}

func (d *disk) stocked(ctx context.Context, name string, at time.Time) (*stocked, error) {
	place, err := d.place(ctx, name)
	if err != nil {
		return nil, err
	}
	s := &stocked{now: clock.NewManual(at), kind: d.kind, place: place}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if s.main, err = d.sql(place, "skand.db"); err == nil {
		s.published, err = d.sql(store.PublishedBeside(place), "published.db")
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stocked) open(ctx context.Context) (err error) {
	s.Store, err = store.Open(ctx, store.Options{Main: s.place, Lab: store.Lab, Clock: s.now})
	return err
}

func (d *disk) sql(place, file string) (*sql.DB, error) {
	if d.kind == postgres {
		return sql.Open("postgres", place)
	}
	dir := strings.TrimPrefix(place, "sqlite:")
	// Filling is no part of what is measured: it may be lost, and takes memory for speed.
	v := url.Values{"_pragma": {"busy_timeout(60000)", "synchronous(OFF)", "cache_size(-400000)"}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, file)+"?"+v.Encode())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (s *stocked) close() error {
	var errs []error
	for _, db := range []*sql.DB{s.main, s.published} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.Store != nil {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// settle does what a database does by itself when it is left alone for a while.
func (s *stocked) settle(ctx context.Context, db *sql.DB) error {
	text := []string{"ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"}
	if s.kind == postgres {
		text = []string{"VACUUM ANALYZE", "CHECKPOINT"}
	}
	for _, t := range text {
		if _, err := db.ExecContext(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return nil
}

// numbers are the n whole numbers from 0 as a table `name (name)`.
func numbers(name string, n int) string {
	return fmt.Sprintf(`%[1]s (%[1]s) AS (SELECT 0 UNION ALL SELECT %[1]s + 1 FROM %[1]s WHERE %[1]s < %[2]d)`, name, n-1)
}
