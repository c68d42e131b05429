package skan

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// explains checks everything that an explanation promises of any body at all, against
// the verdict of the verifier alone.
func explains(t *testing.T, x Explanation, res Result, body []byte) {
	t.Helper()
	require.Equal(t, res, x.Result, "the explanation's verdict is the verifier's")
	require.Equal(t, len(body), x.Bytes)
	failed := slices.IndexFunc(x.Checks, func(c Check) bool { return c.Status == CheckFail })
	require.Equal(t, res.Verdict == Valid, failed < 0, "%s %s", res.Verdict, res.Reason)
	for i, c := range x.Checks {
		require.NotEmpty(t, c.Sentence, "%s %s", c.Name, c.Field)
		require.NotContains(t, c.Sentence, separator)
		want := CheckPass
		switch {
		case failed >= 0 && i == failed:
			want = CheckFail
			require.Equal(t, res.Reason, c.Reason)
			require.Equal(t, res.Message, c.Sentence)
			if c.Name == checkMember {
				require.Equal(t, res.Field, c.Field, "the check that failed is about the member at fault")
			}
		case failed >= 0 && i > failed:
			want = CheckSkipped
		}
		require.Equal(t, want, c.Status, "%d: %s %s after %d", i, c.Name, c.Field, failed)
		require.Equal(t, want == CheckFail, c.Reason != "", "%s", c.Name)
	}
	require.Equal(t, plan(res), outline(x), "%s %s", res.Reason, body)
	if res.Identity != nil {
		require.NotNil(t, x.Signed)
		require.True(t, slices.ContainsFunc(x.Keys, func(k KeyTried) bool { return k.Signed && k.Name == res.Key }))
	}
	require.Len(t, x.Notes, len(res.Flags))
	for _, n := range x.Notes {
		require.NotEmpty(t, n.Sentence, n.Flag)
	}
}

// outline is which checks there are. The member that a check of types is about is known
// only when it fails.
func outline(x Explanation) []string {
	var out []string
	for _, c := range x.Checks {
		if c.Name == checkTypes {
			c.Field = ""
		}
		if c.Name != checkRelay {
			out = append(out, strings.TrimSpace(c.Name+" "+c.Field))
		}
	}
	return out
}

// plan is every check that there is for what the body says it is, written down apart
// from the verifier: an order of its own would be noticed here.
func plan(res Result) []string {
	skanEnd := []string{"base64 attribution-signature", "signed_string", "key version", "signature attribution-signature", "types", "environment"}
	unsigned := []string{"member conversion-value", "member coarse-conversion-value", "one_value coarse-conversion-value", "member country-code"}
	switch res.Framework {
	case AdAttributionKit:
		return slices.Concat([]string{
			"object", "framework", "member jws-string", "jws_parts jws-string", "jws_base64 header", "jws_base64 payload",
			"jws_header jws-string", "member alg", "jws_algorithm alg", "member kid", "jws_signature jws-string", "key kid",
			"jws_payload jws-string", "member impression-type", "member ad-network-identifier", "member source-identifier",
			"member advertised-item-identifier", "member conversion-type", "member postback-identifier", "member did-win",
			"member postback-sequence-index", "member publisher-item-identifier", "member marketplace-identifier",
		}, unsigned, []string{"member ad-interaction-type", "jws_canonical jws-string", "signature jws-string", "types", "environment"})
	case SKAdNetwork:
		lv, known := level(res.Version)
		begin := []string{"object", "framework", "member version", "version version"}
		if !known {
			return slices.Concat(begin, []string{"members"}, skanEnd)
		}
		when := func(is bool, names ...string) []string {
			if is {
				return names
			}
			return nil
		}
		return slices.Concat(begin, []string{"member ad-network-id"},
			when(lv >= 40, "member source-identifier"), when(lv < 40, "member campaign-id"),
			[]string{"member app-id", "member transaction-id", "member redownload", "one_source source-domain"},
			when(lv >= 20, "member source-app-id"), when(lv >= 22, "member fidelity-type"), when(lv >= 30, "member did-win"),
			when(lv >= 40, "member source-domain", "member postback-sequence-index"),
			unsigned, []string{"member attribution-signature"}, skanEnd)
	}
	return []string{"object", "framework", "members", "key", "signature"}
}

