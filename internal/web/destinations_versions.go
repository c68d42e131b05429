package web

import (
	"errors"
	"net/http"
	"strconv"

	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/store"
)

// destinationVersions lists what was saved of a destination.
func (a *Admin) destinationVersions(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, _, ok := paging(w, r)
	if !ok {
		return
	}
	data, next, err := a.Templates.DestinationVersions(r.Context(), r.PathValue("id"), cursor, limit)
	if noDestination(w, err) {
		return
	}
	answerList(a, w, r, data, next, err)
}

func (a *Admin) destinationVersion(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	n, ok := versionOf(w, r)
	if !ok {
		return
	}
	v, err := a.Templates.DestinationVersion(r.Context(), r.PathValue("id"), n)
	switch {
	case noDestination(w, err):
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, v)
	}
}

// rollBackDestination brings an earlier definition back, whole, as a new version. Like
// every edit it makes due what waited for one.
func (a *Admin) rollBackDestination(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	n, ok := versionOf(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	v, changed, err := a.Templates.RollBackDestination(r.Context(), id, n)
	var refused *apply.Refused
	switch {
	case noDestination(w, err):
		return
	case errors.As(err, &refused):
		problem(w, http.StatusUnprocessableEntity, "invalid", oneLine(refused), "version")
		return
	case err != nil:
		a.failed(w, r, err)
		return
	}
	if changed {
		a.Log.InfoContext(r.Context(), "destination rolled back", "by", who.Name, "destination", id, "to", n, "version", v.Version)
		if err := a.Applied(r.Context()); err != nil {
			a.failed(w, r, err)
			return
		}
		if a.Woken != nil {
			a.Woken()
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"changed": changed, "version": v})
}

func versionOf(w http.ResponseWriter, r *http.Request) (int, bool) {
	n, err := strconv.ParseInt(r.PathValue("version"), 10, 31)
	if err != nil || n < 1 {
		problem(w, http.StatusNotFound, "unknown_version", "want the number of a version", "version")
		return 0, false
	}
	return int(n), true
}

// noDestination answers for what is not there, and reports whether it has.
func noDestination(w http.ResponseWriter, err error) bool {
	switch {
	case errors.Is(err, store.ErrNoDestination):
		problem(w, http.StatusNotFound, "unknown_destination", "there is no destination with this id", "id")
	case errors.Is(err, store.ErrNoDestinationVersion):
		problem(w, http.StatusNotFound, "unknown_version", "the destination never had this version", "version")
	default:
		return false
	}
	return true
}
