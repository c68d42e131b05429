package store

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/skan"
)

// TestPublishExactRevenue: to the last digit, where binary floating point would
// have lost it.
func TestPublishExactRevenue(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		n := 10_000
		if raced {
			n = 200
		}
		for i, c := range []struct{ price, each200 string }{
			{"0.01", "2"}, {"0.1", "20"}, {"1.005", "201"}, {"0.07", "14"}, {"0.333333333", "66.6666666"},
			{"123456789.01", "24691357802"}, {"999999999.99", "199999999998"},
		} {
			sum := decimal.RequireFromString(c.each200).Mul(decimal.NewFromInt(int64(n / 200))).String()
			week := start.Add(time.Duration(i) * weekLong)
			in.crowd(crowd{tag: "pay" + c.price, n: n, at: week, payer: true, revenue: c.price})
			in.now.Set(week.Add(time.Hour))
			in.nextWeek()
			require.Equal(t, n, in.seal().Installs)
			f := CohortFilter{From: week}
			require.NoError(t, in.s.Cohorts(t.Context(), f, func(r *Cohort) error {
				for _, got := range []fmt.Stringer{r.RevenueMin, r.RevenueEst, r.RevenueMax} {
					require.Equal(t, sum, got.String())
				}
				return nil
			}))
		}
		// A sum of many different amounts: 0.01 + 0.02 + … + 20.00.
		at := in.now.Now()
		for i := 1; i <= 2000; i += 100 {
			for j := range 2 {
				price := fmt.Sprintf("%d.%02d", (i+j)/100, (i+j)%100)
				in.crowd(crowd{tag: fmt.Sprint("many", i, j), n: 3, at: at, payer: true, revenue: price})
			}
		}
		in.nextWeek()
		in.seal()
		var last string
		require.NoError(t, in.s.Cohorts(t.Context(), CohortFilter{From: at.Add(-weekLong)}, func(r *Cohort) error {
			last = r.RevenueEst.String()
			return nil
		}))
		require.Equal(t, "1141.8", last) // 3 * (0.01+0.02 + 1.01+1.02 + … + 19.01+19.02)
	})
}

// remembering checks a body once for all stores of a test.
type remembering struct {
	mu    sync.Mutex
	known map[string]skan.Result
}

func (r *remembering) Verify(b []byte) skan.Result { return r.check("", b, simulated().Verify) }
func (r *remembering) VerifyRelayed(b []byte) skan.Result {
	return r.check("relay", b, simulated().VerifyRelayed)
}

func (r *remembering) check(how string, b []byte, verify func([]byte) skan.Result) skan.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	res, ok := r.known[how+string(b)]
	if !ok {
		res = verify(b)
		r.known[how+string(b)] = res
	}
	return res
}

// TestPublishSameRowsOnBothDatabases runs weeks of traffic into both, in different
// batches, and compares every column of every published row; on the way every
// stage conserves what came before it.
func TestPublishSameRowsOnBothDatabases(t *testing.T) {
	t.Parallel()
	doc, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	installs := 1500
	if raced {
		installs = 150
	}
	sent, truth, err := traffic.Simulator{
		Seed: 5, AppID: fixtures.PuzzleAppID, Networks: []string{"one.skadnetwork", "One-x.skadnetwork", "t.adattributionkit"},
		Versions: []string{apple.V40, apple.V30, apple.AAK}, N: installs, From: start, To: start.Add(2 * weekLong),
		Schema: doc, Apple: simulated().Apple, Noise: traffic.DefaultNoise(),
	}.Collect()
	require.NoError(t, err)
	verifier := &remembering{known: map[string]skan.Result{}}
	var all [][]string
	dir := migratedSQLite(t)
	locations := []string{dir, pgtest.URL(t)}
	for i, main := range locations {
		published := PublishedBeside(main)
		if i == 1 {
			published = icuDatabase(t, main)
		}
		runOn(t, main, published, func(t *testing.T, s *Store, now *clock.Movable) {
			in := newInbox(t, s, now)
			in.Verifier = func() conversion.Verifier { return verifier }
			in.apply(&apply.Bundle{Apps: []apply.App{
				{AppID: fixtures.PuzzleAppID, K: ptr(10), B: ptr(3), Schema: fixtures.PuzzleSchemaJSON()}, {AppID: 77},
			}})
			for j, price := range []string{"4.99", "0.01", ""} {
				in.crowd(crowd{tag: price, n: 20 + j, app: 77, at: start, payer: price != "", revenue: price})
			}
			var arrivals []conversion.Arrival
			for j, one := range sent {
				from, relay, _ := strings.Cut(one.Source, ":")
				arrivals = append(arrivals, conversion.Arrival{
					Source: conversion.Source(from), Relay: relay, Body: one.Body, ReceivedAt: one.At,
				})
				week := aggregate.WindowAt(aggregate.Week, one.At)
				last := j == len(sent)-1
				if len(arrivals) < 100+150*i && !last && sent[j+1].At.Before(week.End) {
					continue
				}
				now.Set(one.At)
				_, _, err := in.ReceiveAll(t.Context(), arrivals)
				require.NoError(t, err)
				arrivals = nil
				if last || !sent[j+1].At.Before(week.End) {
					in.decode()
					in.nextWeek()
					in.seal()
				}
			}
			in.conserves(truth, 20+21+22)
			all = append(all, in.published())
		})
	}
	require.NotEmpty(t, all[0])
	require.Equal(t, all[0], all[1])
	require.Contains(t, strings.Join(all[0], "\n"), "|41|100.01|100.01|100.01|USD|")
	t.Logf("%d rows of %d bodies", len(all[0]), len(sent))
}

