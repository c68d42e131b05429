package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/conversion"
)

// SchemaVersion is a published version; it never changes.
type SchemaVersion struct {
	Version       int       `json:"version"`
	EffectiveFrom time.Time `json:"effective_from"`
	PublishedAt   time.Time `json:"published_at"`
	PublishedBy   string    `json:"published_by"`
	Why           string    `json:"why"`
	// FromDraft is the draft that it was published from, which may be gone by now;
	// RolledBackFrom the version that it is a copy of.
	FromDraft      string          `json:"from_draft,omitempty"`
	RolledBackFrom int             `json:"rolled_back_from,omitempty"`
	Document       json.RawMessage `json:"document"`
}

// versionRow is SchemaVersion as it is stored.
type versionRow struct {
	Version       int    `db:"version"`
	EffectiveFrom int64  `db:"effective_from"`
	PublishedAt   int64  `db:"published_at"`
	PublishedBy   string `db:"published_by"`
	Why           string `db:"why"`
	FromDraft     string `db:"from_draft"`
	BackFrom      *int   `db:"rolled_back_from"`
	Document      string `db:"document"`
}

func (r versionRow) version() SchemaVersion {
	v := SchemaVersion{
		Version: r.Version, EffectiveFrom: at(r.EffectiveFrom), PublishedAt: at(r.PublishedAt), PublishedBy: r.PublishedBy,
		Why: r.Why, FromDraft: r.FromDraft, Document: json.RawMessage(r.Document),
	}
	if r.BackFrom != nil {
		v.RolledBackFrom = *r.BackFrom
	}
	return v
}

const selectVersion = `SELECT version, effective_from, published_at, published_by, why, from_draft, rolled_back_from, document
	FROM schema_version WHERE app_id = ?`

// reader is a transaction, or the pool of those who only read.
type reader interface {
	sqlx.QueryerContext
	Rebind(text string) string
}

func getRow(ctx context.Context, from reader, into any, text string, args ...any) error {
	return sqlx.GetContext(ctx, from, into, from.Rebind(text), args...)
}

// Schemas lists an app's published versions, newest first.
func (s *Store) Schemas(ctx context.Context, appID int64, cursor string, limit int) ([]SchemaVersion, string, error) {
	text, args := selectVersion, []any{appID}
	if cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 32)
		if err != nil {
			return nil, "", ErrCursor
		}
		text, args = text+` AND version < ?`, append(args, before)
	}
	var rows []versionRow
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text+` ORDER BY version DESC LIMIT ?`), append(args, limit+1)...); err != nil {
		return nil, "", fmt.Errorf("list schema versions: %w", err)
	}
	out := make([]SchemaVersion, len(rows))
	for i, r := range rows {
		out[i] = r.version()
	}
	out, next := page(out, limit, func(v SchemaVersion) string { return strconv.Itoa(v.Version) })
	return out, next, nil
}

// Schema reads one published version and what it does, or did, to the postbacks on
// their way when it took effect. ErrNoVersion if there is none of that number.
func (s *Store) Schema(ctx context.Context, appID int64, version int) (Published, error) {
	v, err := readVersion(ctx, s.main.r, appID, version)
	if err != nil {
		return Published{}, err
	}
	all, err := s.SchemaVersions(ctx, appID)
	if err != nil {
		return Published{}, err
	}
	p := Published{SchemaVersion: v}
	for i := range all {
		if all[i].Version == version {
			p.Effects = conversion.Effects(all[:i], all[i])
		}
	}
	return p, nil
}

func readVersion(ctx context.Context, from reader, appID int64, version int) (SchemaVersion, error) {
	var row versionRow
	err := getRow(ctx, from, &row, selectVersion+` AND version = ?`, appID, version)
	if errors.Is(err, sql.ErrNoRows) {
		return SchemaVersion{}, ErrNoVersion
	}
	if err != nil {
		return SchemaVersion{}, fmt.Errorf("read version %d of app %d: %w", version, appID, err)
	}
	return row.version(), nil
}

// CurrentVersion is the number of the version in force now, and NewestVersion that
// of the last one published, which may take effect later; 0: there is none. Before
// the first version takes effect it is in force all the same, for it binds
// everything earlier.
func (s *Store) CurrentVersion(ctx context.Context, appID int64) (int, error) {
	const text = `SELECT COALESCE(MAX(version), COALESCE((SELECT MIN(version) FROM schema_version WHERE app_id = ?), 0))
		FROM schema_version WHERE app_id = ? AND effective_from <= ?`
	var n int
	if err := getRow(ctx, s.main.r, &n, text, appID, appID, ms(s.clock.Now())); err != nil {
		return 0, fmt.Errorf("current version of app %d: %w", appID, err)
	}
	return n, nil
}

// NewestVersion is described with CurrentVersion.
func (s *Store) NewestVersion(ctx context.Context, appID int64) (int, error) {
	return newestVersion(ctx, s.main.r, appID)
}

func newestVersion(ctx context.Context, from reader, appID int64) (int, error) {
	var n int
	err := getRow(ctx, from, &n, `SELECT COALESCE(MAX(version), 0) FROM schema_version WHERE app_id = ?`, appID)
	if err != nil {
		return 0, fmt.Errorf("newest version of app %d: %w", appID, err)
	}
	return n, nil
}
