package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward"
	"skand/forward/reconcile"
	"skand/internal/apply"
)

// market is a network that buys installs and is told of them and of purchases.
type market struct {
	consented
	n int
}

func eachMarket(t *testing.T, test func(t *testing.T, m *market)) {
	t.Helper()
	eachInbox(t, func(t *testing.T, in inbox) {
		m := &market{consented: consented{in, conversion.Intake{Store: in.s}}}
		in.now.Set(start.Add(96 * time.Hour))
		in.apply(&apply.Bundle{
			Apps: []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3), Currency: "EUR"}},
			Networks: []apply.Network{
				{NetworkID: testNetwork, Aliases: []string{"com.example"}}, {NetworkID: "other.net"},
			},
			Rates: []apply.Rate{
				{Date: "2026-11-02", Currency: "EUR", Rate: decimal.RequireFromString("1")},
				{Date: "2026-11-02", Currency: "USD", Rate: decimal.RequireFromString("1.25")},
			},
		})
		m.destination("main", nil)
		test(t, m)
	})
}

func (m *market) destination(id string, change func(*forward.Destination)) {
	m.t.Helper()
	d := forward.Destination{
		ID: id, AppID: testApp, NetworkID: testNetwork, Scope: forward.ScopeAttributed, Enabled: true, URL: "https://h.example/",
		Kinds: []string{forward.KindInstall, forward.KindEvent}, SendRevenue: true, Expires: 28 * 24 * time.Hour,
		EventMap: map[string]string{"buy": "Purchase", "cart": "AddToCart"}, EventWindow: 48 * time.Hour,
	}
	if change != nil {
		change(&d)
	}
	_, err := m.s.SaveDestination(m.t.Context(), d, start)
	require.NoError(m.t, err)
}

// install is one of the network's, h hours after start; its id is returned.
func (m *market) install(h int, change func(*conversion.Click)) string {
	m.t.Helper()
	m.n++
	id := fmt.Sprint(m.n)
	m.take(clicked("c"+id, h-1, change), installed("i"+id, h, func(in *conversion.Install) { in.ClickID = "c" + id }))
	return "i" + id
}

// event of an install; revenue "" is none.
func (m *market) event(install, name string, h int, revenue, currency string) string {
	m.t.Helper()
	m.n++
	e := &conversion.Event{ID: fmt.Sprint("e", m.n), AppID: testApp, InstallID: install, Name: name, Time: hour(h), Currency: currency}
	if revenue != "" {
		e.Revenue = ptr(decimal.RequireFromString(revenue))
	}
	m.take(e)
	return e.ID
}

// settle says what became of the delivery of a thing; at "" destinations.
func (m *market) settle(kind, id, state string, attempts, h int) {
	m.t.Helper()
	settled := any(nil)
	if state != "pending" {
		settled = ms(hour(h))
	}
	m.sql(`UPDATE outbox SET state = ?, attempts = ?, settled_at = ?, created_at = ? WHERE dedup_key = ?`,
		state, attempts, settled, ms(hour(h)), kind+"/"+m.hash(kind, id))
}

// deliverAll delivers what is pending an hour after it happened.
func (m *market) deliverAll() {
	m.t.Helper()
	for _, table := range []string{"event", "install"} {
		column := map[string]string{"event": "happened_at", "install": "installed_at"}[table]
		m.sql(`UPDATE outbox SET state = 'delivered', attempts = 1,
			settled_at = (SELECT x.` + column + ` + 60000 FROM ` + table + ` x WHERE x.app_id = outbox.app_id AND '` + table + `/' || x.id = dedup_key),
			created_at = (SELECT x.` + column + ` + 1000 FROM ` + table + ` x WHERE x.app_id = outbox.app_id AND '` + table + `/' || x.id = dedup_key)
			WHERE state = 'pending' AND attempts = 0 AND kind = '` + table + `'`)
	}
}

// table is "day event campaign ours delivered theirs: causes unexplained" of each line
// that differs or that both sides have.
func (m *market) table(from, to int) ([]string, reconcile.Report) {
	m.t.Helper()
	reports, err := m.s.Discrepancies(m.t.Context(), testApp, "", start.AddDate(0, 0, from), start.AddDate(0, 0, to))
	require.NoError(m.t, err)
	require.Len(m.t, reports, 1)
	out := []string{}
	for _, l := range reports[0].Lines {
		text := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %d %d %d:", l.Day[8:], l.Event, l.CampaignID, l.Counts.Ours, l.Delivered, l.Counts.Theirs)), " ")
		sum := l.Counts.Unexplained
		for _, c := range reconcile.Causes() {
			sum += l.Counts.Causes[c]
			if n := l.Counts.Causes[c]; n != 0 {
				text += fmt.Sprintf(" %s %d", c, n)
			}
		}
		require.Equal(m.t, l.Counts.Difference, sum)
		if l.Counts.Unexplained != 0 {
			text += fmt.Sprintf(" ? %d", l.Counts.Unexplained)
		}
		for _, why := range slices.Sorted(maps.Keys(l.Kept)) {
			text += fmt.Sprintf(" (%s %d)", why, l.Kept[why])
		}
		out = append(out, text)
	}
	return out, reports[0]
}

