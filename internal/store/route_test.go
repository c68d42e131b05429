package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward"
	"skand/internal/apply"
)

// destination saves one of the test app's network.
func (in inbox) destination(id string, change func(*forward.Destination)) {
	in.t.Helper()
	d := forward.Destination{
		ID: id, AppID: testApp, NetworkID: testNetwork, Enabled: true, URL: "https://h.example/",
		Kinds: []string{forward.KindInstall, forward.KindEvent},
	}
	change(&d)
	d = d.WithDefaults()
	require.NoError(in.t, d.Validate(nil))
	_, err := in.s.SaveDestination(in.t.Context(), d, in.now.Now())
	require.NoError(in.t, err)
}

// lines is "destination kind event consent state" and the named fields of every delivery.
func (in inbox) lines(names ...string) []string {
	in.t.Helper()
	out := []string{}
	for _, row := range in.dump(`SELECT destination_id, kind, event_name, consent, state, fields FROM outbox`) {
		cells := strings.Split(row, "|")
		fields, err := in.s.openFields(cells[5])
		require.NoError(in.t, err)
		for _, name := range names {
			cells[4] += " " + fields[name]
		}
		out = append(out, strings.Join(cells[:5], " "))
	}
	slices.Sort(out)
	return out
}

// TestConsentColumnFollows: what waits is sent by the template for the consent that
// stands, and not at all where its destination is to have nothing in that state.
func TestConsentColumnFollows(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		block := &forward.ConsentTemplate{Block: true}
		in.destination("any", func(d *forward.Destination) { d.Scope = forward.ScopeAll })
		in.destination("blocks", func(d *forward.Destination) { d.Scope, d.Consent = forward.ScopeAll, &forward.Consent{Denied: block} })
		in.destination("crm", func(d *forward.Destination) { d.Scope, d.NetworkID = forward.ScopeAll, "" })
		in.destination("odd", func(d *forward.Destination) {
			d.Scope, d.Consent = forward.ScopeAll, &forward.Consent{Authorized: block}
		})
		c.take(installed("i", 0, whole))
		require.Equal(t, []string{"any install install authorized pending", "blocks install install authorized pending",
			"crm install install authorized pending"}, in.lines())

		c.take(withheld(1, func(r *conversion.ConsentReport) { r.ATTStatus = "denied" }))
		require.Equal(t, []string{"any install install denied pending ", "blocks install install denied refused ",
			"crm install install denied refused "}, in.lines("idfa"))

		c.take(withheld(2, func(r *conversion.ConsentReport) { r.ATTStatus = "authorized" }), happened("e", "i", 3))
		require.Equal(t, []string{
			"any event open authorized pending", "any install install denied pending", "blocks event open authorized pending",
			"blocks install install denied refused", "crm event open authorized pending", "crm install install denied refused",
		}, in.lines(), "what was routed without it gets nothing back; what comes now is sent by it")
		c.take(withheld(4, func(r *conversion.ConsentReport) { r.Limited = ptr(true) }))
		for _, line := range in.lines() {
			require.Contains(t, line, " refused")
		}
	})
}

// TestConsentGivenStops: a destination that is to have nothing of those who said yes
// (a suppression list of its kind) is not sent what waits once they say it.
func TestConsentGivenStops(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		in.destination("no", func(d *forward.Destination) {
			d.Scope, d.Consent = forward.ScopeAll, &forward.Consent{Authorized: &forward.ConsentTemplate{Block: true}}
		})
		c.take(installed("i", 0, func(in *conversion.Install) { in.ATTStatus = "denied" }), installed("j", 0, nil))
		require.Equal(t, []string{"no install install denied pending"}, in.lines())
		c.take(withheld(1, func(r *conversion.ConsentReport) { r.ATTStatus = "authorized" }))
		require.Equal(t, []string{"no install install denied refused"}, in.lines())
	})
}

// TestRejectedClaims: the network whose click an install names hears why it is not
// billed, once; nobody else does, and it is not told who won.
func TestRejectedClaims(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		in.destination("own", func(d *forward.Destination) { d.Kinds = []string{forward.KindInstall, forward.KindRejected} })
		in.destination("rival", func(d *forward.Destination) {
			d.Kinds, d.NetworkID = []string{forward.KindInstall, forward.KindRejected}, "rival.example"
		})
		in.destination("deaf", func(*forward.Destination) {})
		naming := func(click string, change func(*conversion.Install)) func(*conversion.Install) {
			return func(in *conversion.Install) {
				in.ClickID, in.ATTStatus = click, "denied"
				if change != nil {
					change(in)
				}
			}
		}
		rival := func(k *conversion.Click) { k.NetworkID, k.CampaignID, k.IDFA = "rival.example", "r", deviceA }
		c.take(
			clicked("old", -24*9, nil), installed("late", 0, naming("old", nil)),
			clicked("k", -1, nil), installed("first", 0, naming("k", nil)), installed("second", 1, naming("k", nil)),
			clicked("b", -1, nil), installed("back", 0, naming("b", func(in *conversion.Install) { in.Reinstall = true })),
			clicked("won", -2, rival), clicked("after", 5, nil),
			installed("lost", 1, naming("after", func(in *conversion.Install) { in.ATTStatus, in.IDFA = "authorized", deviceA })),
			installed("unknown", 0, naming("nowhere", nil)), installed("organic", 0, naming("", nil)),
		)
		want := []string{
			"deaf install install denied pending  k attributed " + testNetwork,
			"own install install denied pending  k attributed " + testNetwork,
			"own rejected install authorized pending click_after_install after rejected " + testNetwork,
			"own rejected install denied pending click_already_used k rejected " + testNetwork,
			"own rejected install denied pending outside_window old rejected " + testNetwork,
			"own rejected install denied pending reinstall b rejected " + testNetwork,
			"rival install install authorized pending  won attributed rival.example",
		}
		fields := []string{"rejection_reason", "click_id", "attribution_type", "network_id"}
		require.Equal(t, want, in.lines(fields...))
		_, err := in.s.Recompute(t.Context(), conversion.Recompute{AppID: testApp, From: hour(-500), To: hour(500)})
		require.NoError(t, err)
		require.Equal(t, want, in.lines(fields...), "told once")
	})
}

