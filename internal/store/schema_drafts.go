package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"skand/internal/apply"
	"skand/schema"
)

// ErrNoDraft is returned for a draft that is not there (any more).
var ErrNoDraft = errors.New("no such draft")

// Draft is a schema that somebody works on. Its document is the text as it was
// sent: any JSON object, so that nothing is lost because it is not right yet.
type Draft struct {
	ID        string          `json:"id"`
	AppID     int64           `json:"app_id"`
	Revision  int             `json:"revision"` // raised by every save, from 1
	BasedOn   int             `json:"based_on"` // the version it was begun from; 0: none
	Note      string          `json:"note"`
	CreatedBy string          `json:"created_by"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedBy string          `json:"updated_by"`
	UpdatedAt time.Time       `json:"updated_at"`
	Document  json.RawMessage `json:"document,omitempty"` // not in lists
	Report    *schema.Report  `json:"report,omitempty"`   // of the document; not in lists
	// Table is the document as publishing would read it; nil where it is no schema.
	Table *schema.Document `json:"-"`
}

// NewDraft is what somebody begins with.
type NewDraft struct {
	Document json.RawMessage
	Note     string
	BasedOn  *int // nil: the newest version
}

// Match names the revisions that a write may meet (If-Match).
type Match struct {
	Any       bool
	Revisions []int
}

func (m Match) fits(revision int) bool { return m.Any || slices.Contains(m.Revisions, revision) }

// StaleDraft says that somebody saved in between; Current is what is stored.
type StaleDraft struct{ Current Draft }

func (e *StaleDraft) Error() string {
	return fmt.Sprintf("the draft is at revision %d: %s saved it at %s; compare with what is stored and save again on top of it",
		e.Current.Revision, e.Current.UpdatedBy, e.Current.UpdatedAt.Format(time.RFC3339))
}

// CodeBasedOnOlder warns that publishing undoes what was published in between.
const CodeBasedOnOlder schema.Code = "based_on_older"

type draftRow struct {
	AppID     int64  `db:"app_id"`
	ID        string `db:"draft_id"`
	Document  string `db:"document"`
	Revision  int    `db:"revision"`
	BasedOn   int    `db:"based_on"`
	Note      string `db:"note"`
	CreatedBy string `db:"created_by"`
	CreatedAt int64  `db:"created_at"`
	UpdatedBy string `db:"updated_by"`
	UpdatedAt int64  `db:"updated_at"`
}

func (r draftRow) draft() Draft {
	d := Draft{
		ID: r.ID, AppID: r.AppID, Revision: r.Revision, BasedOn: r.BasedOn, Note: r.Note,
		CreatedBy: r.CreatedBy, CreatedAt: at(r.CreatedAt), UpdatedBy: r.UpdatedBy, UpdatedAt: at(r.UpdatedAt),
	}
	if r.Document != "" {
		d.Document = json.RawMessage(r.Document)
	}
	return d
}

const selectDraft = `SELECT app_id, draft_id, document, revision, based_on, note, created_by, created_at, updated_by, updated_at
	FROM schema_draft WHERE app_id = ? AND draft_id = ?`

// readDraft reads a draft with the report on it.
func readDraft(ctx context.Context, from reader, app *apply.App, id, lock string) (Draft, error) {
	if !fitsText(id) {
		return Draft{}, ErrNoDraft
	}
	var row draftRow
	err := getRow(ctx, from, &row, selectDraft+lock, app.AppID, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Draft{}, ErrNoDraft
	}
	if err != nil {
		return Draft{}, fmt.Errorf("read draft %s of app %d: %w", id, app.AppID, err)
	}
	newest, err := newestVersion(ctx, from, app.AppID)
	if err != nil {
		return Draft{}, err
	}
	return reported(row.draft(), app, newest), nil
}

// reported adds what publishing the draft would say.
func reported(d Draft, app *apply.App, newest int) Draft {
	table, report := app.Judge(d.Document)
	if d.BasedOn != 0 && d.BasedOn < newest {
		report.Warnings = append(report.Warnings, schema.Finding{Code: CodeBasedOnOlder, Message: fmt.Sprintf(
			"begun from version %d, and version %d has been published since; publishing this undoes what that changed: compare them first",
			d.BasedOn, newest)})
	}
	d.Table, d.Report = table, &report
	return d
}

// matchedDraft reads a draft that is about to be written, and holds it.
func matchedDraft(ctx context.Context, t *tx, app *apply.App, id string, match Match) (Draft, error) {
	d, err := readDraft(ctx, t, app, id, t.forUpdate())
	if err == nil && !match.fits(d.Revision) {
		return Draft{}, &StaleDraft{d}
	}
	return d, err
}

// Draft reads a draft. ErrNoApp or ErrNoDraft if there is none.
func (s *Store) Draft(ctx context.Context, appID int64, id string) (Draft, error) {
	app, err := readApp(ctx, s.main.r, appID, "")
	if err != nil {
		return Draft{}, err
	}
	return readDraft(ctx, s.main.r, app, id, "")
}

// Drafts lists an app's drafts without their documents, the latest begun first.
func (s *Store) Drafts(ctx context.Context, appID int64, cursor string, limit int) ([]Draft, string, error) {
	text, args := `SELECT app_id, draft_id, '' AS document, revision, based_on, note, created_by, created_at, updated_by, updated_at
		FROM schema_draft WHERE app_id = ?`, []any{appID}
	if cursor != "" {
		when, id, err := cutCursor(cursor, ".")
		if err != nil {
			return nil, "", err
		}
		before, err := strconv.ParseInt(when, 10, 64)
		if err != nil {
			return nil, "", ErrCursor
		}
		text, args = text+` AND (created_at < ? OR (created_at = ? AND draft_id < ?))`, append(args, before, before, id)
	}
	var rows []draftRow
	text += ` ORDER BY created_at DESC, draft_id DESC LIMIT ?`
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), append(args, limit+1)...); err != nil {
		return nil, "", fmt.Errorf("list drafts: %w", err)
	}
	out := make([]Draft, len(rows))
	for i, r := range rows {
		out[i] = r.draft()
	}
	out, next := page(out, limit, func(d Draft) string { return fmt.Sprintf("%d.%s", ms(d.CreatedAt), d.ID) })
	return out, next, nil
}

const insertDraftSQL = `
INSERT INTO schema_draft (app_id, draft_id, document, revision, based_on, note, created_by, created_at, updated_by, updated_at)
VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)`

// CreateDraft keeps a new draft. ErrNoApp, or ErrNoVersion if it is based on none.
func (s *Store) CreateDraft(ctx context.Context, appID int64, n NewDraft) (Draft, error) {
	who, now := actor(ctx, "store"), s.clock.Now()
	d := Draft{
		ID: uuid.NewString(), AppID: appID, Revision: 1, Note: n.Note, Document: n.Document,
		CreatedBy: who.Who, CreatedAt: at(ms(now)), UpdatedBy: who.Who, UpdatedAt: at(ms(now)),
	}
	err := s.main.in(ctx, func(t *tx) error {
		app, err := readApp(ctx, t, appID, "")
		if err != nil {
			return err
		}
		newest, err := newestVersion(ctx, t, appID)
		if err != nil {
			return err
		}
		d.BasedOn = newest
		if n.BasedOn != nil {
			d.BasedOn = *n.BasedOn
		}
		if d.BasedOn < 0 || d.BasedOn > newest { // numbers have no gaps
			return ErrNoVersion
		}
		d = reported(d, app, newest)
		_, err = t.ExecContext(ctx, t.q(insertDraftSQL), appID, d.ID, string(d.Document), d.BasedOn, d.Note, who.Who, ms(now), who.Who, ms(now))
		if err != nil {
			return fmt.Errorf("keep draft of app %d: %w", appID, err)
		}
		return audit(ctx, t, who, now, act{ActDraftCreate, appID, draftName(d.ID), map[string]any{"based_on": d.BasedOn, "note": d.Note}})
	})
	return d, err
}

func draftName(id string) string { return "draft " + id }

const saveDraftSQL = `
UPDATE schema_draft SET document = ?, note = ?, revision = ?, updated_by = ?, updated_at = ? WHERE app_id = ? AND draft_id = ?`

// SaveDraft replaces a draft's document, and its note unless that is nil, provided
// that match names the revision stored; of several at once with the same revision
// one wins and the others get a StaleDraft. ErrNoApp or ErrNoDraft if there is none.
func (s *Store) SaveDraft(ctx context.Context, appID int64, id string, match Match, document json.RawMessage, note *string) (Draft, error) {
	var d Draft
	who, now := actor(ctx, "store"), s.clock.Now()
	err := s.main.in(ctx, func(t *tx) error {
		app, err := readApp(ctx, t, appID, "")
		if err != nil {
			return err
		}
		if d, err = matchedDraft(ctx, t, app, id, match); err != nil {
			return err
		}
		newest, err := newestVersion(ctx, t, appID)
		if err != nil {
			return err
		}
		d.Revision, d.Document, d.UpdatedBy, d.UpdatedAt = d.Revision+1, document, who.Who, at(ms(now))
		if note != nil {
			d.Note = *note
		}
		d = reported(d, app, newest)
		_, err = t.ExecContext(ctx, t.q(saveDraftSQL), string(document), d.Note, d.Revision, who.Who, ms(now), appID, id)
		if err != nil {
			return fmt.Errorf("save draft %s of app %d: %w", id, appID, err)
		}
		return audit(ctx, t, who, now, act{ActDraftSave, appID, draftName(id), map[string]any{"revision": d.Revision, "note": d.Note}})
	})
	return d, err
}

// DeleteDraft removes a draft, provided that match names the revision stored; else
// a StaleDraft. ErrNoApp or ErrNoDraft if there is none.
func (s *Store) DeleteDraft(ctx context.Context, appID int64, id string, match Match) error {
	who, now := actor(ctx, "store"), s.clock.Now()
	return s.main.in(ctx, func(t *tx) error {
		app, err := readApp(ctx, t, appID, "")
		if err != nil {
			return err
		}
		d, err := matchedDraft(ctx, t, app, id, match)
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, t.q(`DELETE FROM schema_draft WHERE app_id = ? AND draft_id = ?`), appID, id); err != nil {
			return fmt.Errorf("delete draft %s of app %d: %w", id, appID, err)
		}
		return audit(ctx, t, who, now, act{ActDraftDelete, appID, draftName(id), map[string]any{"revision": d.Revision, "note": d.Note}})
	})
}
