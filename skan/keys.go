package skan

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"sync"
)

// TrustedKey is one public key that may sign postbacks. Its curve says what:
// P-192 SKAdNetwork 1.0 and 2.0; P-256 SKAdNetwork 2.1 and later, and
// AdAttributionKit under its kid.
type TrustedKey struct {
	Name        string
	KID         string // of AdAttributionKit; empty: the name is the kid
	SPKI        string // base64 DER SubjectPublicKeyInfo
	Environment Environment

	// Set by Keys.List, ignored by Keys.With.
	Curve  string // P-192 or P-256
	Trusts string // for people: what it may sign
}

const (
	apple256  = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWdp8GPcGqmhgzEFj9Z2nSpQVddayaPe4FMzqM9wib1+aHaaIzoHoLN9zW4K8y4SPykE3YVK3sVqW6Af0lfx3gg=="
	apple192  = "MEkwEwYHKoZIzj0CAQYIKoZIzj0DAQEDMgAEMyHD625uvsmGq4C43cQ9BnfN2xslVT5V1nOmAMP6qaRRUll3PB1JYmgSm+62sosG"
	appleDev0 = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELeEDzpJEP+/qRSE5hJVC1p1J0ssUnQGMzBBbvnACBok8OVGGLgxL0myrKiy6lvRtSlLRsWit87i+vftD8AEqeQ=="
	appleDev1 = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YzdO7eM97s/IJ25kdW5CZ3A14USE5IJ5Ha/vhWaxI6UBI1ZxCEvjrKxVluVGe6qWwF1BDFq+QHqKfH5u+wxHQ=="
)

// What a key may sign. Apple's production P-256 key has two names, one for each
// framework; every other P-256 key serves both.
const (
	signsOld  = "SKAdNetwork 1.0 and 2.0"
	signsSKAN = "SKAdNetwork 2.1 and later"
	signsAAK  = "AdAttributionKit"
	signsBoth = signsSKAN + ", " + signsAAK
)

var appleKeys = sync.OnceValue(func() *Keys {
	k := &Keys{byKID: map[string]*key{}}
	for _, t := range []TrustedKey{
		{Name: "apple-p192", SPKI: apple192, Environment: Production, Trusts: signsOld},
		{Name: "apple-p256", SPKI: apple256, Environment: Production, Trusts: signsSKAN},
		{Name: "apple-cas-identifier/0", SPKI: apple256, Environment: Production, Trusts: signsAAK},
		{Name: "apple-development-identifier/0", SPKI: appleDev0, Environment: Development, Trusts: signsBoth},
		{Name: "apple-development-identifier/1", SPKI: appleDev1, Environment: Development, Trusts: signsBoth},
	} {
		pub, err := parseSPKI(t.SPKI)
		if err != nil {
			panic("skan: Apple's key " + t.Name + ": " + err.Error())
		}
		k.add(t, pub)
	}
	k.apple = len(k.list)
	return k
})

// key is a parsed TrustedKey.
type key struct {
	TrustedKey
	pub *ecdsa.PublicKey
}

// Keys is an immutable registry of trusted keys, safe for concurrent use.
type Keys struct {
	list  []*key // Apple's first
	apple int    // how many of them are Apple's
	byKID map[string]*key
}

// AppleKeys are the keys that Apple published: P-192, P-256 (under two names) and
// the two development keys.
func AppleKeys() *Keys { return appleKeys() }

func (k *Keys) add(t TrustedKey, pub *ecdsa.PublicKey) {
	t.Curve = pub.Curve.Params().Name
	parsed := &key{t, pub}
	k.list = append(k.list, parsed)
	if t.Trusts == signsAAK || t.Trusts == signsBoth {
		k.byKID[parsed.kid()] = parsed
	}
}

func (t TrustedKey) kid() string {
	if t.KID != "" {
		return t.KID
	}
	return t.Name
}

// With returns a new registry with more keys beside those of k. An error names
// the key and its fault: no name, no environment, not a P-192 or P-256 SPKI, a
// name or kid that is taken by another key, or one of Apple's keys given another
// trust. Naming a key that is there already, unchanged, does nothing.
func (k *Keys) With(extra ...TrustedKey) (*Keys, error) {
	out := &Keys{apple: k.apple, byKID: make(map[string]*key, len(k.byKID)+len(extra))}
	out.list = append(out.list, k.list...)
	for kid, parsed := range k.byKID {
		out.byKID[kid] = parsed
	}
	for _, t := range extra {
		if err := out.addExtra(t); err != nil {
			return nil, fmt.Errorf("trusted key %q: %w", t.Name, err)
		}
	}
	return out, nil
}

func (k *Keys) addExtra(t TrustedKey) error {
	if t.Name == "" {
		return errors.New("name is missing")
	}
	if t.Environment != Production && t.Environment != Development {
		return fmt.Errorf("environment %q: expected production or development", t.Environment)
	}
	pub, err := parseSPKI(t.SPKI)
	if err != nil {
		return err
	}
	t.Trusts = signsBoth
	if pub.Curve == p192 {
		t.Trusts = signsOld
	}
	for i, have := range k.list {
		same := have.pub.Equal(pub)
		switch {
		case have.Name == t.Name && have.Environment == t.Environment && same && (i < k.apple || have.KID == t.KID):
			return nil
		case same && i < k.apple && have.Environment != t.Environment:
			return fmt.Errorf("is Apple's own %s; its trust can't be changed", have.Name)
		case have.Name == t.Name && i < k.apple:
			return errors.New("is the name of a key of Apple's; choose another")
		case have.Name == t.Name:
			return errors.New("is given twice")
		}
	}
	if have := k.byKID[t.kid()]; have != nil && t.Trusts == signsBoth {
		return fmt.Errorf("kid %q belongs to key %q; choose another", t.kid(), have.Name)
	}
	k.add(t, pub)
	return nil
}

// List returns the keys, Apple's first, with curve and use filled in.
func (k *Keys) List() []TrustedKey {
	out := make([]TrustedKey, len(k.list))
	for i, parsed := range k.list {
		out[i] = parsed.TrustedKey
	}
	return out
}

// signers lists the keys that may sign a SKAdNetwork version, production first:
// a postback that a production key signed is never called development.
func (k *Keys) signers(p192Keys bool) []*key {
	var out []*key
	for _, env := range []Environment{Production, Development} {
		for _, parsed := range k.list {
			if parsed.Environment == env && parsed.Trusts != signsAAK && (parsed.pub.Curve == p192) == p192Keys {
				out = append(out, parsed)
			}
		}
	}
	return out
}
