package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/forward"
)

// Exchange implements forward.Outbox. Nearly always no destination changes by what is
// settled, and one statement does it all (outbox_exchange.go); where one does, where
// this process does not know yet how it stands, and on SQLite, which has no way to the
// server to save, it is a transaction of several.
func (s *Store) Exchange(ctx context.Context, all []forward.Settlement, wants []forward.Want) (forward.Settled, error) {
	if done, ok, err := s.exchangeAtOnce(ctx, all, wants); ok || err != nil {
		return done, err
	}
	var done forward.Settled
	var rows []claimedRow
	err := s.main.in(ctx, func(t *tx) (err error) {
		done, rows = forward.Settled{}, nil
		stand, err := readStandings(ctx, t, destinationsOf(all, wants))
		if err != nil {
			return err
		}
		// Destinations come before their deliveries, and both in the order of their ids:
		// saving an edit locks in that order, and two settlements beside each other must not
		// wait for each other.
		judged, turned, err := judgeDestinations(ctx, t, all, stand)
		if err != nil {
			return err
		}
		done.Turned = turned
		if err := t.lookUp(ctx); err != nil {
			return err
		}
		if done.Fenced, err = s.settleMany(ctx, t, judged); err != nil {
			return err
		}
		rows, err = claimWanted(ctx, t, wants, stand)
		if err == nil {
			s.standings.keep(stand)
		}
		return err
	})
	if err != nil {
		s.standings.forget()
		return forward.Settled{}, fmt.Errorf("settle: %w", err)
	}
	done.Claimed, done.Unread = s.readClaimed(ctx, rows)
	return done, nil
}

// Settle is Exchange without a claim.
func (s *Store) Settle(ctx context.Context, all []forward.Settlement) (forward.Settled, error) {
	return s.Exchange(ctx, all, nil)
}

// destinationsOf lists them by id.
func destinationsOf(all []forward.Settlement, wants []forward.Want) []string {
	ids := make([]string, 0, 8)
	add := func(id string) {
		if at, known := slices.BinarySearch(ids, id); !known {
			ids = slices.Insert(ids, at, id)
		}
	}
	for i := range all {
		add(all[i].DestinationID)
	}
	for i := range wants {
		add(wants[i].DestinationID)
	}
	return ids
}

// claimWanted claims for every want whose destination is active.
func claimWanted(ctx context.Context, t *tx, wants []forward.Want, stand map[string]*stood) (rows []claimedRow, err error) {
	all := claimOnSQLite{t: t}
	for _, w := range wants {
		d := stand[w.DestinationID]
		if d == nil || !d.Enabled || d.Breaker.Open() || !d.Ready(w.Now) {
			continue
		}
		until := w.Now.Add(w.Lease)
		if t.dialect == sqlite {
			err = all.pick(ctx, d, w.DestinationID, w.Limit, w.Now, until)
		} else {
			var some []claimedRow
			some, err = claimSome(ctx, t, d, w.DestinationID, w.Limit, w.Now, until)
			rows = append(rows, some...)
		}
		if err != nil {
			return nil, fmt.Errorf("claim for destination %q: %w", w.DestinationID, err)
		}
	}
	if t.dialect == sqlite {
		return all.rows, all.mark(ctx)
	}
	return rows, nil
}

// logAttempt holds the delivery while it writes: one that was erased under way must
// not leave a line with what was answered to it.
func (s *Store) logAttempt(ctx context.Context, t *tx, a forward.Attempt) error {
	var one int
	err := t.GetContext(ctx, &one, t.q(`SELECT 1 FROM outbox WHERE app_id = ? AND id = ?`+t.forUpdate()), a.AppID, a.DeliveryID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hold the delivery: %w", err)
	}
	line, err := s.attemptLine(a)
	if err != nil {
		return err
	}
	text := `INSERT INTO delivery_attempt (` + names(attemptColumns) + `) VALUES (?` + strings.Repeat(`, ?`, len(line)-1) + `) ON CONFLICT DO NOTHING`
	if _, err = t.ExecContext(ctx, t.q(text), line...); err != nil {
		return fmt.Errorf("log the attempt: %w", err)
	}
	return nil
}

// attemptLine is a line of the attempt log, in the order of attemptColumns.
func (s *Store) attemptLine(a forward.Attempt) ([]any, error) {
	answer, err := s.sealAnswer(a.Answer)
	if err != nil {
		return nil, fmt.Errorf("log the attempt of delivery %s: %w", a.DeliveryID, err)
	}
	return []any{
		a.AppID, a.DeliveryID, int64(a.Attempt), ms(a.At), int64(a.Duration / time.Millisecond),
		string(a.Class), int64(a.Status), a.Reason, answer, int64(a.TemplateVersion),
	}, nil
}
