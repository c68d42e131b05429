package forward

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// routed lists "destination kind event consent" of what one conversion becomes.
func routed(c Conversion, dests ...Destination) []string {
	out := []string{}
	for _, d := range Route(c, dests, monday) {
		out = append(out, fmt.Sprintf("%s %s %s %s", d.DestinationID, d.Kind, d.EventName, d.Consent))
	}
	return out
}

func TestScopes(t *testing.T) {
	t.Parallel()
	make := func(scope, network string, agency bool) Destination {
		return dest(func(d *Destination) {
			d.Scope, d.NetworkID, d.Agency = scope, network, agency
			d.Kinds = []string{KindInstall, KindEvent, KindModeled, KindPostback, KindRejected}
		})
	}
	person := func(network, att string) Conversion {
		return event(func(c *Conversion) { c.NetworkID, c.Att = network, att })
	}
	crowd := func(kind, network string) Conversion {
		return event(func(c *Conversion) { c.Kind, c.NetworkID, c.Att = kind, network, "" })
	}
	for _, c := range []struct {
		name string
		d    Destination
		c    Conversion
		want bool
	}{
		{"own", make(ScopeAttributed, "n", false), person("n", "denied"), true},
		{"another's", make(ScopeAttributed, "n", false), person("m", "denied"), false},
		{"organic", make(ScopeAttributed, "n", false), person("", "denied"), false},
		{"an agency mark alone opens no conversions", make(ScopeAttributed, "n", true), person("m", "authorized"), false},
		{"agency: own", make(ScopeNetworkAgency, "n", true), person("n", "denied"), true},
		{"agency: another's", make(ScopeNetworkAgency, "n", true), person("m", "denied"), true},
		{"agency: organic was bought by nobody", make(ScopeNetworkAgency, "n", true), person("", "authorized"), false},
		{"agency scope without the mark", make(ScopeNetworkAgency, "n", false), person("m", "authorized"), false},
		{"all: another's", make(ScopeAll, "n", false), person("m", "denied"), true},
		{"all: organic", make(ScopeAll, "n", false), person("", ""), true},
		{"no network: authorized", make(ScopeAll, "", false), person("m", "authorized"), true},
		{"no network: denied", make(ScopeAll, "", false), person("m", "denied"), false},
		{"no network: unknown", make(ScopeAll, "", false), person("", ""), false},
		{"no network: restricted", make(ScopeAll, "", false), person("", "restricted"), false},
		{"no network: agency, denied", make(ScopeNetworkAgency, "", true), person("m", "denied"), false},
		{"no network: agency, authorized", make(ScopeNetworkAgency, "", true), person("m", "authorized"), true},
		{"no network: a published figure is nobody's", make(ScopeAll, "", false), crowd(KindModeled, "m"), true},
		{"published figure of another network", make(ScopeAttributed, "n", false), crowd(KindModeled, "m"), false},
		{"agency: published figure of another network", make(ScopeNetworkAgency, "n", true), crowd(KindModeled, "m"), true},
		{"postback: named", make(ScopeAttributed, "n", false), crowd(KindPostback, "N"), true},
		{"postback: not named", make(ScopeAttributed, "n", false), crowd(KindPostback, "m"), false},
		{"postback: scope all opens nothing", make(ScopeAll, "n", false), crowd(KindPostback, "m"), false},
		{"postback: no network", make(ScopeAll, "", false), crowd(KindPostback, "m"), false},
		{"postback: agency", make(ScopeAttributed, "n", true), crowd(KindPostback, "m"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, len(Route(c.c, []Destination{c.d}, monday)) == 1)
		})
	}
}

func TestGDPRRefusalIsDenied(t *testing.T) {
	t.Parallel()
	c := event(func(c *Conversion) { c.Refused = true })
	got := Route(c, []Destination{dest(nil)}, monday)
	require.Equal(t, consentDenied, got[0].Consent)
	for _, name := range identifierMacros {
		require.NotContains(t, got[0].Fields, name)
	}
	require.Empty(t, Route(c, []Destination{dest(func(d *Destination) { d.NetworkID, d.Scope = "", ScopeAll })}, monday))
}

