package forward

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// naive says by docs/routing.md alone, sentence by sentence and in another order than
// the code, what a destination gets of a conversion: "" for nothing, else its kind,
// name, consent and the names of its fields.
func naive(d Destination, c Conversion) string {
	person := c.Kind == "install" || c.Kind == "event"
	yes := c.Att == "authorized" && !c.Refused
	state := ""
	if person {
		state = map[bool]string{true: "authorized", false: "denied"}[yes]
	}
	reason := c.Rejection
	if reason == "" && c.Review == "rejected" {
		reason = "rejected"
	}
	if reason == "" && c.Kind == "event" && d.EventWindow > 0 && !c.InstalledAt.IsZero() && c.OccurredAt.Sub(c.InstalledAt) > d.EventWindow {
		reason = "outside_event_window"
	}
	kind := c.Kind
	if reason != "" {
		kind = "rejected"
	}
	same := d.NetworkID != "" && d.NetworkID == strings.ToLower(c.NetworkID)
	var heard bool
	switch {
	case kind == "rejected":
		heard = same
	case kind == "postback":
		heard = same || d.Agency
	case d.Scope == "all":
		heard = true
	case d.Scope == "network+agency":
		heard = same || d.Agency && c.NetworkID != ""
	default:
		heard = same
	}
	refusals := []bool{
		!heard, !d.Enabled, d.AppID != c.AppID, person && c.Limited, person && d.NetworkID == "" && !yes,
		c.Again && d.Revisions != "replace", !slices.Contains(d.Kinds, kind),
		state == "authorized" && d.Consent != nil && d.Consent.Authorized != nil && d.Consent.Authorized.Block,
		state == "denied" && d.Consent != nil && d.Consent.Denied != nil && d.Consent.Denied.Block,
	}
	if f := d.Filter; f != nil {
		value, err := strconv.ParseFloat(c.Fields["revenue_converted"], 64)
		refusals = append(refusals,
			len(f.Campaigns) > 0 && !slices.Contains(f.Campaigns, c.Fields["campaign_id"]),
			len(f.Countries) > 0 && !slices.Contains(f.Countries, c.Fields["country"]),
			f.MinRevenue != "" && (err != nil || value < 5),  // the least of those that are drawn
			f.Where != "" && c.Fields["event_name"] != "buy") // the one that is drawn
	}
	if slices.Contains(refusals, true) {
		return ""
	}
	name := c.Fields["event_name"]
	if c.Kind == "install" {
		name = "install"
	}
	theirs, mapped := d.EventMap[name]
	free := c.Kind == "install" || c.Kind == "postback" || c.Kind == "modeled" && (name == "install" || name == "payer")
	switch {
	case mapped:
		name = theirs
	case c.Kind == "postback" && len(d.EventMap) > 0:
		name = "postback"
	case !free && len(d.EventMap) > 0:
		return ""
	}
	var names []string
	for field, value := range c.Fields {
		secret := field == "secret_column" || field == "event_name" || value == ""
		money := slices.Contains([]string{"revenue", "revenue_converted", "currency"}, field) && !d.SendRevenue
		identity := slices.Contains([]string{"idfa", "idfv", "ip"}, field) && (!person || !yes)
		if !secret && !money && !identity {
			names = append(names, field)
		}
	}
	if reason != "" {
		names = append(names, "rejection_reason")
	}
	slices.Sort(names)
	return fmt.Sprintf("%s %s %s %s %s", d.ID, kind, name, state, strings.Join(names, ","))
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomDestination(r *rand.Rand, id int) Destination {
	d := Destination{
		ID: fmt.Sprintf("d%d", id), AppID: pick(r, int64(1), 1, 1, 2), NetworkID: pick(r, "", "n", "n", "m"), Agency: r.IntN(3) == 0,
		Scope: pick(r, ScopeAll, ScopeAttributed, ScopeAttributed, ScopeNetworkAgency), Enabled: r.IntN(8) > 0, SendRevenue: r.IntN(2) == 0,
		Revisions: pick(r, RevisionsOnce, RevisionsReplace), EventWindow: pick(r, 0, time.Hour, 48*time.Hour), URL: "https://h/",
		Delay: pick(r, 0, time.Minute),
	}
	for _, kind := range knownKinds {
		if r.IntN(3) > 0 {
			d.Kinds = append(d.Kinds, kind)
		}
	}
	if r.IntN(3) == 0 {
		d.EventMap = map[string]string{"buy": "Purchase"}
		if r.IntN(2) == 0 {
			d.EventMap["install"], d.EventMap["open"] = "Install", "Open"
		}
	}
	template := func() *ConsentTemplate {
		return pick(r, nil, &ConsentTemplate{}, &ConsentTemplate{Block: true}, &ConsentTemplate{URL: "https://h/o"})
	}
	if r.IntN(3) == 0 {
		d.Consent = &Consent{Authorized: template(), Denied: template()}
	}
	if r.IntN(3) == 0 {
		d.Filter = &Filter{Campaigns: pick(r, nil, []string{"c1"}), Countries: pick(r, nil, []string{"DE"}), MinRevenue: pick(r, "", "5"),
			Where: pick(r, "", `event_name == "buy"`)}
	}
	return d.WithDefaults()
}

func randomConversion(r *rand.Rand, id int) Conversion {
	c := Conversion{
		Kind: pick(r, KindInstall, KindEvent, KindEvent, KindModeled, KindPostback), AppID: pick(r, int64(1), 1, 1, 2), DedupKey: fmt.Sprint("thing/", id),
		NetworkID: pick(r, "", "n", "N", "m", "o"), OccurredAt: monday, Att: pick(r, "authorized", "authorized", "denied", "restricted", ""),
		Refused: r.IntN(6) == 0, Limited: r.IntN(8) == 0, Fields: map[string]string{"secret_column": "x"},
		InstalledAt: pick(r, time.Time{}, monday, monday.Add(-2*time.Hour), monday.Add(-48*time.Hour), monday.Add(-49*time.Hour)),
	}
	for name, values := range map[string][]string{
		"event_name": {"buy", "open", "level"}, "campaign_id": {"", "c1", "c2"}, "country": {"", "DE", "US"}, "idfa": {"", "I"}, "idfv": {"V"}, "ip": {"192.0.2.1"},
		"revenue": {"", "9.99"}, "revenue_converted": {"", "4.99", "5", "5.01"}, "currency": {"", "USD"}, "click_id": {"", "k"},
	} {
		c.Fields[name] = pick(r, values...)
	}
	switch c.Kind {
	case KindModeled:
		c.Again = r.IntN(3) > 0
		c.Fields["event_name"] = pick(r, EventInstall, EventPayer, "buy", "level")
	case KindInstall, KindEvent:
		c.Subject, c.Review, c.Rejection = "i", pick(r, "", "", "", "released", ReviewRejected), pick(r, "", "", "", "outside_window")
	}
	return c
}

// TestRouteConserves: for any conversions and destinations the deliveries are those that
// the rules give when they are counted naively: nothing is lost, sampled, or sent twice.
func TestRouteConserves(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 22))
	kinds := map[string]int{}
	keys := map[string]bool{}
	for round := range 400 {
		var dests []Destination
		for id := range 1 + r.IntN(8) {
			dests = append(dests, randomDestination(r, id))
		}
		for id := range 20 {
			c := randomConversion(r, round*100+id)
			before := maps.Clone(c.Fields)
			want, got := []string{}, []string{}
			for _, d := range dests {
				if line := naive(d, c); line != "" {
					want = append(want, line)
				}
			}
			for _, d := range Route(c, dests, monday) {
				names := slices.Sorted(maps.Keys(d.Fields))
				got = append(got, fmt.Sprintf("%s %s %s %s %s", d.DestinationID, d.Kind, d.EventName, d.Consent, strings.Join(names, ",")))
				kinds[d.Kind]++
				key := d.DestinationID + " " + d.ID
				require.False(t, keys[strconv.Itoa(round)+key], "one delivery per destination and thing")
				keys[strconv.Itoa(round)+key] = true
			}
			require.Equal(t, want, got, "%+v\n%+v", c, dests)
			require.Equal(t, before, c.Fields)
		}
	}
	for _, kind := range knownKinds {
		require.Greater(t, kinds[kind], 100, "the worlds are too poor in %s", kind)
	}
}

