package main

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/fixtures/network"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/pgtest"
	"skand/internal/store"
)

// startApp runs a whole App in this process until the test ends.
func startApp(t *testing.T, cfg config.Config) *App {
	t.Helper()
	cfg.Public, cfg.Admin, cfg.Lab = "127.0.0.1:0", "127.0.0.1:0", true
	cfg.AdminToken = testAdminToken
	require.NoError(t, cfg.Validate())
	app, err := NewApp(t.Context(), cfg, clock.Real{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	require.NoError(t, app.Listen())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, app.Close())
	})
	return app
}

// eachDatabase runs a test on a fresh SQLite folder and on a fresh PostgreSQL.
func eachDatabase(t *testing.T, test func(t *testing.T, cfg config.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		cfg := config.Defaults()
		cfg.DB = "sqlite:" + t.TempDir()
		test(t, cfg)
	})
	t.Run("postgres", func(t *testing.T) {
		cfg := config.Defaults()
		cfg.DB, cfg.Published = pgtest.URL(t), pgtest.URL(t)
		test(t, cfg)
	})
}

// TestEndToEnd lets a fortnight pass in the whole system, with the simulated Apple
// in front and the fake networks behind, and checks that nothing is lost, nothing
// is counted twice, and nobody is published below k.
func TestEndToEnd(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		app := startApp(t, cfg)
		w, err := newLabWorld(t.Context(), app, testAdminToken, 7, 1500)
		require.NoError(t, err)
		defer func() { require.NoError(t, w.close()) }()
		require.NoError(t, w.play(t.Context(), w.start.Add(labFortnight+2*time.Hour)))
		_, err = app.deliverer.DeliverDue(t.Context())
		require.NoError(t, err)

		c, err := w.counts(t.Context())
		require.NoError(t, err)
		for answer, n := range w.answers {
			require.Truef(t, answer.OK(), "%d answers %+v", n, answer)
		}
		// received = accepted + duplicates + conflicts + quarantined + unsupported + dropped
		p := c.Postbacks
		require.Equal(t, c.Received, p["accepted"]+p["duplicate"]+p["conflict"]+p["quarantined"]+p["unsupported"]+p["dropped"])
		require.EqualValues(t, w.total()-w.sent["rejected"], c.Received)
		for _, kind := range []string{"install", "reengagement", "qualifier"} {
			require.EqualValuesf(t, w.truth[kind], c.Counted[kind], "counted %ss", kind)
		}
		require.Zero(t, c.Undecoded)
		require.Positive(t, c.Published)
		require.True(t, conserved(c), "%+v", c)
		checkRows(t, app, c)
		checkForwards(t, w, c)
	})
}

// checkRows: decoded installs = installs in published rows + installs that wait,
// per dataset; no row below k; every kind adds up.
func checkRows(t *testing.T, app *App, c store.Counts) {
	t.Helper()
	byKind := map[string]int64{}
	rows := 0
	err := app.store.Cohorts(t.Context(), store.CohortFilter{AppID: demoApp}, func(r *store.Cohort) error {
		rows++
		byKind[r.ConversionKind] += r.Installs
		require.GreaterOrEqual(t, r.Installs, int64(aggregate.DefaultSettings().K), r.RowID)
		for _, n := range []*int64{r.Unset, r.Unmapped, r.CoarseLow, r.CoarseMedium, r.CoarseHigh, r.Fine, r.Payers} {
			if n != nil && *n > 0 {
				require.GreaterOrEqual(t, *n, int64(aggregate.DefaultSettings().B), r.RowID)
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, c.Rows, rows)
	require.Positive(t, byKind["install"])
	var decoded int64
	for _, n := range c.Decoded {
		decoded += n
	}
	require.Equal(t, c.Counted["install"], decoded)
	require.LessOrEqual(t, byKind["install"], decoded)
	require.Equal(t, c.Published, byKind["install"]+byKind["reengagement"]+byKind["qualifier"])
}

// checkForwards: every delivery was taken, each once, by the network that it names.
func checkForwards(t *testing.T, w *labWorld, c store.Counts) {
	t.Helper()
	ids, again := w.delivered()
	require.Zero(t, again)
	require.EqualValues(t, c.Outbox["delivered"], ids)
	require.Zero(t, c.Outbox["pending"])
	kinds := map[string]int{}
	for _, n := range w.networks {
		for _, hit := range n.Received() {
			kinds[hit.Path]++
			checkHit(t, hit)
		}
	}
	require.Positive(t, kinds["/pb"], "consented installs and events")
	require.Positive(t, kinds["/modeled"], "figures of published rows")
}

func checkHit(t *testing.T, hit network.Hit) {
	t.Helper()
	if hit.Path == "/modeled" {
		require.NotEmpty(t, hit.Query.Get("n"))
		require.NotEmpty(t, hit.Query.Get("row"))
		require.Empty(t, hit.Query.Get("idfa"), "a published row names nobody")
		return
	}
	require.NotEmpty(t, hit.Query.Get("click"))
	require.NotEmpty(t, hit.Query.Get("e"))
}
