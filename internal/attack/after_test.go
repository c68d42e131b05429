package attack

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/auth"
)

// steps are attacks by somebody who can act: post, configure, ask. They run one after
// the other, on the world as the quarter left it, and none may change a sealed byte.
var steps = []struct {
	name string
	run  func(w *world, t *testing.T)
}{
	{"every number is what it says", (*world).everyNumberIsTrue},
	{"published and carried are what was counted", (*world).conserved},
	{"no bytes of an install in the published file", (*world).nothingInTheFile},
	{"every surface of the API", (*world).everySurface},
	{"questions that the API refuses", (*world).refusals},
	{"one whale more", (*world).whaleMoves},
	{"one install in or out of the model, two versions of it, asked again", (*world).modelHolds},
	{"one late, replayed or late-verified install", (*world).lateInstalls},
	{"k, b, cap, depth and window toggled, an app deleted and added again", (*world).toggled},
	{"shifted and overlapping windows, another time zone", (*world).shiftedWindows},
}

// sealed are the lines of every release that is there now.
func (w *world) sealed(t *testing.T) *snapshot {
	t.Helper()
	s, err := w.bi.snapshot(t.Context())
	require.NoError(t, err)
	return s
}

// unchanged requires that what was sealed is there, byte for byte, and that nothing is
// new but whole releases.
func (w *world) unchanged(t *testing.T, before *snapshot) {
	t.Helper()
	after := w.sealed(t)
	require.Empty(t, (&reader{snapshots: []*snapshot{before, after}}).snapshotDifferences())
	r := w.reader()
	r.view = newView(t, after)
	require.Empty(t, r.overlappingWindows())
	require.Empty(t, r.smallRows())
}

func (w *world) everyNumberIsTrue(t *testing.T) {
	r := w.reader()
	checked, kinds := 0, map[string]int{}
	for _, x := range r.based() {
		groups := w.witness.cuts[x.id].batch.Groups
		c, again := r.contributorsOf(x), r.redownloadsOf(x)
		n, redownloads := map[int]int{}, map[int]int{}
		covers := x.covers(r.leaves[x.dataset])
		for i, row := range x.rows {
			for _, g := range groups {
				if !slices.Contains(covers[row.key], place(g)) {
					continue
				}
				n[i*c.width()+c.cellOf(g)] += g.N
				kinds[g.Kind] += g.N
				if g.Redownload {
					redownloads[2*i] += g.N
				} else {
					redownloads[2*i+1] += g.N
				}
			}
		}
		for of, told := range map[*map[int]int][]told{&n: c.told, &redownloads: again.told} {
			for _, one := range told {
				sum := 0
				for _, a := range one.set {
					sum += (*of)[a]
				}
				require.Equal(t, sum, one.most, one.what)
				checked++
			}
		}
		for of, hidden := range map[*map[int]int][]told{&n: c.hidden, &redownloads: again.hidden} {
			for _, one := range hidden {
				sum := 0
				for _, a := range one.set {
					sum += (*of)[a]
				}
				require.True(t, one.least <= sum && sum <= one.most, "%s is %d, read as %d to %d", one.what, sum, one.least, one.most)
			}
		}
	}
	t.Logf("%d published numbers, over installs of kinds %v", checked, kinds)
	require.Greater(t, checked, 100*weeks)
}

// cellOf is where a counted install stands.
func (c *contributors) cellOf(g aggregate.Counted) int {
	switch g.Kind {
	case aggregate.ValueNull:
		return cellNull
	case aggregate.ValueUnset:
		return cellUnset
	case aggregate.ValueUnmapped:
		return cellUnmapped
	case aggregate.ValueCoarse:
		return map[string]int{aggregate.CoarseLow: cellLow, aggregate.CoarseMedium: cellMedium, aggregate.CoarseHigh: cellHigh}[g.Coarse]
	}
	return cellFine + c.at[fmt.Sprint(g.SchemaVersion, ":", g.Fine)]
}

