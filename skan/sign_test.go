package skan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// lab is a set of test keys that stand in for Apple's, with a verifier that
// trusts them: the only way to cover the shapes of which no Apple-signed sample
// is public.
type lab struct {
	p256, dev *ecdsa.PrivateKey
	d192      *big.Int
	keys      *Keys
	*Verifier
}

func newLab(t testing.TB, opts ...Option) *lab {
	t.Helper()
	l := &lab{}
	var err error
	l.p256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	l.dev, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	l.d192 = scalar(t)
	x, y := p192.ScalarBaseMult(l.d192.Bytes()) //nolint:staticcheck // no other API has P-192
	l.keys, err = AppleKeys().With(
		TrustedKey{Name: "lab", KID: "lab/0", SPKI: spkiOf(t, oidP256, &l.p256.PublicKey), Environment: Production},
		TrustedKey{Name: "lab-dev", KID: "lab-dev/0", SPKI: spkiOf(t, oidP256, &l.dev.PublicKey), Environment: Development},
		TrustedKey{Name: "lab-192", SPKI: spkiOf(t, oidP192, &ecdsa.PublicKey{Curve: p192, X: x, Y: y}), Environment: Production},
	)
	require.NoError(t, err)
	l.Verifier = NewVerifier(l.keys, opts...)
	return l
}

func scalar(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Sub(p192.N, big.NewInt(1)))
	require.NoError(t, err)
	return n.Add(n, big.NewInt(1))
}

func spkiOf(t testing.TB, curve asn1.ObjectIdentifier, pub *ecdsa.PublicKey) string {
	t.Helper()
	size := (pub.Curve.Params().BitSize + 7) / 8
	point := make([]byte, 1+2*size)
	point[0] = 4
	pub.X.FillBytes(point[1 : 1+size])
	pub.Y.FillBytes(point[1+size:])
	var info subjectPublicKeyInfo
	info.Algorithm.Algorithm, info.Algorithm.Curve = oidECPublicKey, curve
	info.PublicKey = asn1.BitString{Bytes: point, BitLength: 8 * len(point)}
	der, err := asn1.Marshal(info)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der)
}

// sign192 is ECDSA by hand (SEC 1, 4.1.3): crypto/ecdsa no longer signs on
// custom curves.
func (l *lab) sign192(t testing.TB, digest []byte) []byte {
	t.Helper()
	k := scalar(t)
	r, _ := p192.ScalarBaseMult(k.Bytes()) //nolint:staticcheck // no other API has P-192
	r.Mod(r, p192.N)
	e := new(big.Int).SetBytes(digest[:24])
	s := new(big.Int).Mul(r, l.d192)
	s.Add(s, e).Mul(s, new(big.Int).ModInverse(k, p192.N)).Mod(s, p192.N)
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	require.NoError(t, err)
	return der
}

// doc is a body under construction.
type doc map[string]any

func (d doc) with(name string, v any) doc {
	out := maps.Clone(d)
	if v == nil {
		delete(out, name)
	} else {
		out[name] = v
	}
	return out
}

func (d doc) json(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(d)
	require.NoError(t, err)
	return b
}

// signSKAN signs a SKAdNetwork document as Apple would: what the verifier's
// parser makes of it, through Message.
func (l *lab) signSKAN(t testing.TB, d doc, dev bool) doc {
	t.Helper()
	d = d.with("attribution-signature", "AA==")
	obj, f := decodeObject(d.json(t))
	require.Nil(t, f)
	m := &members{obj: obj}
	p := parseSKAdNetwork(m, readVersion(m))
	require.Nil(t, m.fault)
	msg, err := Message(p)
	require.NoError(t, err)
	return d.with("attribution-signature", l.signBytes(t, msg, usesP192(p.Version), dev))
}

func (l *lab) signBytes(t testing.TB, msg []byte, old, dev bool) string {
	t.Helper()
	digest := sha256.Sum256(msg)
	if old {
		return base64.StdEncoding.EncodeToString(l.sign192(t, digest[:]))
	}
	priv := l.p256
	if dev {
		priv = l.dev
	}
	der, err := ecdsa.SignASN1(rand.Reader, priv, digest[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der)
}

// jws signs header and payload, both as raw JSON, with the production lab key.
func (l *lab) jws(t testing.TB, priv *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(payload))
	return signed + "." + enc.EncodeToString(rawSignature(t, priv, signed))
}

func rawSignature(t testing.TB, priv *ecdsa.PrivateKey, signed string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, priv, digest[:])
	require.NoError(t, err)
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out
}

func (l *lab) signAAK(t testing.TB, claims doc, dev bool) doc {
	t.Helper()
	priv, kid := l.p256, `lab\/0` // Apple escapes the slash too
	if dev {
		priv, kid = l.dev, `lab-dev\/0`
	}
	return doc{"jws-string": l.jws(t, priv, `{"kid":"`+kid+`","alg":"ES256"}`, string(claims.json(t)))}
}

// Documents to start from.

func skan(version string) doc {
	d := doc{
		"version": version, "ad-network-id": "example123.skadnetwork", "campaign-id": 42,
		"app-id": int64(10738027756), "transaction-id": "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28",
	}
	lv, _ := level(version)
	if lv >= 20 {
		d["redownload"] = false
	}
	if lv >= 22 {
		d["fidelity-type"] = 1
	}
	if lv >= 30 {
		d["did-win"] = true
	}
	if lv >= 40 {
		delete(d, "campaign-id")
		d["source-identifier"] = "0039"
		d["postback-sequence-index"] = 0
	}
	return d
}

func aak() doc {
	return doc{
		"impression-type": "app-impression", "ad-network-identifier": "example.adattributionkit",
		"source-identifier": "5239", "advertised-item-identifier": int64(10738027756),
		"conversion-type": "download", "postback-identifier": "85546EB7-FD39-44BC-8990-C98A4AC36A49",
		"did-win": true, "postback-sequence-index": 0,
		"publisher-item-identifier": 5838492, "marketplace-identifier": "com.apple.AppStore",
	}
}
