package skan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func seedSamples(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
	}
}

// checkResult holds for every body whatsoever.
func checkResult(t *testing.T, v *Verifier, body []byte) {
	t.Helper()
	res := v.Verify(body)
	trusted := res.Verdict == Valid || res.Verdict == Develop
	require.Contains(t, []Verdict{Valid, Develop, Invalid, Malformed, Unsupported}, res.Verdict)
	require.NotEqual(t, ReasonInternal, res.Reason, res.Message)
	require.Equal(t, trusted, res.Identity != nil)
	require.Equal(t, res.Verdict == Valid, res.Reason == "")
	require.Equal(t, res.Verdict == Valid, res.Message == "")
	if res.NotObject {
		require.Equal(t, Malformed, res.Verdict)
	} else {
		require.True(t, json.Valid(body))
	}
	if trusted {
		require.NotEmpty(t, res.Key)
		require.NotNil(t, res.Postback)
		require.True(t, isUUID(res.Postback.ID))
		require.True(t, isNetworkID(res.Postback.AdNetworkID))
	}
	if res.Postback != nil && res.Framework == SKAdNetwork {
		_, err := Message(res.Postback)
		require.NoError(t, err)
	}
	relayed := v.VerifyRelayed(body)
	if trusted {
		require.Equal(t, res.Identity, relayed.Identity)
	}
}

func FuzzVerifySKAdNetwork(f *testing.F) {
	seedSamples(f)
	l := newLab(f)
	for _, version := range []string{"1.0", "2.0", "2.1", "2.2", "3.0", "4.0"} {
		f.Add(l.signSKAN(f, skan(version), false).json(f))
	}
	f.Fuzz(func(t *testing.T, body []byte) { checkResult(t, l.Verifier, body) })
}

// FuzzVerifyAdAttributionKit fuzzes the body around a JWS, and the claims and
// header inside of one that is really signed.
func FuzzVerifyAdAttributionKit(f *testing.F) {
	l := newLab(f)
	claims := string(aak().json(f))
	f.Add(`{"alg":"ES256","kid":"lab\/0"}`, claims, "")
	f.Add(`{"alg":"none","kid":"lab/0"}`, claims, "==")
	f.Add(`{"alg":"ES256","kid":"lab-dev/0","crit":["b64"],"b64":false}`, `{}`, ".")
	f.Add(`[]`, `[]`, "{")
	f.Fuzz(func(t *testing.T, header, payload, tail string) {
		body := doc{"jws-string": l.jws(t, l.p256, header, payload) + tail, "conversion-value": 5}
		checkResult(t, l.Verifier, body.json(t))
		checkResult(t, l.Verifier, doc{"jws-string": header + "." + payload + "." + tail}.json(t))
	})
}