// TestDiscrepanciesHaveTheirCauses: what the store knows of each conversion becomes the
// cause that it is.
func TestDiscrepanciesHaveTheirCauses(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		a, b := m.install(2, nil), m.install(3, func(c *conversion.Click) { c.NetworkID = "COM.example" })
		m.install(4, func(c *conversion.Click) { c.NetworkID = "other.net" })
		m.take(installed("organic", 5, nil))
		m.take(clicked("old", -24*9, nil), installed("claimed", 6, func(in *conversion.Install) { in.ClickID = "old" }))
		refused, expired, waiting := m.event(a, "buy", 6, "10", "USD"), m.event(a, "buy", 7, "10", "USD"), m.event(b, "buy", 8, "10", "USD")
		m.event(a, "buy", 9, "10", "USD")
		m.event(a, "level", 10, "", "")
		m.event(a, "buy", 60, "1", "USD") // two days and a half after the install
		again := m.event(b, "cart", 11, "", "")
		late := m.event(b, "cart", 12, "", "")
		m.settle("event", refused, "refused", 1, 6)
		m.settle("event", expired, "expired", 4, 24)
		m.settle("event", waiting, "pending", 0, 8)
		m.settle("event", again, "delivered", 3, 12)
		m.settle("event", late, "delivered", 1, 12)
		m.sql(`UPDATE outbox SET settled_at = ? WHERE dedup_key = ?`, ms(hour(30)), "event/"+m.hash("event", late))
		m.sql(`UPDATE outbox SET attempts = 2 WHERE dedup_key = ?`, "event/"+m.hash("event", waiting)) // not told by deliverAll
		m.deliverAll()
		m.upload(
			said(2, priced("Purchase", 2, "20.00"), countRowOf("AddToCart", 3), countRowOf("install", 3), countRowOf("Add To  Card", 0), countRowOf("Tutorial", 6)),
			said(3, countRowOf("AddToCart", 1)), said(4),
		)
		lines, r := m.table(0, 4)
		require.Equal(t, []string{
			"02 Add To Card 0 0 0:",
			"02 AddToCart 2 2 3: duplicate -1",
			"02 install 2 2 3: window -1",
			"02 level 1 0 0: unmapped 1 (event_map 1)",
			"02 Purchase 4 1 2: refused 2 (expired 1) (refused 1) (waiting 1)",
			"02 Tutorial 0 0 6: unmapped -6",
			"03 AddToCart 0 0 1: ? -1",
			"04 Purchase 1 0 0: window 1 (event_window 1)",
		}, normal(lines))
		require.Equal(t, []string{"2026-11-05"}, r.Missing)
		require.Contains(t, fmt.Sprint(r.Says), "taken for UTC")
	})
}

func normal(lines []string) []string {
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return lines
}

// TestNobodyIsCountedWhoMayNotBe: test phones, Limited Data Sharing, what was called
// fraud before it was sent, and what the catalogue keeps out are no discrepancy.
func TestNobodyIsCountedWhoMayNotBe(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		m.apply(&apply.Bundle{Apps: []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3), Currency: "EUR", AppConsented: apply.AppConsented{
			TestDevices: []string{"itest"}, Events: []apply.Event{{Name: "buy", MinValue: ptr(decimal.NewFromInt(5)), Window: "12h"}},
		}}}})
		m.take(clicked("ct", 1, nil), installed("itest", 2, func(in *conversion.Install) { in.ClickID = "ct" }))
		m.take(clicked("cl", 1, nil), installed("il", 2, func(in *conversion.Install) { in.ClickID, in.Limited = "cl", true }))
		id := m.install(3, nil)
		m.event(id, "buy", 4, "1", "EUR")
		m.event(id, "buy", 4, "7", "EUR")
		m.event(id, "buy", 16, "7", "EUR")
		m.deliverAll()
		m.upload(said(2, countRowOf("install", 1), priced("Purchase", 1, "8.75")))
		lines, r := m.table(0, 1)
		require.Equal(t, []string{"02 install 1 1 1:", "02 Purchase 2 1 1: window 1 (event_window 1)"}, lines)
		money := r.Lines[1].Revenue
		require.Equal(t, "17.5 8.75 8.75", fmt.Sprint(money.Ours, " ", money.Theirs, " ", money.Causes[reconcile.Window]), "by the rate of the day")
	})
}

