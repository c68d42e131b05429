package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"skand/conversion"
)

const installColumns = `received_at, idfa_hash, idfv_hash, is_test, review, review_reason, decided_at, detail, body`

type installRow struct {
	ReceivedAt   int64          `db:"received_at"`
	IDFAHash     sql.NullString `db:"idfa_hash"`
	IDFVHash     sql.NullString `db:"idfv_hash"`
	IsTest       bool           `db:"is_test"`
	Review       string         `db:"review"`
	ReviewReason string         `db:"review_reason"`
	DecidedAt    int64          `db:"decided_at"`
	Detail       string         `db:"detail"`
	Body         string         `db:"body"`
}

// keptInstall opens a row.
func (s *Store) keptInstall(r *installRow) (conversion.KeptInstall, error) {
	in := conversion.KeptInstall{
		Device: conversion.Device{IDFA: r.IDFAHash.String, IDFV: r.IDFVHash.String}, IsTest: r.IsTest, Review: r.Review,
		ReviewReason: r.ReviewReason,
	}
	body := installBody{Install: &in.Install}
	if err := s.openJSON(kindInstall, r.Body, &body); err != nil {
		return in, fmt.Errorf("read install: %w", err)
	}
	in.Arrival.Reported = body.Reported
	if err := s.openJSON(kindDecision, r.Detail, &in.Decision); err != nil {
		return in, fmt.Errorf("read decision: %w", err)
	}
	return in, nil
}

// Install implements conversion.Keeper.
func (l *ledger) Install(ctx context.Context, appID int64, id string) (*conversion.KeptInstall, error) {
	const text = `SELECT ` + installColumns + ` FROM install WHERE app_id = ? AND id = ?`
	var row installRow
	err := l.get(ctx, &row, text, appID, l.hashOf(hashInstall, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up install: %w", err)
	}
	in, err := l.s.keptInstall(&row)
	return &in, err
}

// installs reads all that a condition picks.
func (l *ledger) installs(ctx context.Context, rest string, args ...any) ([]conversion.KeptInstall, error) {
	var rows []installRow
	if err := l.all(ctx, &rows, `SELECT `+installColumns+` FROM install WHERE `+rest, args...); err != nil {
		return nil, fmt.Errorf("list installs: %w", err)
	}
	out := make([]conversion.KeptInstall, len(rows))
	for i := range rows {
		var err error
		if out[i], err = l.s.keptInstall(&rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Installs implements conversion.Keeper.
func (l *ledger) Installs(ctx context.Context, appID int64, from, to time.Time, most int) ([]conversion.KeptInstall, error) {
	return l.installs(ctx, `app_id = ? AND installed_at >= ? AND installed_at < ? LIMIT ?`, appID, ms(from), ms(to), most)
}

// Click implements conversion.Keeper.
func (l *ledger) Click(ctx context.Context, appID int64, id string) (*conversion.Click, error) {
	var body string
	err := l.get(ctx, &body, `SELECT body FROM click WHERE app_id = ? AND id = ?`, appID, l.hashOf(hashClick, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up click: %w", err)
	}
	var c conversion.Click
	if err := l.s.openJSON(kindClick, body, &c); err != nil {
		return nil, fmt.Errorf("read click: %w", err)
	}
	return &c, nil
}

const eventsSQL = `SELECT received_at, revenue_app, flags, body FROM event WHERE app_id = ? AND install_id = ? ORDER BY happened_at, id`

type eventRow struct {
	ReceivedAt int64               `db:"received_at"`
	RevenueApp decimal.NullDecimal `db:"revenue_app"`
	Flags      string              `db:"flags"`
	Body       string              `db:"body"`
}

// keptEvent opens a row.
func (s *Store) keptEvent(r *eventRow) (conversion.KeptEvent, error) {
	e := conversion.KeptEvent{Flags: listed(r.Flags)}
	if err := s.openJSON(kindEvent, r.Body, &e.Event); err != nil {
		return e, fmt.Errorf("read event: %w", err)
	}
	if r.RevenueApp.Valid {
		e.RevenueApp = &r.RevenueApp.Decimal
	}
	return e, nil
}

// listed reads a list with commas between; nil for none.
func listed(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// Events implements conversion.Keeper.
func (l *ledger) Events(ctx context.Context, appID int64, installID string) ([]conversion.KeptEvent, error) {
	var rows []eventRow
	if err := l.all(ctx, &rows, eventsSQL, appID, l.hashOf(hashInstall, installID)); err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	events := make([]conversion.KeptEvent, len(rows))
	for i := range rows {
		var err error
		if events[i], err = l.s.keptEvent(&rows[i]); err != nil {
			return nil, err
		}
	}
	return events, nil
}
