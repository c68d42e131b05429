package skan

import (
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The constants against each other: G lies on the curve and has the order N.
func TestP192Parameters(t *testing.T) {
	t.Parallel()
	point := make([]byte, 49)
	point[0] = 4
	p192.Gx.FillBytes(point[1:25])
	p192.Gy.FillBytes(point[25:])
	_, err := p192Point(point)
	require.NoError(t, err)
	require.True(t, p192.P.ProbablyPrime(20))
	require.True(t, p192.N.ProbablyPrime(20))
	x, y := p192.ScalarBaseMult(p192.N.Bytes()) //nolint:staticcheck // no other API has P-192
	require.Zero(t, x.Sign()+y.Sign(), "N times G is the point at infinity")
	require.Panics(t, func() { hexInt("x") })
}

func TestP192PointRefuses(t *testing.T) {
	t.Parallel()
	for name, point := range map[string][]byte{
		"empty": nil, "compressed": make([]byte, 25), "infinity": append([]byte{4}, make([]byte, 48)...),
		"hybrid":   append([]byte{6}, make([]byte, 48)...),
		"too long": append([]byte{4}, make([]byte, 49)...),
		"past P":   append(append([]byte{4}, p192.P.Bytes()...), make([]byte, 24)...),
	} {
		_, err := p192Point(point)
		require.Error(t, err, name)
	}
}

func TestP192SignatureDERIsStrict(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("2.0"), false)
	der, err := base64.StdEncoding.DecodeString(d["attribution-signature"].(string))
	require.NoError(t, err)
	require.True(t, plausibleP192(der))
	require.False(t, plausibleP192(append(der, 0)), "trailing data")
	for name, sig := range map[string][]byte{
		"trailing":          append(append([]byte{}, der...), 0),
		"element inside":    append(append([]byte{0x30, der[1] + 2}, der[2:]...), 5, 0),
		"long length":       append([]byte{0x30, 0x81, der[1]}, der[2:]...),
		"r padded":          append([]byte{0x30, der[1] + 1, 2, der[3] + 1, 0}, der[4:]...),
		"negative r":        {0x30, 6, 2, 1, 0xff, 2, 1, 1},
		"s is the order":    append([]byte{0x30, 30, 2, 1, 1, 2, 25, 0}, p192.N.Bytes()...),
		"nothing":           {},
		"cut":               der[:len(der)-1],
		"empty sequence":    {0x30, 0},
		"one integer alone": {0x30, 3, 2, 1, 1},
	} {
		res := l.Verify(d.with("attribution-signature", base64.StdEncoding.EncodeToString(sig)).json(t))
		want := Invalid
		if len(sig) == 0 {
			want = Malformed
		}
		require.Equal(t, want, res.Verdict, name)
	}
}

// (r, n-s) verifies as well as (r, s): the signature is no identity.
func TestP192SecondSignature(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d := l.signSKAN(t, skan("1.0"), false)
	der, err := base64.StdEncoding.DecodeString(d["attribution-signature"].(string))
	require.NoError(t, err)
	var sig struct{ R, S *big.Int }
	_, err = asn1.Unmarshal(der, &sig)
	require.NoError(t, err)
	sig.S.Sub(p192.N, sig.S)
	der, err = asn1.Marshal(sig)
	require.NoError(t, err)
	res := l.Verify(d.with("attribution-signature", base64.StdEncoding.EncodeToString(der)).json(t))
	require.Equal(t, Valid, res.Verdict)
	require.Equal(t, l.Verify(d.json(t)).Identity, res.Identity)
}

const fipsChild = "SKAND_TEST_FIPS_CHILD"

// Under GODEBUG=fips140=only the standard library panics on the curve; the
// process has to start that way, so this test runs itself again.
func TestTrapFIPSOnlyIsAVerdict(t *testing.T) {
	t.Parallel()
	if os.Getenv(fipsChild) != "" {
		d := skan("2.0").with("attribution-signature", "MAYCAQECAQE=")
		res := NewVerifier(AppleKeys()).Verify(d.json(t))
		require.Equal(t, Unsupported, res.Verdict, res.Message)
		require.Equal(t, ReasonP192Unavailable, res.Reason)
		res = NewVerifier(AppleKeys()).Verify(sample(t, "skan40_web_fine_apple.json"))
		require.Equal(t, Valid, res.Verdict, res.Message)
		res = NewVerifier(AppleKeys()).Verify(sample(t, "aak_dev1_reengagement_apple.json"))
		require.Equal(t, Develop, res.Verdict, res.Message)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTrapFIPSOnlyIsAVerdict$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", fipsChild+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "PASS: TestTrapFIPSOnlyIsAVerdict")
}
