package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/skan"
)

// The first line is the answer of always; then come the checks, in order.
func TestVerifyExplains(t *testing.T) {
	t.Parallel()
	file := samplePostbacks + "/skan40_web_fine_apple.json"
	plain, code := runVerify(t, nil, file)
	require.Zero(t, code)
	out, code := runVerify(t, nil, "--explain", file)
	require.Zero(t, code)
	require.True(t, strings.HasPrefix(out, plain))
	lines := strings.Split(strings.TrimPrefix(out, plain), "\n")
	require.Regexp(t, `^  pass  object +one JSON object of \d+ bytes`, lines[0])
	require.Contains(t, out, `"com.example"; expected letters, digits, points and dashes (signed)`)
	require.Contains(t, out, "conversion-value is 63; expected an integer from 0 to 63 (not signed)")
	require.Contains(t, out, "holds under the key apple-p256")
	require.Contains(t, out, "4.0⟨U+2063⟩com.example⟨U+2063⟩")
	require.NotContains(t, out, "FAIL")
	require.NotContains(t, out, "skip")

	forged := strings.Replace(samplePostback(t, "skan40_web_fine_apple.json"), "com.example", "com.exampIe", 1)
	out, code = runVerify(t, strings.NewReader(forged), "--explain")
	require.Equal(t, 1, code)
	require.Regexp(t, `(?m)^  FAIL  signature attribution-signature +attribution-signature: no trusted key signed these values \[signature_mismatch\]$`, out)
	require.Regexp(t, `(?m)^  skip  types `, out)
}

// With --json the explanation is a member; without --explain there is none.
func TestVerifyExplainsInJSON(t *testing.T) {
	t.Parallel()
	bad := `{"version":"4.0","ad-network-id":"a.b","attribution-signature":"x"}`
	out, code := runVerify(t, strings.NewReader(bad+"\n"+bad), "--explain", "--json")
	require.Equal(t, 1, code)
	rows := verifyRows(t, out)
	require.Len(t, rows, 2)
	for _, row := range rows {
		failed := 0
		for _, c := range row.Explanation.Checks {
			if c.Status == skan.CheckFail {
				failed++
				require.Equal(t, row.Reason, c.Reason)
				require.Equal(t, "source-identifier", c.Field)
			}
		}
		require.Equal(t, 1, failed)
	}
	out, _ = runVerify(t, strings.NewReader(bad), "--json")
	require.NotContains(t, out, "explanation")
}

// A body that was not read has one check, and what a stranger wrote stays on its line.
func TestVerifyExplainsTheUnreadable(t *testing.T) {
	t.Parallel()
	out, code := runVerify(t, strings.NewReader(strings.Repeat("x", maxFileBody+1)), "--explain")
	require.Equal(t, 1, code)
	require.Contains(t, out, "FAIL  size")
	require.Contains(t, out, "[too_large]")

	nasty, err := json.Marshal(map[string]string{"version": "9.9\u001b[2J\n  pass", "jws-string": "a.b.c\u009b1m"})
	require.NoError(t, err)
	file := tempFile(t, "nasty.json", string(nasty)+"\n"+`{"version":"9.9[2J\n  pass","app-id":1}`)
	out, _ = runVerify(t, nil, "--explain", file)
	for _, r := range out {
		require.True(t, r == '\n' || r >= ' ' && (r < 0x7f || r >= 0xa0), "%q", r)
	}
}