func (w *world) conserved(t *testing.T) {
	counted, published := map[string]int{}, map[string]int{}
	for _, a := range w.truth.counts {
		counted[fmt.Sprintf("%d.%d.%s.production", a.app, a.index, a.kind)]++
	}
	for _, x := range w.reader().based() {
		for _, row := range x.rows {
			published[x.dataset] += row.installs
		}
	}
	stages, err := w.store.Counts(t.Context())
	require.NoError(t, err)
	all, out := 0, 0
	for dataset, n := range counted {
		require.LessOrEqual(t, published[dataset], n, dataset)
		all, out = all+n, out+published[dataset]
	}
	require.Equal(t, int64(out), stages.Sealed)
	require.Equal(t, int64(all-out), stages.Waiting, "published + carried = counted")
	tiny := fmt.Sprintf("%d.0.install.production", tinyApp)
	require.Equal(t, 16, counted[tiny])
	require.Zero(t, published[tiny], "an app that ends below k is never published, however much is forged or repeated")
	require.Greater(t, len(w.truth.forged), 2*forgedAWeek*weeks)
	w.visible(t)
}

// visible logs which share of installs stands at which depth.
func (w *world) visible(t *testing.T) {
	for app, name := range map[int64]string{weeklyApp: "weeks, k 20, b 5", dailyApp: "days, k 10, b 3"} {
		levels, all, payers, told, remains := map[string]int{}, 0, 0, 0, 0
		for _, a := range w.truth.counts {
			if a.app == app && a.index == 0 && a.kind == aggregate.KindInstall {
				all++
			}
		}
		left := all
		for _, x := range w.reader().based() {
			if x.app != app || x.index != 0 || x.conversion != aggregate.KindInstall {
				continue
			}
			for _, row := range x.rows {
				levels[row.level] += row.installs
				left -= row.installs
				if row.payers != nil {
					told += *row.payers
				}
			}
			for _, m := range x.remainders {
				if m.measure == "payers" {
					remains += m.installs
				}
			}
			for _, g := range w.witness.cuts[x.id].batch.Groups {
				if g.Payer {
					payers += g.N
				}
			}
		}
		share := func(n, of int) float64 { return 100 * float64(n) / float64(of) }
		text := ""
		for _, level := range []string{"src4", "src3", "src2", "withheld", "network", "other", "total"} {
			text += fmt.Sprintf("%s %.1f %%, ", level, share(levels[level], all))
		}
		t.Logf("%s: of %d installs of index 0: %scarried or open %.1f %%; of %d payers %.1f %% on rows, %.1f %% in remainders",
			name, all, text, share(left, all), payers, share(told, payers), share(remains, payers))
	}
}

// nothingInTheFile: the published SQLite file, its free pages and its log hold no
// identity and no place that was never published.
func (w *world) nothingInTheFile(t *testing.T) {
	if w.name != "sqlite" {
		return // another database: TestAttackAsBIRole in internal/store
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "published.db*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, raw := range []string{victim, "0000-4000-9000-", "attribution-signature", "transaction-id", "jws-string", lateKID} {
			require.False(t, bytes.Contains(text, []byte(raw)), "%s holds %s", filepath.Base(file), raw)
		}
	}
	main, err := filepath.Glob(filepath.Join(w.dir, "skand.db*"))
	require.NoError(t, err)
	found := false
	for _, file := range main {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found = found || bytes.Contains(text, []byte(victim))
	}
	require.True(t, found, "the same look finds it in the main store")
}

func (w *world) everySurface(t *testing.T) {
	require.Empty(t, surfaces(t, w.admin, w.tokens[auth.Viewer]))
}

