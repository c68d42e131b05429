package vault_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/vault"
)

const phone = "6D92078A-8246-4BA4-AE5B-76104861E7DC"

func unlocked(t testing.TB, masters ...vault.Master) (*vault.Keyring, string) {
	t.Helper()
	sealed, err := vault.NewHashKey(masters)
	require.NoError(t, err)
	k, err := vault.Unlock(masters, sealed)
	require.NoError(t, err)
	return k, sealed
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	k, _ := unlocked(t, vault.NewMaster())
	for _, plain := range []string{"", "x", phone, strings.Repeat("long ", 10_000)} {
		sealed, err := k.Seal("install", []byte(plain))
		require.NoError(t, err)
		require.True(t, vault.Sealed(sealed))
		require.True(t, strings.HasPrefix(sealed, "v1."+k.SealsWith()+"."))
		if len(plain) > 3 {
			require.NotContains(t, sealed, plain[:4])
		}
		got, err := k.Open("install", sealed)
		require.NoError(t, err)
		require.Equal(t, plain, string(got))
		again, err := k.Seal("install", []byte(plain))
		require.NoError(t, err)
		require.NotEqual(t, sealed, again, "the same text twice looks like two")
		_, err = k.Open("click", sealed)
		require.ErrorIs(t, err, vault.ErrForged, "another kind")
	}
}

// Every single character that is changed, and every cut, is found out.
func TestTamper(t *testing.T) {
	t.Parallel()
	k, _ := unlocked(t, vault.NewMaster())
	sealed, err := k.Seal("event", []byte(`{"id":"e1"}`))
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(6, 1))
	for i := range len(sealed) {
		other := sealed[i]
		for other == sealed[i] {
			other = "ABCDEFabcdef0123456789-_."[r.IntN(25)]
		}
		_, err := k.Open("event", sealed[:i]+string(other)+sealed[i+1:])
		require.Error(t, err, "position %d", i)
		_, err = k.Open("event", sealed[:i])
		require.Error(t, err, "cut at %d", i)
	}
	_, err = k.Open("event", sealed+"\n")
	require.ErrorIs(t, err, vault.ErrShape)
	for _, plain := range []string{"", "{}", "v1.", "v1..", "v1.abcdefgh.", "v2" + sealed[2:], `{"a":"` + sealed + `"}`} {
		require.False(t, vault.Sealed(plain), plain)
		_, err := k.Open("event", plain)
		require.ErrorIs(t, err, vault.ErrShape, plain)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	first, second := vault.NewMaster(), vault.NewMaster()
	old, sealedHash := unlocked(t, first)
	before, err := old.Seal("click", []byte(phone))
	require.NoError(t, err)

	both := []vault.Master{second, first}
	now, err := vault.Unlock(both, sealedHash)
	require.NoError(t, err)
	got, err := now.Open("click", before)
	require.NoError(t, err)
	require.Equal(t, phone, string(got))
	require.Equal(t, second.ID(), now.SealsWith(), "the first of them seals")
	require.Equal(t, old.Hash(vault.IDFA, phone), now.Hash(vault.IDFA, phone), "hashes stay")

	// With the key of the hashes sealed anew, the old master is needed by old rows only.
	resealed, err := vault.ResealHashKey(both, sealedHash)
	require.NoError(t, err)
	require.NotEqual(t, sealedHash, resealed)
	same, err := vault.ResealHashKey(both, resealed)
	require.NoError(t, err)
	require.Equal(t, resealed, same)
	alone, err := vault.Unlock([]vault.Master{second}, resealed)
	require.NoError(t, err)
	require.Equal(t, old.Hash(vault.Install, "i1"), alone.Hash(vault.Install, "i1"))
	_, err = alone.Open("click", before)
	require.ErrorIs(t, err, vault.ErrNoKey)

	_, err = vault.Unlock([]vault.Master{second}, sealedHash)
	require.ErrorIs(t, err, vault.ErrNoKey)
	_, err = vault.Unlock(nil, sealedHash)
	require.ErrorContains(t, err, "no master key")
}

func TestHash(t *testing.T) {
	t.Parallel()
	m := vault.NewMaster()
	k, sealed := unlocked(t, m)
	same, err := vault.Unlock([]vault.Master{m}, sealed)
	require.NoError(t, err)
	other, _ := unlocked(t, m)
	h := k.Hash(vault.IDFA, phone)
	require.Len(t, h, 24)
	require.Equal(t, h, same.Hash(vault.IDFA, phone))
	require.NotEqual(t, h, other.Hash(vault.IDFA, phone), "each store has a key of its own")
	require.NotEqual(t, h, k.Hash(vault.IDFV, phone), "kinds can't be joined by their hashes")
	require.Equal(t, h, k.Hash(vault.IDFA, " "+strings.ToLower(phone)), "one phone")
	require.NotEqual(t, k.Hash(vault.Install, "A"), k.Hash(vault.Install, "a"), "ids of yours are taken as they are")
	seen := map[string]bool{}
	for i := range 10_000 {
		seen[k.Hash(vault.Event, fmt.Sprint(i))] = true
	}
	require.Len(t, seen, 10_000)
}

func TestParseMasters(t *testing.T) {
	t.Parallel()
	a, b := vault.NewMaster(), vault.NewMaster()
	url := strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(b.Encode()), "=")
	got, err := vault.ParseMasters(a.Encode() + ", " + url + "\n")
	require.NoError(t, err)
	require.Equal(t, []vault.Master{a, b}, got)
	for text, want := range map[string]string{
		"":                            "key 1 of 1: is empty; make one with `openssl rand -base64 32`",
		a.Encode() + ",":              "key 2 of 2: is empty",
		"correct horse":               "key 1 of 1: is no base64; make one with",
		"c2hvcnQ=":                    "key 1 of 1: has 5 bytes, want 32; make one with",
		a.Encode() + "," + a.Encode(): "key 2 of 2: is there twice",
		strings.Repeat("A", 43) + "=": "key 1 of 1: is all zeros",
	} {
		_, err := vault.ParseMasters(text)
		require.ErrorContains(t, err, want)
		for _, part := range strings.Split(text, ",") {
			if part != "" {
				require.NotContains(t, err.Error(), part, "a secret is not repeated")
			}
		}
	}
}

func TestMastersDoNotPrint(t *testing.T) {
	t.Parallel()
	m := vault.NewMaster()
	j, err := json.Marshal(struct{ M vault.Master }{m})
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(m), fmt.Sprintf("%+v %#v %s %q", m, m, m, []vault.Master{m}), string(j)} {
		require.Contains(t, text, m.ID())
		require.NotContains(t, text, m.Encode()[:8])
	}
}

func FuzzOpen(f *testing.F) {
	k, sealedHash := unlocked(f, vault.NewMaster())
	good, err := k.Seal("install", []byte("x"))
	require.NoError(f, err)
	for _, seed := range []string{"", "v1.", good, good[:len(good)-1], sealedHash, "v1." + k.SealsWith() + ".", "{}"} {
		f.Add("install", seed)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		plain, err := k.Open(kind, text)
		if err == nil {
			require.Contains(t, []string{good, sealedHash}, text, "nothing opens but what was sealed: %q", plain)
			return
		}
		if !vault.Sealed(text) {
			require.ErrorIs(t, err, vault.ErrShape)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k, _ := unlocked(b, vault.NewMaster())
	body := []byte(strings.Repeat("x", 400))
	for b.Loop() {
		if _, err := k.Seal("install", body); err != nil {
			b.Fatal(err)
		}
	}
}
