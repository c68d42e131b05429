package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/skan"
)

const samplePostbacks = "../../fixtures/postbacks"

func samplePostback(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(samplePostbacks, name))
	require.NoError(t, err)
	return string(raw)
}

func oneLine(t *testing.T, pretty string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, json.Compact(&out, []byte(pretty)))
	return out.String()
}

func tempFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// runVerify runs the command alone and returns its standard output and exit code.
func runVerify(t *testing.T, stdin io.Reader, args ...string) (string, int) {
	t.Helper()
	out, err := execVerify(stdin, args...)
	var ee *exitError
	switch {
	case err == nil:
		return out, 0
	case errors.As(err, &ee):
		return out, ee.code
	}
	return out, 1
}

func execVerify(stdin io.Reader, args ...string) (string, error) {
	cmd := newVerifyCmd()
	var out bytes.Buffer
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	err := cmd.Execute()
	return out.String(), err
}

func verifyRows(t *testing.T, out string) []verifyRow {
	t.Helper()
	var rows []verifyRow
	for line := range strings.Lines(out) {
		var row verifyRow
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&row))
		rows = append(rows, row)
	}
	return rows
}

func TestVerifySamples(t *testing.T) {
	t.Parallel()
	var index []struct {
		File    string
		Verdict skan.Verdict
		Key     string
	}
	require.NoError(t, json.Unmarshal([]byte(samplePostback(t, "expect.json")), &index))
	for _, want := range index {
		file := filepath.Join(samplePostbacks, want.File)
		out, code := runVerify(t, nil, "--json", file)
		rows := verifyRows(t, out)
		require.Len(t, rows, 1)
		require.Equal(t, file, rows[0].File)
		require.Equal(t, 1, rows[0].Line)
		require.Equal(t, want.Verdict, rows[0].Verdict)
		require.Equal(t, want.Key, rows[0].Key)
		require.Equal(t, want.Verdict == skan.Valid, code == 0)
		_, code = runVerify(t, nil, "--allow-development", file)
		require.Equal(t, want.Verdict == skan.Valid || want.Verdict == skan.Develop, code == 0)
	}
}

func TestVerifyJSONShape(t *testing.T) {
	t.Parallel()
	out, code := runVerify(t, strings.NewReader(samplePostback(t, "skan40_web_fine_apple.json")), "--json")
	require.Zero(t, code)
	require.Equal(t, `{"file":"-","line":1,"framework":"skadnetwork","version":"4.0","verdict":"valid","reason":"","key":"apple-p256",`+
		`"identity":{"app_id":525463029,"framework":"skadnetwork","network_id":"com.example","id":"6aafb7a5-0170-41b5-bbe4-fe71dedf1e30","index":0}}`+"\n", out)
	out, code = runVerify(t, strings.NewReader("[]"), "--json", "-")
	require.Equal(t, 1, code)
	require.Equal(t, `{"file":"-","line":1,"framework":"","version":"","verdict":"malformed","reason":"not_object","key":"","identity":null}`+"\n", out)
}

func TestVerifyText(t *testing.T) {
	t.Parallel()
	good := oneLine(t, samplePostback(t, "skan30_win_apple.json"))
	bad := strings.Replace(good, `"campaign-id":42`, `"campaign-id":43`, 1)
	out, code := runVerify(t, strings.NewReader(good+"\n\n"+bad+"\n"), "-")
	require.Equal(t, 1, code)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	require.Equal(t, []string{"-", "skadnetwork", "3.0", "valid", "-", "apple-p256",
		"525463029/example123.skadnetwork/6aafb7a5-0170-41b5-bbe4-fe71dedf1e28/0"}, strings.Fields(lines[0]))
	require.Equal(t, []string{"-:3", "skadnetwork", "3.0", "invalid", "signature_mismatch", "-", "-"}, strings.Fields(lines[1]))
	require.Equal(t, strings.Index(lines[0], "valid"), strings.Index(lines[1], "invalid"), "columns line up")
}