// TestMoneyIsComparedByTheRatesOfItsDay, or not at all, and then it says why.
func TestMoneyIsComparedByTheRatesOfItsDay(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		id := m.install(2, nil)
		m.event(id, "buy", 3, "8.00", "EUR")
		m.event(id, "buy", 4, "2.50", "USD")
		m.event(id, "cart", 5, "100", "JPY")
		m.deliverAll()
		m.upload(said(2, countRowOf("install", 1), priced("Purchase", 2, "12.49"), priced("AddToCart", 1, "0.66")))
		_, r := m.table(0, 1)
		found := map[string]reconcile.Line{}
		for _, l := range r.Lines {
			found[l.Event] = l
		}
		buy := found["Purchase"]
		require.Equal(t, "12.5 12.49 0.01 0.01", fmt.Sprint(buy.Revenue.Ours, " ", buy.Revenue.Theirs, " ", buy.Revenue.Difference, " ", buy.Revenue.Unexplained))
		require.Nil(t, found["AddToCart"].Revenue)
		require.Equal(t, "no rate of JPY to USD for 2026-11-02; import one (rates in skand apply)", found["AddToCart"].Unpriced)
		require.Nil(t, found["install"].Revenue, "the network says nothing of it")
	})
}

// TestSeveralDestinationsOfANetworkAreOneConversion, told as often as it was delivered.
func TestSeveralDestinationsOfANetworkAreOneConversion(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		m.destination("second", func(d *forward.Destination) { d.EventMap, d.SendRevenue = map[string]string{"buy": "Purchase"}, false })
		id := m.install(2, nil)
		m.event(id, "buy", 3, "8.00", "USD")
		m.event(id, "cart", 3, "", "")
		m.deliverAll()
		m.sql(`UPDATE outbox SET state = 'refused' WHERE destination_id = 'second' AND kind = 'install'`)
		m.upload(said(2, countRowOf("install", 1), priced("Purchase", 2, "8.00"), countRowOf("AddToCart", 1)))
		lines, _ := m.table(0, 1)
		require.Equal(t, []string{"02 AddToCart 1 1 1:", "02 install 1 1 1:", "02 Purchase 1 1 2: duplicate -1"}, lines)
	})
}

// TestCampaignsAndDaysOfTheNetwork: where it tells campaigns apart so do we, and its day
// is recounted by its zone.
func TestCampaignsAndDaysOfTheNetwork(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		in := func(h int, campaign string) { m.install(h, func(c *conversion.Click) { c.CampaignID = campaign }) }
		for _, h := range []int{2, 3, 7, 12, 26} { // in UTC-8 the first three are of the day before, the last of this one
			in(h, "a")
		}
		in(13, "b")
		m.deliverAll()
		row := reconcile.Row{Event: "install", CampaignID: "a", Count: 2}
		one := said(2, row, reconcile.Row{Event: "install", CampaignID: "b", Count: 1})
		m.upload(one)
		lines, r := m.table(0, 1)
		require.Equal(t, []string{"02 install a 4 4 2: time_zone 2", "02 install b 1 1 1:"}, lines)
		require.Contains(t, fmt.Sprint(r.Says), "would fit UTC-8 best")
		one.TimeZone = "America/Los_Angeles"
		one.Rows = []reconcile.Row{row, {Event: "install", Count: 1}}
		m.upload(one)
		lines, r = m.table(0, 1)
		require.Equal(t, []string{"02 install 1 1 1:", "02 install a 4 4 2: time_zone 2"}, lines, "its row without a campaign is of the others")
		require.Equal(t, "America/Los_Angeles", r.TimeZone)
		require.Empty(t, r.Says)
	})
}

// TestWhatCameLateIsFound: of earlier days, whether it was reported or delivered late.
func TestWhatCameLateIsFound(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		id := m.install(2, nil)
		retried := m.event(id, "buy", 3, "", "")
		reported := m.event(id, "buy", 4, "", "")
		m.deliverAll()
		key := func(e string) string { return "event/" + m.hash("event", e) }
		// One was written at once and taken after two days, one was written after two days.
		m.sql(`UPDATE outbox SET settled_at = ?, attempts = 5 WHERE dedup_key = ?`, ms(hour(51)), key(retried))
		m.sql(`UPDATE outbox SET created_at = ?, settled_at = ? WHERE dedup_key = ?`, ms(hour(52)), ms(hour(52)), key(reported))
		m.upload(said(2, countRowOf("install", 1)), said(3), said(4, countRowOf("Purchase", 2)))
		lines, r := m.table(0, 3)
		require.Equal(t, []string{"02 install 1 1 1:", "02 Purchase 2 2 0: late 2", "04 Purchase 0 0 2: late -2"}, lines)
		require.True(t, r.Arrival)
		f := r.Figures()
		require.Equal(t, "3 3 1", fmt.Sprint(f.Delivered, " ", f.Confirmed, " ", f.Accuracy), "late is not lost")
	})
}
