package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/forward"
	"skand/internal/apply"
)

func (in inbox) redecoder() *aggregate.Redecoder {
	return &aggregate.Redecoder{Store: in.s, Published: in.s, Clock: in.now, Log: slog.New(slog.DiscardHandler)}
}

// weekID is the id of the test app's base release of a week.
func weekID(week int) string {
	return fmt.Sprintf("%d.0.install.production.%s.week.cohort.base.0", testApp, start.AddDate(0, 0, 7*week).Format(time.DateOnly))
}

// again is the id of its redecode.
func again(id string) string { return strings.Replace(id, ".base.", ".redecode.", 1) }

// dearer publishes a second version: the same values, and prices of its own.
func (in inbox) dearer(prices ...string) {
	in.t.Helper()
	in.register(func(a *apply.App) { a.Schema = purchases(prices...) })
}

// everything published, release by release, whatever a reader would be given.
func (in inbox) everything() map[string][]string {
	in.t.Helper()
	out := in.measures()
	for _, table := range []string{"cohort", "release"} {
		out[table] = dump(in.t, in.s.pub, `SELECT * FROM `+in.s.pub.table(table)+` ORDER BY 1, 2`)
	}
	return out
}

// TestRedecodePublishes: weeks of campaigns are read by a version with other prices.
// The bases stay to the byte, no counted row is looked at (none is left), nothing is
// delivered, and what readers are given is the newest decode.
func TestRedecodePublishes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		const weeks = 2
		_, err := in.s.SaveDestination(t.Context(), forward.Destination{
			ID: "modeled", AppID: testApp, NetworkID: "n0.skadnetwork", Enabled: true, URL: "https://h.example/",
			Kinds: []string{forward.KindModeled}, SendRevenue: true,
		}, start)
		require.NoError(t, err)
		in.campaigns(1, weeks)
		in.dearer("1.99", "4.99", "19.99", "99.99")
		before, sums, installs := in.everything(), in.countAll(), in.installs()
		outbox := in.dump(`SELECT id FROM outbox ORDER BY id`)
		require.NotEmpty(t, outbox)
		in.sql(`DELETE FROM counted_postback`)

		for week := range weeks {
			done, err := in.redecoder().Redecode(t.Context(), weekID(week), 2)
			require.NoError(t, err)
			require.Equal(t, again(weekID(week)), done.ID)
		}
		after := in.everything()
		for table, lines := range before {
			kept := slices.DeleteFunc(slices.Clone(after[table]), func(line string) bool { return strings.Contains(line, ".redecode.") })
			require.Equal(t, lines, kept, table)
			require.Greater(t, len(after[table]), len(lines), table)
		}
		require.Equal(t, outbox, in.dump(`SELECT id FROM outbox ORDER BY id`), "deliveries of a window are sent once")
		require.Equal(t, installs, in.installs(), "cohort_current counts every install once")
		require.Equal(t, sums.Published, in.countAll().Published)
		require.Equal(t, map[string]int64{"published": 2 * weeks}, in.countAll().Releases)
		for _, row := range in.published() {
			require.Contains(t, row, ".redecode.0|", "a base row is nobody's answer any more")
			require.True(t, strings.HasSuffix(row, "|2"), "schema_versions: %s", row)
		}
		p := in.s.pub
		worth := `SELECT SUM(revenue_est) FROM ` + p.table("cohort_value") + ` WHERE value_list = '1' AND release_id LIKE '%` // of one value
		base, dear := dump(t, p, worth+`.base.0'`), dump(t, p, worth+`.redecode.0'`)
		require.NotEqual(t, base, dear)
		require.Empty(t, dump(t, p, `SELECT 1 FROM `+p.table("cohort_value")+` WHERE release_id LIKE '%redecode%' AND COALESCE(schema_version, 0) <> 2`))
		require.Equal(t, []string{"published|2"}, in.dump(
			`SELECT state, COUNT(*) FROM release_ledger WHERE release_kind = 'redecode' AND payload IS NULL GROUP BY state`))
		require.Equal(t, []string{
			"redecode|local|release.redecode|release " + again(weekID(0)) + `|{"schema_versions":[2]}`,
			"redecode|local|release.redecode|release " + again(weekID(1)) + `|{"schema_versions":[2]}`,
		}, in.dump(`SELECT who, role, action, object, detail FROM audit_log WHERE action = 'release.redecode' ORDER BY id`))
		_, told := in.histogram(2, weeks)
		require.Equal(t, installs, told, "what editors simulate on has everybody, by the newest decode")
		in.seal()
		require.Equal(t, after, in.everything(), "a seal has nothing to finish")
	})
}

