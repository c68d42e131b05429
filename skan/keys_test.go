package skan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppleKeysList(t *testing.T) {
	t.Parallel()
	list := AppleKeys().List()
	require.Len(t, list, 5)
	for _, k := range list {
		require.Contains(t, []string{"P-192", "P-256"}, k.Curve)
		require.NotEmpty(t, k.Trusts)
	}
	list[0].Name = "changed"
	require.Equal(t, "apple-p192", AppleKeys().List()[0].Name, "the registry doesn't change")
}

func TestWithTellsTheKeyAndItsFault(t *testing.T) {
	t.Parallel()
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	p224DER, err := x509.MarshalPKIXPublicKey(&p224.PublicKey)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	rsaDER, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	require.NoError(t, err)
	own := newLab(t).keys.List()[5].SPKI
	b64 := base64.StdEncoding.EncodeToString
	offCurve := func(spki string) string {
		der, err := base64.StdEncoding.DecodeString(spki)
		require.NoError(t, err)
		der[len(der)-1] ^= 1
		return b64(der)
	}
	trailing := func(spki string) string {
		der, err := base64.StdEncoding.DecodeString(spki)
		require.NoError(t, err)
		return b64(append(der, 0))
	}
	for name, c := range map[string]struct {
		key   TrustedKey
		fault string
	}{
		"no name":          {TrustedKey{SPKI: own, Environment: Production}, "name is missing"},
		"no environment":   {TrustedKey{Name: "k", SPKI: own}, "environment"},
		"not base64":       {TrustedKey{Name: "k", SPKI: "?", Environment: Production}, "not standard base64"},
		"not DER":          {TrustedKey{Name: "k", SPKI: "AAAA", Environment: Production}, "SubjectPublicKeyInfo"},
		"trailing":         {TrustedKey{Name: "k", SPKI: trailing(own), Environment: Production}, "after its end"},
		"other curve":      {TrustedKey{Name: "k", SPKI: b64(p224DER), Environment: Production}, "neither P-192 nor P-256"},
		"RSA":              {TrustedKey{Name: "k", SPKI: b64(rsaDER), Environment: Production}, "elliptic-curve"},
		"off P-256":        {TrustedKey{Name: "k", SPKI: offCurve(own), Environment: Production}, "point"},
		"off P-192":        {TrustedKey{Name: "k", SPKI: offCurve(apple192), Environment: Production}, "not on the curve"},
		"Apple's name":     {TrustedKey{Name: "apple-p256", SPKI: own, Environment: Production}, "name of a key of Apple's"},
		"Apple's kid":      {TrustedKey{Name: "k", KID: "apple-cas-identifier/0", SPKI: own, Environment: Production}, "belongs to key"},
		"Apple's promoted": {TrustedKey{Name: "k", SPKI: appleDev1, Environment: Production}, "trust can't be changed"},
		"same, promoted":   {TrustedKey{Name: "apple-development-identifier/1", SPKI: appleDev1, Environment: Production}, "trust can't be changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := AppleKeys().With(c.key)
			require.ErrorContains(t, err, c.fault)
			require.ErrorContains(t, err, `trusted key "`+c.key.Name+`"`)
		})
	}
	k := TrustedKey{Name: "k", SPKI: own, Environment: Production}
	dev := k
	dev.Environment = Development
	_, err = AppleKeys().With(k, dev)
	require.ErrorContains(t, err, "given twice")
	other := TrustedKey{Name: "other", KID: "k", SPKI: newLab(t).keys.List()[5].SPKI, Environment: Production}
	_, err = AppleKeys().With(k, other)
	require.ErrorContains(t, err, `kid "k" belongs to key "k"`)
}

func TestWithTakesTheSameKeyAgain(t *testing.T) {
	t.Parallel()
	var all []TrustedKey
	for _, k := range newLab(t).keys.List() {
		all = append(all, k, k)
	}
	keys, err := AppleKeys().With(all...)
	require.NoError(t, err)
	require.Len(t, keys.List(), 8)
	require.Len(t, AppleKeys().List(), 5, "With leaves its receiver alone")
}

func TestProductionKeysAreTriedFirst(t *testing.T) {
	t.Parallel()
	signers := newLab(t).keys.signers(false)
	var names []string
	for _, k := range signers {
		names = append(names, k.Name)
	}
	require.Equal(t, []string{
		"apple-p256", "lab", "apple-development-identifier/0", "apple-development-identifier/1", "lab-dev",
	}, names)
}
