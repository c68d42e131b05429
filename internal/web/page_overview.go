package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/endpoint"
	"skand/internal/store"
	"skand/internal/web/pages"
)

// overviewAsk is what the overview is asked for, all of it in the address.
type overviewAsk struct {
	app  int64
	by   string
	days int
}

// arrivalNames are what arrivals are told apart by, in the order of the page.
var arrivalNames = []struct{ key, name, heading string }{
	{"verdict", "Verdict", "Verdict"}, {"version", "Version", "Framework and version"}, {"framework", "Framework", "Framework"},
	{"network", "Network", "Network (counted ones)"}, {"source", "Path", "Path"},
}

var arrivalSpans = []int{14, 30, 90}

func overviewAsked(r *http.Request, who auth.Principal) (ask overviewAsk, err error) {
	q, err := pageQuery(r, "app", "by", "days")
	if err != nil {
		return ask, err
	}
	if ask.app, err = pageApp(q, who); err != nil {
		return ask, err
	}
	ask.by, ask.days = "verdict", arrivalSpans[0]
	if s := q.Get("by"); s != "" {
		if ask.by = s; !slices.ContainsFunc(arrivalNames, func(n struct{ key, name, heading string }) bool { return n.key == s }) {
			return ask, fmt.Errorf("arrivals are not told apart by %q", s)
		}
	}
	if s := q.Get("days"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || !slices.Contains(arrivalSpans, n) {
			return ask, fmt.Errorf("%q is no number of days that there is", s)
		}
		ask.days = n
	}
	return ask, nil
}

// link is the address of the page with something changed.
func (ask overviewAsk) link(change func(*overviewAsk)) string {
	change(&ask)
	q := url.Values{}
	if ask.app != 0 {
		q.Set("app", strconv.FormatInt(ask.app, 10))
	}
	if ask.by != "verdict" {
		q.Set("by", ask.by)
	}
	if ask.days != arrivalSpans[0] {
		q.Set("days", strconv.Itoa(ask.days))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

func (a *Admin) overviewPage(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	a.answerOverview(w, r, who, "", nil)
}

// checkEndpoint tries the public address, and shows the overview with what was found.
func (a *Admin) checkEndpoint(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	address := r.PostFormValue("endpoint")
	var found []endpoint.Finding
	switch err := endpoint.Parse(address); {
	case a.site().Check == nil:
		found = []endpoint.Finding{{Level: endpoint.Warn, Where: address, Found: "this process can't try addresses", Todo: "run skand doctor --endpoint " + address}}
	case err != nil:
		found = []endpoint.Finding{{Level: endpoint.Fail, Where: address, Found: err.Error()}}
	default:
		found = a.site().Check(r.Context(), address)
	}
	r.URL.Path, r.URL.RawQuery = "/", ""
	a.answerOverview(w, r, who, address, found)
}

func (a *Admin) answerOverview(w http.ResponseWriter, r *http.Request, who auth.Principal, asked string, found []endpoint.Finding) {
	ask, err := overviewAsked(r, who)
	switch {
	case errors.Is(err, store.ErrNotGranted):
		a.refusePage(w, r, who, http.StatusForbidden, "This app is not among yours.")
		return
	case err != nil:
		a.refusePage(w, r, who, http.StatusBadRequest, "This page can’t be read so: "+err.Error()+".")
		return
	}
	f := pages.FrameOf(r, who)
	o, apps, err := a.overview(r.Context(), who, ask, f.Locale)
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	o.Endpoint.Asked = asked
	for _, one := range found {
		o.Endpoint.Found = append(o.Endpoint.Found, pages.Finding(one))
	}
	a.show(w, r, who, "overview", a.frameOf(r, who, "Overview", apps, ask.app), o)
}

// overview is all that the reader may know, and nothing beyond it: of what is not
// sealed a viewer gets buckets (docs/privacy.md, "Every surface"), an operator figures.
// A part that can't be read is named and left out; only the list of apps is needed.
func (a *Admin) overview(ctx context.Context, who auth.Principal, ask overviewAsk, l pages.Locale) (pages.Overview, []knownApp, error) {
	apps, err := a.pageApps(ctx, who)
	if err != nil {
		return pages.Overview{}, nil, err
	}
	o := overviewer{Admin: a, who: who, ask: ask, locale: l, now: a.Now().UTC(), apps: apps, exact: who.May(auth.Operator)}
	o.page = pages.Overview{Now: o.now, Exact: o.exact}
	o.scope()
	for _, part := range []struct {
		name string
		read func(context.Context) error
	}{
		{"What arrived", o.arrivals}, {"How the apps stand", o.appLines}, {"Deliveries", o.deliveries}, {"Alerts", o.alerts}, {"Jobs", o.jobs},
	} {
		if err := part.read(ctx); err != nil {
			if ctx.Err() != nil {
				return o.page, apps, err
			}
			a.Log.ErrorContext(ctx, "part of the overview not read", "part", part.name, "error", err)
			o.page.Broken = append(o.page.Broken, part.name)
		}
	}
	o.endpoint()
	o.figures()
	o.summary()
	return o.page, apps, nil
}

// overviewer puts the page together; its methods each fill a part.
type overviewer struct {
	*Admin
	who    auth.Principal
	ask    overviewAsk
	locale pages.Locale
	now    time.Time
	exact  bool
	apps   []knownApp
	page   pages.Overview

	chosen  []knownApp // what the page is about
	ids     []int64    // nil: of all apps, also those that nobody described
	k       int64
	today   [2]int64 // verified and not, exact: for exact readers and for levels only
	before  [2]int64
	daily   []float64
	arrived bool // anything, ever
	sealed  sealedFigures
	health  []forward.Health // operators' own
}

// scope says which apps the page is about, and the strictest k among them.
func (o *overviewer) scope() {
	for _, app := range o.apps {
		if o.ask.app == 0 || o.ask.app == app.ID {
			o.chosen = append(o.chosen, app)
			o.k = max(o.k, int64(app.Described.Settings().K))
		}
	}
	if o.k == 0 {
		o.k = int64(defaultK)
	}
	switch {
	case o.ask.app != 0:
		o.ids = []int64{o.ask.app}
	case o.who.Restricted():
		o.ids = append([]int64{}, o.who.Apps...)
	}
}

// quantity is a count as the reader may see it.
func (o *overviewer) quantity(n int64) pages.Quantity {
	if o.exact {
		return pages.Exactly(n, o.k)
	}
	return pages.Bucketed(n, o.k)
}

func (o *overviewer) alerts(ctx context.Context) error {
	if !o.exact { // they tell of single deliveries
		return nil
	}
	all, err := o.Health.Alerts(ctx, o.Thresholds)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for _, one := range all {
		where := alertOf(one)
		i, ok := at[where]
		if !ok {
			i = len(o.page.Alerts)
			at[where] = i
			o.page.Alerts = append(o.page.Alerts, pages.Alert{Where: where})
		}
		alert := &o.page.Alerts[i]
		alert.Lines = append(alert.Lines, pages.AlertLine{Says: sentence(one.Says), Do: sentence(one.Do)})
		if one.Since != nil && (alert.Since == nil || one.Since.Before(*alert.Since)) {
			alert.Since = one.Since
		}
	}
	return nil
}

// sentence begins with a capital and ends with a stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func alertOf(one forward.Alert) string {
	if one.DestinationID == "" {
		return "Model"
	}
	return one.DestinationID
}