// TestEveryConversionIsSent: none is sampled, whatever its id.
func TestEveryConversionIsSent(t *testing.T) {
	t.Parallel()
	const n = 20_000
	ids := make(map[string]bool, n)
	d := []Destination{dest(nil)}
	c := event(nil)
	for i := range n {
		c.DedupKey = "event/" + strconv.Itoa(i)
		got := Route(c, d, monday)
		require.Len(t, got, 1)
		ids[got[0].ID] = true
	}
	require.Len(t, ids, n)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	click, install, happened := monday.Add(-48*time.Hour), monday.Add(-24*time.Hour), monday
	for _, c := range []struct {
		from           string
		click, install time.Time
		want           time.Time
	}{
		{FromEvent, click, install, happened},
		{FromInstall, click, install, install},
		{FromClick, click, install, click},
		{FromClick, time.Time{}, install, install},
		{FromClick, time.Time{}, time.Time{}, happened},
		{FromInstall, click, time.Time{}, happened},
	} {
		d := dest(func(d *Destination) { d.ExpiresFrom = c.from })
		got := Route(event(func(e *Conversion) { e.ClickedAt, e.InstalledAt = c.click, c.install }), []Destination{d}, monday)
		require.Equal(t, c.want.Add(d.Expires), got[0].ExpiresAt, "%+v", c)
	}
}