// TestRejectedByOperator: of an install that an operator rejects its network hears,
// with all its events, those of later too.
func TestRejectedByOperator(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		kinds := []string{forward.KindInstall, forward.KindEvent, forward.KindRejected}
		in.destination("own", func(d *forward.Destination) { d.Kinds, d.Hold = kinds, 24*time.Hour })
		in.destination("deaf", func(d *forward.Destination) { d.Hold = 24 * time.Hour })
		c.take(clicked("k", 0, nil), installed("i", 0, func(in *conversion.Install) { in.ClickID = "k" }), happened("e", "i", 1))
		require.Equal(t, []string{"deaf event open authorized pending", "deaf install install authorized pending",
			"own event open authorized pending", "own install install authorized pending"}, in.lines())
		review := Review{AppID: testApp, InstallID: "i", Rejected: true, Reason: "click_flooding"}
		for range 2 {
			_, err := in.s.ReviewInstall(t.Context(), review)
			require.NoError(t, err)
		}
		c.take(happened("later", "i", 2))
		require.Equal(t, []string{
			"deaf event open authorized refused ", "deaf install install authorized refused ",
			"own event open authorized refused ", "own install install authorized refused ",
			"own rejected install authorized pending click_flooding",
			"own rejected open authorized pending click_flooding", "own rejected open authorized pending click_flooding",
		}, in.lines("rejection_reason"))
		erased, err := in.s.EraseSubject(t.Context(), Subject{Kind: "install", Value: "i"})
		require.NoError(t, err)
		require.Equal(t, 7, erased.Deliveries, "rejections are reached by an erasure")
		require.Empty(t, in.lines())
	})
}

// TestRejectedEvents: what the app's catalogue does not count is a conversion nowhere,
// and its network may be told.
func TestRejectedEvents(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		c.describe(apply.AppConsented{Events: []apply.Event{
			{Name: "open", Window: "1h"}, {Name: "buy", MinValue: ptr(decimal.NewFromInt(5))},
		}}, apply.NetworkConsented{})
		in.destination("own", func(d *forward.Destination) {
			d.Kinds = []string{forward.KindInstall, forward.KindEvent, forward.KindRejected}
		})
		in.destination("deaf", func(*forward.Destination) {})
		c.take(clicked("k", -1, nil), installed("i", 0, func(in *conversion.Install) { in.ClickID = "k" }), installed("organic", 0, nil),
			happened("in", "i", 1), happened("out", "i", 2), happened("nobody's", "organic", 2),
			&conversion.Event{ID: "cheap", AppID: testApp, InstallID: "i", Name: "buy", Time: hour(1)})
		require.Equal(t, []string{
			"deaf event open authorized pending ", "deaf install install authorized pending ",
			"own event open authorized pending ", "own install install authorized pending ",
			"own rejected buy authorized pending below_minimum", "own rejected open authorized pending outside_window",
		}, in.lines("rejection_reason"))
	})
}

// TestRouteKnowsOtherNames: a network that signs with two ids is one receiver, the app
// is known by its bundle, and test devices are sent as such.
func TestRouteKnowsOtherNames(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		c.apply(&apply.Bundle{
			Apps: []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3), BundleID: "com.example.puzzle",
				AppConsented: apply.AppConsented{TestDevices: []string{"i"}}}},
			Networks: []apply.Network{{NetworkID: testNetwork, Aliases: []string{"com.example.ads"}}},
		})
		in.destination("own", func(*forward.Destination) {})
		in.destination("alias", func(d *forward.Destination) { d.NetworkID = "com.example.ads" })
		in.destination("other", func(d *forward.Destination) { d.NetworkID = "other.example" })
		c.take(clicked("k", -1, func(k *conversion.Click) { k.NetworkID = "COM.example.ads" }),
			installed("i", 0, func(in *conversion.Install) { in.ClickID = "k" }))
		require.Equal(t, []string{
			"alias install install authorized pending com.example.puzzle true com.example.ads",
			"own install install authorized pending com.example.puzzle true com.example.ads",
		}, in.lines("bundle_id", "is_test", "network_id"))
	})
}

// TestDestinationHearsNothingOfThePast: what was there before it came is not sent to it,
// nor when things are decided or counted again.
func TestDestinationHearsNothingOfThePast(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		c := consented{in, conversion.Intake{Store: in.s}}
		c.take(clicked("k", -1, nil), installed("i", 0, func(in *conversion.Install) { in.ClickID = "k" }), happened("e", "i", 1))
		in.post(won(1), conversion.Network)
		in.destination("new", func(d *forward.Destination) {
			d.Kinds = []string{forward.KindInstall, forward.KindEvent, forward.KindPostback, forward.KindRejected}
		})
		_, err := in.s.Recompute(t.Context(), conversion.Recompute{AppID: testApp, From: hour(-500), To: hour(500)})
		require.NoError(t, err)
		in.post(won(1), conversion.Developer)
		require.Empty(t, in.lines())
		c.take(happened("f", "i", 2))
		require.Equal(t, []string{"new event open authorized pending"}, in.lines())
	})
}
