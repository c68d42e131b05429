package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"skand/conversion"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/vault"
)

// Eraser deletes what is kept of one person, and says how much it was.
type Eraser interface {
	EraseSubject(ctx context.Context, who store.Subject) (store.Erasure, error)
}

// maxSubject is the longest id that an item may have.
const maxSubject = 200

// eraseSubject takes its subject in the body: what stands in a URL stands in logs.
func (a *Admin) eraseSubject(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		IDFA      string `json:"idfa"`
		IDFV      string `json:"idfv"`
		InstallID string `json:"install_id"`
		AppID     int64  `json:"app_id"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	var who store.Subject
	var field string
	given := 0
	for _, id := range []struct{ field, kind, value string }{
		{"idfa", vault.IDFA, in.IDFA}, {"idfv", vault.IDFV, in.IDFV}, {"install_id", vault.Install, in.InstallID},
	} {
		if id.value != "" {
			given++
			field, who = id.field, store.Subject{Kind: id.kind, Value: id.value, AppID: in.AppID}
		}
	}
	if given != 1 {
		problem(w, http.StatusUnprocessableEntity, "invalid", "give one of idfa, idfv and install_id; send a request for each that is known", "")
		return
	}
	if err := checkSubject(who); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), field)
		return
	}
	if in.AppID < 0 {
		problem(w, http.StatusUnprocessableEntity, "invalid", "want an app's id, or none for every app", "app_id")
		return
	}
	erased, err := a.Subjects.EraseSubject(r.Context(), who)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.Log.InfoContext(r.Context(), "subject erased", "kind", erased.Kind, "subject", erased.Subject, "installs", erased.Installs)
	writeJSON(w, http.StatusOK, erased)
}

// checkSubject refuses what nothing can be kept under. Device ids need not be UUIDs:
// what was taken in must be erasable.
func checkSubject(who store.Subject) error {
	switch {
	case len(who.Value) > maxSubject:
		return fmt.Errorf("is longer than the %d bytes that any id may have", maxSubject)
	case who.Kind != vault.Install && conversion.KnownIDFA(who.Value) == "":
		return errors.New("zeros are sent by every phone that does not allow tracking, and are nobody's")
	}
	return nil
}
