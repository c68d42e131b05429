package skan

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each test is named after a trap that a public verifier fell into, or that was
// measured.

func TestTrapFieldShiftReplay(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	genuine := l.signSKAN(t, skan("2.0").with("redownload", true), false)
	require.Equal(t, Valid, l.Verify(genuine.json(t)).Verdict)
	// The same signed bytes, read as 1.0 with other fields.
	shifted := doc{
		"ad-network-id": "2.0" + separator + "example123.skadnetwork", "campaign-id": 42, "app-id": int64(10738027756),
		"transaction-id":        "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28" + separator + "true",
		"attribution-signature": genuine["attribution-signature"],
	}
	res := l.Verify(shifted.json(t))
	require.Equal(t, Malformed, res.Verdict)
	require.Equal(t, "ad-network-id", res.Field)
	res = l.Verify(shifted.with("ad-network-id", "example123.skadnetwork").json(t))
	require.Equal(t, Malformed, res.Verdict)
	require.Equal(t, "transaction-id", res.Field)
}

func TestTrapStringsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("4.0").with("source-domain", "example.com"), false)
	for name, bad := range map[string][]string{
		"ad-network-id":     {"", "-a", ".a", "a b", "a\x00", "a\u2063b", "é", strings.Repeat("a", 256)},
		"transaction-id":    {"", "x", "6aafb7a5-0170-41b5-bbe4-fe71dedf1e2", "6aafb7a5x0170-41b5-bbe4-fe71dedf1e28", "6aafb7a5-0170-41b5-bbe4-fe71dedf1e2g"},
		"source-identifier": {"", "1", "12345", "12a", "-12", "１２"},
		"source-domain":     {"", "0", "12.34", "a..b", "-a.b", "a-.b", "a b.c", ".", "a\u2063b.com", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com"},
		"country-code":      {"", "U", "USA", "U1", "ÜS"},
	} {
		for _, s := range bad {
			res := l.Verify(d.with(name, s).json(t))
			require.Equal(t, Malformed, res.Verdict, "%s %q", name, s)
			require.Equal(t, name, res.Field)
			require.False(t, res.NotObject)
			require.Nil(t, res.Identity)
		}
	}
}

// The signature doesn't bind JSON types: all of these give the signed bytes.
func TestTrapTypesAreNotBoundByTheSignature(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	v3 := l.signSKAN(t, skan("3.0").with("source-app-id", 0), false)
	v4 := l.signSKAN(t, skan("4.0").with("source-app-id", 0), false)
	for _, c := range []struct {
		d     doc
		field string
	}{
		{v3.with("version", 3.0), "version"},
		{v3.with("campaign-id", "42"), "campaign-id"},
		{v3.with("app-id", "10738027756"), "app-id"},
		{v3.with("redownload", "false"), "redownload"},
		{v3.with("did-win", "true"), "did-win"},
		{v3.with("source-app-id", "0"), "source-app-id"},
		{v3.with("fidelity-type", "1"), "fidelity-type"},
		{v3.with("transaction-id", []string{"a"}), "transaction-id"},
		{v3.with("conversion-value", "5"), "conversion-value"},
		{v3.with("attribution-signature", 5), "attribution-signature"},
		{v4.with("source-app-id", nil).with("source-domain", "0"), "source-domain"},
		{v4.with("source-identifier", 39), "source-identifier"},
		{v4.with("postback-sequence-index", "0"), "postback-sequence-index"},
		{v4.with("coarse-conversion-value", 1), "coarse-conversion-value"},
	} {
		res := l.Verify(c.d.json(t))
		require.Equal(t, Malformed, res.Verdict, c.field)
		require.Equal(t, c.field, res.Field)
		require.Contains(t, res.Message, c.field)
		require.Contains(t, []string{ReasonWrongType, ReasonWrongValue}, res.Reason)
	}
}

// A boolean given as 0 or 1 is never accepted, but a genuine postback that was
// rewritten (malformed) is told from a forged one (invalid).
func TestTrapBooleanGivenAsNumber(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	genuine := l.signSKAN(t, skan("3.0").with("redownload", true), false)
	res := l.Verify(genuine.with("redownload", 1).json(t))
	require.Equal(t, Malformed, res.Verdict)
	require.Equal(t, "redownload", res.Field)
	require.Nil(t, res.Identity)
	require.Nil(t, res.Postback)
	res = l.Verify(genuine.with("redownload", 0).json(t))
	require.Equal(t, Invalid, res.Verdict)
	require.Equal(t, "3.0", res.Version)
	require.Nil(t, res.Postback)
	require.Equal(t, Malformed, l.Verify(genuine.with("redownload", 2).json(t)).Verdict)

	res = l.Verify(l.signAAK(t, aak().with("did-win", 1), false).json(t))
	require.Equal(t, Malformed, res.Verdict)
	require.Equal(t, "did-win", res.Field)
}

