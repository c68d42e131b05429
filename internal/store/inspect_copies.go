package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Where copies of one conversion are looked for: Apple repeats for nine days, relays pass
// on later than that, and what waited for a key or came from an archive may be older than
// the copy that was first to count.
const (
	copiesBefore = 10 * 24 * time.Hour
	copiesAfter  = 40 * 24 * time.Hour
	maxCopies    = 100    // shown
	maxLookedAt  = 50_000 // arrivals of the app gone through, on either side
)

// copiesOfSQL goes through the arrivals of one app in a span of time: no index leads
// from an identity to its copies, for random keys are what would make a receiver slow.
const copiesOfSQL = `
SELECT id, app_id, received_at, source, relay, state, reason, field, framework, version, verdict, key_name, flags, differs, identity, body
FROM postback WHERE app_id = ? AND received_at >= ? AND received_at < ? AND identity = ? ORDER BY received_at, id LIMIT ?`

// The arrival that is as far away as is looked, if there are that many.
const (
	furthestAfterSQL  = `SELECT received_at FROM postback WHERE app_id = ? AND received_at >= ? AND received_at < ? ORDER BY received_at LIMIT 1 OFFSET ?`
	furthestBeforeSQL = `SELECT received_at FROM postback WHERE app_id = ? AND received_at >= ? AND received_at < ? ORDER BY received_at DESC LIMIT 1 OFFSET ?`
)

// copiesOf lists the copies of an identity around the time of the first one, among the
// reach arrivals of the app before it and as many after.
func (s *Store) copiesOf(ctx context.Context, x *Inspection, identity []byte, seen int64, reach int) error {
	from, until := seen-copiesBefore.Milliseconds(), seen+copiesAfter.Milliseconds()
	least, cutBefore, err := s.furthest(ctx, furthestBeforeSQL, x.AppID, from, seen, reach)
	if err != nil {
		return err
	}
	most, cutAfter, err := s.furthest(ctx, furthestAfterSQL, x.AppID, seen, until, reach)
	if err != nil {
		return err
	}
	if cutBefore {
		from = least
	}
	if cutAfter {
		until = max(most, seen+1) // a whole flood in one moment: that moment is looked at
	}
	var rows []copyRow
	err = s.main.r.SelectContext(ctx, &rows, s.main.q(copiesOfSQL), x.AppID, from, until, identity, maxCopies+1)
	if err != nil {
		return fmt.Errorf("list copies of a postback: %w", err)
	}
	complete := !cutBefore && !cutAfter && len(rows) <= maxCopies
	x.Searched = SearchedCopies{at(from), at(until), complete}
	x.Copies = make([]InspectedCopy, 0, len(rows))
	for i := range rows[:min(len(rows), maxCopies)] {
		c, err := rows[i].inspected()
		if err != nil {
			return err
		}
		c.Counts = x.Counted != nil && x.Counted.CopyID == c.ID
		x.Copies = append(x.Copies, c)
	}
	return nil
}

func (s *Store) furthest(ctx context.Context, text string, appID, from, until int64, reach int) (received int64, cut bool, err error) {
	err = getRow(ctx, s.main.r, &received, text, appID, from, until, reach)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("bound the search for copies: %w", err)
	}
	return received, true, nil
}
