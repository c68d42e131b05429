package web

import (
	"errors"
	"net/http"
	"strings"

	"skand/internal/auth"
	"skand/internal/store"
)

// app answers one app as apply stored it. Its ETag is what a deletion may meet.
func (a *Admin) app(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	state, err := a.Reader.App(r.Context(), appID)
	if err != nil {
		a.appFailed(w, r, err)
		return
	}
	w.Header().Set("ETag", `"`+state.Tag+`"`)
	writeJSON(w, http.StatusOK, state)
}

// deleteApp takes an app's description away, and with erase=true what was kept of it.
// What keeps a window from being published twice stays for ever: see store.DeleteApp.
func (a *Admin) deleteApp(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q, ok := query(w, r, "erase", "destinations")
	if !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	d := store.AppDeletion{}
	switch q.Get("erase") {
	case "", "false":
	case "true":
		d.Erase = true
	default:
		problem(w, http.StatusBadRequest, "bad_parameter", "want true or false", "erase")
		return
	}
	switch q.Get("destinations") {
	case "":
	case "delete":
		d.Destinations = true
	default:
		problem(w, http.StatusBadRequest, "bad_parameter", "want delete, or leave it out", "destinations")
		return
	}
	lines := r.Header.Values("If-Match")
	if len(lines) == 0 && !d.Erase {
		ifMatchRequired(w)
		return
	}
	d.Match = matchedTags(lines)
	done, err := a.Keeper.DeleteApp(r.Context(), appID, d)
	var stale *store.StaleApp
	if len(lines) == 0 && errors.As(err, &stale) {
		ifMatchRequired(w) // only what is not described (any more) is erased without one
		return
	}
	if err != nil {
		a.appFailed(w, r, err)
		return
	}
	a.Log.InfoContext(r.Context(), "app deleted", "by", who.Name, "app", appID, "destinations", len(done.Destinations), "erase", d.Erase)
	if err := a.Applied(r.Context()); err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, done)
}

// matchedTags reads If-Match. A weak tag is no tag of ours, so it never matches.
func matchedTags(lines []string) store.TagMatch {
	var m store.TagMatch
	for tag := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			m.Any = true
		} else if len(tag) > 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
			m.Tags = append(m.Tags, tag[1:len(tag)-1])
		}
	}
	return m
}

// appFailed answers an error of App and DeleteApp.
func (a *Admin) appFailed(w http.ResponseWriter, r *http.Request, err error) {
	var stale *store.StaleApp
	var left *store.DestinationsLeft
	switch {
	case errors.Is(err, store.ErrNoApp):
		problem(w, http.StatusNotFound, "unknown_app", "nobody has described this app (any more); apply it first", "app")
	case errors.As(err, &stale):
		w.Header().Set("ETag", `"`+stale.Current.Tag+`"`)
		problemWith(w, http.StatusPreconditionFailed, "stale", stale.Error(), "If-Match", map[string]any{"current": stale.Current})
	case errors.As(err, &left):
		problemWith(w, http.StatusConflict, "destinations_left", left.Error(), "destinations", map[string]any{"destinations": left.IDs})
	default:
		a.failed(w, r, err)
	}
}
