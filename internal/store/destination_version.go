package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"skand/forward"
	"skand/internal/apply"
)

// What an operator does with a destination's templates, as the audit log calls it.
const (
	ActDestinationRollBack = "destination.rollback"
	ActDestinationRender   = "destination.render" // a look at what would be sent
	ActDestinationTest     = "destination.test"   // a sample was sent
)

// ErrNoDestinationVersion says that the destination never had the version.
var ErrNoDestinationVersion = errors.New("no such version of the destination")

// DestinationVersion is a definition as it was saved; it never changes.
type DestinationVersion struct {
	Version        int             `json:"version"` // template_version of the attempt log
	SavedAt        time.Time       `json:"saved_at"`
	SavedBy        string          `json:"saved_by"` // "" of what was saved before versions were kept
	RolledBackFrom int             `json:"rolled_back_from,omitempty"`
	Current        bool            `json:"current"`
	Definition     json.RawMessage `json:"definition"`
}

type destinationVersionRow struct {
	Version    int    `db:"version"`
	SavedAt    int64  `db:"saved_at"`
	SavedBy    string `db:"saved_by"`
	BackFrom   int    `db:"rolled_back_from"`
	Definition string `db:"definition"`
}

func (r destinationVersionRow) version(current int) DestinationVersion {
	return DestinationVersion{
		Version: r.Version, SavedAt: at(r.SavedAt), SavedBy: r.SavedBy, RolledBackFrom: r.BackFrom,
		Current: r.Version == current, Definition: json.RawMessage(r.Definition),
	}
}

const selectDestinationVersion = `SELECT version, saved_at, saved_by, rolled_back_from, definition
	FROM destination_version WHERE app_id = ? AND destination_id = ?`

// keepVersion keeps a definition in the transaction that saves it.
func keepVersion(ctx context.Context, t *tx, d forward.Destination, definition string, version int, now time.Time) error {
	const insert = `INSERT INTO destination_version (app_id, destination_id, version, definition, saved_at, saved_by)
		VALUES (?, ?, ?, ?, ?, ?)`
	by := actor(ctx, "skand apply").Who
	if _, err := t.ExecContext(ctx, t.q(insert), d.AppID, d.ID, version, definition, ms(now), by); err != nil {
		return fmt.Errorf("keep version %d of destination %q: %w", version, d.ID, err)
	}
	return nil
}

// destinationHead is the app of a destination and its current version.
type destinationHead struct {
	AppID   int64 `db:"app_id"`
	Version int   `db:"template_version"`
}

func readHead(ctx context.Context, from reader, id, lock string) (h destinationHead, err error) {
	if !fitsText(id) {
		return h, ErrNoDestination
	}
	err = getRow(ctx, from, &h, `SELECT app_id, template_version FROM destination WHERE id = ?`+lock, id)
	if errors.Is(err, sql.ErrNoRows) {
		return h, ErrNoDestination
	}
	if err != nil {
		return h, fmt.Errorf("read destination %q: %w", id, err)
	}
	return h, nil
}

// DestinationVersions lists what was saved of a destination, the newest first. cursor is
// "" or what the page before returned.
func (s *Store) DestinationVersions(ctx context.Context, id, cursor string, limit int) ([]DestinationVersion, string, error) {
	head, err := readHead(ctx, s.main.r, id, "")
	if err != nil {
		return nil, "", err
	}
	before := int64(head.Version) + 1
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 32); err != nil {
			return nil, "", ErrCursor
		}
	}
	var rows []destinationVersionRow
	text := s.main.q(selectDestinationVersion + ` AND version < ? ORDER BY version DESC LIMIT ?`)
	if err := s.main.r.SelectContext(ctx, &rows, text, head.AppID, id, before, limit+1); err != nil {
		return nil, "", fmt.Errorf("list versions of destination %q: %w", id, err)
	}
	out := make([]DestinationVersion, len(rows))
	for i, r := range rows {
		out[i] = r.version(head.Version)
	}
	out, next := page(out, limit, func(v DestinationVersion) string { return strconv.Itoa(v.Version) })
	return out, next, nil
}

// DestinationVersion is one of them; ErrNoDestination or ErrNoDestinationVersion where
// there is none.
func (s *Store) DestinationVersion(ctx context.Context, id string, version int) (DestinationVersion, error) {
	head, err := readHead(ctx, s.main.r, id, "")
	if err != nil {
		return DestinationVersion{}, err
	}
	row, err := readDestinationVersion(ctx, s.main.r, head.AppID, id, version)
	return row.version(head.Version), err
}

func readDestinationVersion(ctx context.Context, from reader, appID int64, id string, version int) (r destinationVersionRow, err error) {
	err = getRow(ctx, from, &r, selectDestinationVersion+` AND version = ?`, appID, id, version)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNoDestinationVersion
	}
	if err != nil {
		return r, fmt.Errorf("read version %d of destination %q: %w", version, id, err)
	}
	return r, nil
}

// RollBackDestination saves an earlier definition once more, as a new version, and tells
// the audit log. What is current already changes nothing. A definition that would not be
// taken today is an apply.Refused.
func (s *Store) RollBackDestination(ctx context.Context, id string, version int) (now DestinationVersion, changed bool, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		now, changed, err = s.rollBackDestination(ctx, t, id, version)
		return err
	})
	if err != nil {
		return DestinationVersion{}, false, fmt.Errorf("roll back destination %q: %w", id, err)
	}
	return now, changed, nil
}

func (s *Store) rollBackDestination(ctx context.Context, t *tx, id string, version int) (now DestinationVersion, changed bool, err error) {
	head, err := readHead(ctx, t, id, t.forUpdate())
	if err != nil {
		return now, false, err
	}
	row, err := readDestinationVersion(ctx, t, head.AppID, id, version)
	if err != nil {
		return now, false, err
	}
	var d forward.Destination
	if err := json.Unmarshal([]byte(row.Definition), &d); err != nil {
		return now, false, apply.Refuse(fmt.Errorf("version %d: %w", version, err))
	}
	allow, err := allowPrivate(ctx, t)
	if err != nil {
		return now, false, err
	}
	if err := d.Validate(allow); err != nil {
		return now, false, apply.Refuse(fmt.Errorf("version %d: %w", version, err))
	}
	changed, err = saveDestination(ctx, t, d, s.clock.Now())
	if err != nil {
		return now, false, err
	}
	if changed {
		const mark = `UPDATE destination_version SET rolled_back_from = ? WHERE app_id = ? AND destination_id = ? AND version = ?`
		if _, err := t.ExecContext(ctx, t.q(mark), version, head.AppID, id, head.Version+1); err != nil {
			return now, false, err
		}
		told := act{ActDestinationRollBack, head.AppID, "destination " + id, map[string]any{"from": head.Version, "to": version, "version": head.Version + 1}}
		if err := audit(ctx, t, actor(ctx, "store"), s.clock.Now(), told); err != nil {
			return now, false, err
		}
		head.Version++
	}
	row, err = readDestinationVersion(ctx, t, head.AppID, id, head.Version)
	return row.version(head.Version), changed, err
}
