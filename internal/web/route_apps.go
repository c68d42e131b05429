package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"skand/internal/auth"
	"skand/internal/store"
)

// Who may see some apps only is told nothing of others: on no route, in no list, by no
// parameter. Each route says here, in one place, how to know which apps a request
// touches; the guard asks before the handler runs. A route that is not here is closed to
// such readers, and a test fails for it.
//
// Beneath it the store is bounded too (store.GrantedApps): its lists leave out the rows
// of other apps, also where a page asks and no request.

// verdict is what a touch finds.
type verdict int

const (
	mine    verdict = iota // go on
	notMine                // 403, the same for apps that there are and that there aren't
	hidden                 // 404: an object of another app is as one that is not there
	unnamed                // 400: it names no app, and would be of all
	broken                 // 400: the body can't be read
)

// touch judges a request of a caller who may see some apps only.
type touch func(a *Admin, r *http.Request, who auth.Principal) (verdict, error)

var touches = map[string]touch{
	"GET /{$}":            inQuery("app"),
	"POST /endpoint":      noApp,
	"GET /cohorts":        inQuery("app"),
	"GET /cohorts/export": inQuery("app"),

	"GET /v1/cohorts":               inQuery("app"),
	"GET /v1/modeled":               inQuery("app"),
	"GET /v1/modeled:check":         inQuery("app"),
	"GET /v1/modeled/{row}/explain": ofObject("row", (*Admin).rowApp),
	"GET /v1/deterministic":         inQuery("app"),
	"GET /v1/deterministic/events":  inQuery("app"),
	"GET /v1/funnel":                inQuery("app"),
	"GET /v1/combined":              inQuery("app"),
	"GET /v1/discrepancies":         inQuery("app"),
	"GET /v1/deliveries":            inQuery("app"),
	"GET /v1/installs":              inQuery("app_id"),
	"GET /v1/postbacks/{id}":        inQuery("app"),
	"POST /v1/postbacks:inspect":    noApp, // what is kept of it, the store tells of granted apps alone

	"PUT /v1/reconciliations/{network}":       listed, // or in a body that may be large: the store looks
	"PUT /v1/reconciliations/{network}/{day}": listed,
	"GET /v1/reconciliations/{network}/{day}": inQuery("app"),

	// Lists that the store bounds; app= narrows them.
	"GET /v1/releases":            listed,
	"GET /v1/apps":                listed,
	"GET /v1/destinations":        listed,
	"GET /v1/destinations:health": listed,
	"GET /v1/alerts":              listed,
	"GET /v1/postbacks":           listed,
	"GET /v1/audit":               listed,
	"GET /v1/holds":               listed,
	"GET /v1/reconciliations":     listed,
	"GET /v1/network-health":      listed,

	"GET /v1/apps/{app}":                                      inPath("app"),
	"DELETE /v1/apps/{app}":                                   inPath("app"),
	"GET /v1/apps/{app}/advice":                               inPath("app"),
	"GET /v1/apps/{app}/schemas":                              inPath("app"),
	"GET /v1/apps/{app}/schemas/versions/{version}":           inPath("app"),
	"POST /v1/apps/{app}/schemas/versions/{version}:rollback": inPath("app"),
	"POST /v1/apps/{app}/schemas/versions/{version}:simulate": inPath("app"),
	"GET /v1/apps/{app}/schemas/diff":                         inPath("app"),
	"GET /v1/apps/{app}/schemas/drafts":                       inPath("app"),
	"POST /v1/apps/{app}/schemas/drafts":                      inPath("app"),
	"GET /v1/apps/{app}/schemas/drafts/{draft}":               inPath("app"),
	"PUT /v1/apps/{app}/schemas/drafts/{draft}":               inPath("app"),
	"DELETE /v1/apps/{app}/schemas/drafts/{draft}":            inPath("app"),
	"POST /v1/apps/{app}/schemas/drafts/{draft}:validate":     inPath("app"),
	"POST /v1/apps/{app}/schemas/drafts/{draft}:simulate":     inPath("app"),
	"POST /v1/apps/{app}/schemas/drafts/{draft}:publish":      inPath("app"),
	"POST /v1/apps/{app}/schemas:simulate":                    inPath("app"),
	"POST /v1/apps/{app}/schemas:suggest":                     inPath("app"),
	"POST /v1/apps/{app}/schemas/drafts/{draft}:preview":      inPath("app"),
	"POST /v1/apps/{app}/schemas/versions/{version}:preview":  inPath("app"),
	"POST /v1/apps/{app}/schemas:check":                       inPath("app"),
	"POST /v1/apps/{app}/schemas:import":                      inPath("app"),
	"GET /v1/apps/{app}/schemas/export":                       inPath("app"),
	"GET /v1/apps/{app}/schemas/runs":                         inPath("app"),
	"GET /v1/apps/{app}/schemas/runs/{run}":                   inPath("app"),
	"DELETE /v1/apps/{app}/schemas/runs/{run}":                inPath("app"),

	"GET /schemas":                                    listed,
	"GET /schemas/{app}":                              inPath("app"),
	"GET /schemas/{app}/versions/{version}":           inPath("app"),
	"POST /schemas/{app}/versions/{version}/rollback": inPath("app"),
	"POST /schemas/{app}/drafts":                      inPath("app"),
	"POST /schemas/{app}/import":                      inPath("app"),
	"GET /schemas/{app}/drafts/{draft}":               inPath("app"),
	"POST /schemas/{app}/drafts/{draft}":              inPath("app"),
	"POST /schemas/{app}/drafts/{draft}/publish":      inPath("app"),
	"POST /schemas/{app}/drafts/{draft}/delete":       inPath("app"),

	"POST /v1/releases/{release}:redecode": ofObject("release", (*Admin).releaseApp),
	"GET /v1/deliveries/{delivery}":        ofObject("delivery", (*Admin).deliveryApp),

	"GET /v1/destinations/{id}":                              ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}:resume":                      ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}:enable":                      ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}:disable":                     ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}:render":                      ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}:test":                        ofObject("id", (*Admin).destinationApp),
	"GET /v1/destinations/{id}/versions":                     ofObject("id", (*Admin).destinationApp),
	"GET /v1/destinations/{id}/versions/{version}":           ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}/versions/{version}:rollback": ofObject("id", (*Admin).destinationApp),
	"GET /v1/destinations/{id}/secret":                       ofObject("id", (*Admin).destinationApp),
	"PUT /v1/destinations/{id}/secret":                       ofObject("id", (*Admin).destinationApp),
	"DELETE /v1/destinations/{id}/secret":                    ofObject("id", (*Admin).destinationApp),
	"POST /v1/destinations/{id}/secret:rotate":               ofObject("id", (*Admin).destinationApp),
	"GET /v1/destinations/{destination}/health":              ofObject("destination", (*Admin).destinationApp),

	"POST /v1/installs:recompute": inBody,
	"POST /v1/installs:release":   inBody,
	"POST /v1/installs:reject":    inBody,
	"DELETE /v1/subjects":         inBody,
	"POST /v1/deliveries:replay":  replayed,

	// Of every app at once.
	"GET /v1/status":                   whole,
	"POST /v1/jobs/{job}":              whole,
	"POST /v1/apply":                   whole,
	"GET /v1/export":                   whole,
	"POST /v1/tokens":                  whole,
	"DELETE /v1/tokens":                whole,
	"POST /v1/lab/clock":               whole,
	"GET /metrics":                     whole,
	"GET /v1/users":                    whole,
	"POST /v1/users":                   whole,
	"GET /v1/users/{user}":             whole,
	"PUT /v1/users/{user}":             whole,
	"POST /v1/users/{user}:reset":      whole,
	"DELETE /v1/users/{user}/sessions": whole,

	// Of no app. Networks and their campaigns are the installation's, as cohorts name them.
	"GET /v1/networks":                 noApp,
	"GET /v1/jobs":                     noApp,
	"GET /v1/templates":                noApp,
	"POST /v1/templates:translate":     noApp,
	"GET /v1/me":                       noApp,
	"PUT /v1/me":                       noApp,
	"GET /v1/me/sessions":              noApp,
	"DELETE /v1/me/sessions":           noApp,
	"DELETE /v1/me/sessions/{session}": noApp,
}

