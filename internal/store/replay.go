package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"skand/conversion"
)

const replayableSQL = `
SELECT p.app_id, p.id, p.source, p.relay, p.client, p.received_at, p.body, p.state FROM postback p `

// Replayable implements conversion.ReplayStore. The cursor is the place in the order
// of arrival, so a copy that changes its state meanwhile does not shift the pages.
func (s *Store) Replayable(ctx context.Context, f conversion.ReplayFilter, cursor string, limit int) ([]conversion.Stored, string, error) {
	text, args := replayableSQL, []any{}
	if f.Trusting {
		text += `JOIN app a ON a.app_id = p.app_id AND a.trust_development
			WHERE p.state = 'quarantined' AND p.reason = 'development_not_trusted' `
	} else {
		// Written out, not marked: only so can the partial index be used.
		var names []string
		for _, st := range f.States {
			if st != conversion.Unsupported && st != conversion.Quarantined {
				return nil, "", fmt.Errorf("judge again: no copy in state %q waits for that", st)
			}
			names = append(names, `'`+string(st)+`'`)
		}
		text += `WHERE p.state IN (` + strings.Join(names, ", ") + `) `
	}
	if cursor != "" {
		when, id, ok := strings.Cut(cursor, ".")
		after, err := strconv.ParseInt(when, 10, 64)
		if !ok || err != nil {
			return nil, "", ErrCursor
		}
		text += `AND (p.received_at > ? OR (p.received_at = ? AND p.id > ?)) `
		args = append(args, after, after, id)
	}
	var rows []struct {
		AppID      int64             `db:"app_id"`
		ID         string            `db:"id"`
		Source     conversion.Source `db:"source"`
		Relay      string            `db:"relay"`
		Client     string            `db:"client"`
		ReceivedAt int64             `db:"received_at"`
		Body       []byte            `db:"body"`
		State      conversion.State  `db:"state"`
	}
	err := s.main.r.SelectContext(ctx, &rows, s.main.q(text+`ORDER BY p.received_at, p.id LIMIT ?`), append(args, limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("list copies to judge again: %w", err)
	}
	out := make([]conversion.Stored, len(rows))
	for i, r := range rows {
		out[i] = conversion.Stored{
			AppID: r.AppID, ID: r.ID, Source: r.Source, Relay: r.Relay, Client: r.Client,
			ReceivedAt: at(r.ReceivedAt), Body: r.Body, State: r.State,
		}
	}
	out, next := page(out, limit, func(c conversion.Stored) string { return fmt.Sprintf("%d.%s", ms(c.ReceivedAt), c.ID) })
	return out, next, nil
}