func (in inbox) conserves(truth traffic.Truth, crowds int64) {
	in.t.Helper()
	c := in.countAll()
	require.Equal(in.t, int64(truth.Received-truth.Rejected), c.Received)
	require.Equal(in.t, int64(truth.Accepted), c.Postbacks["accepted"])
	require.Equal(in.t, int64(truth.Duplicates), c.Postbacks["duplicate"])
	require.Equal(in.t, int64(truth.Conflicts), c.Postbacks["conflict"])
	require.Equal(in.t, int64(truth.Quarantined+truth.Development), c.Postbacks["quarantined"])
	require.Equal(in.t, int64(truth.Unsupported), c.Postbacks["unsupported"])
	counted := c.Counted["install"] - crowds + c.Counted["reengagement"] + c.Counted["qualifier"]
	require.Equal(in.t, int64(truth.Test), c.Counted["test"])
	require.Equal(in.t, int64(truth.Losers), c.Counted["qualifier"])
	require.Equal(in.t, int64(truth.Accepted), counted+c.Counted["test"])
	require.Zero(in.t, c.Undecoded)
	require.Equal(in.t, counted+crowds, c.Sealed+c.Waiting)
	require.Equal(in.t, c.Sealed, c.Published)
	require.Zero(in.t, c.Releases["prepared"])
}

// icuDatabase makes the published database beside main, in a language whose order
// of strings is not that of bytes, as a server in the field may well have it.
func icuDatabase(t *testing.T, main string) string {
	t.Helper()
	published := PublishedBeside(main)
	u, err := url.Parse(published)
	require.NoError(t, err)
	d, err := openDB(t.Context(), main, "")
	require.NoError(t, err)
	_, err = d.w.ExecContext(t.Context(), `CREATE DATABASE "`+strings.TrimPrefix(u.Path, "/")+
		`" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US-u-ka-shifted'`)
	require.NoError(t, err)
	require.NoError(t, d.close())
	return published
}

// TestPublishIsOneTransaction: a release and its rows are there together or not at
// all, and once there they stay as they are.
func TestPublishIsOneTransaction(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		row := aggregate.Row{Level: aggregate.LevelTotal, Installs: 20}
		r := aggregate.Release{
			ID: "r", Dataset: aggregate.Dataset{AppID: testApp, Kind: "install", Environment: "production"}, K: 10, B: 3,
			Window: aggregate.WindowAt(aggregate.Week, start), WindowStart: start, SealedAt: start, Settings: aggregate.DefaultSettings(),
			Rows: []aggregate.Row{row, row}, // the second is refused by the key
		}
		require.ErrorContains(t, in.s.Publish(t.Context(), r), "publish row total")
		require.Empty(t, in.published())
		releases, _, err := in.s.Releases(t.Context(), 0, "", 9)
		require.NoError(t, err)
		require.Empty(t, releases)
		r.Rows = r.Rows[:1]
		require.NoError(t, in.s.Publish(t.Context(), r))
		before := in.published()
		r.Rows[0].Installs, r.K = 99, 11
		require.NoError(t, in.s.Publish(t.Context(), r), "already there: left as it is")
		require.Equal(t, before, in.published())
		require.Len(t, before, 1)
		cells := strings.Split(before[0], "|")
		for name, want := range map[string]string{
			"network_id": "", "null_installs": "", "payers": "", "revenue_min": "", "installs": "20", "row_id": "r/total",
			"install_from": "2026-08-29T00:00:00Z", "install_to": "2026-11-08T00:00:00Z",
		} {
			require.Equal(t, want, cells[slices.Index(CohortColumns(), name)], name)
		}
	})
}

func TestCohortFilter(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for week := range 3 {
			at := start.Add(time.Duration(week) * weekLong)
			in.crowd(crowd{tag: fmt.Sprint("a", week), n: 20, at: at})
			in.crowd(crowd{tag: fmt.Sprint("b", week), n: 20, at: at, network: "b.skadnetwork"})
		}
		in.now.Advance(4 * weekLong)
		require.Equal(t, 3, in.seal().Published)
		for i, c := range []struct {
			f    CohortFilter
			rows int
		}{
			{CohortFilter{}, 6}, {CohortFilter{AppID: testApp}, 6}, {CohortFilter{AppID: 1}, 0},
			{CohortFilter{NetworkID: testNetwork}, 3}, {CohortFilter{From: start.Add(weekLong)}, 4},
			{CohortFilter{To: start.Add(weekLong)}, 2}, {CohortFilter{From: start.Add(time.Second), To: start.Add(2 * weekLong)}, 2},
			{CohortFilter{Index: ptr(0)}, 6}, {CohortFilter{Index: ptr(1)}, 0}, {CohortFilter{Kind: "qualifier"}, 0},
			{CohortFilter{Environment: "development"}, 0}, {CohortFilter{Level: "network"}, 0}, {CohortFilter{Level: "src4"}, 6},
		} {
			n := 0
			require.NoError(t, in.s.Cohorts(t.Context(), c.f, func(*Cohort) error { n++; return nil }))
			require.Equal(t, c.rows, n, "%d", i)
		}
		stop := fmt.Errorf("enough")
		require.ErrorIs(t, in.s.Cohorts(t.Context(), CohortFilter{}, func(*Cohort) error { return stop }), stop)
	})
}
