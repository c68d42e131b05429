package web

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/jobs"
	"skand/internal/store"
	"skand/skan"
)

// Reader answers the questions of the admin listener.
type Reader interface {
	CohortReader
	// Releases lists the public ledger, newest window first.
	Releases(ctx context.Context, appID int64, cursor string, limit int) ([]store.Release, string, error)
	// Definitions lists what apply stored under a kind: app, network, destination.
	Definitions(ctx context.Context, kind, cursor string, limit int) ([]store.Definition, string, error)
	// App is one app as apply stored it; store.ErrNoApp if nobody has described it.
	App(ctx context.Context, appID int64) (store.AppState, error)
	Postbacks(ctx context.Context, f store.PostbackFilter, cursor string, limit int) ([]store.Postback, string, error)
	Counts(ctx context.Context) (store.Counts, error)
	// ReleaseApp and RowApp are the apps of a release and of a published row, by their
	// ids; store.ErrNoRelease where there is none.
	ReleaseApp(ctx context.Context, id string) (int64, error)
	RowApp(ctx context.Context, row string) (int64, error)
	// Export is everything that apply stores, at one moment.
	Export(ctx context.Context) (*apply.Bundle, error)
}

// Keeper changes what is stored.
type Keeper interface {
	Apply(ctx context.Context, b *apply.Bundle, by string, dry bool) ([]store.Change, error)
	// DeleteApp returns store.ErrNoApp, a *store.StaleApp or a *store.DestinationsLeft
	// where it has done nothing; after any other error it may be asked again.
	DeleteApp(ctx context.Context, appID int64, d store.AppDeletion) (store.AppDeleted, error)
	CreateToken(ctx context.Context, t auth.Token) error
}

// Lab moves the clock of a lab; due jobs have run when it returns.
type Lab interface {
	Move(ctx context.Context, advance time.Duration, set time.Time) (time.Time, []jobs.Report, error)
}

// Runner runs jobs and lists them.
type Runner interface {
	RunNow(ctx context.Context, name string) (jobs.Report, error)
	Jobs(ctx context.Context) ([]jobs.State, error)
}

// Admin is what the admin listener serves. Every route names the least role that it
// takes, and the apps that it touches (see touches); there is none without but the front
// page and those of signing in.
type Admin struct {
	Reader    Reader
	Keeper    Keeper
	Schemas   SchemaKeeper
	Redecoder Redecoder
	Explainer Explainer
	Inspector Inspector
	Verifier  func() *skan.Verifier // with the keys of now; nil: Apple's alone
	// Histograms are those of sealed windows; nil: there are none to try schemas on.
	Histograms PublishedHistograms
	Audit      Auditor
	Subjects   Eraser
	Installs   Installs
	Reviews    Reviewer
	Reconcile  Reconciler
	Deliveries Deliveries
	Health     HealthReader
	Thresholds forward.Thresholds // of alerts
	Standing   Stander
	Templates  TemplateKeeper
	Sender     Sender // of test sends; nil: this process sends nothing
	Secrets    SecretKeeper
	Env        func(name string) string // environment of this process; nil: none
	Tokens     TokenKeeper
	Jobs       Runner
	Lab        Lab // nil: this is no lab
	Auth       Authenticator
	Sessions   *auth.Sessions // nil: nobody signs in, there are only tokens
	Accounts   AccountKeeper
	OpenID     *OpenID      // nil: no provider
	Pages      PageRenderer // nil: pages without style
	SelfURL    string       // where people find this listener, such as https://skand.example.com; "": nobody has said
	Trusted    []netip.Prefix
	Advice     *Advice
	Metrics    http.Handler
	Now        func() time.Time
	Log        *slog.Logger
	Site       *Site // what pages need beside; nil: they do without
	// Applied is told of every change, so that keys and destinations count at once.
	Applied func(ctx context.Context) error
	// Woken is told that there may be something to send; nil: nobody sends.
	Woken func()

	tests     testLimits
	inspected inspectLimits
	looking   sync.Mutex // held by the one who looks at consented installs
	runs      runs
}

// route is one line of the admin listener.
type route struct {
	pattern string
	need    auth.Role
	serve   func(w http.ResponseWriter, r *http.Request, who auth.Principal)
}