func TestConsentTemplates(t *testing.T) {
	t.Parallel()
	send, block, own := &ConsentTemplate{}, &ConsentTemplate{Block: true}, &ConsentTemplate{URL: "https://h/other"}
	for _, c := range []struct {
		name               string
		consent            *Consent
		authorized, denied bool
	}{
		{"none", nil, true, true},
		{"send", &Consent{Authorized: send, Denied: send}, true, true},
		{"blocks denied", &Consent{Denied: block, Limited: block}, true, false},
		{"blocks authorized", &Consent{Authorized: block, Denied: own}, false, true},
		{"a template sends", &Consent{Denied: own}, true, true},
	} {
		d := dest(func(d *Destination) { d.Consent = c.consent; d.Kinds = append(d.Kinds, KindModeled) })
		for att, sends := range map[string]bool{AttAuthorized: c.authorized, "denied": c.denied, "not_determined": c.denied, "": c.denied} {
			want := []string{}
			if sends {
				want = []string{"d event purchase " + ConsentState(att, false)}
			}
			require.Equal(t, want, routed(event(func(c *Conversion) { c.Att = att }), d), "%s %s", c.name, att)
			require.Empty(t, routed(event(func(c *Conversion) { c.Att = att; c.Limited = true }), d), "Limited Data Sharing blocks")
			require.Equal(t, sends, d.SendsIn(ConsentState(att, false)))
		}
		require.Equal(t, []string{"d modeled purchase "}, routed(event(func(c *Conversion) { c.Kind = KindModeled }), d), "nobody's")
	}
}

func TestEventWindow(t *testing.T) {
	t.Parallel()
	windowed := dest(func(d *Destination) { d.EventWindow = 24 * time.Hour })
	told := dest(func(d *Destination) {
		d.ID, d.EventWindow, d.Kinds = "told", 24*time.Hour, []string{KindEvent, KindRejected}
	})
	open := dest(func(d *Destination) { d.ID = "open" })
	after := func(span time.Duration) Conversion {
		return event(func(c *Conversion) { c.InstalledAt = monday.Add(-span) })
	}
	inside := []string{"d event purchase authorized", "told event purchase authorized", "open event purchase authorized"}
	late := []string{"told rejected purchase authorized", "open event purchase authorized"}
	for span, want := range map[time.Duration][]string{
		0: inside, 24 * time.Hour: inside,
		24*time.Hour + time.Millisecond: late, -time.Hour: inside,
	} {
		require.Equal(t, want, routed(after(span), windowed, told, open), span)
	}
	require.Equal(t, inside, routed(event(nil), windowed, told, open), "an install that is not known judges nothing")
	got := Route(after(48*time.Hour), []Destination{told}, monday)
	require.Equal(t, ReasonEventWindow, got[0].Fields["rejection_reason"])
	require.Equal(t, "rejected/event:1", got[0].DedupKey)
	later := dest(func(d *Destination) { d.ID = "told"; d.EventWindow = 72 * time.Hour })
	require.Equal(t, []string{"told event purchase authorized"}, routed(after(48*time.Hour), later), "the setting of the moment counts")
}

func TestRejectedGoesToWhoClaimed(t *testing.T) {
	t.Parallel()
	all := []string{KindInstall, KindEvent, KindRejected}
	own := dest(func(d *Destination) { d.ID = "own"; d.Kinds = all })
	dests := []Destination{
		own,
		dest(func(d *Destination) { d.ID = "deaf" }),
		dest(func(d *Destination) { d.ID = "another"; d.NetworkID = "m"; d.Kinds = all }),
		dest(func(d *Destination) { d.ID = "everything"; d.NetworkID = "m"; d.Scope = ScopeAll; d.Kinds = all }),
		dest(func(d *Destination) { d.ID = "crm"; d.NetworkID = ""; d.Scope = ScopeAll; d.Kinds = all }),
		dest(func(d *Destination) {
			d.ID, d.NetworkID, d.Kinds, d.Agency, d.Scope = "agency", "m", all, true, ScopeNetworkAgency
		}),
	}
	refused := event(func(c *Conversion) {
		c.Kind, c.DedupKey, c.Rejection, c.Flags = KindInstall, "install/1", "click_already_used", []string{"reused_click_id"}
	})
	require.Equal(t, []string{"own rejected install authorized"}, routed(refused, dests...))
	own.Hold = time.Hour
	got := Route(refused, []Destination{own}, monday)
	require.Equal(t, "click_already_used", got[0].Fields["rejection_reason"])
	require.Equal(t, "rejected/install/1", got[0].DedupKey)
	require.NotEqual(t, deliveryID(1, "own", "install/1"), got[0].ID, "it is no second copy of the install")
	require.Empty(t, got[0].HoldReason, "nothing is held that is not billed")
	require.NotContains(t, got[0].Fields, "revenue", "the same rules of revenue")

	reviewed := event(func(c *Conversion) { c.Review = ReviewRejected; c.Att = "denied" })
	require.Equal(t, []string{"own rejected purchase denied"}, routed(reviewed, dests...))
	require.Equal(t, ReviewRejected, Route(reviewed, dests[:1], monday)[0].Fields["rejection_reason"])
	reviewed.Limited = true
	require.Empty(t, routed(reviewed, dests...))
	require.NotContains(t, Route(event(nil), dests[:1], monday)[0].Fields, "rejection_reason")
}

