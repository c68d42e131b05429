package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"skand/conversion"
)

// ErrCursor is returned for a cursor that no page of the list gave.
var ErrCursor = errors.New("unknown cursor")

// page cuts one row more than the limit into a page and the cursor of the next.
func page[T any](rows []T, limit int, cursor func(T) string) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, cursor(rows[limit-1])
}

// cutCursor splits a cursor into where the last page ended and the id there. Bytes
// that no text column takes are no id of ours.
func cutCursor(cursor, sep string) (place, id string, err error) {
	place, id, ok := strings.Cut(cursor, sep)
	if !ok || !fitsText(id) {
		return "", "", ErrCursor
	}
	return place, id, nil
}

func fitsText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// Release is a line of the public ledger.
type Release struct {
	ID             string `db:"release_id" json:"release_id"`
	AppID          int64  `db:"app_id" json:"app_id"`
	Dataset        string `db:"dataset" json:"dataset"`
	Kind           string `db:"kind" json:"kind"`
	WindowStart    Stamp  `db:"window_start" json:"window_start"`
	WindowEnd      Stamp  `db:"window_end" json:"window_end"`
	K              int    `db:"k" json:"k"`
	B              int    `db:"b" json:"b"`
	SchemaVersions string `db:"schema_versions" json:"schema_versions"`
	ModelVersion   int    `db:"model_version" json:"model_version"`
	Lab            bool   `db:"lab" json:"lab"`
	SealedAt       Stamp  `db:"sealed_at" json:"sealed_at"`
}

// Releases lists the public ledger from the published store, newest window first.
// appID 0 is every app.
func (s *Store) Releases(ctx context.Context, appID int64, cursor string, limit int) ([]Release, string, error) {
	where, args := " WHERE (CAST(? AS BIGINT) = 0 OR app_id = ?)"+onlyGranted(ctx, "app_id"), []any{appID, appID}
	if cursor != "" {
		end, id, err := cutCursor(cursor, "|")
		if err != nil {
			return nil, "", err
		}
		when, err := time.Parse(time.RFC3339, end)
		if err != nil {
			return nil, "", ErrCursor
		}
		where += " AND (window_end < ? OR (window_end = ? AND release_id > ?))"
		args = append(args, s.pub.stamp(when), s.pub.stamp(when), id)
	}
	text := `SELECT release_id, app_id, dataset, kind, window_start, window_end, k, b, schema_versions, model_version, lab, sealed_at
		FROM ` + s.pub.table("release") + where + ` ORDER BY window_end DESC, release_id LIMIT ?`
	var rows []Release
	if err := s.pub.r.SelectContext(ctx, &rows, s.pub.q(text), append(args, limit+1)...); err != nil {
		return nil, "", fmt.Errorf("list releases: %w", err)
	}
	rows, next := page(rows, limit, func(r Release) string { return r.WindowEnd.String() + "|" + r.ID })
	return rows, next, nil
}

// Definition is a configured thing as apply stored it.
type Definition struct {
	ID         string          `json:"id"`
	UpdatedAt  time.Time       `json:"updated_at"`
	Definition json.RawMessage `json:"definition"`
	// DestinationStanding is nil of everything but destinations.
	*DestinationStanding
}

// Definitions lists what apply stored under a kind: app, network or destination.
func (s *Store) Definitions(ctx context.Context, kind, cursor string, limit int) ([]Definition, string, error) {
	column, ok := map[string]string{"app": "CAST(app_id AS TEXT)", "network": "network_id", "destination": "id"}[kind]
	if !ok {
		return nil, "", fmt.Errorf("list definitions: no kind %q", kind)
	}
	if !fitsText(cursor) {
		return nil, "", ErrCursor
	}
	if kind == "destination" {
		return s.destinationDefinitions(ctx, cursor, limit)
	}
	var rows []struct {
		ID         string `db:"id"`
		UpdatedAt  int64  `db:"updated_at"`
		Definition string `db:"definition"`
	}
	mine := ""
	if kind == "app" {
		mine = onlyGranted(ctx, "app_id") // networks are everybody's
	}
	text := `SELECT ` + column + ` AS id, updated_at, definition FROM ` + kind + ` WHERE ` + column + ` > ?` + mine + ` ORDER BY 1 LIMIT ?`
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), cursor, limit+1); err != nil {
		return nil, "", fmt.Errorf("list %ss: %w", kind, err)
	}
	out := make([]Definition, len(rows))
	for i, r := range rows {
		out[i] = Definition{ID: r.ID, UpdatedAt: at(r.UpdatedAt), Definition: json.RawMessage(r.Definition)}
	}
	out, next := page(out, limit, func(d Definition) string { return d.ID })
	return out, next, nil
}

// PostbackFilter picks raw copies; zero members pick all.
type PostbackFilter struct {
	AppID int64
	State string
}

// Postback is a raw copy as operators see it.
type Postback struct {
	ID         string            `json:"id"`
	AppID      int64             `json:"app_id"`
	ReceivedAt time.Time         `json:"received_at"`
	Source     conversion.Source `json:"source"`
	State      conversion.State  `json:"state"`
	Reason     string            `json:"reason"`
	Field      string            `json:"field"`
	Framework  string            `json:"framework"`
	Version    string            `json:"version"`
	Verdict    string            `json:"verdict"`
	Key        string            `json:"key"`
	Flags      []string          `json:"flags"`
	// Differs is what a conflict differs in from the copy that counted then.
	Differs []conversion.Difference `json:"differs"`
	Body    string                  `json:"body"` // as it came; bytes that are no UTF-8 are replaced
}

