package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Look is a look into both stores that stays open, for a test that watches a program
// at work on them.
type Look struct {
	main, published *sql.DB
	schema          string // of published tables
}

// OpenLook opens the stores at main and published, which are written as --db is;
// published is "" for the file beside main.
func OpenLook(main, published string) (*Look, error) {
	l := &Look{schema: "bi."}
	if strings.HasPrefix(main, "sqlite:") {
		l.schema, published = "", main
	}
	var err error
	if l.main, err = openReading(main, "skand.db"); err != nil {
		return nil, err
	}
	if l.published, err = openReading(published, "published.db"); err != nil {
		return nil, errors.Join(err, l.main.Close())
	}
	return l, nil
}

func openReading(location, file string) (*sql.DB, error) {
	driver, name := "postgres", location
	if dir, ok := strings.CutPrefix(location, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+filepath.Join(dir, file)+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		return nil, fmt.Errorf("look into the store: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Close ends the look.
func (l *Look) Close() error { return errors.Join(l.main.Close(), l.published.Close()) }

// Sealing is how far sealing has come: windows in the ledger, and releases that are
// published. A window that is sealed moves the one first and then the other.
func (l *Look) Sealing(ctx context.Context) (ledger, published int, err error) {
	if err := l.main.QueryRowContext(ctx, `SELECT COUNT(*) FROM release_ledger`).Scan(&ledger); err != nil {
		return 0, 0, fmt.Errorf("look into the ledger: %w", err)
	}
	if err := l.published.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+l.schema+`release`).Scan(&published); err != nil {
		return 0, 0, fmt.Errorf("look at what is published: %w", err)
	}
	return ledger, published, nil
}

// Published is every row of every release, one line each, sorted; without the hour at
// which it was sealed, which no two runs have in common.
func (l *Look) Published(ctx context.Context) ([]string, error) {
	var lines []string
	for _, table := range []string{"release", "cohort", "cohort_value", "cohort_event", "cohort_remainder"} {
		of, err := rowsOf(ctx, l.published, l.schema+table, "sealed_at")
		if err != nil {
			return nil, err
		}
		for _, line := range of {
			lines = append(lines, table+"|"+line)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// Ledger is every line of the operators' ledger in the same form; what a release
// holds is read where it is published.
func (l *Look) Ledger(ctx context.Context) ([]string, error) {
	lines, err := rowsOf(ctx, l.main, "release_ledger", "sealed_at", "published_at", "release")
	slices.Sort(lines)
	return lines, err
}

func rowsOf(ctx context.Context, db *sql.DB, table string, without ...string) (lines []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT * FROM `+table)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", table, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", table, err)
	}
	cells, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("look into %s: %w", table, err)
		}
		var line strings.Builder
		for i, name := range names {
			if !slices.Contains(without, name) {
				fmt.Fprintf(&line, "%s=%q %t|", name, cells[i].String, cells[i].Valid)
			}
		}
		lines = append(lines, line.String())
	}
	return lines, rows.Err()
}
