package web

import (
	"fmt"
	"net/http"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
)

// readPublication reads when and why; false means that the answer has been given.
func readPublication(w http.ResponseWriter, r *http.Request) (store.Publication, bool) {
	var in struct {
		EffectiveFrom *time.Time `json:"effective_from"`
		Why           string     `json:"why"`
	}
	if !readRequest(w, r, &in) || !fitsNote(w, in.Why, "why") {
		return store.Publication{}, false
	}
	return store.Publication{EffectiveFrom: in.EffectiveFrom, Why: in.Why}, true
}

func (a *Admin) publishDraft(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	m, ok := ifMatch(w, r)
	if !ok {
		return
	}
	p, ok := readPublication(w, r)
	if !ok {
		return
	}
	done, err := a.Schemas.PublishDraft(r.Context(), appID, r.PathValue("draft"), m, p)
	a.answerPublished(w, r, who, appID, done, err)
}

// rollBack takes no If-Match: what it publishes can't have changed.
func (a *Admin) rollBack(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	n, ok := pathNumber(w, r, "version", "the number of a version", 32)
	if !ok {
		return
	}
	p, ok := readPublication(w, r)
	if !ok {
		return
	}
	done, err := a.Schemas.RollBack(r.Context(), appID, int(n), p)
	a.answerPublished(w, r, who, appID, done, err)
}

func (a *Admin) answerPublished(w http.ResponseWriter, r *http.Request, who auth.Principal, appID int64, done store.Published, err error) {
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	a.Log.InfoContext(r.Context(), "schema published", "by", who.Name, "app", appID, "version", done.Version)
	w.Header().Set("Location", fmt.Sprintf("/v1/apps/%d/schemas/versions/%d", appID, done.Version))
	writeJSON(w, http.StatusCreated, done)
}
