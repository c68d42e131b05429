package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skand/forward"
)

// exchangeAtOnce is Exchange as one statement of PostgreSQL, for when no destination
// changes by what is settled. ok is false where that is not known, or turned out to be
// otherwise; then nothing was done.
func (s *Store) exchangeAtOnce(ctx context.Context, all []forward.Settlement, wants []forward.Want) (done forward.Settled, ok bool, err error) {
	if s.main.looks == nil || len(all)+len(wants) == 0 {
		return done, false, nil
	}
	ids := destinationsOf(all, wants)
	stand, ok := s.standings.of(ids)
	if !ok || !unmoved(all, stand) {
		return done, false, nil
	}
	args, err := s.exchangeArgs(ids, stand, all, wants)
	if err != nil {
		return done, false, fmt.Errorf("settle: %w", err)
	}
	rows, held, err := s.runExchange(ctx, args)
	if err != nil && ctx.Err() == nil {
		// A connection that broke, or a statement that has to be prepared anew: the
		// transaction tells. Where this one was done after all, it finds everything settled.
		return done, false, nil
	}
	if err != nil || held == nil {
		return done, false, err
	}
	for _, st := range all {
		if a := st.Attempt; !held[claimOf{a.DeliveryID, st.Fence}] {
			done.Fenced = append(done.Fenced, a.DeliveryID)
			err := s.main.in(ctx, func(t *tx) error { return s.logAttempt(ctx, t, a) })
			if err != nil {
				return done, false, fmt.Errorf("settle: delivery %s: %w", a.DeliveryID, err)
			}
		}
	}
	for i := range rows {
		rows[i].turn = stand[rows[i].DestinationID].Breaker.Turn
	}
	done.Claimed, done.Unread = s.readClaimed(ctx, rows)
	return done, true, nil
}

// unmoved reports whether the outcomes leave every destination as it stands, and their
// deliveries as they say.
func unmoved(all []forward.Settlement, stand map[string]*stood) bool {
	for _, st := range all {
		d := stand[st.DestinationID]
		one := []forward.Settlement{st}
		if folded(d.Standing, one) != d.Standing {
			return false
		}
		if answered(d.Standing, d.Standing, one); one[0].State != st.State {
			return false
		}
	}
	return true
}

// exchangeSQL gives one row that says which claims were settled, if anything was done at
// all, and one for each delivery that was claimed. All of it sees the tables as they
// were before: what is being settled is still claimed there, and is left out of the
// claims by name, for its lease may have lapsed. Rows are settled in the order in which
// they are given, which is that of their locks.
const exchangeSQL = `WITH same AS MATERIALIZED (
		SELECT COUNT(*) = CARDINALITY($1::text[]) AS ok FROM unnest($1::text[], $2::bigint[], $3::text[]) AS x (id, turn, breaker)
			JOIN destination d ON d.id = x.id AND d.breaker_turn = x.turn AND d.breaker = x.breaker),
	held AS (
		UPDATE outbox AS o SET state = k.state, due_at = k.due_at, leased_until = NULL, reason = k.reason, status = k.status, settled_at = k.settled_at
		FROM unnest($4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[],
			$12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::bigint[])
			AS k (app_id, id, fence, state, due_at, reason, status, settled_at, attempt, attempted_at, duration_ms, class, answer, template_version)
		WHERE o.app_id = k.app_id AND o.id = k.id AND o.fence = k.fence AND o.state = 'pending' AND o.leased_until IS NOT NULL
			AND (SELECT ok FROM same)
		RETURNING k.*),
	logged AS (
		INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version)
		SELECT app_id, id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version FROM held
		ON CONFLICT DO NOTHING),
	due AS MATERIALIZED (
		SELECT o.app_id AS a, o.id AS i, w.until FROM unnest($18::bigint[], $19::text[], $20::bigint[], $21::bigint[], $22::bigint[]) AS w (app_id, id, n, now, until)
			CROSS JOIN LATERAL (SELECT q.app_id, q.id FROM outbox q
				WHERE q.app_id = w.app_id AND q.destination_id = w.id AND q.state = 'pending' AND q.due_at <= w.now AND q.expires_at > w.now
					AND (q.leased_until IS NULL OR q.leased_until <= w.now) AND q.id <> ALL ($5::text[]) AND (SELECT ok FROM same)
				ORDER BY q.due_at LIMIT w.n FOR UPDATE OF q SKIP LOCKED) AS o),
	claimed AS (
		UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, leased_until = due.until FROM due WHERE app_id = due.a AND id = due.i
		RETURNING ` + claimedColumns + `)
	SELECT 0, CASE WHEN (SELECT ok FROM same) THEN (SELECT COALESCE(string_agg(id || '/' || fence, ' '), '') FROM held) END,
		'', '', '', '', '', '', 0, 0, 0, 0, 0
	UNION ALL SELECT * FROM claimed`