// within lets a request through to its handler; false means that the answer has been
// given.
func (a *Admin) within(w http.ResponseWriter, r *http.Request, rt route, who auth.Principal) bool {
	if !who.Restricted() {
		return true
	}
	judge := touches[rt.pattern]
	if judge == nil {
		judge = whole
	}
	found, err := judge(a, r, who)
	status, code, detail := http.StatusForbidden, "forbidden_app", "you have no right on this app, or it needs a right on every app"
	switch {
	case err != nil:
		a.failed(w, r, err)
		return false
	case found == mine:
		return true
	case found == hidden:
		status, code, detail = http.StatusNotFound, "not_found", "there is nothing of this name that you may see"
	case found == unnamed:
		status, code, detail = http.StatusBadRequest, "app_needed", "your rights are on some apps; name one of them"
	case found == broken:
		status, code, detail = http.StatusBadRequest, "bad_request", "want one small JSON object that names an app"
	}
	if isPage(rt.pattern) {
		a.pages().Refused(w, r, who, status, detail)
		return false
	}
	problem(w, status, code, detail, "")
	return false
}

func whole(*Admin, *http.Request, auth.Principal) (verdict, error) { return notMine, nil }

func noApp(*Admin, *http.Request, auth.Principal) (verdict, error) { return mine, nil }