// Postbacks lists raw copies, newest first.
func (s *Store) Postbacks(ctx context.Context, f PostbackFilter, cursor string, limit int) ([]Postback, string, error) {
	where, args := " WHERE (CAST(? AS BIGINT) = 0 OR app_id = ?) AND (? = '' OR state = ?)"+onlyGranted(ctx, "app_id"), []any{f.AppID, f.AppID, f.State, f.State}
	if cursor != "" {
		when, id, err := cutCursor(cursor, ".")
		if err != nil {
			return nil, "", err
		}
		before, err := strconv.ParseInt(when, 10, 64)
		if err != nil {
			return nil, "", ErrCursor
		}
		where += " AND (received_at < ? OR (received_at = ? AND id < ?))"
		args = append(args, before, before, id)
	}
	var rows []struct {
		ID         string `db:"id"`
		AppID      int64  `db:"app_id"`
		ReceivedAt int64  `db:"received_at"`
		Source     string `db:"source"`
		State      string `db:"state"`
		Reason     string `db:"reason"`
		Field      string `db:"field"`
		Framework  string `db:"framework"`
		Version    string `db:"version"`
		Verdict    string `db:"verdict"`
		Key        string `db:"key_name"`
		Flags      string `db:"flags"`
		Differs    string `db:"differs"`
		Body       []byte `db:"body"`
	}
	text := `SELECT id, app_id, received_at, source, state, reason, field, framework, version, verdict, key_name, flags, differs, body
		FROM postback` + where + ` ORDER BY received_at DESC, id DESC LIMIT ?`
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), append(args, limit+1)...); err != nil {
		return nil, "", fmt.Errorf("list postbacks: %w", err)
	}
	out := make([]Postback, len(rows))
	for i, r := range rows {
		out[i] = Postback{
			ID: r.ID, AppID: r.AppID, ReceivedAt: at(r.ReceivedAt), Source: conversion.Source(r.Source),
			State: conversion.State(r.State), Reason: r.Reason, Field: r.Field, Framework: r.Framework, Version: r.Version,
			Verdict: r.Verdict, Key: r.Key, Flags: strings.Fields(r.Flags), Differs: []conversion.Difference{},
			Body: strings.ToValidUTF8(string(r.Body), "\uFFFD"),
		}
		if r.Differs != "" {
			if err := json.Unmarshal([]byte(r.Differs), &out[i].Differs); err != nil {
				return nil, "", fmt.Errorf("read differences of %s: %w", r.ID, err)
			}
		}
	}
	out, next := page(out, limit, func(p Postback) string { return fmt.Sprintf("%d.%s", ms(p.ReceivedAt), p.ID) })
	return out, next, nil
}

// AnySealed reports whether the ledger has a line.
func (s *Store) AnySealed(ctx context.Context) (bool, error) {
	var n int
	if err := s.main.r.GetContext(ctx, &n, `SELECT COUNT(*) FROM (SELECT 1 FROM release_ledger LIMIT 1) AS any_line`); err != nil {
		return false, fmt.Errorf("look at the ledger: %w", err)
	}
	return n > 0, nil
}

// Sealed is the newest release of an app's installs, for the metrics.
type Sealed struct {
	AppID     int64
	SealedAt  time.Time
	NullRatio map[string]float64 // by network, of its published rows
}

// LastSealed reads, for each app, the newest base release of index 0 installs.
func (s *Store) LastSealed(ctx context.Context) ([]Sealed, error) {
	release, cohort := s.pub.table("release"), s.pub.table("cohort")
	var rows []struct {
		AppID    int64   `db:"app_id"`
		SealedAt Stamp   `db:"sealed_at"`
		Network  *string `db:"network_id"`
		Nulls    float64 `db:"nulls"`
		Installs float64 `db:"installs"`
	}
	text := `SELECT r.app_id, r.sealed_at, c.network_id, COALESCE(SUM(c.null_installs), 0) AS nulls, SUM(c.installs) AS installs
		FROM ` + release + ` r JOIN ` + cohort + ` c ON c.release_id = r.release_id
		WHERE r.sequence_index = 0 AND r.conversion_kind = 'install' AND r.environment = 'production' AND r.kind = 'base'
		AND r.window_end = (SELECT MAX(n.window_end) FROM ` + release + ` n WHERE n.app_id = r.app_id AND n.sequence_index = 0
			AND n.conversion_kind = 'install' AND n.environment = 'production' AND n.kind = 'base')
		GROUP BY r.app_id, r.sealed_at, c.network_id ORDER BY r.app_id`
	if err := s.pub.r.SelectContext(ctx, &rows, text); err != nil {
		return nil, fmt.Errorf("newest releases: %w", err)
	}
	var out []Sealed
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].AppID != r.AppID {
			out = append(out, Sealed{AppID: r.AppID, SealedAt: time.Time(r.SealedAt), NullRatio: map[string]float64{}})
		}
		if r.Network != nil && r.Installs > 0 {
			out[len(out)-1].NullRatio[*r.Network] = r.Nulls / r.Installs
		}
	}
	return out, nil
}
