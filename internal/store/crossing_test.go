package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures/apple"
	"skand/internal/apply"
	"skand/internal/noise"
)

// numbered is noise that can be foreseen, and is never the same: it adds the number of
// the draw.
type numbered struct{ draws int }

func (n *numbered) Count(of int, _ float64) (int, error)     { n.draws++; return of + n.draws, nil }
func (n *numbered) HalfWidth90(epsilon float64) (int, error) { return int(10 / epsilon), nil }

// crossing registers the test app with noised views.
func (in inbox) crossing(epsilon string, list ...aggregate.Crossing) []Change {
	in.t.Helper()
	return in.register(func(a *apply.App) { a.Crossings, a.CrossingEpsilon = list, epsilon })
}

var countries = aggregate.Crossing{View: aggregate.CrossCountry, Values: []string{"US", "DE"}}

// from is a crowd of one country.
func (in inbox) from(country string, c crowd) {
	in.t.Helper()
	in.crowd(c)
	in.sql(`UPDATE counted_postback SET country = ?, publisher = '77' WHERE copy_id = 'copy' AND country = '' AND sealed_in IS NULL`, country)
}

func (in inbox) sealWith(n aggregate.Noise) aggregate.Report {
	in.t.Helper()
	s := in.sealer()
	s.Noise = n
	r, err := s.Run(in.t.Context())
	require.NoError(in.t, err)
	return r
}

// crossed is every published line of the noised views, as it lies in the table.
func (in inbox) crossed() []string {
	in.t.Helper()
	return dump(in.t, in.s.pub, `SELECT c.release_id, c.view, COALESCE(c.network_id, '-'), c.value, c.installs, c.epsilon, c.half_width90 FROM `+
		in.s.pub.table("cohort_crossing")+` c JOIN `+in.s.pub.table("release")+` r ON r.release_id = c.release_id ORDER BY r.window_start, c.`+map[dialect]string{
		sqlite: "rowid", postgres: "ctid",
	}[in.s.pub.dialect])
}

func (in inbox) charged() []string {
	in.t.Helper()
	return in.dump(`SELECT view, release_kind, state, installs, carried, COALESCE(payload, 'none') FROM release_ledger
		WHERE view <> 'cohort' ORDER BY window_start, view`)
}

func TestCrossingIsOffByDefault(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.from("US", crowd{tag: "a", n: 30, at: start})
		in.nextWeek()
		n := &numbered{}
		require.Equal(t, 30, in.sealWith(n).Installs)
		require.Zero(t, n.draws)
		require.Empty(t, in.crossed())
		require.Empty(t, in.charged())
		require.NotContains(t, strings.Join(in.dump(`SELECT release FROM release_ledger`), ""), "crossing")
		require.NotContains(t, strings.Join(in.dump(`SELECT settings FROM app_setting`), ""), "crossing")
	})
}

