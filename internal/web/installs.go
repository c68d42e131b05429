package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"skand/conversion"
	"skand/internal/auth"
	"skand/internal/store"
)

// Installs reads consented installs, and decides them again.
type Installs interface {
	// ConsentedInstall returns store.ErrNoInstall for one that is not kept.
	ConsentedInstall(ctx context.Context, appID int64, id string) (store.InstallView, error)
	// InstallHash is what the audit log calls an install.
	InstallHash(id string) string
	// Recompute returns a conversion.TooMany, and then has done nothing.
	Recompute(ctx context.Context, r conversion.Recompute) (conversion.Recomputed, error)
}

// install shows one install, which one has to know: there is no list of people.
func (a *Admin) install(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app_id", "id")
	if !ok {
		return
	}
	appID, err := strconv.ParseInt(q.Get("app_id"), 10, 64)
	if err != nil || appID <= 0 {
		problem(w, http.StatusBadRequest, "bad_parameter", "want the App Store id of an app", "app_id")
		return
	}
	id := q.Get("id")
	if id == "" {
		problem(w, http.StatusBadRequest, "bad_parameter", "want the id of an install, as the app reported it", "id")
		return
	}
	if !a.told(w, r, store.ActInstallRead, appID, "install "+a.Installs.InstallHash(id), map[string]any{}) {
		return
	}
	v, err := a.Installs.ConsentedInstall(r.Context(), appID, id)
	switch {
	case errors.Is(err, store.ErrNoInstall):
		problem(w, http.StatusNotFound, "not_found", "no install of this app is kept under this id", "id")
	case err != nil:
		a.failed(w, r, err)
	default:
		w.Header().Set("Cache-Control", "no-store")
		writeJSON(w, http.StatusOK, v)
	}
}

// recompute decides the installs of a span of time again.
func (a *Admin) recompute(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	var ask struct {
		AppID  int64     `json:"app_id"`
		From   time.Time `json:"from"`
		To     time.Time `json:"to"`
		DryRun bool      `json:"dry_run"`
	}
	if !readRequest(w, r, &ask) {
		return
	}
	switch {
	case ask.AppID <= 0:
		problem(w, http.StatusBadRequest, "missing", "give the App Store id of the app, a positive number", "app_id")
		return
	case ask.From.IsZero() || !ask.To.After(ask.From):
		problem(w, http.StatusBadRequest, "bad_parameter", "want from and to as RFC 3339, to after from", "to")
		return
	}
	done, err := a.Installs.Recompute(r.Context(), conversion.Recompute{AppID: ask.AppID, From: ask.From, To: ask.To, DryRun: ask.DryRun})
	var many *conversion.TooMany
	switch {
	case errors.As(err, &many):
		problem(w, http.StatusUnprocessableEntity, "too_many", many.Error(), "to")
	case err != nil:
		a.failed(w, r, err)
	default:
		if a.Woken != nil && !ask.DryRun {
			a.Woken()
		}
		writeJSON(w, http.StatusOK, done)
	}
}
