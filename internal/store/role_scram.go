package store

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	scramRounds   = 4096 // PostgreSQL's own number
	shortPassword = 12
)

// scramSecret is a password as PostgreSQL keeps it (RFC 5803), so that the server is
// never told the password itself. Only printable ASCII: other letters would have to
// be prepared as every client prepares them.
func scramSecret(password string) (string, error) {
	if len(password) < shortPassword {
		return "", fmt.Errorf("the password is too short; give at least %d characters", shortPassword)
	}
	for _, c := range []byte(password) {
		if c < ' ' || c > '~' {
			return "", errors.New("the password holds other characters than letters, digits and signs of ASCII; leave them out")
		}
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("salt of the password: %w", err)
	}
	return scramWith(password, salt)
}

func scramWith(password string, salt []byte) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramRounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		_, _ = h.Write([]byte(text)) // a hash takes everything
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramRounds, encode(salt), encode(stored[:]), encode(mac("Server Key"))), nil
}
