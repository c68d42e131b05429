package web

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
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

// Admin is what the admin listener serves. Every route names the least role that
// it takes; there is no route without one but the front page.
type Admin struct {
	Reader    Reader
	Keeper    Keeper
	Schemas   SchemaKeeper
	Redecoder Redecoder
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
	Advice     *Advice
	Metrics    http.Handler
	Now        func() time.Time
	Log        *slog.Logger
	// Applied is told of every change, so that keys and destinations count at once.
	Applied func(ctx context.Context) error
	// Woken is told that there may be something to send; nil: nobody sends.
	Woken func()

	tests   testLimits
	looking sync.Mutex // held by the one who looks at consented installs
}

// route is one line of the admin listener.
type route struct {
	pattern string
	need    auth.Role
	serve   func(w http.ResponseWriter, r *http.Request, who auth.Principal)
}

func (a *Admin) routes() []route {
	return append(slices.Concat(a.schemaRoutes(), a.secretRoutes(), a.templateRoutes()), []route{
		{"GET /v1/cohorts", auth.Viewer, a.cohorts},
		{"GET /v1/deterministic", auth.Viewer, a.deterministic},
		{"GET /v1/deterministic/events", auth.Viewer, a.deterministic},
		{"GET /v1/funnel", auth.Viewer, a.deterministic},
		{"GET /v1/combined", auth.Viewer, a.deterministic},
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
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(frontPage)) // a caller who went away needs no page
			return
		}
		nothingHere(w, r)
	})
	return sealed(noCrossOrigin(mux))
}

const frontPage = `skand: admin listener

Every path below needs the header "Authorization: Bearer TOKEN" (skand token create).

  GET  /v1/cohorts?app=ID&from=DAY&to=DAY&format=json|csv|ndjson|parquet   published cohorts
  GET  /v1/deterministic  /v1/deterministic/events  /v1/funnel  /v1/combined   the same for installs that people let the app report
  GET  /v1/network-health                                          how well networks were told, by the week
  GET  /v1/releases  /v1/apps  /v1/networks  /v1/apps/ID/schemas   what they stand on
  GET  /v1/apps/ID/schemas/drafts  /versions/N  /diff?from=&to=    schemas in work and in force
  GET  /v1/postbacks  /v1/deliveries  /v1/destinations  /v1/jobs   operators
  GET  /v1/reconciliations  /v1/discrepancies?app=ID&from=DAY&to=DAY   what networks counted, against ours, operators
  GET  /v1/destinations:health  /v1/alerts                         how deliveries stand, operators
  GET  /v1/audit                                                   who did what, operators
  GET  /metrics                                                    Prometheus, operators
`

// guard lets a request through that bears a token of at least the route's role.
func (a *Admin) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := a.Auth.Authenticate(r.Context(), auth.Bearer(r.Header.Get("Authorization")))
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if !who.May(rt.need) {
			problem(w, http.StatusForbidden, "forbidden", "this needs the role "+string(rt.need)+" or a higher one", "")
			return
		}
		// Said here once, for the audit log of whatever the route writes.
		ctx := store.ActingAs(r.Context(), store.Actor{Who: who.Name, Role: string(who.Role)})
		rt.serve(w, r.WithContext(ctx), who)
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
