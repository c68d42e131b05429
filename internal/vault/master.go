package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	masterSize = 32
	idLength   = 8
)

// remedy is what every wrong key is answered with.
const remedy = "make one with `openssl rand -base64 32`"

// Master is a master key: 32 random bytes. It prints as its id alone.
type Master struct {
	secret [masterSize]byte
}

// NewMaster makes a key.
func NewMaster() Master {
	var m Master
	_, _ = rand.Read(m.secret[:]) // never fails: it ends the program instead
	return m
}

// ID names the key and tells nothing of it: 8 hexadecimal digits.
func (m Master) ID() string {
	id := sha256.Sum256(append([]byte("skand vault v1 id"), m.secret[:]...))
	return hex.EncodeToString(id[:idLength/2])
}

// Encode is the key as ParseMasters reads it: a secret.
func (m Master) Encode() string { return base64.StdEncoding.EncodeToString(m.secret[:]) }

// String is no key: with GoString and MarshalText it keeps the key out of logs.
func (m Master) String() string { return "master key " + m.ID() }

// GoString implements fmt.GoStringer.
func (m Master) GoString() string { return m.String() }

// MarshalText implements encoding.TextMarshaler.
func (m Master) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// ParseMasters reads one key or several with commas between them, each 32 bytes in
// base64 (standard or URL, padded or not). No error repeats what it was given.
func ParseMasters(text string) ([]Master, error) {
	parts := strings.Split(text, ",")
	list := make([]Master, 0, len(parts))
	seen := map[Master]bool{}
	for i, part := range parts {
		m, err := parseMaster(strings.TrimSpace(part))
		if err == nil && seen[m] {
			err = errors.New("is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("key %d of %d: %w", i+1, len(parts), err)
		}
		seen[m] = true
		list = append(list, m)
	}
	return list, nil
}

func parseMaster(text string) (Master, error) {
	var m Master
	if text == "" {
		return m, errors.New("is empty; " + remedy)
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	raw, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return m, errors.New("is no base64; " + remedy)
	}
	if len(raw) != masterSize {
		return m, fmt.Errorf("has %d bytes, want %d; %s", len(raw), masterSize, remedy)
	}
	copy(m.secret[:], raw)
	if m == (Master{}) {
		return m, errors.New("is all zeros; " + remedy)
	}
	return m, nil
}
