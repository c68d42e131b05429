package skan

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkVerifyASN1Bare is the yardstick: Verify of 2.1 to 4.0 is to keep 0.85
// of its rate, AdAttributionKit 0.80.
func BenchmarkVerifyASN1Bare(b *testing.B) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	digest := sha256.Sum256([]byte("bare"))
	sig, err := ecdsa.SignASN1(rand.Reader, priv, digest[:])
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if !ecdsa.VerifyASN1(&priv.PublicKey, digest[:], sig) {
			b.Fatal("does not verify")
		}
	}
}

func benchmarkVerify(b *testing.B, v *Verifier, body []byte, want Verdict) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if res := v.Verify(body); res.Verdict != want {
			b.Fatal(res.Verdict, res.Message)
		}
	}
}

func BenchmarkVerify20(b *testing.B) {
	l := newLab(b)
	benchmarkVerify(b, l.Verifier, l.signSKAN(b, skan("2.0"), false).json(b), Valid)
}

func BenchmarkVerify21(b *testing.B) {
	benchmarkVerify(b, NewVerifier(AppleKeys()), sample(b, "skan21_apple_olddoc.json"), Valid)
}

func BenchmarkVerify30(b *testing.B) {
	benchmarkVerify(b, NewVerifier(AppleKeys()), sample(b, "skan30_win_apple.json"), Valid)
}

func BenchmarkVerify40(b *testing.B) {
	benchmarkVerify(b, NewVerifier(AppleKeys()), sample(b, "skan40_web_fine_apple.json"), Valid)
}

func BenchmarkVerifyAAK(b *testing.B) {
	benchmarkVerify(b, NewVerifier(AppleKeys()), sample(b, "aak_dev1_reengagement_apple.json"), Develop)
}

// BenchmarkDecodeObject is what the checks before the signature mostly cost.
func BenchmarkDecodeObject(b *testing.B) {
	body := sample(b, "skan40_web_fine_apple.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, f := decodeObject(body); f != nil {
			b.Fatal(f)
		}
	}
}

// BenchmarkVerifyUncurved is everything that Verify does but the curve: what a check of
// ours may cost shows here, where ECDSA does not drown it.
func BenchmarkVerifyUncurved(b *testing.B) {
	body := bytes.Replace(sample(b, "skan40_web_fine_apple.json"), []byte(`"attribution-signature":"`), []byte(`"attribution-signature":"!`), 1)
	body = bytes.Replace(body, []byte(`"attribution-signature": "`), []byte(`"attribution-signature": "!`), 1)
	benchmarkVerify(b, NewVerifier(AppleKeys()), body, Malformed)
}
