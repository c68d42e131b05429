package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/fixtures/traffic"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/store"
)

// A scenario goes the whole way, by the commands that a user has: simulated, applied,
// imported through the real receiver, sealed. What is published of a campaign and week,
// and what was withheld of it, is what the truth file says.
func TestScenarioMatchesItsTruthWhenSealed(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		code, out, errs := runSkand(t, args...)
		require.Zero(t, code, out+errs)
	}
	run("simulate", "keys", "--seed", "5", "-o", in("keys"))
	run("simulate", "--scenario", "worse", "--seed", "5", "--n", "4000", "--from", "2026-09-07", "--to", "2026-09-21",
		"--key", in("keys/lab-keys.pem"), "-o", in("archive.ndjson"), "--truth", in("truth.ndjson"), "--config", in("world.json"), "--s2s", in("s2s.ndjson"))

	lines, err := os.ReadFile(in("s2s.ndjson"))
	require.NoError(t, err)
	some := strings.Join(strings.SplitAfter(string(lines), "\n")[:300], "")
	require.NoError(t, os.WriteFile(in("some.ndjson"), []byte(some), 0o600))

	cfg := config.Defaults()
	cfg.DB, cfg.Lab = "sqlite:"+in("db"), true
	now := clock.NewManual(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	s, err := store.Open(t.Context(), store.Options{Main: cfg.DB, Lab: store.Lab, Clock: now})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for _, args := range [][]string{
		{"apply", "-f", in("keys/trusted_keys.yaml")}, {"apply", "-f", in("world.json")}, {"import", in("archive.ndjson")},
		{"import", "--s2s", in("some.ndjson")}, {"job", "run", "decode"}, {"job", "run", "seal"},
	} {
		run(append(args, "--db", cfg.DB)...)
	}
	app, err := NewApp(t.Context(), cfg, now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	defer func() { require.NoError(t, app.Close()) }()
	sums := sumCampaigns(t, app.store)
	requirePublishedAsTruth(t, sums, readLines[traffic.CampaignWeek](t, in("truth.ndjson")))
	requireConsentedAsTruth(t, in("s2s.ndjson"), in("truth.ndjson"))

	c, err := app.store.Counts(t.Context())
	require.NoError(t, err)
	var total int64
	for _, x := range readLines[traffic.CampaignWeek](t, in("truth.ndjson")) {
		total += int64(x.Installs)
	}
	require.Equal(t, total, c.Counted["install"], "every install of the truth was counted")
	require.True(t, conserved(c), "%+v", c)
}

// campaignSum is the published rows that name a campaign, in a week.
type campaignSum struct {
	installs, null, coarse, fine, payers int64
	revenue                              decimal.Decimal
	kinds, paid                          bool // every row's kinds stand; every row's payers do
}

func sumCampaigns(t *testing.T, s *store.Store) map[string]*campaignSum {
	t.Helper()
	sums := map[string]*campaignSum{}
	err := s.Cohorts(t.Context(), store.CohortFilter{AppID: 525463029}, func(r *store.Cohort) error {
		if r.Source2 == nil {
			return nil
		}
		key := fmt.Sprint(r.WindowStart.String()[:10], *r.NetworkID, *r.Source2)
		x := sums[key]
		if x == nil {
			x = &campaignSum{kinds: true, paid: true}
			sums[key] = x
		}
		x.installs += r.Installs
		for _, kind := range []struct{ to, n *int64 }{{&x.null, r.Null}, {&x.coarse, r.CoarseLow}, {&x.coarse, r.CoarseMedium}, {&x.coarse, r.CoarseHigh}, {&x.fine, r.Fine}} {
			if kind.n == nil {
				x.kinds = false
				continue
			}
			*kind.to += *kind.n
		}
		if r.Payers == nil || r.RevenueEst == nil {
			x.paid = false
			return nil
		}
		x.payers += *r.Payers
		x.revenue = x.revenue.Add(*r.RevenueEst)
		return nil
	})
	require.NoError(t, err)
	return sums
}

func requirePublishedAsTruth(t *testing.T, sums map[string]*campaignSum, truth []traffic.CampaignWeek) {
	t.Helper()
	var whole, kinds, paid, withheld int
	for _, c := range truth {
		require.Equal(t, c.Installs, c.Null+c.Coarse+c.Fine)
		require.GreaterOrEqual(t, c.Payers, c.PayersSeen)
		withheld += c.Payers - c.PayersSeen
		x := sums[fmt.Sprint(c.WeekStart, c.NetworkID, c.Campaign)]
		if x == nil {
			continue // its rows are in an `other`
		}
		require.LessOrEqual(t, x.installs, int64(c.Installs), "%+v", c)
		if x.installs < int64(c.Installs) {
			continue
		}
		whole++
		if x.kinds {
			kinds++
			require.EqualValues(t, c.Null, x.null, "withheld by Apple: %+v", c)
			require.EqualValues(t, c.Coarse, x.coarse, "%+v", c)
			require.EqualValues(t, c.Fine, x.fine, "%+v", c)
		}
		if x.paid {
			paid++
			require.EqualValues(t, c.PayersSeen, x.payers, "%+v", c)
			require.True(t, c.RevenueSeen.Equal(x.revenue), "%+v: %s", c, x.revenue)
		}
	}
	require.Greater(t, whole, len(truth)/2)
	require.Greater(t, kinds, 3)
	require.Greater(t, paid, 3)
	require.Positive(t, withheld)
}

// requireConsentedAsTruth counts the people of the consented side by what they did.
func requireConsentedAsTruth(t *testing.T, s2s, truth string) {
	t.Helper()
	installs, payers := 0, map[string]bool{}
	for _, l := range readLines[traffic.Line](t, s2s) {
		var body struct {
			InstallID string `json:"install_id"`
			Revenue   string `json:"revenue"`
		}
		require.NoError(t, json.Unmarshal(l.Body, &body))
		if l.Path == "/v1/installs" {
			installs++
		}
		if body.Revenue != "" {
			payers[body.InstallID] = true
		}
	}
	wantInstalls, wantPayers := 0, 0
	for _, c := range readLines[traffic.CampaignWeek](t, truth) {
		wantInstalls += c.Consented
		wantPayers += c.ConsentedPayers
	}
	require.Positive(t, wantPayers)
	require.Equal(t, wantInstalls, installs)
	require.Equal(t, wantPayers, len(payers))
}

func TestScenarioFlags(t *testing.T) {
	t.Parallel()
	stdout, _, code, err := simulate(t, "--scenario", "list")
	require.NoError(t, err)
	require.Zero(t, code)
	require.Regexp(t, `worse +small crowds pay less`, stdout)
	out := filepath.Join(t.TempDir(), "a.ndjson")
	for want, args := range map[string][]string{
		"is none of random":      {"--scenario", "nope", "-o", out},
		"it needs --scenario":    {"--s2s", out, "-o", out},
		"draws its own":          {"--scenario", "worse", "--networks", "2", "-o", out},
		"give one of them":       {"--scenario", "worse"},
		"whole weeks":            {"--scenario", "worse", "--to", "2026-11-12", "-o", out},
		"is not a Monday":        {"--scenario", "worse", "--from", "2026-11-03", "-o", out},
		"at least one a week":    {"--scenario", "worse", "--n", "1", "-o", out},
		"not an App Store id":    {"--scenario", "worse", "--app", "-1", "-o", out},
		"no such file or":        {"--scenario", "worse", "--key", out + ".missing", "-o", out},
		"is a directory":         {"--scenario", "worse", "--truth", filepath.Dir(out), "-o", out},
		"--to: \"x\" is not a t": {"--scenario", "worse", "--to", "x", "-o", out},
	} {
		_, _, code, err = simulate(t, args...)
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, code, want)
	}
	_, err = os.Stat(out)
	require.ErrorIs(t, err, os.ErrNotExist, "nothing was written")

	same := func(seed string) string {
		stdout, _, _, err := simulate(t, "--scenario", "random", "--n", "300", "--seed", seed, "-o", "-")
		require.NoError(t, err)
		return stdout
	}
	require.Equal(t, same("3"), same("3"))
	require.NotEqual(t, same("3"), same("4"))
}