func explainBoth(t *testing.T, v *Verifier, body []byte) {
	t.Helper()
	explains(t, v.Explain(body), v.Verify(body), body)
	if !v.p192Off && NeedsP192(body) {
		return // a slow curve: once is enough
	}
	explains(t, v.ExplainRelayed(body), v.VerifyRelayed(body), body)
}

// corpus is every body at hand: the shared vectors where they are, Apple's samples, and
// every shape of ours.
func corpus(t *testing.T, l *lab) [][]byte {
	t.Helper()
	var out [][]byte
	shared, err := filepath.Glob(filepath.Join(sharedVectors, "*.json"))
	require.NoError(t, err)
	for _, file := range shared {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var v vector
		require.NoError(t, json.Unmarshal(raw, &v), file)
		if body := v.body(); len(body) > 0 {
			out = append(out, body)
		}
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		out = append(out, raw)
	}
	for _, version := range []string{"1.0", "2.0", "2.1", "2.2", "3.0", "4.0"} {
		d := l.signSKAN(t, skan(version), false)
		out = append(out, d.json(t), d.with("source-app-id", 0).json(t), d.with("conversion-value", 64).json(t))
	}
	for _, dev := range []bool{false, true} {
		d := l.signAAK(t, aak(), dev)
		out = append(out, d.json(t), d.with("ad-interaction-type", "tap").json(t), l.signSKAN(t, skan("4.0"), dev).json(t))
	}
	for _, body := range []string{"", "{", "[]", "{}", `{"a":1}{}`, `{"ad-interaction-type":"view"}`, `{"version":"5.0"}`, `{"version":"x"}`, `{"version":4}`,
		`{"jws-string":"a.b.c"}`, `{"jws-string":"a.b.c","attribution-signature":"x"}`, `{"app-id":1}`} {
		out = append(out, []byte(body))
	}
	return out
}

// The verdict and the reason of an explanation are Verify's, always, and so is the check
// that failed.
func TestExplanationIsTheVerdict(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	apples := NewVerifier(AppleKeys())
	off := NewVerifier(l.keys, DisableP192())
	for _, body := range corpus(t, l) {
		explainBoth(t, l.Verifier, body)
		explains(t, off.Explain(body), off.Verify(body), body)
		if !NeedsP192(body) { // the lab has Apple's key for it too
			explains(t, apples.Explain(body), apples.Verify(body), body)
		}
	}
}

// The same of bodies that somebody has spoilt, one member or one byte at a time.
func TestExplanationOfSpoiltBodies(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	bodies := corpus(t, l)
	r := rand.New(rand.NewPCG(1, 2))
	bad := []any{nil, "", 0, 1, -1, 64, 1.5, true, "x", "4.0", "\u2063", []any{}, map[string]any{}, strings.Repeat("9", 40)}
	off := NewVerifier(l.keys, DisableP192())
	for range 800 {
		body := slices.Clone(bodies[r.IntN(len(bodies))])
		var d map[string]any
		switch dec := json.Unmarshal(body, &d); {
		case dec == nil && len(d) > 0 && r.IntN(3) > 0:
			names := make([]string, 0, len(d))
			for name := range d {
				names = append(names, name)
			}
			slices.Sort(names)
			name := names[r.IntN(len(names))]
			if r.IntN(4) == 0 {
				delete(d, name)
			} else {
				d[name] = bad[r.IntN(len(bad))]
			}
			body = doc(d).json(t)
		case len(body) > 0:
			body[r.IntN(len(body))] = byte(r.IntN(256))
		}
		if NeedsP192(body) {
			explainBoth(t, off, body)
			continue
		}
		explainBoth(t, l.Verifier, body)
	}
}

// What is said to be signed is what the signed string is made of.
func TestSignedStringHasItsParts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	off := NewVerifier(l.keys, DisableP192()) // the string is the same
	for _, body := range corpus(t, l) {
		x := off.Explain(body)
		if x.Signed == nil {
			continue
		}
		var values, fields []string
		for _, p := range x.Signed.Parts {
			values, fields = append(values, p.Value), append(fields, p.Field)
		}
		if x.Result.Framework == AdAttributionKit {
			require.Equal(t, strings.Join(values, "."), x.Signed.Text)
			continue
		}
		require.Equal(t, strings.Join(values, VisibleSeparator), x.Signed.Text)
		if p := x.Result.Postback; p != nil {
			message, err := Message(p)
			require.NoError(t, err)
			require.Equal(t, string(message), strings.Join(values, separator))
			require.Equal(t, len(message), x.Signed.Bytes)
		}
		var marked []string
		for _, c := range x.Checks {
			if c.Signed != nil && *c.Signed && c.Value != nil {
				marked = append(marked, c.Field)
			}
		}
		require.ElementsMatch(t, fields, marked)
	}
}

