package skan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
)

// P-192 (secp192r1, FIPS 186-3 D.1.2.1) signs SKAdNetwork 1.0 and 2.0. Go has no
// such curve and x509 refuses its keys, so its parameters stand here.
var p192 = &elliptic.CurveParams{
	Name:    "P-192",
	BitSize: 192,
	P:       hexInt("fffffffffffffffffffffffffffffffeffffffffffffffff"),
	N:       hexInt("ffffffffffffffffffffffff99def836146bc9b1b4d22831"),
	B:       hexInt("64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1"),
	Gx:      hexInt("188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012"),
	Gy:      hexInt("07192b95ffc8da78631011ed6b24cdd573f977a11e794811"),
}

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("skan: bad curve constant " + s)
	}
	return n
}

// p192Point reads an uncompressed point and checks that it lies on the curve:
// crypto/elliptic panics on points that don't.
func p192Point(b []byte) (*ecdsa.PublicKey, error) {
	const size = 24
	if len(b) != 1+2*size || b[0] != 4 {
		return nil, errors.New("expected an uncompressed P-192 point of 49 bytes")
	}
	x, y := new(big.Int).SetBytes(b[1:1+size]), new(big.Int).SetBytes(b[1+size:])
	if x.Cmp(p192.P) >= 0 || y.Cmp(p192.P) >= 0 {
		return nil, errors.New("coordinate outside the field of P-192")
	}
	left := new(big.Int).Exp(y, big.NewInt(2), p192.P)
	right := new(big.Int).Exp(x, big.NewInt(3), p192.P)
	right.Sub(right, new(big.Int).Mul(big.NewInt(3), x))
	right.Add(right, p192.B).Mod(right, p192.P)
	if left.Cmp(right) != 0 {
		return nil, errors.New("point is not on the curve P-192")
	}
	return &ecdsa.PublicKey{Curve: p192, X: x, Y: y}, nil
}

// plausibleP192 is the cheap half of a check: DER of two integers in [1, n-1].
// Whoever sends garbage then never gets to the curve, which costs 20 to 40 times
// a P-256 check. ecdsa.VerifyASN1 repeats it, stricter about trailing elements.
func plausibleP192(der []byte) bool {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) != 0 {
		return false
	}
	inRange := func(n *big.Int) bool { return n.Sign() > 0 && n.Cmp(p192.N) < 0 }
	return inRange(sig.R) && inRange(sig.S)
}

// errP192Unavailable: the process forbids curves of our own (fips140=only).
var errP192Unavailable = errors.New("the P-192 curve is not available in this process")

// verifyP192 checks a signature. The standard library panics on custom curves in
// FIPS 140-only mode; that is a verdict here, not a crash.
func verifyP192(pub *ecdsa.PublicKey, digest, der []byte) (ok bool, err error) {
	defer func() {
		if recover() != nil {
			ok, err = false, errP192Unavailable
		}
	}()
	return ecdsa.VerifyASN1(pub, digest, der), nil
}
