package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"skand/forward"
)

// standingRow is what the table destination keeps of a forward.Standing.
type standingRow struct {
	Breaker        string        `db:"breaker"`
	Turn           int64         `db:"breaker_turn"`
	ProbeAt        sql.NullInt64 `db:"probe_at"`
	PausedReason   string        `db:"paused_reason"`
	DisabledReason string        `db:"disabled_reason"`
	DisabledBy     string        `db:"disabled_by"`
	Since          sql.NullInt64 `db:"standing_since"`
}

const standingColumns = `breaker, breaker_turn, probe_at, paused_reason, disabled_reason, disabled_by, standing_since`

// breakerCounts is the part of a breaker that no statement asks for.
type breakerCounts struct {
	Failures     int   `json:"failures,omitempty"`
	FailingSince int64 `json:"failing_since,omitempty"`
	OpenedAt     int64 `json:"opened_at,omitempty"`
	Probes       int   `json:"probes,omitempty"`
	Held         int   `json:"held,omitempty"`
}

func (r standingRow) standing() (forward.Standing, error) {
	s := forward.Standing{
		PausedReason: r.PausedReason, DisabledReason: r.DisabledReason, DisabledBy: r.DisabledBy, Since: atOrZero(r.Since),
		Breaker: forward.Breaker{Turn: r.Turn, ProbeAt: atOrZero(r.ProbeAt)},
	}
	if r.Breaker == "" {
		return s, nil
	}
	var c breakerCounts
	if err := json.Unmarshal([]byte(r.Breaker), &c); err != nil {
		return s, fmt.Errorf("stored breaker: %w", err)
	}
	b := &s.Breaker
	b.Failures, b.Probes, b.Held = c.Failures, c.Probes, c.Held
	b.FailingSince, b.OpenedAt = someTime(c.FailingSince), someTime(c.OpenedAt)
	return s, nil
}

func rowOf(s forward.Standing) (standingRow, error) {
	b := s.Breaker
	r := standingRow{
		Turn: b.Turn, ProbeAt: msOrNull(b.ProbeAt), PausedReason: s.PausedReason, DisabledReason: s.DisabledReason,
		DisabledBy: s.DisabledBy, Since: msOrNull(s.Since),
	}
	c := breakerCounts{
		Failures: b.Failures, FailingSince: msOrNull(b.FailingSince).Int64, OpenedAt: msOrNull(b.OpenedAt).Int64,
		Probes: b.Probes, Held: b.Held,
	}
	if c == (breakerCounts{}) {
		return r, nil
	}
	text, err := json.Marshal(c)
	r.Breaker = string(text)
	return r, err
}

func someTime(v int64) time.Time { return atOrZero(sql.NullInt64{Int64: v, Valid: v != 0}) }

func msOrNull(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: ms(t), Valid: true}
}

// stood is how a destination stands, without its definition: what every claim and
// every settlement asks.
type stood struct {
	AppID   int64
	Enabled bool
	forward.Standing
}

const standingSQL = `SELECT app_id, enabled, ` + standingColumns + ` FROM destination WHERE id = ?`

// readStanding reads how a destination stands; ok is false where it is gone. lock is
// t.forUpdate() for those who will write it.
func readStanding(ctx context.Context, t *tx, id, lock string) (s stood, ok bool, err error) {
	var row struct {
		AppID   int64 `db:"app_id"`
		Enabled bool  `db:"enabled"`
		standingRow
	}
	err = t.getPrepared(ctx, &row, t.q(standingSQL+lock), id)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	if err == nil {
		s.AppID, s.Enabled = row.AppID, row.Enabled
		s.Standing, err = row.standing()
	}
	if err != nil {
		return s, false, fmt.Errorf("read how destination %q stands: %w", id, err)
	}
	return s, true, nil
}

// readStandings reads how destinations stand, without a lock; what is gone is left out.
func readStandings(ctx context.Context, t *tx, ids []string) (map[string]*stood, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	const text = `SELECT id, app_id, enabled, ` + standingColumns + ` FROM destination WHERE id IN (?`
	// Few lengths, so that there are few texts and each is prepared once.
	n := 1
	for n < len(ids) {
		n *= 4
	}
	args := make([]any, n)
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)]
	}
	var rows []struct {
		ID      string `db:"id"`
		AppID   int64  `db:"app_id"`
		Enabled bool   `db:"enabled"`
		standingRow
	}
	if err := t.selectPrepared(ctx, &rows, t.q(text+strings.Repeat(`, ?`, n-1)+`)`), args...); err != nil {
		return nil, fmt.Errorf("read how destinations stand: %w", err)
	}
	out := make(map[string]*stood, len(rows))
	for _, r := range rows {
		standing, err := r.standing()
		if err != nil {
			return nil, fmt.Errorf("read how destination %q stands: %w", r.ID, err)
		}
		out[r.ID] = &stood{AppID: r.AppID, Enabled: r.Enabled, Standing: standing}
	}
	return out, nil
}

// readDestination reads one destination; ok is false where it is gone. lock is
// t.forUpdate() for those who will write it.
func readDestination(ctx context.Context, t *tx, id, lock string) (r forward.Registered, ok bool, err error) {
	var row destinationRow
	err = t.GetContext(ctx, &row, t.q(selectDestination+` WHERE id = ?`+lock), id)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read destination %q: %w", id, err)
	}
	r, err = row.registered()
	return r, err == nil, err
}

// saveStanding writes how a destination stands. The caller holds its row.
func saveStanding(ctx context.Context, t *tx, id string, s forward.Standing) error {
	const save = `UPDATE destination SET breaker = ?, breaker_turn = ?, probe_at = ?, paused_reason = ?, disabled_reason = ?,
		disabled_by = ?, standing_since = ? WHERE id = ?`
	r, err := rowOf(s)
	if err != nil {
		return fmt.Errorf("save how destination %q stands: %w", id, err)
	}
	_, err = t.ExecContext(ctx, t.q(save), r.Breaker, r.Turn, r.ProbeAt, r.PausedReason, r.DisabledReason, r.DisabledBy, r.Since, id)
	if err != nil {
		return fmt.Errorf("save how destination %q stands: %w", id, err)
	}
	return nil
}

// KeyMissing implements forward.Outbox.
func (s *Store) KeyMissing(ctx context.Context, destinationID string, at time.Time) error {
	return s.main.in(ctx, func(t *tx) error {
		if _, err := t.ExecContext(ctx, t.q(`UPDATE destination SET key_missing_at = ? WHERE id = ?`), ms(at), destinationID); err != nil {
			return fmt.Errorf("note the missing secret of destination %q: %w", destinationID, err)
		}
		return nil
	})
}