func TestTrapNumbersThroughFloat64(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	good := string(l.signSKAN(t, skan("3.0"), false).json(t))
	require.Equal(t, Valid, l.Verify([]byte(good)).Verdict)
	for _, literal := range []string{"10738027756.0", "1.0738027756e10", "1.0738027756E+10", "107380277560e-1", "-0", "99999999999999999999"} {
		res := l.Verify([]byte(strings.Replace(good, "10738027756", literal, 1)))
		require.Equal(t, Malformed, res.Verdict, literal)
		require.Equal(t, "app-id", res.Field)
	}
}

func TestTrapNamesWithoutCaseAndLastDuplicate(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("3.0"), false)
	res := l.Verify(d.with("app-id", nil).with("App-ID", int64(10738027756)).json(t))
	require.Equal(t, Malformed, res.Verdict)
	require.Equal(t, ReasonMissing, res.Reason)
	require.Equal(t, Valid, l.Verify(d.with("App-ID", 1).json(t)).Verdict, "another name is an unknown member")
	twice := strings.Replace(string(d.json(t)), `{`, `{"app-id":1,`, 1)
	res = l.Verify([]byte(twice))
	require.Equal(t, ReasonDuplicateMember, res.Reason)
	require.True(t, res.NotObject)
}

func TestTrapNullIsAbsentAndZeroIsAValue(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("4.0"), false)
	null := func(name string) []byte {
		return []byte(strings.Replace(string(d.with(name, nil).json(t)), "{", `{"`+name+`":null,`, 1))
	}
	for _, name := range []string{"source-app-id", "source-domain", "conversion-value", "coarse-conversion-value", "country-code", "jws-string"} {
		require.Equal(t, Valid, l.Verify(null(name)).Verdict, name)
	}
	for _, name := range []string{"app-id", "did-win", "source-identifier", "attribution-signature"} {
		res := l.Verify(null(name))
		require.Equal(t, Malformed, res.Verdict, name)
		require.Equal(t, ReasonMissing, res.Reason)
		require.Equal(t, name, res.Field)
	}
	p := l.Verify(d.with("conversion-value", 0).json(t)).Postback
	require.NotNil(t, p.ConversionValue)
	require.Nil(t, l.Verify(null("conversion-value")).Postback.ConversionValue)
}

func TestTrapValuesThatExclude(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("4.0").with("source-app-id", 7), false)
	a := l.signAAK(t, aak(), false)
	for _, c := range []struct {
		d      doc
		reason string
	}{
		{d.with("conversion-value", 5).with("coarse-conversion-value", "low"), ReasonFineAndCoarse},
		{d.with("source-domain", "example.com"), ReasonBothSources},
		{d.with("conversion-value", 64), ReasonWrongValue},
		{d.with("conversion-value", -1), ReasonWrongValue},
		{d.with("coarse-conversion-value", "Low"), ReasonWrongValue},
		{d.with("postback-sequence-index", 3), ReasonWrongValue},
		{d.with("fidelity-type", 2), ReasonWrongValue},
		{d.with("app-id", -5), ReasonWrongValue},
		{d.with("jws-string", "a.b.c"), ReasonBothFormats},
		{a.with("conversion-value", 5).with("coarse-conversion-value", "low"), ReasonFineAndCoarse},
		{a.with("conversion-value", 64), ReasonWrongValue},
		{a.with("ad-interaction-type", "swipe"), ReasonWrongValue},
		{doc{"hello": "world"}, ReasonUnknownFormat},
	} {
		res := l.Verify(c.d.json(t))
		require.Equal(t, Malformed, res.Verdict)
		require.Equal(t, c.reason, res.Reason)
		require.NotEmpty(t, res.Message)
	}
}

func TestTrapUnknownVersionIsUnsupported(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for version, want := range map[string]Verdict{
		"5.0": Unsupported, "4.1": Unsupported, "10.12": Unsupported, "1.1": Unsupported,
		"": Malformed, "4": Malformed, "4.0.1": Malformed, "v4.0": Malformed, "4.": Malformed, " 4.0": Malformed, "４.0": Malformed,
	} {
		// Whatever else a future version changes: it is kept.
		res := l.Verify(doc{"version": version, "new": true}.json(t))
		require.Equal(t, want, res.Verdict, version)
		require.Equal(t, "version", res.Field)
		if want == Unsupported {
			require.Equal(t, version, res.Version)
		}
	}
}

