package skan

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Traps of the JWS, which jws.Verify alone would walk into.
func TestTrapJWSForms(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	payload := string(aak().json(t))
	enc := base64.RawURLEncoding.EncodeToString
	good := l.jws(t, l.p256, `{"alg":"ES256","kid":"lab/0"}`, payload)
	parts := strings.Split(good, ".")
	header := func(h string) string { return l.jws(t, l.p256, h, payload) }
	for _, c := range []struct {
		name, jws string
		verdict   Verdict
		reason    string
	}{
		{"good", good, Valid, ""},
		{"escaped slash", header(`{"alg":"ES256","kid":"lab\/0"}`), Valid, ""},
		{"other members", header(`{"typ":"JWT","kid":"lab/0","alg":"ES256"}`), Valid, ""},
		{"JSON serialization", fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, parts[1], parts[0], parts[2]), Malformed, ReasonNotCompact},
		{"white space first", " " + good, Malformed, ReasonNotBase64},
		{"line break last", good + "\n", Malformed, ReasonNotBase64},
		{"two parts", parts[0] + "." + parts[1], Malformed, ReasonNotCompact},
		{"four parts", good + ".AA", Malformed, ReasonNotCompact},
		{"empty signature", parts[0] + "." + parts[1] + ".", Malformed, ReasonNotCompact},
		{"detached payload", parts[0] + ".." + parts[2], Malformed, ReasonNotCompact},
		{"padded payload", parts[0] + "." + parts[1] + "=." + parts[2], Malformed, ReasonNotBase64},
		{"standard alphabet", parts[0] + "." + parts[1] + "." + "+/" + parts[2][2:], Malformed, ReasonNotBase64},
		{"wrong padding", good + "=", Malformed, ReasonNotBase64},
		{"alg none", enc([]byte(`{"alg":"none","kid":"lab/0"}`)) + "." + parts[1] + ".", Malformed, ReasonAlgorithm},
		{"alg none, signed", header(`{"alg":"none","kid":"lab/0"}`), Malformed, ReasonAlgorithm},
		{"alg HS256", header(`{"alg":"HS256","kid":"lab/0"}`), Malformed, ReasonAlgorithm},
		{"alg RS256", header(`{"alg":"RS256","kid":"lab/0"}`), Malformed, ReasonAlgorithm},
		{"alg es256", header(`{"alg":"es256","kid":"lab/0"}`), Malformed, ReasonAlgorithm},
		{"alg number", header(`{"alg":256,"kid":"lab/0"}`), Malformed, ReasonWrongType},
		{"no alg", header(`{"kid":"lab/0"}`), Malformed, ReasonMissing},
		{"no kid", header(`{"alg":"ES256"}`), Malformed, ReasonMissing},
		{"kid number", header(`{"alg":"ES256","kid":0}`), Malformed, ReasonWrongType},
		{"kid twice", header(`{"alg":"ES256","kid":"lab/0","kid":"lab-dev/0"}`), Malformed, ReasonHeader},
		{"crit", header(`{"alg":"ES256","kid":"lab/0","crit":["b64"]}`), Malformed, ReasonExtension},
		{"b64", header(`{"alg":"ES256","kid":"lab/0","b64":false}`), Malformed, ReasonExtension},
		{"header no object", header(`"ES256"`), Malformed, ReasonHeader},
		{"payload no object", l.jws(t, l.p256, `{"alg":"ES256","kid":"lab/0"}`, `[]`), Malformed, ReasonPayload},
		{"unknown kid", header(`{"alg":"ES256","kid":"apple-cas-identifier/1"}`), Unsupported, ReasonUnknownKID},
		{"P-192 key as kid", header(`{"alg":"ES256","kid":"lab-192"}`), Unsupported, ReasonUnknownKID},
		{"swapped kid", header(`{"alg":"ES256","kid":"lab-dev/0"}`), Invalid, ReasonSignature},
		{"short signature", good[:len(good)-4], Invalid, ReasonSignature},
		{"DER signature", parts[0] + "." + parts[1] + "." + enc([]byte("0E\x02 aaaa")), Invalid, ReasonSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := l.Verify(doc{"jws-string": c.jws}.json(t))
			require.Equal(t, c.verdict, res.Verdict, res.Message)
			require.Equal(t, c.reason, res.Reason)
			require.False(t, res.NotObject)
			if c.reason == ReasonUnknownKID {
				require.NotEmpty(t, res.Key)
			}
		})
	}
}

// A JWS has 16 spellings of its last character, each with or without padding:
// all are one postback. The other segments have one spelling.
func TestTrapSpellingsOfOneJWS(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	l := newLab(t)
	good := l.signAAK(t, aak(), false)["jws-string"].(string)
	first := l.Verify(doc{"jws-string": good}.json(t)).Identity
	last := strings.IndexByte(alphabet, good[len(good)-1]) &^ 15
	for i := range 16 {
		spelt := good[:len(good)-1] + string(alphabet[last+i])
		for _, s := range []string{spelt, spelt + "=="} {
			res := l.Verify(doc{"jws-string": s}.json(t))
			require.Equal(t, Valid, res.Verdict, res.Message)
			require.Equal(t, first, res.Identity)
		}
	}
	claims := string(aak().json(t))
	for len(claims)%3 != 1 { // so that the last character has four bits to spare
		claims += " "
	}
	parts := strings.Split(l.jws(t, l.p256, `{"alg":"ES256","kid":"lab/0"}`, claims), ".")
	stray := parts[1][:len(parts[1])-1] + string(alphabet[strings.IndexByte(alphabet, parts[1][len(parts[1])-1])+1])
	res := l.Verify(doc{"jws-string": parts[0] + "." + stray + "." + parts[2]}.json(t))
	require.Equal(t, Invalid, res.Verdict)
	require.Equal(t, ReasonNotCanonical, res.Reason)
}

func TestTrapClaimTypes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for name, bad := range map[string][]any{
		"impression-type":            {nil, "web-impression", 1},
		"ad-network-identifier":      {nil, "a b", "a\u2063b", 5},
		"source-identifier":          {nil, 5239, "1", "12345"},
		"advertised-item-identifier": {nil, "5", 1.5, -1},
		"conversion-type":            {nil, "install", true},
		"postback-identifier":        {nil, "x", 5},
		"did-win":                    {nil, "true", 2},
		"postback-sequence-index":    {nil, "0", 3, -1},
		"publisher-item-identifier":  {"0", 0.5, -1},
		"marketplace-identifier":     {"", 5, "com apple"},
	} {
		for _, v := range bad {
			res := l.Verify(l.signAAK(t, aak().with(name, v), false).json(t))
			require.Equal(t, Malformed, res.Verdict, "%s %v", name, v)
			require.Equal(t, name, res.Field)
			require.Equal(t, AdAttributionKit, res.Framework)
		}
	}
	res := l.Verify(doc{"ad-interaction-type": "click"}.json(t))
	require.Equal(t, ReasonMissing, res.Reason)
	require.Equal(t, "jws-string", res.Field)
}
