package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
)

// TestAttributedByIDFA: where it is authorized, in any order of arrival, by the last
// touch that lies in its network's window.
func TestAttributedByIDFA(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{}, apply.NetworkConsented{ClickWindow: "3h"})
		items := []any{
			clicked("early", -9, func(k *conversion.Click) { k.IDFA = deviceA }),
			clicked("last", -2, func(k *conversion.Click) { k.IDFA = deviceA }),
			clicked("after", 1, func(k *conversion.Click) { k.IDFA = deviceA }),
			clicked("else", -1, func(k *conversion.Click) { k.IDFA = deviceB }),
			installed("i", 0, func(in *conversion.Install) { in.IDFA = "a0000000-1111-4222-8333-444444444444" }),
		}
		c.take(items...)
		require.Equal(t, "attributed idfa last", c.why("i"))
		in, err := c.install("i")
		require.NoError(t, err)
		require.Equal(t, []conversion.Considered{
			{ClickID: "last", NetworkID: testNetwork, Interaction: "click", Time: hour(-2), Verdict: "taken"},
			{ClickID: "early", NetworkID: testNetwork, Interaction: "click", Time: hour(-9), Verdict: "outside_window"},
		}, in.Decision.Considered)
		require.Equal(t, []string{"all install pending  idfa", "own install pending  idfa"}, c.outbox())
		c.inClear(t, deviceA, deviceB, "last\"")
	})
}

func TestAttributedByIDFAWhenTheClickComesLater(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.take(
			installed("i", 0, func(in *conversion.Install) { in.IDFA, in.ClickID = deviceA, "never" }), happened("e", "i", 1),
			installed("denied", 0, func(in *conversion.Install) { in.IDFA, in.ATTStatus = deviceB, "denied" }),
		)
		require.Equal(t, "organic click_unknown", c.why("i"))
		c.take(clicked("b", -1, func(k *conversion.Click) { k.IDFA = deviceB }), clicked("a", -1, func(k *conversion.Click) { k.IDFA = deviceA }))
		require.Equal(t, "attributed idfa a", c.why("i"))
		require.Equal(t, "organic no_click_id", c.why("denied"))
		require.Len(t, c.dump(`SELECT 1 FROM outbox WHERE destination_id = 'own'`), 2, "with its event")
		c.take(clicked("better", 0, func(k *conversion.Click) { k.IDFA = deviceA }), clicked("never", -1, nil))
		require.Equal(t, "attributed idfa a", c.why("i"), "what is attributed stays")
	})
}

// TestKnownDevice: who was here before is not won again.
func TestKnownDevice(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		same := func(click string) func(*conversion.Install) {
			return func(in *conversion.Install) { in.IDFV, in.ATTStatus, in.ClickID = deviceA, "denied", click }
		}
		c.take(clicked("k1", -1, nil), clicked("k2", -1, nil), installed("i2", 5, same("k1")))
		require.Equal(t, "attributed click_id k1", c.why("i2"))
		c.take(installed("i3", 6, same("k2")), installed("i1", 1, nil))
		require.Equal(t, "organic known_device  duplicate", c.why("i3"))
		in, err := c.install("i3")
		require.NoError(t, err)
		require.Equal(t, "k2", in.Decision.ReengagedBy)
		require.Empty(t, in.IDFV, "of one who denied nothing is kept but a hash")
		require.Equal(t, []string{"3"}, c.dump(`SELECT COUNT(*) FROM install`))
		require.Equal(t, []string{"2"}, c.dump(`SELECT COUNT(*) FROM install WHERE idfv_hash IS NOT NULL`))
	})
}

// TestEventsByTheCatalogue: what falls out of it is kept, told, and sent to nobody.
func TestEventsByTheCatalogue(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{Events: []apply.Event{
			{Name: "open", Window: "2h"}, {Name: "buy", MinValue: ptr(decimal.RequireFromString("5"))},
		}}, apply.NetworkConsented{})
		for currency, rate := range map[string]string{"USD": "1.25", "EUR": "1"} {
			c.sql(`INSERT INTO rate (currency, day, rate) VALUES (?, ?, ?)`, currency, ms(start), rate)
		}
		buy := func(id, amount string, h int) *conversion.Event {
			e := happened(id, "i", h)
			e.Name, e.Revenue, e.Currency = "buy", ptr(decimal.RequireFromString(amount)), "USD"
			return e
		}
		strange := happened("x", "i", 1)
		strange.Name = "dance"
		taken, err := c.Events(t.Context(), []*conversion.Event{
			happened("before", "i", 9), happened("in", "i", 2), buy("much", "10", 1), buy("little", "6", 1), buy("unrated", "1", -24*9), strange,
		})
		require.NoError(t, err)
		require.Equal(t, []string{"unknown_event"}, taken[5].Warnings)
		require.Nil(t, taken[0].Warnings)
		c.take(installed("i", 0, nil))
		require.ElementsMatch(t, []string{
			"open - outside_window", "open - ", "buy 8 ", "buy 4.8 below_minimum", "buy - ", "dance - unknown_event",
		}, c.judged())
		require.Len(t, c.dump(`SELECT 1 FROM outbox WHERE kind = 'event' AND destination_id = 'all'`), 4)
		in, err := c.s.ConsentedInstall(t.Context(), testApp, "i")
		require.NoError(t, err)
		require.Len(t, in.Events, 6)
	})
}

// judged is "name worth flags" of the install's events.
func (c consented) judged() (lines []string) {
	v, err := c.s.ConsentedInstall(c.t.Context(), testApp, "i")
	require.NoError(c.t, err)
	for _, e := range v.Events {
		worth := "-"
		if e.RevenueApp != nil {
			worth = e.RevenueApp.String()
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", e.Name, worth, strings.Join(e.Flags, ",")))
	}
	return lines
}

func TestTestDevicesAreMarked(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{TestDevices: []string{deviceA, "qa-1"}}, apply.NetworkConsented{})
		c.take(
			installed("i", 0, func(in *conversion.Install) { in.IDFV, in.ATTStatus = "a0000000-1111-4222-8333-444444444444", "denied" }),
			installed("qa-1", 0, nil), installed("QA-1", 0, nil), happened("e", "qa-1", 1),
		)
		require.Equal(t, []string{"1", "2"}, c.dump(`SELECT COUNT(*) FROM install GROUP BY is_test ORDER BY is_test`))
		tests := 0
		for _, row := range c.dump(`SELECT fields FROM outbox`) {
			f, err := c.s.openFields(row)
			require.NoError(t, err)
			if f["is_test"] == "true" {
				tests++
			}
		}
		require.Equal(t, 3, tests)
	})
}

func TestTooLateAndAhead(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{ConsentedRetention: "30d"}, apply.NetworkConsented{})
		taken, err := c.Events(t.Context(), []*conversion.Event{happened("old", "i", -24*30-1), happened("late", "i", -24*30)})
		require.NoError(t, err)
		require.Equal(t, "too_late time", taken[0].Rejected.Code+" "+taken[0].Rejected.Field)
		require.True(t, taken[1].Accepted)
		ahead := happened("", "i", 5)
		ahead.Arrive(start)
		again := *ahead
		c.take(ahead)
		require.Equal(t, start, ahead.Time)
		taken, err = c.Events(t.Context(), []*conversion.Event{&again})
		require.NoError(t, err)
		require.False(t, taken[0].Accepted, "without an id it is known by install, name and time")
		require.Len(t, taken[0].ID, 24)
		c.take(happened("", "i", 6))
		require.Equal(t, []string{"3"}, c.dump(`SELECT COUNT(*) FROM event`))
	})
}