func TestVerifyForms(t *testing.T) {
	t.Parallel()
	pretty := samplePostback(t, "skan22_apple.json")
	line := oneLine(t, pretty)
	huge := line[:len(line)-1] + `,"pad":"` + strings.Repeat("x", maxFileBody) + `"}`
	full := line[:len(line)-1] + `,"pad":"`
	full += strings.Repeat("x", maxFileBody-len(full)-2) + `"}`
	for _, c := range []struct {
		name, in string
		verdicts []skan.Verdict
		lines    []int
	}{
		{"pretty", pretty, []skan.Verdict{skan.Valid}, []int{1}},
		{"pretty after blank lines", "\n\n" + pretty, []skan.Verdict{skan.Valid}, []int{3}},
		{"pretty with CRLF", strings.ReplaceAll(pretty, "\n", "\r\n"), []skan.Verdict{skan.Valid}, []int{1}},
		{"pretty, broken", strings.Replace(pretty, ",", ";", 1), []skan.Verdict{skan.Malformed}, []int{1}},
		{"pretty, cut", pretty[:len(pretty)/2], []skan.Verdict{skan.Malformed}, []int{1}},
		{"pretty, twice", pretty + pretty, []skan.Verdict{skan.Malformed}, []int{1}},
		{"pretty array", "[\n" + pretty + "\n]", []skan.Verdict{skan.Malformed}, []int{1}},
		{"pretty, too large", "{\n\"pad\":\"" + strings.Repeat("x", maxFileBody) + "\"}", []skan.Verdict{skan.Malformed}, []int{1}},
		{"no line end", line, []skan.Verdict{skan.Valid}, []int{1}},
		{"NDJSON", line + "\n" + line + "\r\n" + line, []skan.Verdict{skan.Valid, skan.Valid, skan.Valid}, []int{1, 2, 3}},
		{"NDJSON, bad first line", "{\"a\":\n" + line + "\n", []skan.Verdict{skan.Malformed, skan.Valid}, []int{1, 2}},
		{"NDJSON, bad middle", line + "\nhello\n" + line, []skan.Verdict{skan.Valid, skan.Malformed, skan.Valid}, []int{1, 2, 3}},
		{"largest line", full + "\r\n" + line, []skan.Verdict{skan.Valid, skan.Valid}, []int{1, 2}},
		{"line too large", line + "\n" + huge + "\n" + line, []skan.Verdict{skan.Valid, skan.Malformed, skan.Valid}, []int{1, 2, 3}},
		{"first line too large", huge + "\n" + line, []skan.Verdict{skan.Malformed, skan.Valid}, []int{1, 2}},
		{"nothing", "", []skan.Verdict{skan.Malformed}, []int{1}},
		{"blank", "\n \n", []skan.Verdict{skan.Malformed}, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, _ := runVerify(t, strings.NewReader(c.in), "--json", "-")
			var verdicts []skan.Verdict
			var lines []int
			for _, row := range verifyRows(t, out) {
				verdicts, lines = append(verdicts, row.Verdict), append(lines, row.Line)
			}
			require.Equal(t, c.verdicts, verdicts)
			require.Equal(t, c.lines, lines)
		})
	}
}

// An answer comes before the next postback is there.
func TestVerifyStreams(t *testing.T) {
	t.Parallel()
	line := oneLine(t, samplePostback(t, "skan22_apple.json"))
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	cmd := newVerifyCmd()
	cmd.SetArgs([]string{"--json", "-"})
	cmd.SetIn(inR)
	cmd.SetOut(outW)
	done := make(chan error, 1)
	go func() { done <- errors.Join(cmd.Execute(), outW.Close()) }()
	answers := json.NewDecoder(outR)
	for i := 1; i <= 3; i++ {
		_, err := io.WriteString(inW, line+"\n")
		require.NoError(t, err)
		var row verifyRow
		require.NoError(t, answers.Decode(&row))
		require.Equal(t, i, row.Line)
	}
	require.NoError(t, inW.Close())
	_, err := io.Copy(io.Discard, outR)
	require.NoError(t, err)
	require.NoError(t, <-done)
}