func TestExplanationInWords(t *testing.T) {
	t.Parallel()
	x := NewVerifier(AppleKeys()).Explain(sample(t, "skan40_web_fine_apple.json"))
	say := func(name, field string) string {
		i := slices.IndexFunc(x.Checks, func(c Check) bool { return c.Name == name && c.Field == field })
		require.GreaterOrEqual(t, i, 0, "%s %s", name, field)
		return x.Checks[i].Sentence
	}
	require.Equal(t, "SKAdNetwork 4.0 is known to this build", say(checkVersion, "version"))
	require.Equal(t, "conversion-value is 63; expected an integer from 0 to 63", say(checkMember, "conversion-value"))
	require.Equal(t, "source-app-id is absent, as Apple's format allows", say(checkMember, "source-app-id"))
	require.Contains(t, say(checkSignedString, ""), "10 values in the order of 4.0, joined by U+2063: version, ad-network-id, source-identifier,")
	require.Contains(t, say(checkKey, "version"), "2.1 and later are signed on P-256; tried in this order: apple-p256 (production), apple-development")
	require.Contains(t, say(checkSignature, "attribution-signature"), "holds under the key apple-p256")
	require.Contains(t, x.Signed.Text, "4.0⟨U+2063⟩com.example⟨U+2063⟩")

	l := newLab(t)
	x = l.Explain(l.signAAK(t, aak(), true).json(t))
	require.Contains(t, say(checkKey, "kid"), "the kid names the P-256 key lab-dev (development)")
	require.Equal(t, CheckFail, x.Checks[len(x.Checks)-1].Status, "a development key is a reason of its own")
	require.JSONEq(t, `{"kid":"lab-dev/0","alg":"ES256"}`, x.Header)
	require.Contains(t, x.Payload, "advertised-item-identifier")

	x = l.ExplainRelayed(l.signSKAN(t, skan("3.0"), false).with("source-app-id", 0).json(t))
	require.Equal(t, Valid, x.Result.Verdict)
	require.Contains(t, say(checkRelay, "source-app-id"), "looked at without it")
	require.Equal(t, FlagRelayRewritten, x.Notes[0].Flag)
}

// A fault of ours is a verdict too, and is told at the step where it happened.
func TestExplanationOfAPanic(t *testing.T) {
	t.Parallel()
	v := &Verifier{} // no registry of keys
	body := newLab(t).signAAK(t, aak(), false).json(t)
	x := v.Explain(body)
	require.Equal(t, ReasonInternal, x.Result.Reason)
	i := slices.IndexFunc(x.Checks, func(c Check) bool { return c.Status == CheckFail })
	require.Equal(t, checkKey, x.Checks[i].Name)
	require.Equal(t, ReasonInternal, x.Checks[i].Reason)
}

// A long value is cut: what is shown is for people.
func TestExplanationCutsLongValues(t *testing.T) {
	t.Parallel()
	x := NewVerifier(AppleKeys()).Explain(doc(skan("4.0")).with("ad-network-id", strings.Repeat("é", 5000)).json(t))
	for _, c := range x.Checks {
		if c.Value != nil {
			require.LessOrEqual(t, len(*c.Value), maxShown+len("…"))
		}
	}
}

// FuzzExplain: whatever the bytes, an explanation is that of the verdict.
func FuzzExplain(f *testing.F) {
	for _, file := range []string{"skan40_web_fine_apple.json", "skan30_win_apple.json", "aak_dev1_reengagement_apple.json"} {
		f.Add(sample(f, file))
	}
	f.Add([]byte(`{"version":"5.0","jws-string":null}`))
	v := NewVerifier(AppleKeys(), DisableP192())
	f.Fuzz(func(t *testing.T, body []byte) { explainBoth(t, v, body) })
}

func BenchmarkExplain40(b *testing.B) {
	v, body := NewVerifier(AppleKeys()), sample(b, "skan40_web_fine_apple.json")
	b.ReportAllocs()
	for b.Loop() {
		if x := v.Explain(body); x.Result.Verdict != Valid {
			b.Fatal(x.Result.Message)
		}
	}
}
