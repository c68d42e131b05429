package skan

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The shapes of which no Apple-signed sample is public, signed with keys of our
// own: 4.0 with an app source, losing, later windows; AdAttributionKit in
// production and every conversion type; and every older version once more.
func TestOwnKeyRoundTripSKAdNetwork(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, c := range []struct {
		name  string
		doc   doc
		flags []string
	}{
		{"1.0", skan("1.0"), nil},
		{"1.0 without a version", skan("1.0").with("version", nil), nil},
		{"1.0 with redownload", skan("1.0").with("redownload", true), nil},
		{"2.0", skan("2.0"), nil},
		{"2.0 with source", skan("2.0").with("source-app-id", 1234567891), nil},
		{"2.1 test", skan("2.1").with("source-app-id", 0), nil},
		{"2.2 view", skan("2.2").with("fidelity-type", 0), nil},
		{"3.0 upper case network", skan("3.0").with("ad-network-id", "EXAMPLE123.SKAdNetwork"), nil},
		{"3.0 losing", skan("3.0").with("did-win", false), nil},
		{"4.0 app source", skan("4.0").with("source-app-id", 1234567891).with("conversion-value", 0), nil},
		{"4.0 web source", skan("4.0").with("source-domain", "www.xn--bcher-kva.example"), nil},
		{"4.0 no source", skan("4.0"), nil},
		{"4.0 two digits coarse", skan("4.0").with("source-identifier", "07").with("coarse-conversion-value", "low"), nil},
		{"4.0 losing", skan("4.0").with("source-identifier", "39").with("did-win", false), nil},
		{"4.0 index 1", skan("4.0").with("source-identifier", "39").with("postback-sequence-index", 1).with("coarse-conversion-value", "high"), nil},
		{"4.0 index 2", skan("4.0").with("source-identifier", "39").with("postback-sequence-index", 2), nil},
		{"4.0 losing with value", skan("4.0").with("did-win", false).with("conversion-value", 3), []string{FlagLoserWithValue}},
		{"4.0 index 2 fine", skan("4.0").with("postback-sequence-index", 2).with("conversion-value", 3), []string{FlagLaterFine, FlagLaterDigits}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := l.signSKAN(t, c.doc, false).json(t)
			res := l.Verify(body)
			require.Equal(t, Valid, res.Verdict, res.Message)
			require.Equal(t, c.flags, res.Flags)
			require.Equal(t, Production, res.Environment)
			require.Equal(t, int64(10738027756), res.Identity.AppID)
			require.Equal(t, "example123.skadnetwork", res.Identity.NetworkID)
			wantKey := "lab"
			if usesP192(res.Version) {
				wantKey = "lab-192"
			}
			require.Equal(t, wantKey, res.Key)
			require.Equal(t, Invalid, NewVerifier(AppleKeys()).Verify(body).Verdict, "Apple's keys alone don't trust it")
		})
	}
}

func TestOwnKeyRoundTripAdAttributionKit(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, c := range []struct {
		name   string
		claims doc
	}{
		{"download", aak()},
		{"redownload", aak().with("conversion-type", "redownload")},
		{"re-engagement", aak().with("conversion-type", "re-engagement")},
		{"tier 0", aak().with("source-identifier", "39").with("marketplace-identifier", nil).with("publisher-item-identifier", nil)},
		{"lower case uuid", aak().with("postback-identifier", "85546eb7-fd39-44bc-8990-c98a4ac36a49")},
		{"index 2", aak().with("source-identifier", "39").with("postback-sequence-index", 2).with("publisher-item-identifier", nil)},
		{"losing", aak().with("did-win", false).with("source-identifier", "39").with("publisher-item-identifier", nil)},
		{"skadnetwork id", aak().with("ad-network-identifier", "example123.skadnetwork")},
		{"unknown claim", aak().with("new-claim", map[string]any{"a": 1})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := l.Verify(l.signAAK(t, c.claims, false).json(t))
			require.Equal(t, Valid, res.Verdict, res.Message)
			require.Equal(t, "lab", res.Key)
			require.Equal(t, "85546eb7-fd39-44bc-8990-c98a4ac36a49", res.Identity.ID)
			require.Empty(t, res.Flags)

			res = l.Verify(l.signAAK(t, c.claims, true).json(t))
			require.Equal(t, Develop, res.Verdict, res.Message)
			require.Equal(t, ReasonDevelopmentKey, res.Reason)
			require.Equal(t, Development, res.Environment)
		})
	}
}

// The key of SKAdNetwork test postbacks is not documented: the production keys
// are tried first, then the development ones.
func TestDevelopmentKeySignsSKAdNetwork(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	res := l.Verify(l.signSKAN(t, skan("4.0"), true).json(t))
	require.Equal(t, Develop, res.Verdict)
	require.Equal(t, "lab-dev", res.Key)
	require.NotNil(t, res.Identity)
}

func TestValuesAsSent(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("4.0").with("source-app-id", 0).with("redownload", true), false)
	p := l.Verify(d.with("conversion-value", 0).with("country-code", "DE").json(t)).Postback
	require.Equal(t, "0039", p.SourceIdentifier)
	require.Equal(t, 0, *p.ConversionValue)
	require.Equal(t, "DE", p.CountryCode)
	require.Equal(t, ConversionRedownload, p.ConversionType)
	require.True(t, p.IsTest())
	require.True(t, p.DidWin)
	require.Equal(t, 1, *p.FidelityType)

	a := l.signAAK(t, aak().with("conversion-type", "reengagement").with("publisher-item-identifier", 0), false)
	p = l.Verify(a.with("ad-interaction-type", "view").with("coarse-conversion-value", "medium").json(t)).Postback
	require.Equal(t, ConversionReengagement, p.ConversionType, "both spellings of Apple's")
	require.Equal(t, "view", p.InteractionType)
	require.Equal(t, CoarseMedium, p.CoarseValue)
	require.Equal(t, "com.apple.AppStore", p.Marketplace)
	require.True(t, p.IsTest())
}

// A member that its version doesn't define is not signed, so not believed.
func TestMembersOfOtherVersionsAreNotBelieved(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	old := l.signSKAN(t, skan("2.2"), false)
	res := l.Verify(old.with("did-win", false).with("postback-sequence-index", 2).
		with("source-identifier", "5239").with("coarse-conversion-value", "low").json(t))
	require.Equal(t, Valid, res.Verdict)
	require.True(t, res.Postback.DidWin)
	require.Zero(t, res.Identity.Index)
	require.Empty(t, res.Postback.SourceIdentifier)
	require.Empty(t, res.Postback.CoarseValue)
}