// refusals [only declared views; refused]: what a viewer may not ask.
func (w *world) refusals(t *testing.T) {
	for path, want := range map[string]int{
		"/v1/cohorts?group=network,country": http.StatusBadRequest, "/v1/cohorts?country=US": http.StatusBadRequest,
		"/v1/cohorts?group=install_day": http.StatusBadRequest, "/v1/cohorts?source_app=1": http.StatusBadRequest,
		"/metrics": http.StatusForbidden, "/v1/status": http.StatusForbidden, "/v1/postbacks": http.StatusForbidden,
		fmt.Sprint("/v1/apps/", weeklyApp, "/advice"): http.StatusForbidden,
	} {
		status, _, body := w.ask(t, auth.Viewer, http.MethodGet, path, "")
		require.Equal(t, want, status, "%s: %s", path, body)
	}
	status, _, _ := ask(t, w.admin, "", http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusUnauthorized, status)
	// A range never cuts a window, wherever it begins and in whatever time zone.
	known := map[string]bool{}
	for _, x := range newView(t, w.sealed(t)).releases {
		for _, row := range x.rows {
			known[fmt.Sprint(x.id, "/", row.key, row.installs)] = true
		}
	}
	for _, at := range []string{"2026-10-07", "2026-10-05T00:00:00%2B02:00", "2026-10-11T23:59:59-08:00", "2026-10-08T12:34:56Z"} {
		for _, side := range []string{"from", "to"} {
			status, _, body := w.ask(t, auth.Viewer, http.MethodGet, "/v1/cohorts?format=csv&"+side+"="+at, "")
			require.Equal(t, http.StatusOK, status, "%s", body)
			for _, line := range csvLines(t, body) {
				require.True(t, known[line["row_id"]+line["installs"]], "%s %s: %v", side, at, line)
			}
		}
	}
}

// lateInstalls [no sealed byte changes]: one more install of a sealed window's, a body
// that came long ago, and all that waits for a key, again.
func (w *world) lateInstalls(t *testing.T) {
	before := w.sealed(t)
	c := &crafting{q: &quarter{apple: w.q.apple}, n: 1 << 20}
	require.NoError(t, c.campaign(campaign{network: steady, source: "1102", installs: 1, payers: 1, whale: 21}, begin))
	w.receive(c.q.letters)
	w.receive(w.q.letters[:200])
	_, err := conversion.Replay(t.Context(), w.store, w.verifier, conversion.ReplayFilter{
		States: []conversion.State{conversion.Unsupported, conversion.Quarantined},
	}, false)
	require.NoError(t, err)
	w.decode()
	w.seal()
	require.Equal(t, before, w.sealed(t), "the window that is open is not due")
	w.now.Advance(week)
	w.seal()
	w.unchanged(t, before)
}

// toggled [second release refused]: whatever is configured, and taken back, no window
// of the ledger is published again.
func (w *world) toggled(t *testing.T) {
	before := w.sealed(t)
	for _, change := range []func(apps map[int64]*apply.App){
		func(apps map[int64]*apply.App) { apps[weeklyApp].K, apps[weeklyApp].B = ptr(10), ptr(3) },
		func(apps map[int64]*apply.App) { apps[weeklyApp].Depth, apps[weeklyApp].Revenue = ptr(2), "banded" },
		func(apps map[int64]*apply.App) { apps[weeklyApp].Window, apps[dailyApp].Window = "day", "week" },
		func(apps map[int64]*apply.App) {
			apps[weeklyApp].Schema = bytes.Replace(apps[weeklyApp].Schema, []byte(`"revenue_cap":"1000"`), []byte(`"revenue_cap":"500"`), 1)
		},
		nil,
	} {
		w.now.Advance(time.Minute)
		w.register(change)
		require.Zero(t, w.seal().Published)
	}
	require.Equal(t, before, w.sealed(t))
	w.deleteAndAdd(t)
	require.Zero(t, w.seal().Published)
	require.Equal(t, before, w.sealed(t))
	w.now.Advance(week)
	w.seal()
	w.unchanged(t, before)
	// The ledger itself refuses, whoever asks, and names what is in the way.
	for _, id := range slices.Sorted(maps.Keys(w.witness.cuts)) {
		second := w.witness.cuts[id].release
		second.ID, second.State = "another-name", aggregate.StatePrepared
		var refused *aggregate.InTheWayError
		require.ErrorAs(t, w.store.Prepare(t.Context(), second), &refused, id)
		require.Equal(t, id, refused.InTheWay)
	}
	w.unchanged(t, before)
}

// deleteAndAdd takes the weekly app away and applies it again.
func (w *world) deleteAndAdd(t *testing.T) {
	path := fmt.Sprint("/v1/apps/", weeklyApp)
	status, _, body := w.ask(t, auth.Admin, http.MethodDelete, path, "", "If-Match", "*")
	require.Less(t, status, 300, "%s", body)
	require.Zero(t, w.seal().Published)
	c := &crafting{q: &quarter{apple: w.q.apple}, n: 1 << 22} // what comes meanwhile waits
	require.NoError(t, c.campaign(campaign{network: steady, source: "1102", installs: 30, payers: 9}, begin))
	w.receive(c.q.letters)
	w.register(func(apps map[int64]*apply.App) { apps[weeklyApp].K, apps[weeklyApp].B = ptr(10), ptr(3) })
}