func TestTrapFloodOfOldVersions(t *testing.T) {
	t.Parallel()
	l := newLab(t, WithMaxP192(1))
	d := l.signSKAN(t, skan("1.0"), false)
	l.p192 <- struct{}{} // the only slot is taken: what needs the curve would wait
	for _, garbage := range []string{"AA==", base64.StdEncoding.EncodeToString([]byte("garbage")), "MAYCAQACAQA="} {
		require.Equal(t, Invalid, l.Verify(d.with("attribution-signature", garbage).json(t)).Verdict)
	}
	require.Equal(t, Malformed, l.Verify(d.with("app-id", "x").json(t)).Verdict)
	<-l.p192
	require.Equal(t, Valid, l.Verify(d.json(t)).Verdict)

	off := NewVerifier(l.keys, DisableP192())
	res := off.Verify(d.json(t))
	require.Equal(t, Unsupported, res.Verdict)
	require.Equal(t, ReasonP192Disabled, res.Reason)
	require.Equal(t, Malformed, off.Verify(d.with("app-id", "x").json(t)).Verdict)
	require.Equal(t, Valid, off.Verify(l.signSKAN(t, skan("2.1"), false).json(t)).Verdict)
}

func TestTrapRelayAddsSourceAppIDZero(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, start := range []doc{skan("3.0"), skan("4.0"), skan("4.0").with("source-domain", "example.com")} {
		d := l.signSKAN(t, start, false).with("timestamp", 1613095729).with("ip", "192.0.2.1")
		require.Equal(t, Valid, l.Verify(d.json(t)).Verdict, "unknown members are ignored")
		added := d.with("source-app-id", 0).json(t)
		require.NotEqual(t, Valid, l.Verify(added).Verdict, "only relays get a second chance")
		res := l.VerifyRelayed(added)
		require.Equal(t, Valid, res.Verdict, res.Message)
		require.Equal(t, []string{FlagRelayRewritten}, res.Flags)
		require.Nil(t, res.Postback.SourceAppID)
		require.Equal(t, Invalid, l.VerifyRelayed(d.with("source-app-id", 0).with("app-id", 1).with("source-domain", nil).json(t)).Verdict)
		require.Empty(t, l.VerifyRelayed(d.json(t)).Flags)
	}
	tested := l.VerifyRelayed(l.signSKAN(t, skan("3.0").with("source-app-id", 0), false).json(t))
	require.Equal(t, Valid, tested.Verdict)
	require.Empty(t, tested.Flags)
	require.True(t, l.VerifyRelayed([]byte("[]")).NotObject)
}

// Identity is the same for every spelling of one postback, and only a verified
// copy has one.
func TestTrapIdentityIsOfSignedMembersOnly(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("4.0"), false)
	first := l.Verify(d.json(t)).Identity
	again := l.signSKAN(t, skan("4.0"), false) // a second signature over the same values
	require.NotEqual(t, d["attribution-signature"], again["attribution-signature"])
	require.Equal(t, first, l.Verify(again.with("conversion-value", 7).with("country-code", "FR").json(t)).Identity)
	upper := l.signSKAN(t, skan("4.0").with("ad-network-id", "EXAMPLE123.skadnetwork").
		with("transaction-id", "6AAFB7A5-0170-41B5-BBE4-FE71DEDF1E28"), false)
	res := l.Verify(upper.json(t))
	require.Equal(t, first, res.Identity)
	require.Equal(t, "EXAMPLE123.skadnetwork", res.Postback.AdNetworkID, "verified as sent")
	require.Equal(t, first.Hash(), res.Identity.Hash())
	require.Len(t, first.Hash(), sha256.Size)
	require.Nil(t, l.Verify(d.with("app-id", 1).json(t)).Identity)
	second := l.Verify(l.signSKAN(t, skan("4.0").with("source-identifier", "39").with("postback-sequence-index", 1), false).json(t))
	require.NotEqual(t, first.Hash(), second.Identity.Hash())
}

// A panic below the verifier is a verdict.
func TestTrapPanicIsAVerdict(t *testing.T) {
	t.Parallel()
	broken := &Verifier{} // no registry at all
	body := newLab(t).signAAK(t, aak(), false).json(t)
	res := broken.Verify(body)
	require.Equal(t, Unsupported, res.Verdict)
	require.Equal(t, ReasonInternal, res.Reason)
	require.Equal(t, ReasonInternal, broken.VerifyRelayed(body).Reason)
}
