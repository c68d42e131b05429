package web

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"skand/internal/auth"
	"skand/internal/store"
)

// Reviewer shows what is held because it looks like fraud, and ends holds.
type Reviewer interface {
	Held(ctx context.Context, appID int64, cursor string, limit int) ([]store.Held, string, error)
	// ReviewInstall returns store.ErrNoInstall if the install is not kept.
	ReviewInstall(ctx context.Context, r store.Review) (store.Reviewed, error)
}

// holds lists held deliveries with the installs that they are about, which are raw rows.
func (a *Admin) holds(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, appID, ok := paging(w, r, "app")
	if !ok || !a.told(w, r, store.ActHoldsRead, appID, "holds", map[string]any{"limit": limit}) {
		return
	}
	data, next, err := a.Reviews.Held(r.Context(), appID, cursor, limit)
	answerList(a, w, r, data, next, err)
}

// reviewReason is a code, for it goes into logs and into what partners are told.
var reviewReason = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

func (a *Admin) review(rejected bool) func(http.ResponseWriter, *http.Request, auth.Principal) {
	return func(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
		if _, ok := query(w, r); !ok {
			return
		}
		var in struct {
			AppID     int64  `json:"app_id"`
			InstallID string `json:"install_id"`
			Reason    string `json:"reason"`
		}
		if !readRequest(w, r, &in) {
			return
		}
		invalid := func(field, detail string) {
			problem(w, http.StatusUnprocessableEntity, "invalid", detail, field)
		}
		switch {
		case in.AppID <= 0:
			invalid("app_id", "give the App Store id of the app")
			return
		case in.InstallID == "" || len(in.InstallID) > maxSubject:
			invalid("install_id", "give the id of the install, as it was reported")
			return
		case rejected && !reviewReason.MatchString(in.Reason):
			invalid("reason", "give a short code of a-z, 0-9 and _, such as click_flooding")
			return
		case !rejected && in.Reason != "":
			invalid("reason", "a release needs none; leave it out")
			return
		}
		done, err := a.Reviews.ReviewInstall(r.Context(), store.Review{
			AppID: in.AppID, InstallID: in.InstallID, Rejected: rejected, Reason: in.Reason,
		})
		switch {
		case errors.Is(err, store.ErrNoInstall):
			problem(w, http.StatusNotFound, "unknown_install", "no install with this id is kept of this app", "install_id")
		case err != nil:
			a.failed(w, r, err)
		default:
			if !rejected && a.Woken != nil {
				a.Woken()
			}
			writeJSON(w, http.StatusOK, done)
		}
	}
}
