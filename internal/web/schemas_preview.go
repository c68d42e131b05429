package web

import (
	"net/http"

	"skand/internal/auth"
	"skand/internal/store"
)

// previewDraft tells what publishing the draft would do, without doing it.
func (a *Admin) previewDraft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
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
	seen, err := a.Schemas.PreviewDraft(r.Context(), appID, r.PathValue("draft"), m, p.EffectiveFrom)
	a.answerPreview(w, r, seen, err)
}

// previewRollBack tells what rolling back would do, without doing it.
func (a *Admin) previewRollBack(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
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
	seen, err := a.Schemas.PreviewRollBack(r.Context(), appID, int(n), p.EffectiveFrom)
	a.answerPreview(w, r, seen, err)
}

func (a *Admin) answerPreview(w http.ResponseWriter, r *http.Request, seen store.SchemaPreview, err error) {
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, seen)
}
