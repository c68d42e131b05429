package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"skand/conversion"
	"skand/forward"
)

// ledger is the consented side inside one transaction.
type ledger struct {
	s *Store
	t *tx
}

// InLedger implements conversion.ConsentedStore.
func (s *Store) InLedger(ctx context.Context, f func(conversion.Ledger) error) error {
	return s.main.in(ctx, func(t *tx) error { return f(&ledger{s: s, t: t}) })
}

// Hold implements conversion.Ledger. SQLite has one writer, which is stricter.
func (l *ledger) Hold(ctx context.Context, key string) error {
	if l.t.dialect == sqlite {
		return nil
	}
	if _, err := l.t.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, key); err != nil {
		return fmt.Errorf("hold %s: %w", key, err)
	}
	return nil
}

// added runs an INSERT … ON CONFLICT DO NOTHING RETURNING id.
func (l *ledger) added(ctx context.Context, what, text string, args ...any) (bool, error) {
	var id string
	err := l.t.GetContext(ctx, &id, l.t.q(text), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("keep %s: %w", what, err)
	}
	return true, nil
}

const addClickSQL = `
INSERT INTO click (app_id, id, network_id, clicked_at, received_at, interaction, body)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddClick implements conversion.Ledger.
func (l *ledger) AddClick(ctx context.Context, c *conversion.Click) (bool, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return false, fmt.Errorf("keep click: %w", err)
	}
	return l.added(ctx, "click", addClickSQL,
		c.AppID, c.ID, strings.ToLower(c.NetworkID), ms(c.Time), ms(l.s.clock.Now()), c.Interaction, string(body))
}

const addInstallSQL = `
INSERT INTO install (app_id, id, installed_at, received_at, click_id, network_id, decision, reason, decided_at, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddInstall implements conversion.Ledger.
func (l *ledger) AddInstall(ctx context.Context, in *conversion.Install, d conversion.Decision) (bool, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return false, fmt.Errorf("keep install: %w", err)
	}
	now := ms(l.s.clock.Now())
	ok, err := l.added(ctx, "install", addInstallSQL, in.AppID, in.ID, ms(in.Time), now, in.ClickID,
		d.NetworkID, d.Name(), d.Reason, now, string(body))
	if err != nil || !ok {
		return ok, err
	}
	return true, l.use(ctx, in, d)
}

// use marks the click of an attributed install as spent.
func (l *ledger) use(ctx context.Context, in *conversion.Install, d conversion.Decision) error {
	if !d.Attributed {
		return nil
	}
	const text = `UPDATE click SET used_by = ? WHERE app_id = ? AND id = ?`
	if _, err := l.t.ExecContext(ctx, l.t.q(text), in.ID, in.AppID, d.ClickID); err != nil {
		return fmt.Errorf("mark click used: %w", err)
	}
	return nil
}

const addEventSQL = `
INSERT INTO event (app_id, id, install_id, name, happened_at, received_at, revenue, currency, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddEvent implements conversion.Ledger.
func (l *ledger) AddEvent(ctx context.Context, e *conversion.Event) (bool, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return false, fmt.Errorf("keep event: %w", err)
	}
	return l.added(ctx, "event", addEventSQL, e.AppID, e.ID, e.InstallID, e.Name, ms(e.Time),
		ms(l.s.clock.Now()), e.Revenue, e.Currency, string(body))
}

// Click implements conversion.Ledger. The row is locked: two installs that name
// one click are decided one after the other.
func (l *ledger) Click(ctx context.Context, appID int64, id string) (*conversion.Click, string, error) {
	var row struct {
		Body   string  `db:"body"`
		UsedBy *string `db:"used_by"`
	}
	text := `SELECT body, used_by FROM click WHERE app_id = ? AND id = ?` + l.t.forUpdate()
	err := l.t.GetContext(ctx, &row, l.t.q(text), appID, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("look up click: %w", err)
	}
	var c conversion.Click
	if err := json.Unmarshal([]byte(row.Body), &c); err != nil {
		return nil, "", fmt.Errorf("read click: %w", err)
	}
	if row.UsedBy == nil {
		return &c, "", nil
	}
	return &c, *row.UsedBy, nil
}

type installRow struct {
	Body      string `db:"body"`
	ClickID   string `db:"click_id"`
	NetworkID string `db:"network_id"`
	Decision  string `db:"decision"`
	Reason    string `db:"reason"`
}

func (r installRow) read() (conversion.Install, conversion.Decision, error) {
	var in conversion.Install
	if err := json.Unmarshal([]byte(r.Body), &in); err != nil {
		return in, conversion.Decision{}, fmt.Errorf("read install: %w", err)
	}
	return in, conversion.Decision{
		Attributed: r.Decision == "attributed", ClickID: r.ClickID, NetworkID: r.NetworkID, Reason: r.Reason,
	}, nil
}

// Install implements conversion.Ledger.
func (l *ledger) Install(ctx context.Context, appID int64, id string) (*conversion.Install, conversion.Decision, error) {
	var row installRow
	text := `SELECT body, click_id, network_id, decision, reason FROM install WHERE app_id = ? AND id = ?`
	err := l.t.GetContext(ctx, &row, l.t.q(text+l.t.forUpdate()), appID, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, conversion.Decision{}, nil
	}
	if err != nil {
		return nil, conversion.Decision{}, fmt.Errorf("look up install: %w", err)
	}
	in, d, err := row.read()
	return &in, d, err
}

// Waiting implements conversion.Ledger.
func (l *ledger) Waiting(ctx context.Context, appID int64, clickID string) ([]conversion.Install, error) {
	var rows []installRow
	text := `SELECT body, click_id, network_id, decision, reason FROM install
		WHERE app_id = ? AND click_id = ? AND reason = 'click_unknown' ORDER BY received_at, id`
	if err := l.t.SelectContext(ctx, &rows, l.t.q(text+l.t.forUpdate()), appID, clickID); err != nil {
		return nil, fmt.Errorf("list waiting installs: %w", err)
	}
	installs := make([]conversion.Install, 0, len(rows))
	for _, r := range rows {
		in, _, err := r.read()
		if err != nil {
			return nil, err
		}
		installs = append(installs, in)
	}
	return installs, nil
}

// Events implements conversion.Ledger.
func (l *ledger) Events(ctx context.Context, appID int64, installID string) ([]conversion.Event, error) {
	var bodies []string
	text := `SELECT body FROM event WHERE app_id = ? AND install_id = ? ORDER BY happened_at, id`
	if err := l.t.SelectContext(ctx, &bodies, l.t.q(text), appID, installID); err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	events := make([]conversion.Event, len(bodies))
	for i, b := range bodies {
		if err := json.Unmarshal([]byte(b), &events[i]); err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
	}
	return events, nil
}

const decideSQL = `
UPDATE install SET decision = ?, network_id = ?, reason = ?, decided_at = ? WHERE app_id = ? AND id = ?`

// Decide implements conversion.Ledger.
func (l *ledger) Decide(ctx context.Context, in *conversion.Install, d conversion.Decision) error {
	_, err := l.t.ExecContext(ctx, l.t.q(decideSQL), d.Name(), d.NetworkID, d.Reason, ms(l.s.clock.Now()), in.AppID, in.ID)
	if err != nil {
		return fmt.Errorf("keep decision: %w", err)
	}
	return l.use(ctx, in, d)
}

// Enqueue implements conversion.Ledger.
func (l *ledger) Enqueue(ctx context.Context, out conversion.Outgoing) error {
	return l.s.enqueueConversions(ctx, l.t, forward.Conversion(out))
}
