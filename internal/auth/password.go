package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed" // the list of common passwords
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Argon2 are the costs of a password's hash. They are written into each hash, so that
// they can be raised: who signs in then is hashed anew.
type Argon2 struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultArgon2 is the least that OWASP's cheat sheet on storing passwords asks of
// argon2id: 19 MiB and two passes. More memory would be a better lever against us than
// against a thief: strangers make the server spend it.
func DefaultArgon2() Argon2 { return Argon2{Memory: 19 << 10, Time: 2, Threads: 1} }

const (
	saltSize = 16
	keySize  = 32

	minPassword = 12
	maxPassword = 1024 // bytes; more is no password but an attempt to keep us busy

	// maxWaiting bounds those who wait for their turn to be hashed.
	maxWaiting = 32
)

// ErrBusy is returned when too many passwords are being checked: nobody knows whether
// this one is right.
var ErrBusy = errors.New("too many are signing in at once; try again in a moment")

// Hasher hashes and checks passwords. Its zero value is not of use; see NewHasher.
type Hasher struct {
	Costs   Argon2
	places  chan struct{}
	waiting *atomic.Int32
}

// NewHasher bounds what is checked at once, by the memory that each takes and by the
// processors that postbacks need as well.
func NewHasher(costs Argon2) Hasher {
	return Hasher{Costs: costs, places: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), waiting: &atomic.Int32{}}
}

// Hash is $argon2id$v=19$m=…,t=…,p=…$salt$key, as the reference implementation prints it.
func (h Hasher) Hash(password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: it ends the program instead
	c := h.Costs
	key := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, keySize)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// check says whether the password is the one of a hash, and whether the hash was made
// at other costs than today's. With no hash ("") it takes as long and says no.
func (h Hasher) check(ctx context.Context, password, hash string) (right, outdated bool, err error) {
	costs, salt, key := h.Costs, make([]byte, saltSize), make([]byte, keySize)
	if hash != "" {
		if costs, salt, key, err = parseHash(hash); err != nil {
			return false, false, err
		}
	}
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return false, false, ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	case <-ctx.Done():
		return false, false, fmt.Errorf("check a password: %w", ctx.Err())
	}
	if len(password) > maxPassword {
		password = password[:maxPassword] // no account has one as long; the time is the same
	}
	got := argon2.IDKey([]byte(password), salt, costs.Time, costs.Memory, costs.Threads, uint32(len(key)))
	same := subtle.ConstantTimeCompare(got, key) == 1
	return same && hash != "", costs != h.Costs, nil
}

// parseHash reads what Hash wrote. Its bounds keep a spoilt row from taking all memory.
func parseHash(hash string) (c Argon2, salt, key []byte, err error) {
	wrong := errors.New("a password's hash is no argon2id hash of ours")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, wrong
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil {
		return c, nil, nil, wrong
	}
	salt, badSalt := base64.RawStdEncoding.DecodeString(parts[4])
	key, badKey := base64.RawStdEncoding.DecodeString(parts[5])
	if badSalt != nil || badKey != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 ||
		c.Memory < 8 || c.Memory > 1<<20 || c.Time < 1 || c.Time > 64 || c.Threads < 1 {
		return c, nil, nil, wrong
	}
	return c, salt, key, nil
}

//go:embed common_passwords.txt
var commonPasswords []byte

// CheckPassword refuses passwords that are guessed first: short ones, the commonest of
// those that are long enough, few letters repeated, and the address itself. It asks for
// no digits and signs: length does more, and rules make people write it down (NIST SP
// 800-63B).
func CheckPassword(password, email string) error {
	local, _, _ := strings.Cut(email, "@")
	switch lower := strings.ToLower(password); {
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return errors.New("password: want text without control characters")
	case utf8.RuneCountInString(password) < minPassword:
		return fmt.Errorf("password: want at least %d characters; a few words are easy to keep in mind", minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("password: want at most %d bytes", maxPassword)
	case lower == email || strings.Contains(lower, local) && utf8.RuneCountInString(password)-utf8.RuneCountInString(local) < 8:
		return errors.New("password: is little more than the e-mail address; want another")
	case distinct(lower) < 5:
		return errors.New("password: repeats a few characters; want another")
	case common(lower):
		return errors.New("password: is one of the commonest, which are guessed first; want another")
	}
	return nil
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// common also knows a listed word with digits and signs behind it: password123456!.
func common(lower string) bool {
	bare := strings.TrimRightFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	for line := range bytes.Lines(commonPasswords) {
		switch word := string(bytes.TrimSpace(line)); {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == lower, word == bare:
			return true
		}
	}
	return false
}

// MakePassword is one of 100 random bits, in groups that can be read out.
func MakePassword() string {
	text := strings.ToLower(rand.Text()[:20]) // base32: 5 bits a letter
	return strings.Join([]string{text[:5], text[5:10], text[10:15], text[15:]}, "-")
}
