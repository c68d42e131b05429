package auth

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

var cheap = Argon2{Memory: 64, Time: 1, Threads: 1}

func TestHashIsOfItsPasswordAlone(t *testing.T) {
	t.Parallel()
	h := NewHasher(DefaultArgon2())
	hash := h.Hash("correct horse battery")
	require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, hash)
	require.NotEqual(t, hash, h.Hash("correct horse battery"), "each has its salt")
	for password, want := range map[string]bool{
		"correct horse battery": true, "correct horse batterz": false, "": false, "correct horse battery ": false, "Correct horse battery": false,
	} {
		right, outdated, err := h.check(t.Context(), password, hash)
		require.NoError(t, err)
		require.Equal(t, want, right, password)
		require.False(t, outdated)
	}
}

// The reference implementation's own example (its README): the format is not only ours.
func TestHashOfTheReferenceImplementation(t *testing.T) {
	t.Parallel()
	const reference = "$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$0QyVQWuT7sJZ2bSS7PZtMwVTHzqYBQzPB0vWTMKm3sk"
	c, salt, key, err := parseHash(reference)
	require.NoError(t, err)
	require.Equal(t, Argon2{Memory: 65536, Time: 2, Threads: 4}, c)
	require.Equal(t, "somesalt", string(salt))
	require.Len(t, key, 32)
}

func TestCostsAreRaisedAtTheNextSignIn(t *testing.T) {
	t.Parallel()
	old := NewHasher(cheap).Hash("correct horse battery")
	right, outdated, err := NewHasher(Argon2{Memory: 128, Time: 1, Threads: 1}).check(t.Context(), "correct horse battery", old)
	require.NoError(t, err)
	require.True(t, right)
	require.True(t, outdated)
}

func TestSpoiltHashOpensNothing(t *testing.T) {
	t.Parallel()
	h := NewHasher(cheap)
	good := h.Hash("correct horse battery")
	for _, bad := range []string{
		"x", "$", "$$$$$", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=4000000", 1), strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1),
		good[:len(good)-30], good + "$x", "$argon2id$v=19$m=64,t=1,p=1$$",
	} {
		right, _, err := h.check(t.Context(), "correct horse battery", bad)
		require.Error(t, err, bad)
		require.False(t, right)
	}
}

// Who asks for an account that there isn't must not learn it from the clock.
func TestNoHashTakesAsLong(t *testing.T) {
	t.Parallel()
	h := NewHasher(Argon2{Memory: 8 << 10, Time: 2, Threads: 1})
	hash := h.Hash("correct horse battery")
	least := func(hash string) time.Duration {
		took := make([]time.Duration, 5)
		for i := range took {
			begin := clock.Real{}.Now()
			right, _, err := h.check(t.Context(), "something else at all", hash)
			took[i] = clock.Real{}.Now().Sub(begin)
			require.NoError(t, err)
			require.False(t, right)
		}
		return slices.Min(took)
	}
	known, unknown := least(hash), least("")
	// Without hashing it would be some thousand times less; machines are busy.
	require.Greater(t, unknown, known/10)
	require.Greater(t, known, unknown/10)
	right, _, err := h.check(t.Context(), "", "")
	require.NoError(t, err)
	require.False(t, right, "no password is not the password of nobody")
}

func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	h := NewHasher(cheap)
	for range cap(h.places) {
		h.places <- struct{}{} // all are taken
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	errs := make(chan error, maxWaiting)
	for range maxWaiting {
		wait.Go(func() {
			_, _, err := h.check(ctx, "p", "")
			errs <- err
		})
	}
	require.Eventually(t, func() bool { return h.waiting.Load() == maxWaiting }, 10*time.Second, time.Millisecond)
	_, _, err := h.check(t.Context(), "p", "")
	require.ErrorIs(t, err, ErrBusy)
	cancel()
	wait.Wait()
	for range maxWaiting {
		require.ErrorIs(t, <-errs, context.Canceled)
	}
	require.Zero(t, h.waiting.Load())
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"elevenchars":                                    "at least 12",
		"ümläutümlä":                                     "at least 12", // letters are counted, not bytes
		strings.Repeat("abcdefgh", 129):                  "at most 1024 bytes",
		"tab\tin the middle":                             "control characters",
		"not\xffutf8 at all":                             "control characters",
		"abababababababab":                               "repeats a few",
		"111111111111111":                                "repeats a few",
		"password1234":                                   "commonest",
		"PASSWORD12345!":                                 "commonest",
		"qwertyuiopas":                                   "commonest",
		"skand2026!!!":                                   "commonest",
		"correcthorsebatterystaple":                      "commonest",
		"annabella@example.com":                          "little more than the e-mail",
		"AnnaBella2026":                                  "little more than the e-mail",
		"plum-anvil-harbour":                             "",
		"annabella likes harbours":                       "",
		"ünïcödé wörds äré fïné":                         "",
		"四つの長い言葉は良いパスワード":                                "",
		"dHk3#kd8!mNq":                                   "",
		"password is not what this is, though it begins": "",
	} {
		err := CheckPassword(password, "annabella@example.com")
		if want == "" {
			require.NoError(t, err, password)
			continue
		}
		require.ErrorContains(t, err, want, password)
		require.NotContains(t, err.Error(), password)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestMadePasswordsPass(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		p := MakePassword()
		require.Regexp(t, `^[a-z2-7]{5}(-[a-z2-7]{5}){3}$`, p)
		require.NoError(t, CheckPassword(p, "a@b.c"))
		require.False(t, seen[p])
		seen[p] = true
	}
}
