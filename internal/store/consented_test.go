package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/forward"
)

// consented is a store with two destinations: one that hears of its network's own
// conversions, and one that hears of everything.
type consented struct {
	inbox
	conversion.Intake
}

func eachConsented(t *testing.T, test func(t *testing.T, c consented)) {
	t.Helper()
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		c.destinations()
		test(t, c)
	})
}

// destinations are one for the network's own conversions and one for everything.
func (c consented) destinations() {
	c.t.Helper()
	for id, scope := range map[string]string{"own": forward.ScopeAttributed, "all": forward.ScopeAll} {
		_, err := c.s.SaveDestination(c.t.Context(), forward.Destination{
			ID: id, AppID: testApp, NetworkID: testNetwork, Scope: scope, Enabled: true, URL: "https://h.example/",
			Kinds: []string{forward.KindInstall, forward.KindEvent}, SendRevenue: true,
		}, start)
		require.NoError(c.t, err)
	}
}

// story is a click, the install it led to and two events, all named after one tag.
func (c consented) story(tag string) []func() (bool, error) {
	ctx := c.t.Context()
	at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
	return []func() (bool, error){
		func() (bool, error) {
			return c.Click(ctx, &conversion.Click{ID: "c" + tag, AppID: testApp, NetworkID: strings.ToUpper(testNetwork), Time: at(-5), CampaignID: "39"})
		},
		func() (bool, error) {
			return c.Install(ctx, &conversion.Install{ID: "i" + tag, AppID: testApp, Time: at(-4), ClickID: "c" + tag, IDFA: "x" + tag, ATTStatus: "authorized"})
		},
		func() (bool, error) {
			return c.Event(ctx, &conversion.Event{ID: "e" + tag, AppID: testApp, InstallID: "i" + tag, Name: "open", Time: at(-3)})
		},
		func() (bool, error) {
			return c.Event(ctx, &conversion.Event{
				ID: "p" + tag, AppID: testApp, InstallID: "i" + tag, Name: "buy", Time: at(-2),
				Revenue: ptr(decimal.RequireFromString("9.990")), Currency: "USD",
			})
		},
	}
}

// hash is what an id is kept as.
func (in inbox) hash(kind, id string) string { return in.s.vault.Hash(kind, id) }

// sent is what the outbox holds of keys, one line each: destination, thing, event and,
// from its own network, the fields.
func (in inbox) sent(keys map[string]string, destination string) []string {
	in.t.Helper()
	lines := []string{}
	for _, row := range in.dump(`SELECT destination_id, dedup_key, kind, event_name, fields FROM outbox ORDER BY destination_id, kind, event_name`) {
		cells := strings.Split(row, "|")
		thing, ours := keys[cells[1]]
		if !ours {
			continue
		}
		fields, err := in.s.openFields(cells[4])
		require.NoError(in.t, err)
		text := ""
		if cells[0] == destination {
			text = fmt.Sprint(fields)
		}
		lines = append(lines, strings.Join([]string{cells[0], thing, cells[2], cells[3], text}, "|"))
	}
	slices.Sort(lines)
	return lines
}

// outcome is the decision and the deliveries of a story, without its tag. What the
// destination for everything is told of an install that comes before its click is
// the install as it was then; only its key is compared.
func (c consented) outcome(tag string) string {
	c.t.Helper()
	in, err := c.install("i" + tag)
	require.NoError(c.t, err)
	lines := []string{fmt.Sprintf("%s|%s|%s|%s|%s", in.Decision.Name(), in.Decision.Reason, in.Decision.NetworkID, in.Decision.ClickID, in.Decision.CampaignID)}
	used := c.dump(`SELECT used_by FROM click WHERE id = ?`, c.hash("click", "c"+tag))
	require.Len(c.t, used, 1)
	lines = append(lines, strconv.FormatBool(used[0] == c.hash("install", "i"+tag)))
	lines = append(lines, c.sent(map[string]string{
		"install/" + c.hash("install", "i"+tag): "install/i", "event/" + c.hash("event", "e"+tag): "event/e", "event/" + c.hash("event", "p"+tag): "event/p",
	}, "own")...)
	return strings.ReplaceAll(strings.Join(lines, "\n"), tag, "")
}

// install reads an install of the test app.
func (c consented) install(id string) (in *conversion.KeptInstall, err error) {
	err = c.s.InLedger(c.t.Context(), []int64{testApp}, false, func(l conversion.Ledger) error {
		in, err = l.Install(c.t.Context(), testApp, id)
		return err
	})
	return in, err
}

func TestConsentedEveryOrderOfArrival(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		var want string
		for n, order := range permutations(4) {
			tag := fmt.Sprintf("~%02d", n)
			steps := c.story(tag)
			for _, i := range order {
				accepted, err := steps[i]()
				require.NoError(t, err)
				require.True(t, accepted)
				if n%2 == 0 {
					continue
				}
				accepted, err = steps[i]() // every report twice
				require.NoError(t, err)
				require.False(t, accepted)
			}
			got := c.outcome(tag)
			if n == 0 {
				want = got
			}
			require.Equal(t, want, got, "order %v", order)
		}
		require.True(t, strings.HasPrefix(want, "attributed|click_id|"+testNetwork+"|c|39\ntrue\n"), want)
		require.Equal(t, 6, strings.Count(want, "install/i|")+strings.Count(want, "event/"), "an install and two events, to two destinations: %s", want)
		require.Contains(t, want, "revenue:9.99]")
		count := c.countAll()
		require.Equal(t, []int64{24, 48}, []int64{count.Clicks, count.Events})
		require.Equal(t, map[string]int64{"attributed": 24}, count.Installs)
		require.Equal(t, map[string]int64{"pending": 24 * 6}, count.Outbox)
	})
}

