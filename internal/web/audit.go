package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
)

// Auditor keeps who did what, and looked at what.
type Auditor interface {
	// Audit tells of what is about to be done outside of the store's transactions.
	Audit(ctx context.Context, local, action string, appID int64, object string, detail any) error
	// AuditLog lists lines, the newest first; store.ErrCursor for a foreign cursor.
	AuditLog(ctx context.Context, f store.AuditFilter, cursor string, limit int) ([]store.AuditEntry, string, error)
}

// told writes an act into the audit log before it is done; false means that the
// answer has been given and nothing may be done. What the store writes tells itself.
func (a *Admin) told(w http.ResponseWriter, r *http.Request, action string, appID int64, object string, detail any) bool {
	if err := a.Audit.Audit(r.Context(), "admin listener", action, appID, object, detail); err != nil {
		a.failed(w, r, err)
		return false
	}
	return true
}

func (a *Admin) auditLog(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, appID, ok := paging(w, r, "app", "who", "action", "from", "to")
	if !ok {
		return
	}
	q := r.URL.Query()
	f := store.AuditFilter{AppID: appID, Who: q.Get("who"), Action: q.Get("action")}
	if f.Action != "" && !slices.Contains(store.AuditActions(), f.Action) {
		problem(w, http.StatusBadRequest, "bad_parameter", "want one of "+strings.Join(store.AuditActions(), ", "), "action")
		return
	}
	for _, bound := range []struct {
		name string
		into *time.Time
	}{{"from", &f.From}, {"to", &f.To}} {
		text := q.Get(bound.name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			problem(w, http.StatusBadRequest, "bad_parameter", "want a time such as 2026-11-02T09:00:00Z", bound.name)
			return
		}
		*bound.into = t
	}
	data, next, err := a.Audit.AuditLog(r.Context(), f, cursor, limit)
	answerList(a, w, r, data, next, err)
}
