package forward

import (
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var monday = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func dest(change func(*Destination)) Destination {
	d := Destination{
		ID: "d", AppID: 1, NetworkID: "Net.example", Kinds: []string{KindInstall, KindEvent},
		URL: "https://h/?c={click_id}", Enabled: true,
	}
	if change != nil {
		change(&d)
	}
	return d.WithDefaults()
}

func event(change func(*Conversion)) Conversion {
	c := Conversion{
		Kind: KindEvent, DedupKey: "event:1", AppID: 1, NetworkID: "net.example", OccurredAt: monday, Att: AttAuthorized,
		Fields: map[string]string{
			"event_name": "purchase", "click_id": "c1", "idfa": "I", "idfv": "V", "ip": "9.9.9.9",
			"revenue": "1.00", "currency": "USD", "country": "", "secret_column": "x",
		},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestRouteWho(t *testing.T) {
	t.Parallel()
	mapped := func(d *Destination) { d.EventMap = map[string]string{"purchase": "Purchase"} }
	for _, c := range []struct {
		name string
		d    func(*Destination)
		c    func(*Conversion)
		want []string // event names
	}{
		{"its own", nil, nil, []string{"purchase"}},
		{"upper case network", nil, func(c *Conversion) { c.NetworkID = "NET.example" }, []string{"purchase"}},
		{"another network's", nil, func(c *Conversion) { c.NetworkID = "other" }, nil},
		{"organic", nil, func(c *Conversion) { c.NetworkID = "" }, nil},
		{"organic, scope all", func(d *Destination) { d.Scope = ScopeAll }, func(c *Conversion) { c.NetworkID = "" }, []string{"purchase"}},
		{"another app's", nil, func(c *Conversion) { c.AppID = 2 }, nil},
		{"another kind", nil, func(c *Conversion) { c.Kind = KindModeled }, nil},
		{"disabled", func(d *Destination) { d.Enabled = false }, nil, nil},
		{"limited", nil, func(c *Conversion) { c.Limited = true }, nil},
		{"mapped", mapped, nil, []string{"Purchase"}},
		{"not in the map", mapped, func(c *Conversion) { c.Fields["event_name"] = "level" }, nil},
		{"an install beside the map", mapped, func(c *Conversion) { c.Kind = KindInstall }, []string{"install"}},
		{"a mapped install", func(d *Destination) { d.EventMap = map[string]string{"install": "af_install"} },
			func(c *Conversion) { c.Kind = KindInstall }, []string{"af_install"}},
		{"a modelled payer beside the map", func(d *Destination) { mapped(d); d.Kinds = []string{KindModeled} },
			func(c *Conversion) { c.Kind = KindModeled; c.Fields["event_name"] = EventPayer }, []string{"payer"}},
		{"a modelled event not in the map", func(d *Destination) { mapped(d); d.Kinds = []string{KindModeled} },
			func(c *Conversion) { c.Kind = KindModeled; c.Fields["event_name"] = "level" }, nil},
		{"a modelled rollup has no event", func(d *Destination) { mapped(d); d.Kinds = []string{KindModeled} },
			func(c *Conversion) { c.Kind = KindModeled; delete(c.Fields, "event_name") }, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range Route(event(c.c), []Destination{dest(c.d)}, monday) {
				got = append(got, d.EventName)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestRouteSendsLeast(t *testing.T) {
	t.Parallel()
	least := map[string]string{"click_id": "c1"}
	for _, c := range []struct {
		att     string
		revenue bool
		extra   map[string]string
	}{
		{"denied", false, nil},
		{"", false, nil},
		{"not_determined", true, map[string]string{"revenue": "1.00", "currency": "USD"}},
		{AttAuthorized, false, map[string]string{"idfa": "I", "idfv": "V", "ip": "9.9.9.9"}},
	} {
		in := event(func(x *Conversion) { x.Att = c.att })
		before := maps.Clone(in.Fields)
		got := Route(in, []Destination{dest(func(d *Destination) { d.SendRevenue = c.revenue })}, monday)
		want := maps.Clone(least)
		maps.Copy(want, c.extra)
		require.Equal(t, want, got[0].Fields, c.att)
		require.Equal(t, before, in.Fields, "the conversion itself is left alone")
	}
}

func TestRouteTimesAndIDs(t *testing.T) {
	t.Parallel()
	now := monday.Add(time.Hour)
	two := []Destination{
		dest(func(d *Destination) { d.Delay = time.Minute; d.Expires = 24 * time.Hour }),
		dest(func(d *Destination) { d.ID = "e" }),
	}
	got := Route(event(nil), two, now)
	require.Len(t, got, 2)
	require.Equal(t, now, got[0].CreatedAt)
	require.Equal(t, now.Add(time.Minute), got[0].DueAt)
	require.Equal(t, monday.Add(24*time.Hour), got[0].ExpiresAt, "counted from the event")
	require.Equal(t, monday.Add(7*24*time.Hour), got[1].ExpiresAt)
	require.NotEqual(t, got[0].ID, got[1].ID)
	_, err := uuid.Parse(got[0].ID)
	require.NoError(t, err)
	again := Route(event(nil), two, now.Add(time.Hour))
	require.Equal(t, got[0].ID, again[0].ID, "the same thing has the same id")
	other := Route(event(func(c *Conversion) { c.DedupKey = "event:2" }), two, now)
	require.NotEqual(t, got[0].ID, other[0].ID)
}