func TestRevisionsReplace(t *testing.T) {
	t.Parallel()
	once := dest(func(d *Destination) { d.Kinds = []string{KindModeled} })
	replace := dest(func(d *Destination) {
		d.ID, d.Kinds, d.Revisions = "replace", []string{KindModeled}, RevisionsReplace
	})
	figure := func(again bool) Conversion {
		return event(func(c *Conversion) { c.Kind, c.Again = KindModeled, again })
	}
	require.Len(t, routed(figure(false), once, replace), 2)
	require.Equal(t, []string{"replace modeled purchase "}, routed(figure(true), once, replace))
}

func TestValidateRouting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Destination)
		want   string // "" = no fault
	}{
		{"agency scope", func(d *Destination) { d.Scope, d.Agency = ScopeNetworkAgency, true }, ""},
		{"agency scope, no network", func(d *Destination) { d.Scope, d.Agency, d.NetworkID = ScopeNetworkAgency, true, "" }, ""},
		{"agency scope, no mark", func(d *Destination) { d.Scope = ScopeNetworkAgency }, "scope: network+agency sends"},
		{"postbacks of an agency", func(d *Destination) { d.Agency, d.NetworkID, d.Kinds = true, "", []string{KindPostback} }, ""},
		{"postbacks of nobody", func(d *Destination) { d.Scope, d.NetworkID, d.Kinds = ScopeAll, "", []string{KindPostback} },
			"network_id: is empty; a copy of a postback goes to the network that it names"},
		{"rejected of nobody", func(d *Destination) { d.Scope, d.NetworkID, d.Kinds = ScopeAll, "", []string{KindRejected} },
			"network_id: is empty; rejected goes to the network"},
		{"kind twice", func(d *Destination) { d.Kinds = []string{KindEvent, KindEvent} }, "kinds: lists event twice"},
		{"event window", func(d *Destination) { d.EventWindow = time.Hour }, ""},
		{"event window without events", func(d *Destination) { d.EventWindow, d.Kinds = time.Hour, []string{KindInstall} }, "event_window: concerns events"},
		{"limited send", func(d *Destination) { d.Consent = &Consent{Limited: &ConsentTemplate{}} }, "consent.limited: Limited Data Sharing lets nothing leave"},
		{"limited template", func(d *Destination) { d.Consent = &Consent{Limited: &ConsentTemplate{URL: "https://h/"}} }, "consent.limited: "},
		{"limited block", func(d *Destination) { d.Consent = &Consent{Limited: &ConsentTemplate{Block: true}} }, ""},
		{"blocks all", func(d *Destination) {
			d.Consent = &Consent{Authorized: &ConsentTemplate{Block: true}, Denied: &ConsentTemplate{Block: true}}
		}, "consent: blocks both"},
		{"denied without network", func(d *Destination) {
			d.NetworkID, d.Scope, d.Consent = "", ScopeAll, &Consent{Denied: &ConsentTemplate{}}
		}, "consent.denied: a destination without network_id"},
		{"replace of events", func(d *Destination) { d.Revisions = RevisionsReplace }, "revisions: replace concerns modeled"},
		{"replace untold", func(d *Destination) { d.Revisions, d.Kinds = RevisionsReplace, []string{KindModeled} }, "put {row_id} into"},
		{"replace told", func(d *Destination) {
			d.Revisions, d.Kinds, d.URL = RevisionsReplace, []string{KindModeled}, "https://h/?r={row_id}&v={revision}"
		}, ""},
		{"replace by document", func(d *Destination) {
			d.Revisions, d.Kinds, d.Method, d.Body = RevisionsReplace, []string{KindModeled}, MethodPost, BodyJSON
		}, ""},
		{"event map", func(d *Destination) { d.EventMap = map[string]string{"a": ""} }, "event_map: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := dest(func(d *Destination) { d.URL = "https://h.example/"; c.change(d) }).Validate([]netip.Prefix{})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
