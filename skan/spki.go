package skan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
)

var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidP192        = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 1}
	oidP256        = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
)

// subjectPublicKeyInfo is RFC 5280 4.1.2.7 with RFC 5480's named curve.
type subjectPublicKeyInfo struct {
	Algorithm struct {
		Algorithm asn1.ObjectIdentifier
		Curve     asn1.ObjectIdentifier
	}
	PublicKey asn1.BitString
}

// parseSPKI reads a base64 DER public key on P-192 or P-256. It parses by hand
// because x509.ParsePKIXPublicKey refuses P-192.
func parseSPKI(spki string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(spki)
	if err != nil {
		return nil, fmt.Errorf("spki is not standard base64: %w", err)
	}
	var info subjectPublicKeyInfo
	rest, err := asn1.Unmarshal(der, &info)
	if err != nil {
		return nil, fmt.Errorf("spki is not an elliptic-curve SubjectPublicKeyInfo: %w", err)
	}
	if len(rest) != 0 {
		return nil, errors.New("spki has data after its end")
	}
	if !info.Algorithm.Algorithm.Equal(oidECPublicKey) {
		return nil, fmt.Errorf("spki algorithm %s is not an elliptic-curve key", info.Algorithm.Algorithm)
	}
	point := info.PublicKey.RightAlign()
	switch {
	case info.Algorithm.Curve.Equal(oidP192):
		return p192Point(point)
	case info.Algorithm.Curve.Equal(oidP256):
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, fmt.Errorf("spki point: %w", err)
		}
		return pub, nil
	}
	return nil, fmt.Errorf("spki curve %s is neither P-192 nor P-256", info.Algorithm.Curve)
}
