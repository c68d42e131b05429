package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// Raw copies lie in a partition per day of arrival on PostgreSQL, made ahead, so
// that retention drops a day at once instead of deleting its rows. What lies
// outside them (archives, a lab's leap) is in the default partition.
const (
	partitionsBehind = 1
	partitionsAhead  = 7
	day              = 24 * time.Hour
)

// MakePartitions makes the partitions of the coming days and tells how many are
// new. SQLite has none: ok is false.
func (s *Store) MakePartitions(ctx context.Context) (made int, ok bool, err error) {
	if s.main.dialect != postgres {
		return 0, false, nil
	}
	today := s.clock.Now().Truncate(day)
	for d := -partitionsBehind; d <= partitionsAhead; d++ {
		from := today.AddDate(0, 0, d)
		fresh, err := s.makePartition(ctx, from)
		if err != nil {
			return made, true, fmt.Errorf("partition of %s: %w", from.Format(time.DateOnly), err)
		}
		if fresh {
			made++
		}
	}
	return made, true, nil
}

// errMayNotCreate: the role of this process may not create tables. Until another one
// runs the job the default partition takes what comes.
var errMayNotCreate = errors.New("the database role may not create partitions; let one that may run `skand job run partitions`")

func partitionName(from time.Time) string { return "postback_" + from.Format("20060102") }

// makePartition leaves a day to the default partition if rows of it are there
// already: PostgreSQL refuses to shadow them.
func (s *Store) makePartition(ctx context.Context, from time.Time) (bool, error) {
	name := partitionName(from)
	var known bool
	err := s.main.w.GetContext(ctx, &known, `SELECT to_regclass($1) IS NOT NULL`, name)
	if err != nil || known {
		return false, err
	}
	// Names and bounds are ours: a date and two numbers.
	_, err = s.main.w.ExecContext(ctx, fmt.Sprintf(
		`CREATE TABLE IF NOT EXISTS %s PARTITION OF postback FOR VALUES FROM (%d) TO (%d)`, name, ms(from), ms(from.AddDate(0, 0, 1))))
	var refused *pq.Error
	if errors.As(err, &refused) {
		switch refused.Code.Name() {
		case "check_violation", "unique_violation", "duplicate_table": // rows are there; another process was first
			return false, nil
		case "insufficient_privilege":
			return false, fmt.Errorf("%w: %w", errMayNotCreate, err)
		}
	}
	return err == nil, err
}

// dropPartitions drops the days that end at or before the limit.
func (s *Store) dropPartitions(ctx context.Context, limit time.Time) (int, error) {
	var names []string
	err := s.main.w.SelectContext(ctx, &names, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'postback'::regclass AND c.relname LIKE 'postback\_2%' ORDER BY c.relname`)
	if err != nil {
		return 0, fmt.Errorf("list partitions: %w", err)
	}
	dropped := 0
	for _, name := range names {
		from, err := time.Parse("postback_20060102", name)
		if err != nil || from.AddDate(0, 0, 1).After(limit) {
			continue
		}
		if _, err := s.main.w.ExecContext(ctx, `DROP TABLE `+pq.QuoteIdentifier(name)); err != nil {
			return dropped, fmt.Errorf("drop partition %s: %w", name, err)
		}
		dropped++
	}
	return dropped, nil
}
