package attack

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/internal/store"
	"skand/internal/web"
	"skand/skan"
)

// world is one database with everything around it, and what readers saw of it.
type world struct {
	t     *testing.T
	name  string // sqlite, postgres
	dir   string // of the SQLite files
	q     *quarter
	store *store.Store
	now   *clock.Movable

	verifier conversion.Verifier
	receiver conversion.Receiver
	witness  *witness
	admin    *httptest.Server
	tokens   map[auth.Role]string

	bi        *published // the published store as its readers have it
	snapshots []*snapshot
	truth     *truth
	noise     *seededNoise
	redecoded []string // releases that were decoded again
}

// newWorld opens a store and its readers. Nothing has arrived yet.
func newWorld(t *testing.T, name string) *world {
	t.Helper()
	q, err := theQuarter()
	require.NoError(t, err)
	w := &world{t: t, name: name, q: q, now: clock.NewManual(begin), tokens: map[auth.Role]string{}, truth: newTruth(), noise: newNoise()}
	places := store.Options{Lab: store.Lab, Clock: w.now}
	if name == "postgres" {
		places.Main, places.Published = pgtest.URL(t), pgtest.URL(t)
	} else {
		w.dir = t.TempDir()
		places.Main, places.Published = "sqlite:"+w.dir, "sqlite:"+w.dir
	}
	w.store, err = store.Open(t.Context(), places)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	if name == "postgres" {
		w.bi = asBI(t, w.store, places.Main, places.Published)
	} else {
		w.bi = openPublished(t, "sqlite", "file:"+filepath.Join(w.dir, "published.db")+"?mode=ro")
	}
	trusted, err := traffic.TrustedKeys(q.apple)
	require.NoError(t, err)
	w.trust(trusted...)
	w.receiver = conversion.Receiver{Verifier: func() conversion.Verifier { return w.verifier }, Store: w.store, Now: w.now.Now}
	w.witness = &witness{Store: w.store, cuts: map[string]cut{}}
	w.serve()
	w.register(nil)
	return w
}

func (w *world) trust(keys ...skan.TrustedKey) {
	all, err := skan.AppleKeys().With(keys...)
	require.NoError(w.t, err)
	w.verifier = skan.NewVerifier(all)
}

// apps are the apps as they are applied at first.
func (w *world) apps() map[int64]*apply.App {
	return map[int64]*apply.App{
		weeklyApp: {
			AppID: weeklyApp, K: ptr(20), B: ptr(5), Schema: w.q.schemas[weeklyApp],
			AppConsented: apply.AppConsented{AllInstalls: true, Funnel: funnel},
			AppCrossings: apply.AppCrossings{Crossings: []aggregate.Crossing{{View: aggregate.CrossDigits}}},
		},
		dailyApp: {AppID: dailyApp, K: ptr(10), B: ptr(3), Window: "day", Schema: w.q.schemas[dailyApp]},
		tinyApp:  {AppID: tinyApp, K: ptr(20), B: ptr(5), Schema: w.q.schemas[weeklyApp]},
	}
}

// register applies the apps and a network, changed by change.
func (w *world) register(change func(apps map[int64]*apply.App)) {
	w.t.Helper()
	apps := w.apps()
	apps[tinyApp].Schema = nil
	if change != nil {
		change(apps)
	}
	b := &apply.Bundle{Networks: []apply.Network{{
		NetworkID: steady, ShortForm: "first", SourceDigits: []string{"geo", "placement", "creative"},
		Campaigns: append([]apply.Campaign{{Source: "13", CampaignID: "c13", CampaignName: "Thirteen"}}, reportedCampaigns...),
	}}}
	for _, a := range apps {
		b.Apps = append(b.Apps, *a)
	}
	slices.SortFunc(b.Apps, func(a, b apply.App) int { return int(a.AppID - b.AppID) })
	_, err := w.store.Apply(w.t.Context(), b, "tester", false)
	require.NoError(w.t, err)
}

func ptr[T any](v T) *T { return &v }

// serve starts the admin listener, with a token for each role.
func (w *world) serve() {
	known := &auth.Authenticator{Store: w.store, Clock: w.now}
	log := slog.New(slog.DiscardHandler)
	admin := &web.Admin{
		Reader: w.store, Keeper: w.store, Schemas: w.store, Histograms: w.store, Audit: w.store,
		Advice: web.NewAdvice(w.store, w.now.Now), Auth: known, Now: w.now.Now, Log: log,
		Redecoder: &aggregate.Redecoder{Store: w.store, Published: w.store, Clock: w.now, Log: log},
		Metrics:   promhttp.HandlerFor(prometheus.NewRegistry(), promhttp.HandlerOpts{}),
		Applied:   func(context.Context) error { return nil },
	}
	w.admin = httptest.NewServer(admin.Handler())
	w.t.Cleanup(w.admin.Close)
	for _, role := range []auth.Role{auth.Viewer, auth.Operator, auth.Admin} {
		plain, token, err := auth.New(auth.Token{Name: string(role), Role: role, CreatedAt: w.now.Now(), CreatedBy: "test"})
		require.NoError(w.t, err)
		require.NoError(w.t, w.store.CreateToken(w.t.Context(), token))
		w.tokens[role] = plain
	}
}

// ask makes a request to the admin listener.
func (w *world) ask(t *testing.T, role auth.Role, method, path, body string, headers ...string) (int, http.Header, []byte) {
	t.Helper()
	return ask(t, w.admin, w.tokens[role], method, path, body, headers...)
}

// decode runs the decoding job.
func (w *world) decode() {
	w.t.Helper()
	_, err := conversion.DecodeAll(w.t.Context(), w.store, w.now.Now)
	require.NoError(w.t, err)
}

// seal runs the sealer and takes a snapshot of all that is published then.
func (w *world) seal() aggregate.Report {
	w.t.Helper()
	sealer := &aggregate.Sealer{Store: w.witness, Published: w.store, Noise: w.noise, Clock: w.now, Log: slog.New(slog.DiscardHandler)}
	report, err := sealer.Run(w.t.Context())
	require.NoError(w.t, err)
	w.sealConsented()
	w.look()
	return report
}

func (w *world) look() {
	w.t.Helper()
	s, err := w.bi.snapshot(w.t.Context())
	require.NoError(w.t, err)
	w.snapshots = append(w.snapshots, s)
}

// receive hands bodies to the receiver, as the clock stands.
func (w *world) receive(letters []letter) {
	w.t.Helper()
	for part := range slices.Chunk(letters, 250) {
		arrivals := make([]conversion.Arrival, len(part))
		for i, l := range part {
			arrivals[i] = conversion.Arrival{Source: l.source, Relay: l.relay, Client: "192.0.2.0/24", Body: l.body}
		}
		outcomes, results, err := w.receiver.ReceiveAll(w.t.Context(), arrivals)
		require.NoError(w.t, err)
		for i, l := range part {
			w.truth.saw(l, w.now.Now(), outcomes[i], results[i].Postback)
		}
	}
}

const bucket = 12 * time.Hour
