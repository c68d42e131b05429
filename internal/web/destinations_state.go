package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"skand/internal/auth"
	"skand/internal/store"
)

// Stander changes how a destination stands.
type Stander interface {
	// ActOnDestination does one of store.ActDestination… and tells the audit log. It
	// returns store.ErrNoDestination, store.ErrDestinationOff, or, of a resumption only,
	// store.ErrDestinationDisabled.
	ActOnDestination(ctx context.Context, id, action, reason string) (store.DestinationActed, error)
	// ShowDestination returns store.ErrNoDestination where there is none.
	ShowDestination(ctx context.Context, id string) (store.DestinationShown, error)
}

const (
	maxWhy          = 300
	resumeNotEnough = "it is disabled, which a resumption does not end; when the cause is gone, POST …:enable"
	offByDefinition = "its definition has enabled: false; apply it with enabled: true"
)

// CheckReason refuses what is no reason that a log can hold in a line.
func CheckReason(reason string) error {
	if len(reason) > maxWhy || strings.ContainsFunc(reason, unicode.IsControl) {
		return errors.New("give one line of at most 300 bytes")
	}
	return nil
}

// showDestination answers for one destination: definition, state, what waits, secrets
// by their fingerprints.
func (a *Admin) showDestination(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	shown, err := a.Standing.ShowDestination(r.Context(), r.PathValue("id"))
	switch {
	case noDestination(w, err):
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, shown)
	}
}

// actOnDestination resumes, enables or disables. If-Match is not asked for: none of it
// depends on the definition.
func (a *Admin) actOnDestination(action string) func(http.ResponseWriter, *http.Request, auth.Principal) {
	return func(w http.ResponseWriter, r *http.Request, who auth.Principal) {
		if _, ok := query(w, r); !ok {
			return
		}
		var in struct {
			Reason string `json:"reason"`
		}
		if r.ContentLength != 0 && !readRequest(w, r, &in) {
			return
		}
		in.Reason = strings.TrimSpace(in.Reason)
		wrong := CheckReason(in.Reason)
		switch {
		case action != store.ActDestinationDisable && in.Reason != "":
			problem(w, http.StatusUnprocessableEntity, "invalid", "only disabling has a reason; leave it out", "reason")
			return
		case wrong != nil:
			problem(w, http.StatusUnprocessableEntity, "invalid", wrong.Error(), "reason")
			return
		}
		id := r.PathValue("id")
		done, err := a.Standing.ActOnDestination(r.Context(), id, action, in.Reason)
		switch {
		case errors.Is(err, store.ErrNoDestination):
			problem(w, http.StatusNotFound, "unknown_destination", "there is no destination with this id", "id")
		case errors.Is(err, store.ErrDestinationOff):
			problem(w, http.StatusConflict, "destination_off", offByDefinition, "")
		case errors.Is(err, store.ErrDestinationDisabled):
			problem(w, http.StatusConflict, "destination_disabled", resumeNotEnough, "")
		case err != nil:
			a.failed(w, r, err)
		default:
			a.Log.WarnContext(r.Context(), "destination "+strings.TrimPrefix(action, "destination.")+"d", "by", who.Name,
				"destination", id, "state", done.State, "reason", done.Reason, "deliveries", done.Deliveries)
			if a.Woken != nil {
				a.Woken()
			}
			writeJSON(w, http.StatusOK, done)
		}
	}
}