// TestConsentedAtOnce: the click, the install and its events arrive in the same
// moment. None misses the other, nobody waits for another in a circle.
func TestConsentedAtOnce(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		const stories = 12
		errs := make(chan error, stories*8)
		var wg sync.WaitGroup
		for n := range stories {
			steps := c.story(fmt.Sprintf("~%02d", n))
			for i := range 8 { // each report twice
				wg.Go(func() {
					_, err := steps[i%4]()
					errs <- err
				})
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		want := c.outcome("~00")
		require.True(t, strings.HasPrefix(want, "attributed|"), want)
		for n := range stories {
			require.Equal(t, want, c.outcome(fmt.Sprintf("~%02d", n)))
		}
		require.Equal(t, map[string]int64{"pending": stories * 6}, c.countAll().Outbox)
	})
}

// TestConsentedOneClickOneInstall: installs that name the same click are decided
// one after the other, before and after it comes.
func TestConsentedOneClickOneInstall(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		click := &conversion.Click{ID: "c", AppID: testApp, NetworkID: testNetwork, Time: start.Add(-time.Hour)}
		install := func(i int) func() (bool, error) {
			return func() (bool, error) {
				return c.Install(t.Context(), &conversion.Install{ID: fmt.Sprint("i", i), AppID: testApp, Time: start, ClickID: "c"})
			}
		}
		steps := []func() (bool, error){func() (bool, error) { return c.Click(t.Context(), click) }}
		for i := range 10 {
			steps = append(steps, install(i))
		}
		errs := make([]error, len(steps))
		var wg sync.WaitGroup
		for i, step := range steps {
			wg.Go(func() { _, errs[i] = step() })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, map[string]int64{"attributed": 1, "organic": 9}, c.countAll().Installs)
		require.Len(t, c.dump(`SELECT 1 FROM install WHERE reason = 'click_already_used'`), 9)
		require.Len(t, c.dump(`SELECT 1 FROM outbox WHERE destination_id = 'own'`), 1)
	})
}

// TestConsentedOtherApp: ids belong to an app.
func TestConsentedOtherApp(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		for app := int64(testApp); app < testApp+2; app++ {
			for _, step := range []func() (bool, error){
				func() (bool, error) {
					return c.Event(t.Context(), &conversion.Event{ID: "e", AppID: app, InstallID: "i", Name: "open", Time: start})
				},
				func() (bool, error) {
					return c.Install(t.Context(), &conversion.Install{ID: "i", AppID: app, Time: start, ClickID: "c"})
				},
			} {
				accepted, err := step()
				require.NoError(t, err)
				require.True(t, accepted)
			}
		}
		_, err := c.Click(t.Context(), &conversion.Click{ID: "c", AppID: testApp + 1, NetworkID: testNetwork, Time: start.Add(-time.Hour)})
		require.NoError(t, err)
		require.Equal(t, []string{"organic|click_unknown", "attributed|click_id"}, c.dump(`SELECT decision, reason FROM install ORDER BY app_id`))
		require.Len(t, c.dump(`SELECT DISTINCT id FROM install`), 1, "the keys hold the app, the hashes need not")
		require.Empty(t, c.dump(`SELECT 1 FROM outbox WHERE destination_id = 'own'`), "the other app has no destination")
	})
}

// TestModeledDeliveries: written once, in the transaction of Prepare.
func TestModeledDeliveries(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		_, err := in.s.SaveDestination(t.Context(), forward.Destination{
			ID: "m", AppID: testApp, NetworkID: testNetwork, Enabled: true, URL: "https://h.example/",
			Kinds: []string{forward.KindModeled}, SendRevenue: true, Expires: 24 * time.Hour,
		}, start)
		require.NoError(t, err)
		in.crowd(crowd{tag: "pay", n: 12, at: start, payer: true, revenue: "1.25"})
		in.crowd(crowd{tag: "not", n: 12, at: start})
		in.crowd(crowd{tag: "other", n: 15, at: start, network: "b.skadnetwork"})
		in.nextWeek()
		s := in.sealer()
		s.Published = failing{}
		_, err = s.Run(t.Context())
		require.ErrorContains(t, err, "no published store today")
		want := []string{"install|24|-", "payer|12|15"}
		require.Equal(t, want, in.modeled())
		for range 2 {
			in.seal()
			require.Equal(t, want, in.modeled())
		}
		require.Equal(t, []string{fmt.Sprint(ms(in.now.Now().Add(24 * time.Hour)))}, in.dump(`SELECT DISTINCT expires_at FROM outbox`), "counted from the sealing")
	})
}

// modeled is event, count and revenue of every modeled delivery.
func (in inbox) modeled() []string {
	in.t.Helper()
	page, _, err := in.s.Deliveries(in.t.Context(), DeliveryFilter{}, "", 100)
	require.NoError(in.t, err)
	var out []string
	for _, d := range page {
		f, err := in.s.openFields(in.dump(`SELECT fields FROM outbox WHERE id = ?`, d.ID)[0])
		require.NoError(in.t, err)
		revenue, there := f["revenue"]
		if !there {
			revenue = "-"
		}
		out = append(out, fmt.Sprintf("%s|%v|%v", d.EventName, f["count"], revenue))
	}
	slices.Sort(out)
	return out
}

// failing is a published store that cannot be reached.
type failing struct{}

func (failing) Publish(context.Context, aggregate.Release) error {
	return errors.New("no published store today")
}