func TestVerifyKeys(t *testing.T) {
	t.Parallel()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&priv.PublicKey)
	require.NoError(t, err)
	fidelity := 1
	p := skan.Postback{
		Framework: skan.SKAdNetwork, Version: "4.0", AdNetworkID: "lab.skadnetwork", SourceIdentifier: "5239", AppID: 1,
		ID: "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28", FidelityType: &fidelity, DidWin: true,
	}
	msg, err := skan.Message(&p)
	require.NoError(t, err)
	digest := sha256.Sum256(msg)
	sig, err := ecdsa.SignASN1(rand.Reader, priv, digest[:])
	require.NoError(t, err)
	body := `{"version":"4.0","ad-network-id":"lab.skadnetwork","source-identifier":"5239","app-id":1,"redownload":false,` +
		`"transaction-id":"6aafb7a5-0170-41b5-bbe4-fe71dedf1e28","fidelity-type":1,"did-win":true,"postback-sequence-index":0,` +
		`"attribution-signature":"` + base64.StdEncoding.EncodeToString(sig) + `"}`
	named := map[string]string{"my lab": base64.StdEncoding.EncodeToString(der)}
	for _, k := range skan.AppleKeys().List() {
		named[k.Name] = k.SPKI // repeating Apple's own is no fault
	}
	raw, err := json.Marshal(named)
	require.NoError(t, err)
	keys := tempFile(t, "keys.json", string(raw))

	_, code := runVerify(t, strings.NewReader(body), "-")
	require.Equal(t, 1, code)
	out, code := runVerify(t, strings.NewReader(body), "--json", "--keys", keys, "-")
	require.Zero(t, code)
	require.Equal(t, "my lab", verifyRows(t, out)[0].Key)
}

func TestVerifyUsage(t *testing.T) {
	t.Parallel()
	good := filepath.Join(samplePostbacks, "skan22_apple.json")
	for name, c := range map[string]struct {
		args  []string
		fault string
	}{
		"missing file":      {[]string{good, filepath.Join(t.TempDir(), "none.json")}, "none.json"},
		"folder":            {[]string{t.TempDir()}, "read"},
		"missing keys":      {[]string{"--keys", filepath.Join(t.TempDir(), "none"), good}, "--keys"},
		"keys not JSON":     {[]string{"--keys", tempFile(t, "k", "x"), good}, "base64 SPKI"},
		"keys no key":       {[]string{"--keys", tempFile(t, "k", `{"lab":"AAAA"}`), good}, `trusted key "lab"`},
		"keys for Apple's":  {[]string{"--keys", tempFile(t, "k", `{"apple-p256":"`+skan.AppleKeys().List()[3].SPKI+`"}`), good}, "key of Apple's"},
		"keys not a string": {[]string{"--keys", tempFile(t, "k", `{"lab":5}`), good}, "expected"},
	} {
		_, err := execVerify(nil, c.args...)
		require.ErrorContains(t, err, c.fault, name)
		require.NotContains(t, err.Error(), "\n")
		_, code := runVerify(t, nil, c.args...)
		require.Equal(t, 2, code, name)
	}
	out, code := runVerify(t, nil, good, filepath.Join(t.TempDir(), "none.json"))
	require.Equal(t, 2, code)
	require.Contains(t, out, "valid", "what came before the fault is answered")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe is closed") }

func TestVerifyTellsWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	cmd := newVerifyCmd()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs([]string{filepath.Join(samplePostbacks, "skan22_apple.json")})
	cmd.SetOut(brokenWriter{})
	require.ErrorContains(t, cmd.Execute(), "pipe is closed")
}