func (a *Admin) routes() []route {
	return append(slices.Concat(a.pageRoutes(), a.schemaRoutes(), a.secretRoutes(), a.templateRoutes(), a.meRoutes(), a.userRoutes(), a.inspectRoutes()), []route{
		{"GET /v1/cohorts", auth.Viewer, a.cohorts},
		{"GET /v1/deterministic", auth.Viewer, a.deterministic},
		{"GET /v1/deterministic/events", auth.Viewer, a.deterministic},
		{"GET /v1/funnel", auth.Viewer, a.deterministic},
		{"GET /v1/combined", auth.Viewer, a.deterministic},
		{"GET /v1/modeled", auth.Viewer, a.modeled},
		{"GET /v1/modeled:check", auth.Viewer, a.modelChecks},
		{"GET /v1/modeled/{row}/explain", auth.Viewer, a.explainModeled},
		{"GET /v1/releases", auth.Viewer, a.releases},
		{"POST /v1/releases/{release}:redecode", auth.Operator, a.redecode},
		{"GET /v1/apps/{app}/advice", auth.Editor, a.advice},
		{"GET /v1/apps", auth.Viewer, a.definitions("app")},
		{"GET /v1/apps/{app}", auth.Viewer, a.app},
		{"DELETE /v1/apps/{app}", auth.Admin, a.deleteApp},
		{"GET /v1/networks", auth.Viewer, a.definitions("network")},
		{"GET /v1/destinations", auth.Operator, a.definitions("destination")},
		{"GET /v1/destinations/{id}", auth.Operator, a.showDestination},
		{"POST /v1/destinations/{id}:resume", auth.Operator, a.actOnDestination(store.ActDestinationResume)},
		{"POST /v1/destinations/{id}:enable", auth.Operator, a.actOnDestination(store.ActDestinationEnable)},
		{"POST /v1/destinations/{id}:disable", auth.Operator, a.actOnDestination(store.ActDestinationDisable)},
		{"GET /v1/deliveries", auth.Operator, a.deliveries},
		{"GET /v1/deliveries/{delivery}", auth.Operator, a.delivery},
		{"POST /v1/deliveries:replay", auth.Operator, a.replayDeliveries},
		{"GET /v1/destinations:health", auth.Operator, a.allHealth},
		{"GET /v1/destinations/{destination}/health", auth.Operator, a.destinationHealth},
		{"GET /v1/alerts", auth.Operator, a.alerts},
		{"GET /v1/network-health", auth.Viewer, a.networkHealth},
		{"GET /v1/reconciliations", auth.Operator, a.reconciliations},
		{"PUT /v1/reconciliations/{network}", auth.Operator, a.putReconciliation},
		{"PUT /v1/reconciliations/{network}/{day}", auth.Operator, a.putReconciliation},
		{"GET /v1/reconciliations/{network}/{day}", auth.Operator, a.reconciliation},
		{"GET /v1/discrepancies", auth.Operator, a.discrepancies},
		{"GET /v1/postbacks", auth.Operator, a.postbacks},
		{"GET /v1/audit", auth.Operator, a.auditLog},
		{"GET /v1/status", auth.Operator, a.status},
		{"GET /v1/jobs", auth.Operator, a.listJobs},
		{"POST /v1/jobs/{job}", auth.Operator, a.runJob},
		{"POST /v1/apply", auth.Admin, a.apply},
		{"GET /v1/export", auth.Admin, a.export},
		{"POST /v1/tokens", auth.Admin, a.createToken},
		{"DELETE /v1/tokens", auth.Admin, a.revokeTokens},
		{"DELETE /v1/subjects", auth.Operator, a.eraseSubject},
		{"GET /v1/installs", auth.Operator, a.install},
		{"POST /v1/installs:recompute", auth.Operator, a.recompute},
		{"POST /v1/installs:release", auth.Operator, a.review(false)},
		{"POST /v1/installs:reject", auth.Operator, a.review(true)},
		{"GET /v1/holds", auth.Operator, a.holds},
		{"POST /v1/lab/clock", auth.Operator, a.moveClock},
		{"GET /metrics", auth.Operator, a.metrics},
	}...)
}

// Handler routes the admin paths.
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	byVerb := map[string]map[string]http.Handler{}
	for _, rt := range a.routes() {
		base, name := verb(rt.pattern)
		if name == "" {
			mux.Handle(base, a.guard(rt))
			continue
		}
		if byVerb[base] == nil {
			byVerb[base] = map[string]http.Handler{}
			mux.Handle(base, verbs(base, byVerb[base]))
		}
		byVerb[base][name] = a.guard(rt)
	}
	for _, open := range a.openRoutes() {
		mux.Handle(open.pattern, open.serve)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { nothingHere(w, r) })
	return sealed(noCrossOrigin(mux))
}

// guard lets a request through whose token or session has at least the route's role,
// and a right on the apps that the route touches.
func (a *Admin) guard(rt route) http.Handler {
	page := isPage(rt.pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := a.who(r)
		if page && errors.Is(err, auth.ErrNoToken) && a.Sessions != nil {
			sendToSignIn(w, r)
			return
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if !who.May(rt.need) {
			detail := "this needs the role " + string(rt.need) + " or a higher one"
			if page {
				a.pages().Refused(w, r, who, http.StatusForbidden, detail)
				return
			}
			problem(w, http.StatusForbidden, "forbidden", detail, "")
			return
		}
		if !a.within(w, r, rt, who) {
			return
		}
		// What was shown to somebody is not to be found by who sits there next.
		w.Header().Set("Cache-Control", "no-store")
		// Said here once, for the audit log of whatever the route writes, and for what
		// the store gives.
		rt.serve(w, r.WithContext(store.GrantedApps(acting(r.Context(), who), who.Apps)), who)
	})
}

// noCrossOrigin refuses writes that a browser sends for another site.
func noCrossOrigin(h http.Handler) http.Handler {
	c := http.NewCrossOriginProtection()
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "cross_origin", "a page of another site sent this; nothing was done", "")
	}))
	return c.Handler(h)
}

func (a *Admin) metrics(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	a.Metrics.ServeHTTP(w, r)
}

// query reads a request's query; false means that the answer has been given. It
// refuses names that a route does not know, names given twice and what can't be
// read, so that a filter with a typing error is not silently no filter.
func query(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", "the query can't be read; escape what is special in URLs", "")
		return nil, false
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case !slices.Contains(known, name):
			detail := "no parameter is known here"
			if len(known) > 0 {
				detail = "known here: " + strings.Join(known, ", ")
			}
			problem(w, http.StatusBadRequest, "unknown_parameter", detail, name)
			return nil, false
		case len(q[name]) > 1:
			problem(w, http.StatusBadRequest, "bad_parameter", "is there twice; give it once", name)
			return nil, false
		}
	}
	return q, true
}