// installs is what the view of current rows adds up to.
func (in inbox) installs() (n int64) {
	in.t.Helper()
	require.NoError(in.t, in.s.pub.r.GetContext(in.t.Context(), &n, `SELECT COALESCE(SUM(installs), 0) FROM `+in.s.pub.table("cohort_current")))
	return n
}

// catching keeps what the sealer publishes.
type catching struct {
	*Store
	caught []aggregate.Release
}

func (c *catching) Publish(ctx context.Context, r aggregate.Release) error {
	c.caught = append(c.caught, r)
	return c.Store.Publish(ctx, r)
}

// TestBaseIsReadBack: what was published is what a redecode is made of, every column.
func TestBaseIsReadBack(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.B, a.Schema = ptr(5), purchases("0.99", "4.99", "19.99") })
		for n, source := range []string{"5239", "6139", "4139", "77", "17", "0107"} {
			for fine := range 4 {
				in.decodedAs(fine, "", n%3 == 0, crowd{
					tag: fmt.Sprint(n, ".", fine), n: 5 + (5*n+3*fine)%13, at: start, version: 1, source: source, payer: fine > 0,
					revenue: []string{"", "0.99", "4.99", "19.99"}[fine],
				})
			}
			in.crowd(crowd{tag: fmt.Sprint(n, "null"), n: 7 + n, at: start, source: source, kind: "null", network: "b.skadnetwork"})
		}
		for _, source := range []string{"1039", "1139", "1239", "1339"} { // three payers each: told together only
			in.decodedAs(0, "", false, crowd{tag: source, n: 20, at: start, version: 1, source: source, network: "c.skadnetwork"})
			in.decodedAs(1, "", false, crowd{
				tag: source + " pays", n: 3, at: start, version: 1, source: source, network: "c.skadnetwork", payer: true, revenue: "0.99",
			})
		}
		in.nextWeek()
		s, c := in.sealer(), &catching{Store: in.s}
		s.Published = c
		_, err := s.Run(t.Context())
		require.NoError(t, err)
		require.Len(t, c.caught, 1)
		sent := c.caught[0]
		got, err := in.s.Base(t.Context(), sent.ID)
		require.NoError(t, err)
		require.Equal(t, aggregate.StatePublished, got.State)
		for _, part := range []struct{ sent, got any }{
			{sent.Rows, got.Rows}, {sent.Remainders, got.Remainders}, {sent.Window, got.Window}, {sent.Settings, got.Settings},
		} {
			require.Equal(t, asLines(t, part.sent), asLines(t, part.got))
		}
		require.ElementsMatch(t, asLines(t, sent.Values), asLines(t, got.Values), "their order is nobody's")
		require.ElementsMatch(t, asLines(t, sent.Events), asLines(t, got.Events))
		for _, part := range []int{len(sent.Rows), len(sent.Remainders), len(sent.Values), len(sent.Events)} {
			require.Positive(t, part)
		}
	})
}

// asLines is the JSON of each element, or of the one value.
func asLines(t *testing.T, v any) (out []string) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var each []json.RawMessage
	if json.Unmarshal(text, &each) != nil {
		return []string{string(text)}
	}
	for _, one := range each {
		out = append(out, string(one))
	}
	return out
}

