package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
)

// SchemaKeeper keeps the published versions of schemas, which never change, and the
// drafts of the next ones. Its errors are store.ErrNoApp, ErrNoVersion, ErrNoDraft
// and ErrCursor, *store.StaleDraft, *store.InvalidSchema, *store.SameVersion and
// *store.BadEffective; any other is the store's own fault.
type SchemaKeeper interface {
	Schemas(ctx context.Context, appID int64, cursor string, limit int) ([]store.SchemaVersion, string, error)
	Schema(ctx context.Context, appID int64, version int) (store.Published, error)
	CurrentVersion(ctx context.Context, appID int64) (int, error) // 0: there is none
	NewestVersion(ctx context.Context, appID int64) (int, error)
	RollBack(ctx context.Context, appID int64, version int, p store.Publication) (store.Published, error)
	// PreviewDraft and PreviewRollBack tell what the publication would do, with its errors.
	PreviewDraft(ctx context.Context, appID int64, id string, m store.Match, from *time.Time) (store.SchemaPreview, error)
	PreviewRollBack(ctx context.Context, appID int64, version int, from *time.Time) (store.SchemaPreview, error)
	DraftKeeper
	EvidenceKeeper
}

// DraftKeeper keeps drafts.
type DraftKeeper interface {
	Drafts(ctx context.Context, appID int64, cursor string, limit int) ([]store.Draft, string, error)
	Draft(ctx context.Context, appID int64, id string) (store.Draft, error)
	CreateDraft(ctx context.Context, appID int64, n store.NewDraft) (store.Draft, error)
	SaveDraft(ctx context.Context, appID int64, id string, m store.Match, document json.RawMessage, note *string) (store.Draft, error)
	DeleteDraft(ctx context.Context, appID int64, id string, m store.Match) error
	PublishDraft(ctx context.Context, appID int64, id string, m store.Match, p store.Publication) (store.Published, error)
}

func (a *Admin) schemaRoutes() []route {
	const schemas = "/v1/apps/{app}/schemas"
	return []route{
		{"GET " + schemas, auth.Viewer, a.listVersions},
		{"GET " + schemas + "/versions/{version}", auth.Viewer, a.version},
		{"POST " + schemas + "/versions/{version}:rollback", auth.Editor, a.rollBack},
		{"GET " + schemas + "/diff", auth.Viewer, a.diff},
		{"GET " + schemas + "/drafts", auth.Viewer, a.listDrafts},
		{"POST " + schemas + "/drafts", auth.Editor, a.createDraft},
		{"GET " + schemas + "/drafts/{draft}", auth.Viewer, a.draft},
		{"PUT " + schemas + "/drafts/{draft}", auth.Editor, a.saveDraft},
		{"DELETE " + schemas + "/drafts/{draft}", auth.Editor, a.deleteDraft},
		{"POST " + schemas + "/drafts/{draft}:validate", auth.Editor, a.validateDraft},
		{"POST " + schemas + "/drafts/{draft}:simulate", auth.Editor, a.orInBackground(a.simulateDraft)},
		{"POST " + schemas + "/versions/{version}:simulate", auth.Editor, a.orInBackground(a.simulateVersion)},
		{"POST " + schemas + ":simulate", auth.Editor, a.orInBackground(a.simulateDocument)},
		{"POST " + schemas + ":suggest", auth.Editor, a.orInBackground(a.suggest)},
		{"POST " + schemas + "/drafts/{draft}:publish", auth.Editor, a.publishDraft},
		{"POST " + schemas + "/drafts/{draft}:preview", auth.Editor, a.previewDraft},
		{"POST " + schemas + "/versions/{version}:preview", auth.Editor, a.previewRollBack},
		{"POST " + schemas + ":check", auth.Editor, a.checkDocument},
		{"POST " + schemas + ":import", auth.Editor, a.importSchema},
		{"GET " + schemas + "/export", auth.Viewer, a.exportSchema},
		{"GET " + schemas + "/runs", auth.Editor, a.listRuns},
		{"GET " + schemas + "/runs/{run}", auth.Editor, a.showRun},
		{"DELETE " + schemas + "/runs/{run}", auth.Editor, a.cancelRun},
	}
}

