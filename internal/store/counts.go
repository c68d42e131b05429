package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// Counts is what went through each stage: the table of the demo, the conservation
// that tests check, an operator's first look. Exact figures, so operators only.
type Counts struct {
	Received  int64            `json:"received"`  // copies that were answered 200
	Postbacks map[string]int64 `json:"postbacks"` // by state
	Counted   map[string]int64 `json:"counted"`   // identities by kind: install, qualifier, …
	Decoded   map[string]int64 `json:"decoded"`   // by how the value counts; installs only
	Undecoded int64            `json:"undecoded"`
	Sealed    int64            `json:"sealed"`    // counted rows in releases
	Waiting   int64            `json:"waiting"`   // decoded rows of open and carried windows
	Releases  map[string]int64 `json:"releases"`  // ledger lines by state
	Rows      int64            `json:"rows"`      // published rows
	Published int64            `json:"published"` // installs in published rows, all datasets
	Clicks    int64            `json:"clicks"`
	Installs  map[string]int64 `json:"installs"` // consented, by decision
	Events    int64            `json:"events"`
	Outbox    map[string]int64 `json:"deliveries"` // by state
	Attempts  map[string]int64 `json:"attempts"`   // by outcome class
}

// Counts counts every stage.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	// One look at the main store: what is decoded meanwhile must not stand on both sides.
	var opts *sql.TxOptions // SQLite reads a snapshot as it is
	if s.main.dialect == postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	now, err := s.main.r.BeginTxx(ctx, opts)
	if err != nil {
		return c, fmt.Errorf("count stages: %w", err)
	}
	defer func() { _ = now.Rollback() }() // it has only read
	groups := []struct {
		into *map[string]int64
		text string
	}{
		{&c.Postbacks, `SELECT state AS name, COUNT(*) AS n FROM postback GROUP BY state`},
		{&c.Counted, `SELECT kind AS name, COUNT(*) AS n FROM counted_postback GROUP BY kind`},
		{&c.Decoded, `SELECT value_kind AS name, COUNT(*) AS n FROM counted_postback
			WHERE decoded_at IS NOT NULL AND kind = 'install' GROUP BY value_kind`},
		{&c.Releases, `SELECT state AS name, COUNT(*) AS n FROM release_ledger GROUP BY state`},
		{&c.Installs, `SELECT decision AS name, COUNT(*) AS n FROM install GROUP BY decision`},
		{&c.Outbox, `SELECT state AS name, COUNT(*) AS n FROM outbox GROUP BY state`},
		{&c.Attempts, `SELECT class AS name, COUNT(*) AS n FROM delivery_attempt GROUP BY class`},
	}
	for _, g := range groups {
		if *g.into, err = countBy(ctx, now, g.text); err != nil {
			return c, err
		}
	}
	singles := []struct {
		into *int64
		from sqlx.QueryerContext
		text string
	}{
		{&c.Undecoded, now, `SELECT COUNT(*) FROM counted_postback WHERE decoded_at IS NULL AND kind <> 'test'`},
		{&c.Sealed, now, `SELECT COUNT(*) FROM counted_postback WHERE sealed_in IS NOT NULL`},
		{&c.Waiting, now, `SELECT COUNT(*) FROM counted_postback WHERE decoded_at IS NOT NULL AND sealed_in IS NULL AND kind <> 'test'`},
		{&c.Clicks, now, `SELECT COUNT(*) FROM click`},
		{&c.Events, now, `SELECT COUNT(*) FROM event`},
		{&c.Rows, s.pub.r, `SELECT COUNT(*) FROM ` + s.pub.table("cohort")},
		// Each install once: a redecode has the installs of its base.
		{&c.Published, s.pub.r, `SELECT COALESCE(SUM(installs), 0) FROM ` + s.pub.table("cohort") + `
			WHERE release_id NOT IN (SELECT release_id FROM ` + s.pub.table("release") + ` WHERE kind = '` + aggregate.ReleaseRedecode + `')`},
	}
	for _, g := range singles {
		if err := sqlx.GetContext(ctx, g.from, g.into, g.text); err != nil {
			return c, fmt.Errorf("count stages: %w", err)
		}
	}
	var dropped int64
	const text = `SELECT COALESCE(SUM(seen - bound), 0) FROM flood_bound WHERE seen > bound`
	if err := now.GetContext(ctx, &dropped, text); err != nil {
		return c, fmt.Errorf("count stages: %w", err)
	}
	if dropped > 0 {
		c.Postbacks["dropped"] = dropped
	}
	for _, n := range c.Postbacks {
		c.Received += n
	}
	return c, nil
}

func countBy(ctx context.Context, db sqlx.QueryerContext, text string) (map[string]int64, error) {
	var rows []struct {
		Name string `db:"name"`
		N    int64  `db:"n"`
	}
	if err := sqlx.SelectContext(ctx, db, &rows, text); err != nil {
		return nil, fmt.Errorf("count stages: %w", err)
	}
	m := make(map[string]int64, len(rows))
	for _, r := range rows {
		m[r.Name] = r.N
	}
	return m, nil
}