func TestRedecodeRefusals(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 1)
		in.crowd(crowd{tag: "few", n: 3, at: start.Add(weekLong)})
		in.nextWeek()
		in.seal()
		in.dearer("1.99", "4.99", "19.99", "99.99")
		in.now.Advance(time.Hour)
		in.dearer("0.99", "4.99", "19.99", "99.99")
		in.now.Advance(time.Hour)
		in.register(func(a *apply.App) {
			a.Currency, a.Schema = "EUR", bytes.Replace(purchases("1", "2"), []byte("USD"), []byte("EUR"), 1)
		})
		before := in.everything()
		refused := func(id string, version int, reason string) {
			t.Helper()
			_, err := in.redecoder().Redecode(t.Context(), id, version)
			var no *aggregate.RedecodeRefused
			require.ErrorAs(t, err, &no)
			require.Equal(t, reason, no.Reason, err.Error())
		}
		refused("nothing", 2, aggregate.RefusedUnknown)
		refused("\x00", 2, aggregate.RefusedUnknown)
		refused(weekID(1), 2, aggregate.RefusedCarried)
		refused(weekID(0), 9, aggregate.RefusedVersion)
		refused(weekID(0), 1, aggregate.RefusedSame)
		refused(weekID(0), 3, aggregate.RefusedSame)
		refused(weekID(0), 4, aggregate.RefusedCurrency)
		in.sql(`UPDATE release_ledger SET state = 'prepared' WHERE release_id = ?`, weekID(0))
		refused(weekID(0), 2, aggregate.RefusedNotPublished)
		in.sql(`UPDATE release_ledger SET state = 'published' WHERE release_id = ?`, weekID(0))
		require.Equal(t, before, in.everything())

		_, err := in.redecoder().Redecode(t.Context(), weekID(0), 2)
		require.NoError(t, err)
		refused(again(weekID(0)), 1, aggregate.RefusedNotBase)
		_, err = in.redecoder().Redecode(t.Context(), weekID(0), 2)
		var inTheWay *aggregate.InTheWayError
		require.ErrorAs(t, err, &inTheWay)
		require.Equal(t, &aggregate.InTheWayError{
			Release: again(weekID(0)), Window: aggregate.WindowAt(aggregate.Week, start),
			InTheWay: again(weekID(0)), State: aggregate.StatePublished,
		}, inTheWay)
		require.Len(t, in.dump(`SELECT 1 FROM audit_log WHERE action = 'release.redecode'`), 1, "what was refused was not done")
	})
}

// TestRedecodeKindsAreItsBases: a redecode is of its version in its bins alone. What
// its base counted as unmapped or coarse is not this version's.
func TestRedecodeKindsAreItsBases(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		r := weekOf("again", 0, 0, []int{2}, aggregate.Row{
			Installs: 60, NullInstalls: ptr(7), UnsetInstalls: ptr(4), UnmappedInstalls: ptr(3),
			CoarseLow: ptr(5), CoarseMedium: ptr(0), CoarseHigh: ptr(6), FineInstalls: ptr(35), Payers: ptr(20),
		})
		r.Kind, r.Values = aggregate.ReleaseRedecode, []aggregate.ValueBin{fineBin("0-2", 2, 35)}
		require.NoError(t, in.s.Publish(t.Context(), r))
		lines, installs := in.histogram(2, 1)
		require.EqualValues(t, 60, installs)
		require.Equal(t, []string{"0 fine 0-2: 35", "0 null: 7", "0 other_version: 14", "0 unset: 4"}, lines)
	})
}

// TestRedecodeNeedsItsStore: a published store that is not this ledger's is refused.
func TestRedecodeNeedsItsStore(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 1)
		in.dearer("2")
		_, err := in.s.pub.w.ExecContext(t.Context(), `DELETE FROM `+in.s.pub.table("cohort")+` WHERE row_id = (SELECT MAX(row_id) FROM `+in.s.pub.table("cohort")+`)`)
		require.NoError(t, err)
		_, err = in.redecoder().Redecode(t.Context(), weekID(0), 2)
		require.ErrorContains(t, err, "is it the store that belongs to it?")
	})
}

// TestRedecodeTwoAtOnce: of several who ask at once, one is answered.
func TestRedecodeTwoAtOnce(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 1)
		in.dearer("2", "3", "4", "5")
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = in.redecoder().Redecode(t.Context(), weekID(0), 2) })
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			var inTheWay *aggregate.InTheWayError
			if err == nil {
				done++
			} else {
				require.True(t, errors.As(err, &inTheWay), "%v", err)
			}
		}
		require.Equal(t, 1, done)
		require.Len(t, dump(t, in.s.pub, `SELECT 1 FROM `+in.s.pub.table("release")+` WHERE kind = 'redecode'`), 1)
	})
}