// pathNumber reads a positive number of the path; false means that the answer has
// been given.
func pathNumber(w http.ResponseWriter, r *http.Request, name, what string, bits int) (int64, bool) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, bits)
	if err != nil || n <= 0 {
		problem(w, http.StatusBadRequest, "bad_parameter", "want "+what, name)
		return 0, false
	}
	return n, true
}

func pathApp(w http.ResponseWriter, r *http.Request) (int64, bool) {
	return pathNumber(w, r, "app", "the App Store id of an app", 64)
}

// schemaFailed answers an error of the SchemaKeeper.
func (a *Admin) schemaFailed(w http.ResponseWriter, r *http.Request, err error) {
	var stale *store.StaleDraft
	var invalid *store.InvalidSchema
	var same *store.SameVersion
	var bad *store.BadEffective
	switch {
	case errors.Is(err, store.ErrNoApp):
		problem(w, http.StatusNotFound, "unknown_app", "nobody has described this app; apply it first", "app")
	case errors.Is(err, store.ErrNoVersion):
		problem(w, http.StatusNotFound, "unknown_version", "no version of this number was published", "version")
	case errors.Is(err, store.ErrNoDraft):
		problem(w, http.StatusNotFound, "unknown_draft", "there is no such draft of this app (any more)", "draft")
	case errors.As(err, &stale):
		w.Header().Set("ETag", etag(stale.Current.Revision))
		problemWith(w, http.StatusPreconditionFailed, "stale", stale.Error(), "If-Match", map[string]any{"current": stale.Current})
	case errors.As(err, &invalid):
		problemWith(w, http.StatusUnprocessableEntity, "invalid", invalid.Error(), "", map[string]any{"report": invalid.Report})
	case errors.As(err, &same):
		problemWith(w, http.StatusConflict, "same", same.Error(), "", map[string]any{"version": same.Version})
	case errors.As(err, &bad):
		problem(w, http.StatusUnprocessableEntity, "bad_effective_from", bad.Error(), "effective_from")
	default:
		a.failed(w, r, err)
	}
}

func (a *Admin) listVersions(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, _, ok := paging(w, r)
	if !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	data, next, err := a.Schemas.Schemas(r.Context(), appID, cursor, limit)
	answerList(a, w, r, data, next, err)
}

func (a *Admin) version(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	n, ok := pathNumber(w, r, "version", "the number of a version", 32)
	if !ok {
		return
	}
	v, err := a.Schemas.Schema(r.Context(), appID, int(n))
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}

// diff compares what two references name: a version's number, draft:ID, current
// (in force now) or newest (published last).
func (a *Admin) diff(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "from", "to")
	if !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	var docs [2]*schema.Document
	for i, name := range []string{"from", "to"} {
		d, err := a.referred(r.Context(), appID, q.Get(name))
		switch {
		case errors.Is(err, errReference):
			problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), name)
			return
		case err != nil:
			a.schemaFailed(w, r, err)
			return
		}
		docs[i] = d
	}
	writeJSON(w, http.StatusOK, schema.Diff(docs[0], docs[1]))
}

var errReference = errors.New("want the number of a version, draft:ID, current (in force now) or newest (published last)")

// referred reads the document that a reference names.
func (a *Admin) referred(ctx context.Context, appID int64, name string) (*schema.Document, error) {
	if id, ok := strings.CutPrefix(name, "draft:"); ok {
		d, err := a.Schemas.Draft(ctx, appID, id)
		if err != nil {
			return nil, err
		}
		if d.Table == nil {
			return nil, &store.InvalidSchema{Report: *d.Report}
		}
		return d.Table, nil
	}
	var n int
	var err error
	switch name {
	case "current":
		n, err = a.Schemas.CurrentVersion(ctx, appID)
	case "newest":
		n, err = a.Schemas.NewestVersion(ctx, appID)
	default:
		if n, err = strconv.Atoi(name); err != nil || n <= 0 {
			err = errReference
		}
	}
	if err != nil {
		return nil, err
	}
	v, err := a.Schemas.Schema(ctx, appID, n)
	if err != nil {
		return nil, err
	}
	return schema.Parse(v.Document)
}
