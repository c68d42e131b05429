package web

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/endpoint"
	"skand/internal/store"
	"skand/internal/web/pages"
)

// Site is what pages need beside what the API is served from.
type Site struct {
	Arrivals ArrivalReader
	// PublicURL is where Apple and networks reach the public listener, as far as it is known.
	PublicURL string
	// Check tries a public address from outside; nil: this process can't.
	Check func(ctx context.Context, address string) []endpoint.Finding
	Lab   bool
}

// ArrivalReader tells what arrived, exactly; who may see it is decided here.
type ArrivalReader interface {
	// Arrivals counts by day; apps nil is all of them.
	Arrivals(ctx context.Context, by string, apps []int64, from, to time.Time) ([]store.Arrival, error)
	LastCopies(ctx context.Context, apps []int64) ([]store.LastCopy, error)
}

// site is never nil, so that a page can say which part of it there is not.
func (a *Admin) site() *Site {
	if a.Site == nil {
		return &Site{}
	}
	return a.Site
}

// knownApp is an app as apply describes it.
type knownApp struct {
	pages.App
	Described apply.App
}

// pageApps are the apps that the reader may see, by name.
func (a *Admin) pageApps(ctx context.Context, who auth.Principal) ([]knownApp, error) {
	var out []knownApp
	for cursor := ""; ; {
		list, next, err := a.Reader.Definitions(ctx, "app", cursor, maxPage)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			var one knownApp
			if err := json.Unmarshal(d.Definition, &one.Described); err != nil {
				return nil, fmt.Errorf("definition of app %s: %w", d.ID, err)
			}
			one.App = pages.App{ID: one.Described.AppID, Name: one.Described.Name}
			if who.MayApp(one.ID) {
				out = append(out, one)
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	slices.SortFunc(out, func(a, b knownApp) int {
		return cmp.Or(cmp.Compare(a.Label(), b.Label()), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// networkNames are the names that apply gave to networks.
func (a *Admin) networkNames(ctx context.Context) (map[string]apply.Network, error) {
	names := map[string]apply.Network{}
	for cursor := ""; ; {
		list, next, err := a.Reader.Definitions(ctx, "network", cursor, maxPage)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			var one apply.Network
			if err := json.Unmarshal(d.Definition, &one); err != nil {
				return nil, fmt.Errorf("definition of network %s: %w", d.ID, err)
			}
			names[d.ID] = one
		}
		if cursor = next; next == "" {
			return names, nil
		}
	}
}

// frameOf is what stands around a page.
func (a *Admin) frameOf(r *http.Request, who auth.Principal, title string, apps []knownApp, app int64) pages.Frame {
	f := pages.FrameOf(r, who)
	f.Title, f.App, f.Lab = title, app, a.site().Lab
	if f.Lab {
		f.Now = pages.Clock(a.Now())
	}
	for _, known := range apps {
		f.Apps = append(f.Apps, known.App)
	}
	f.Picks = len(f.Apps) > 1 || app != 0 && len(f.Apps) > 0
	return f
}

// show writes a page. Whatever goes wrong is an error page and a line in the log.
func (a *Admin) show(w http.ResponseWriter, r *http.Request, who auth.Principal, name string, f pages.Frame, main any) {
	if err := pages.Write(w, r, http.StatusOK, name, f, main); err != nil {
		a.Log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "error", err)
		a.refusePage(w, r, who, http.StatusInternalServerError, "")
	}
}

func (a *Admin) refusePage(w http.ResponseWriter, r *http.Request, who auth.Principal, status int, detail string) {
	f := a.frameOf(r, who, "", nil, 0)
	f.Path = ""
	pages.WriteRefusal(w, r, status, f, detail)
}

// pageFailed answers what is our own fault: the reason goes to the log, never out.
func (a *Admin) pageFailed(w http.ResponseWriter, r *http.Request, who auth.Principal, err error) {
	a.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
	a.refusePage(w, r, who, http.StatusServiceUnavailable, "")
}

// pageQuery reads a query as strictly as the API does, but what is empty is not there:
// forms send fields that nobody filled in.
func pageQuery(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query can't be read")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("it knows nothing called %q", name)
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		if values[0] == "" {
			delete(q, name)
		}
	}
	return q, nil
}

// pageApp reads ?app=.
func pageApp(q url.Values, who auth.Principal) (int64, error) {
	s := q.Get("app")
	if s == "" {
		return 0, nil
	}
	app, err := strconv.ParseInt(s, 10, 64)
	if err != nil || app <= 0 {
		return 0, fmt.Errorf("%q is no App Store id", s)
	}
	if !who.MayApp(app) {
		return 0, store.ErrNotGranted
	}
	return app, nil
}