// TestCrossingIsPublishedWithItsRelease: every declared cell, in the order of its key,
// in the transaction of the base release, and paid for in the ledger.
func TestCrossingIsPublishedWithItsRelease(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crossing("1.0", aggregate.Crossing{View: aggregate.CrossPublisher, Values: []string{"77"}}, countries,
			aggregate.Crossing{View: aggregate.CrossDigits})
		in.apply(&apply.Bundle{Networks: []apply.Network{{NetworkID: testNetwork, Aliases: []string{"other-name.skadnetwork"}}}})
		in.from("us", crowd{tag: "a", n: 30, at: start})
		in.from("US", crowd{tag: "b", n: 5, at: start, network: "Other-name.skadnetwork"})
		in.from("FR", crowd{tag: "c", n: 12, at: start, source: "17"})
		in.from("DE", crowd{tag: "d", n: 6, at: start, network: "small.skadnetwork"})
		in.from("DE", crowd{tag: "f", n: 5, at: start, network: "tiny.skadnetwork"})
		in.from("", crowd{tag: "e", n: 7, at: start, network: "smaller.skadnetwork"})
		in.nextWeek()
		require.Equal(t, 65, in.sealWith(&numbered{}).Installs)
		id := fmt.Sprintf("%d.0.install.production.2026-11-02.week.cohort.base.0", testApp)
		var want []string
		for i, cell := range []struct {
			view, network, value string
			n                    int
		}{
			{"country", "-", "DE", 11}, {"country", "-", "US", 0}, {"country", "-", "other", 7},
			{"country", testNetwork, "DE", 0}, {"country", testNetwork, "US", 35}, {"country", testNetwork, "other", 12},
			{"digits", "-", "2", 0}, {"digits", "-", "3", 0}, {"digits", "-", "4", 18}, {"digits", "-", "campaign", 0}, {"digits", "-", "other", 0},
			{"digits", testNetwork, "2", 12}, {"digits", testNetwork, "3", 0}, {"digits", testNetwork, "4", 35},
			{"digits", testNetwork, "campaign", 0}, {"digits", testNetwork, "other", 0},
			{"publisher", "-", "77", 18}, {"publisher", "-", "other", 0}, {"publisher", testNetwork, "77", 47}, {"publisher", testNetwork, "other", 0},
		} {
			installs := "<nil>"
			if n := cell.n + i + 1; n >= 10 {
				installs = fmt.Sprint(n)
			}
			want = append(want, fmt.Sprintf("%s|%s|%s|%s|%s|0.333333|30", id, cell.view, cell.network, cell.value, installs))
		}
		require.Equal(t, want, in.crossed())
		require.Equal(t, []string{
			"crossing/country|base|charged|0|0|none", "crossing/digits|base|charged|0|0|none", "crossing/publisher|base|charged|0|0|none",
		}, in.charged())
		for _, line := range in.dump(`SELECT release FROM release_ledger WHERE state = 'charged'`) {
			require.Contains(t, line, `"epsilon":"0.333333"`)
			require.NotContains(t, line, `"network_id"`)
		}
		schema := strings.TrimSuffix(in.s.pub.table("x"), "x")
		require.Empty(t, smallCounts(t, in.s.pub.r, schema, 10, 3))
		require.Equal(t, int64(1), in.countAll().Releases["published"])
		require.Zero(t, in.countAll().Releases["prepared"])
		require.Equal(t, int64(65), in.countAll().Sealed)
	})
}

// TestCrossingReadsWhatCame: country and publisher of real postbacks.
func TestCrossingReadsWhatCame(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crossing("", countries, aggregate.Crossing{View: aggregate.CrossPublisher, Values: []string{"525463029"}},
			aggregate.Crossing{View: aggregate.CrossInteraction})
		for i := range 11 {
			p := won(i)
			p.Country, p.SourceApp = "US", ptr(int64(525463029))
			require.Equal(t, conversion.Accepted, in.post(p, conversion.Network).State)
		}
		for i := range 12 {
			require.Equal(t, conversion.Accepted, in.post(apple.Postback{
				Version: apple.AAK, Network: testNetwork, Source: "5239", AppID: testApp, ID: uid(100 + i),
				Conversion: "download", DidWin: true, Interaction: "view", SourceApp: ptr(int64(9)),
			}, conversion.Network).State)
		}
		in.decode()
		d := aggregate.Dataset{AppID: testApp, Kind: "install", Environment: "production"}
		got, err := in.s.Crossed(t.Context(), d, aggregate.WindowAt(aggregate.Week, start), []string{"country", "publisher", "interaction"})
		require.NoError(t, err)
		require.Equal(t, []aggregate.Crossed{
			{View: "country", NetworkID: testNetwork, Value: "", N: 12}, {View: "country", NetworkID: testNetwork, Value: "US", N: 11},
			{View: "publisher", NetworkID: testNetwork, Value: "525463029", N: 11}, {View: "publisher", NetworkID: testNetwork, Value: "9", N: 12},
			{View: "interaction", NetworkID: testNetwork, Value: "", N: 11}, {View: "interaction", NetworkID: testNetwork, Value: "view", N: 12},
		}, got)
		_, err = in.s.Crossed(t.Context(), d, aggregate.WindowAt(aggregate.Week, start), []string{"city"})
		require.ErrorContains(t, err, `crossing "city" is of a later version`)
		in.nextWeek()
		require.Equal(t, 23, in.sealWith(noise.Laplace{}).Installs)
		require.Len(t, in.crossed(), 3+2+3)
		require.Contains(t, in.crossed()[0], "|0.333333|14", "2/epsilon * ln 10")
	})
}