// one judges the text of an app's id. Text that is no id is left to the handler, which
// refuses it for what it is.
func one(text string, who auth.Principal) verdict {
	id, err := strconv.ParseInt(text, 10, 64)
	if err == nil && !who.MayApp(id) {
		return notMine
	}
	return mine
}

func inPath(name string) touch {
	return func(_ *Admin, r *http.Request, who auth.Principal) (verdict, error) {
		return one(r.PathValue(name), who), nil
	}
}

// inQuery is for what is read of all apps where none is named. Who may see a single app
// need not name it.
func inQuery(name string) touch {
	return func(_ *Admin, r *http.Request, who auth.Principal) (verdict, error) {
		q := r.URL.Query()
		for _, text := range q[name] {
			if v := one(text, who); v != mine {
				return v, nil
			}
		}
		if q.Get(name) != "" {
			return mine, nil
		}
		if len(who.Apps) != 1 {
			return unnamed, nil
		}
		q.Set(name, strconv.FormatInt(who.Apps[0], 10))
		r.URL.RawQuery = q.Encode()
		return mine, nil
	}
}

// listed is for lists that the store bounds: an app that is named must be a right one.
func listed(_ *Admin, r *http.Request, who auth.Principal) (verdict, error) {
	for _, text := range r.URL.Query()["app"] {
		if v := one(text, who); v != mine {
			return v, nil
		}
	}
	return mine, nil
}

// ofObject is for what has an app of its own.
func ofObject(name string, app func(*Admin, *http.Request, string) (int64, error)) touch {
	return func(a *Admin, r *http.Request, who auth.Principal) (verdict, error) {
		id, err := app(a, r, r.PathValue(name))
		switch {
		case errors.Is(err, errNoObject):
			return hidden, nil
		case err != nil:
			return hidden, err
		case !who.MayApp(id):
			return hidden, nil
		}
		return mine, nil
	}
}

var errNoObject = errors.New("there is no such object")

// missing makes any of the store's own words for it errNoObject.
func missing(err error, none ...error) error {
	if slices.ContainsFunc(none, func(e error) bool { return errors.Is(err, e) }) {
		return errNoObject
	}
	return err
}

func (a *Admin) destinationApp(r *http.Request, id string) (int64, error) {
	d, err := a.Templates.Destination(r.Context(), id)
	return d.Destination.AppID, missing(err, store.ErrNoDestination)
}

func (a *Admin) deliveryApp(r *http.Request, id string) (int64, error) {
	d, err := a.Deliveries.Delivery(r.Context(), id, false)
	return d.AppID, missing(err, store.ErrNoDelivery)
}

func (a *Admin) releaseApp(r *http.Request, id string) (int64, error) {
	app, err := a.Reader.ReleaseApp(r.Context(), id)
	return app, missing(err, store.ErrNoRelease)
}

func (a *Admin) rowApp(r *http.Request, id string) (int64, error) {
	app, err := a.Reader.RowApp(r.Context(), id)
	return app, missing(err, store.ErrNoRelease)
}

// peek reads a small body as its handler will, with the same rules for names that are
// there twice or in capitals, and puts it back.
func peek(r *http.Request, into any) bool {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSmall+1))
	if err != nil || len(body) > maxSmall {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return json.Unmarshal(body, into) == nil
}

func inBody(_ *Admin, r *http.Request, who auth.Principal) (verdict, error) {
	var in struct {
		AppID int64 `json:"app_id"`
	}
	switch {
	case !peek(r, &in):
		return broken, nil
	case in.AppID == 0:
		return unnamed, nil
	case !who.MayApp(in.AppID):
		return notMine, nil
	}
	return mine, nil
}

// replayed judges a replay: of a filter that names an app, or of deliveries by their ids.
func replayed(a *Admin, r *http.Request, who auth.Principal) (verdict, error) {
	var in replayRequest
	switch {
	case !peek(r, &in):
		return broken, nil
	case in.Filter != nil && in.Filter.AppID == 0, in.Filter == nil && in.ID == "" && len(in.IDs) == 0:
		return unnamed, nil
	case in.Filter != nil && !who.MayApp(in.Filter.AppID):
		return notMine, nil
	case len(in.IDs) > maxReplayIDs:
		return mine, nil // too many: the handler says so
	}
	for _, id := range append(in.IDs, in.ID) {
		if id == "" {
			continue
		}
		app, err := a.deliveryApp(r, id)
		switch {
		case errors.Is(err, errNoObject), err == nil && !who.MayApp(app):
			return hidden, nil
		case err != nil:
			return hidden, err
		}
	}
	return mine, nil
}