// moved is the main store with a history of settings that nobody can apply: windows
// that begin when no window begins.
type moved struct {
	*witness
	history []aggregate.SettingsAt
}

// Open implements aggregate.SealStore.
func (m moved) Open(ctx context.Context) ([]aggregate.Open, error) {
	open, err := m.witness.Open(ctx)
	for i := range open {
		open[i].History = m.history
	}
	return open, err
}

// NextCounted implements aggregate.SealStore: rows wait in every window that is sealed.
func (m moved) NextCounted(context.Context, aggregate.Dataset, time.Time) (time.Time, bool, error) {
	return begin.Add(3*week + 2*day), true, nil
}

// shiftedWindows [refused].
func (w *world) shiftedWindows(t *testing.T) {
	before := w.sealed(t)
	c := &crafting{q: &quarter{apple: w.q.apple}, n: 1 << 21}
	require.NoError(t, c.campaign(campaign{network: steady, source: "1102", installs: 30, payers: 9}, begin))
	w.receive(c.q.letters)
	w.decode()
	days, other := aggregate.DefaultSettings(), aggregate.DefaultSettings()
	days.Window = aggregate.Day
	zone := time.FixedZone("UTC+9", 9*3600)
	for name, history := range map[string][]aggregate.SettingsAt{
		"day to week":          {{Settings: other}},
		"week to day":          {{Settings: days}},
		"from within a window": {{Settings: days}, {EffectiveFrom: begin.Add(3*week + 36*time.Hour), Settings: other}},
		"another time zone":    {{Settings: other}, {EffectiveFrom: time.Date(2026, 9, 29, 0, 0, 0, 0, zone), Settings: days}},
	} {
		sealer := &aggregate.Sealer{Store: moved{w.witness, history}, Published: w.store, Clock: w.now, Log: slog.New(slog.DiscardHandler)}
		report, err := sealer.Run(t.Context())
		require.ErrorContains(t, err, "overlaps the ledger's last one", name)
		require.Zero(t, report.Published, name)
	}
	require.Equal(t, before, w.sealed(t))
}

// whaleMoves [at most the cap, with b payers around it]: one payer of a window turned
// into the dearest there can be moves money by no more than the cap, on the row and in
// the sums that it is in, and nothing where fewer than b pay.
func (w *world) whaleMoves(t *testing.T) {
	moves := 0
	for id, c := range w.witness.cuts {
		values, _ := valuesOf(c.batch.Schemas)
		dearest := slices.IndexFunc(values, func(v value) bool { return v.Clamped })
		if dearest < 0 {
			continue
		}
		whale := values[dearest]
		before := aggregate.Cut(c.release.Dataset, c.release.Settings, c.batch)
		for i, g := range c.batch.Groups {
			if g.Kind != aggregate.ValueFine || !g.Payer {
				continue
			}
			other := c.batch
			other.Groups = slices.Clone(c.batch.Groups)
			other.Groups[i].N--
			g.N, g.Fine, g.Clamped, g.SchemaVersion = 1, whale.Value, true, whale.version
			g.RevenueMin, g.RevenueEst, g.RevenueMax = whale.RevenueMin, whale.RevenueEst, whale.RevenueMax
			other.Groups = append(other.Groups, g)
			after := aggregate.Cut(c.release.Dataset, c.release.Settings, other)
			require.Len(t, after.Rows, len(before.Rows), id)
			changed := 0
			for j, row := range after.Rows {
				was := before.Rows[j]
				if row.RevenueMax == nil || row.RevenueMax.Equal(*was.RevenueMax) {
					continue
				}
				changed++
				require.GreaterOrEqual(t, *row.Payers, c.release.B)
				require.True(t, row.RevenueMax.Sub(*was.RevenueMax).Abs().LessThanOrEqual(*whale.RevenueMax), id)
			}
			require.LessOrEqual(t, changed, 1)
			moves += changed
		}
	}
	require.Positive(t, moves)
}