// TestCrossingChangesFromTheNextWindow, and a list that says the same is no change.
func TestCrossingChangesFromTheNextWindow(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for week := range 3 {
			in.from("US", crowd{tag: fmt.Sprint(week), n: 20, at: start.Add(time.Duration(week) * weekLong)})
		}
		in.now.Advance(time.Hour)
		changes := in.crossing("1.0", countries)
		require.Equal(t, "from 2026-11-09T00:00:00Z, the next window not yet begun", changes[1].Detail)
		for _, same := range []string{"1", "1.00", ""} {
			for _, c := range in.crossing(same, countries)[1:] {
				require.Equal(t, "same", c.Action, "%+v", c)
			}
		}
		in.nextWeek()
		require.Equal(t, 1, in.sealWith(&numbered{}).Published)
		require.Empty(t, in.crossed(), "the window had begun")
		in.crossing("2", countries, aggregate.Crossing{View: aggregate.CrossDigits})
		in.nextWeek()
		in.sealWith(&numbered{})
		require.Len(t, in.crossed(), 3, "one view still")
		require.Contains(t, in.crossed()[0], "|1|10")
		in.register(nil) // off again, from the week after the next
		in.nextWeek()
		in.sealWith(&numbered{})
		require.Len(t, in.crossed(), 3+3+5)
		require.Equal(t, []string{
			"crossing/country|base|charged|0|0|none", "crossing/country|base|charged|0|0|none", "crossing/digits|base|charged|0|0|none",
		}, in.charged())
		b, err := in.s.Export(t.Context())
		require.NoError(t, err)
		require.Empty(t, b.Apps[0].Crossings)
		in.crossing("2", countries)
		b, err = in.s.Export(t.Context())
		require.NoError(t, err)
		require.Equal(t, apply.AppCrossings{Crossings: []aggregate.Crossing{countries}, CrossingEpsilon: "2"}, b.Apps[0].AppCrossings)
	})
}

// TestCrossingIsNeverWithoutNoise: a sealer that has none leaves the window open.
func TestCrossingIsNeverWithoutNoise(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crossing("1", countries)
		in.from("US", crowd{tag: "a", n: 20, at: start})
		in.nextWeek()
		_, err := in.sealer().Run(t.Context())
		require.ErrorContains(t, err, "no source of noise")
		require.Empty(t, in.published())
		require.Empty(t, in.ledgerLines())
		require.Equal(t, 20, in.sealWith(&numbered{}).Installs)
	})
}

// overtaken lets a better copy change a row's country once the crossing has read it,
// as often as it is told to.
type overtaken struct {
	*Store
	times int
}

func (o *overtaken) Crossed(ctx context.Context, d aggregate.Dataset, w aggregate.Window, views []string) ([]aggregate.Crossed, error) {
	groups, err := o.Store.Crossed(ctx, d, w, views)
	if err == nil && o.times > 0 {
		o.times--
		_, err = o.main.w.ExecContext(ctx, o.main.q(`UPDATE counted_postback SET country = ?`), fmt.Sprint("X", o.times))
	}
	return groups, err
}

func TestCrossingRowsChanged(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crossing("1", countries)
		in.from("US", crowd{tag: "a", n: 20, at: start})
		in.nextWeek()
		s, n := in.sealer(), &numbered{}
		s.Noise, s.Store = n, &overtaken{in.s, 99}
		_, err := s.Run(t.Context())
		require.ErrorIs(t, err, aggregate.ErrRowsChanged)
		require.Empty(t, in.ledgerLines(), "what was drawn in vain is not spent: nobody has seen it")
		s.Store, n.draws = &overtaken{in.s, 2}, 0
		_, err = s.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 9, n.draws)
		require.Contains(t, in.crossed()[2], "|other|29|", "20 and the ninth draw: what it publishes is what it marks")
	})
}
