// Package vault owns how what identifies a person is kept: sealed where it is
// needed again, as a keyed hash where it is only matched. It refuses to hold a key
// in two places (where keys come from and lie is the caller's), to open what was
// sealed as another kind, and to print a key.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const (
	version   = "v1"
	nonceSize = 24 // half goes into the key of the message, half is the nonce of GCM
	gcmNonce  = 12
	hashSize  = 18 // 144 bits: no two of a billion ids meet; 24 characters

	// kindHash seals the key of the hashes.
	kindHash = "hash-key"
)

// What Open fails with. ErrNoKey: the key that sealed it is none of the ring's.
// ErrForged: it was altered, or sealed as another kind. ErrShape: it is nothing
// that Seal writes.
var (
	ErrNoKey  = errors.New("sealed with a key that is not here")
	ErrForged = errors.New("does not open: it was altered, or is of another kind")
	ErrShape  = errors.New("is not sealed")
)

// Keyring seals, opens and hashes. It is safe for concurrent use.
type Keyring struct {
	seal *key
	open map[string]*key
	hash []byte
}

// key is what is derived of one master key.
type key struct {
	id   string
	root []byte // of the keys of messages
}

// Unlock makes a ring of the masters: the first seals, all open. sealedHash is what
// NewHashKey returned, once for the life of a store: hashes stay what they are when
// masters change.
func Unlock(masters []Master, sealedHash string) (*Keyring, error) {
	k, err := ring(masters)
	if err != nil {
		return nil, err
	}
	k.hash, err = k.Open(kindHash, sealedHash)
	if err != nil {
		return nil, fmt.Errorf("key of the hashes: %w", err)
	}
	return k, nil
}

// NewHashKey makes the key of the hashes, sealed with the first of the masters.
func NewHashKey(masters []Master) (string, error) {
	k, err := ring(masters)
	if err != nil {
		return "", err
	}
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails: it ends the program instead
	return k.Seal(kindHash, secret)
}

// ResealHashKey gives the key of the hashes as the first of the masters seals it;
// sealed itself if that one did it already.
func ResealHashKey(masters []Master, sealed string) (string, error) {
	k, err := ring(masters)
	if err != nil {
		return "", err
	}
	if id, _, _ := parse(sealed); id == k.seal.id {
		return sealed, nil
	}
	secret, err := k.Open(kindHash, sealed)
	if err != nil {
		return "", fmt.Errorf("key of the hashes: %w", err)
	}
	return k.Seal(kindHash, secret)
}

func ring(masters []Master) (*Keyring, error) {
	if len(masters) == 0 {
		return nil, errors.New("no master key")
	}
	k := &Keyring{open: make(map[string]*key, len(masters))}
	for _, m := range masters {
		root, err := hkdf.Key(sha256.New, m.secret[:], nil, "skand vault v1 seal", sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive the sealing key: %w", err)
		}
		one := &key{id: m.ID(), root: root}
		k.open[one.id] = one
		if k.seal == nil {
			k.seal = one
		}
	}
	return k, nil
}

// SealsWith is the id of the master that seals: the second part of all that Seal
// returns.
func (k *Keyring) SealsWith() string { return k.seal.id }

// Seal encrypts plain as "v1.KEY.BASE64URL". The kind is bound to it: what was
// sealed as one kind opens as no other.
func (k *Keyring) Seal(kind string, plain []byte) (string, error) {
	sealed := make([]byte, nonceSize, nonceSize+len(plain)+sha256.Size)
	_, _ = rand.Read(sealed) // never fails: it ends the program instead
	aead, err := k.seal.aead(sealed)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", kind, err)
	}
	sealed = aead.Seal(sealed, sealed[nonceSize-gcmNonce:nonceSize], plain, bound(k.seal.id, kind))
	return version + "." + k.seal.id + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open is the opposite of Seal: ErrShape, ErrNoKey or ErrForged where it can't be.
func (k *Keyring) Open(kind, sealed string) ([]byte, error) {
	id, body, ok := parse(sealed)
	if !ok {
		return nil, fmt.Errorf("open %s: %w", kind, ErrShape)
	}
	by, ok := k.open[id]
	if !ok {
		return nil, fmt.Errorf("open %s: key %s: %w", kind, id, ErrNoKey)
	}
	aead, err := by.aead(body)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", kind, err)
	}
	plain, err := aead.Open(nil, body[nonceSize-gcmNonce:nonceSize], body[nonceSize:], bound(id, kind))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", kind, ErrForged)
	}
	return plain, nil
}

// aead is the cipher of one message. Each has a key of its own, made of the first
// half of its nonce: with 12 random bytes and one key, GCM's bound of 2^32 messages
// is what a busy app writes in weeks, and two messages under one nonce are readable.
func (k *key) aead(nonce []byte) (cipher.AEAD, error) {
	own, err := hkdf.Expand(sha256.New, k.root, "message "+string(nonce[:nonceSize-gcmNonce]), 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of a message: %w", err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func bound(id, kind string) []byte { return []byte(version + "." + id + "." + kind) }

// Sealed reports whether a text has the shape of what Seal writes. Nothing that
// begins with "{" has.
func Sealed(text string) bool {
	_, _, ok := parse(text)
	return ok
}

func parse(text string) (id string, body []byte, ok bool) {
	v, rest, _ := strings.Cut(text, ".")
	id, coded, _ := strings.Cut(rest, ".")
	if v != version || len(id) != idLength {
		return "", nil, false
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(coded)
	if err != nil || len(body) < nonceSize+16 || strings.ContainsAny(coded, "\r\n") {
		return "", nil, false
	}
	return id, body, true
}

// The kinds of identifiers that are hashed.
const (
	IDFA    = "idfa"
	IDFV    = "idfv"
	Install = "install"
	Event   = "event"
	Click   = "click"
	// Secret is no identifier: what destinations sign with is told apart by it.
	Secret = "secret"
)

// Hash is a keyed hash of a value: 24 characters of base64url, the same for the same
// kind and value for ever, and told from no guess without the key. Device ids are
// UUIDs, which phones write in upper case and servers in either: they hash alike.
func (k *Keyring) Hash(kind, value string) string {
	if kind == IDFA || kind == IDFV {
		value = strings.ToLower(strings.TrimSpace(value))
	}
	h := hmac.New(sha256.New, k.hash)
	_, _ = h.Write([]byte(kind + "\x00" + value)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:hashSize])
}