// exchangeArgs are what exchangeSQL is given.
func (s *Store) exchangeArgs(ids []string, stand map[string]*stood, all []forward.Settlement, wants []forward.Want) ([]any, error) {
	same := make([][]any, len(ids))
	for i, id := range ids {
		row, err := rowOf(stand[id].Standing)
		if err != nil {
			return nil, err
		}
		same[i] = []any{id, stand[id].Breaker.Turn, row.Breaker}
	}
	all = slices.Clone(all)
	inLockOrder(all)
	done := make([][]any, len(all))
	for i, st := range all {
		line, err := s.attemptLine(st.Attempt)
		if err != nil {
			return nil, err
		}
		// The columns of the log that are not those of the delivery.
		done[i] = append(settledLine(st), line[2], line[3], line[4], line[5], line[8], line[9])
	}
	want := make([][]any, 0, len(wants))
	for _, w := range wants {
		if d := stand[w.DestinationID]; d.Enabled && !d.Breaker.Open() && d.Ready(w.Now) {
			want = append(want, []any{d.AppID, w.DestinationID, int64(w.Limit), ms(w.Now), ms(w.Now.Add(w.Lease))})
		}
	}
	var args []any
	for _, part := range []struct {
		columns []column
		rows    [][]any
	}{{sameColumns, same}, {exchangedColumns, done}, {wantColumns, want}} {
		for i, c := range part.columns {
			a, err := arrayOf(c, part.rows, i)
			if err != nil {
				return nil, err
			}
			args = append(args, a)
		}
	}
	return args, nil
}

var (
	sameColumns      = []column{{"id", "text"}, {"turn", "bigint"}, {"breaker", "text"}}
	exchangedColumns = append(slices.Clone(settledColumns), column{"attempt", "bigint"}, column{"attempted_at", "bigint"},
		column{"duration_ms", "bigint"}, column{"class", "text"}, column{"answer", "text"}, column{"template_version", "bigint"})
	wantColumns = []column{{"app_id", "bigint"}, {"id", "text"}, {"n", "bigint"}, {"now", "bigint"}, {"until", "bigint"}}
)

// runExchange returns what was claimed and which claims were settled; held is nil where
// nothing was done.
func (s *Store) runExchange(ctx context.Context, args []any) (claimed []claimedRow, held map[claimOf]bool, err error) {
	stmt, err := s.main.looks.prepare(ctx, exchangeSQL) //nolint:sqlclosecheck // as it says there
	if err != nil {
		return nil, nil, fmt.Errorf("settle: %w", err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("settle and claim: %w", err)
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	for rows.Next() {
		var r claimedRow
		var id sql.NullString
		err := rows.Scan(&r.AppID, &id, &r.DestinationID, &r.DedupKey, &r.Kind, &r.EventName, &r.Consent, &r.Fields,
			&r.CreatedAt, &r.FirstDueAt, &r.ExpiresAt, &r.Attempts, &r.Fence)
		if err != nil {
			return nil, nil, fmt.Errorf("settle and claim: %w", err)
		}
		if r.DestinationID != "" {
			r.ID = id.String
			claimed = append(claimed, r)
			continue
		}
		if !id.Valid {
			continue
		}
		held = map[claimOf]bool{}
		for one := range strings.FieldsSeq(id.String) {
			delivery, fence, _ := strings.Cut(one, "/")
			n, err := strconv.ParseInt(fence, 10, 64)
			if err != nil {
				return nil, nil, fmt.Errorf("settle and claim: %w", err)
			}
			held[claimOf{delivery, n}] = true
		}
	}
	return claimed, held, rows.Err()
}
