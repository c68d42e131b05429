package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
	"skand/internal/vault"
)

// keyed is where a store lies, to be opened with one key after another.
type keyed struct {
	t      *testing.T
	o      Options
	sqlite string // its folder, "" on PostgreSQL
}

func eachKeyed(t *testing.T, test func(t *testing.T, k keyed)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		main := migratedSQLite(t)
		test(t, keyed{t: t, o: Options{Main: main, Lab: Lab, Clock: clock.NewManual(start)}, sqlite: strings.TrimPrefix(main, "sqlite:")})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		main, published := migratedPostgres(t)
		test(t, keyed{t: t, o: Options{Main: main, Published: published, Lab: Lab, Clock: clock.NewManual(start)}})
	})
}

// with opens the store with keys, does something and closes it.
func (k keyed) with(key string, do func(s *Store)) {
	k.t.Helper()
	o := k.o
	o.MasterKey = key
	s, err := Open(k.t.Context(), o)
	require.NoError(k.t, err)
	do(s)
	require.NoError(k.t, s.Close())
}

func (k keyed) refused(key string) error {
	k.t.Helper()
	o := k.o
	o.MasterKey = key
	_, err := Open(k.t.Context(), o)
	require.ErrorIs(k.t, err, ErrSealedOtherwise)
	require.ErrorContains(k.t, err, EnvMasterKey)
	x := Examine(k.t.Context(), o)
	require.ErrorIs(k.t, x.Vault.Err, ErrSealedOtherwise, "doctor says so beforehand")
	return err
}

// forget loses the key that the store keeps.
func (k keyed) forget() {
	k.t.Helper()
	if k.sqlite != "" {
		require.NoError(k.t, os.Remove(filepath.Join(k.sqlite, masterFile)))
		return
	}
	d, err := openDB(k.t.Context(), k.o.Main, "")
	require.NoError(k.t, err)
	_, err = d.w.ExecContext(k.t.Context(), `DELETE FROM store_meta WHERE name = $1`, metaMaster)
	require.NoError(k.t, err)
	require.NoError(k.t, d.close())
}

func (k keyed) examine(key string) *VaultPlace {
	k.t.Helper()
	o := k.o
	o.MasterKey = key
	v := Examine(k.t.Context(), o).Vault
	require.NotNil(k.t, v)
	require.NoError(k.t, v.Err)
	return v
}

// An untouched store makes a key once and keeps to it.
func TestVaultOfItsOwn(t *testing.T) {
	eachKeyed(t, func(t *testing.T, k keyed) {
		require.Empty(t, k.examine("").Where, "a look makes no key")
		var hash, sealed string
		k.with("", func(s *Store) {
			hash = s.vault.Hash(vault.IDFA, "phone")
			var err error
			sealed, err = s.vault.Seal(kindClick, []byte("x"))
			require.NoError(t, err)
		})
		k.with("", func(s *Store) {
			require.Equal(t, hash, s.vault.Hash(vault.IDFA, "phone"))
			plain, err := s.vault.Open(kindClick, sealed)
			require.NoError(t, err)
			require.Equal(t, "x", string(plain))
		})
		v := k.examine("")
		require.False(t, v.Given)
		require.False(t, v.Open)
		if k.sqlite != "" {
			path := filepath.Join(k.sqlite, masterFile)
			require.Equal(t, path, v.Where)
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			require.NoError(t, os.Chmod(path, 0o640))
			require.True(t, k.examine("").Open)
		}
		k.forget()
		err := k.refused("")
		require.ErrorContains(t, err, "no key is here")
		_ = k.refused(vault.NewMaster().Encode())
		_, err = os.Stat(filepath.Join(k.sqlite, masterFile))
		require.Error(t, err, "no new key is made where an old one is missing")
	})
}

// Several processes open a new store at once: all have the one key.
func TestVaultOpenedTogether(t *testing.T) {
	eachKeyed(t, func(t *testing.T, k keyed) {
		var wg sync.WaitGroup
		hashes := make([]string, 4)
		for i := range hashes {
			wg.Go(func() {
				s, err := Open(t.Context(), k.o)
				if err != nil {
					hashes[i] = err.Error()
					return
				}
				hashes[i] = s.vault.Hash(vault.IDFV, "v") + s.vault.SealsWith()
				if err := s.Close(); err != nil {
					hashes[i] = err.Error()
				}
			})
		}
		wg.Wait()
		for _, h := range hashes {
			require.Equal(t, hashes[0], h)
		}
		require.Len(t, hashes[0], 24+8)
	})
}

// From a key of the store's own to one that is given, then to a newer one: nothing
// becomes unreadable on the way, and each old key can go when nothing needs it.
func TestVaultRotation(t *testing.T) {
	eachKeyed(t, func(t *testing.T, k keyed) {
		a, b := vault.NewMaster().Encode(), vault.NewMaster().Encode()
		var hash string
		k.with("", func(s *Store) {
			hash = s.vault.Hash(vault.Install, "i")
			deliver(t, s, 3)
		})
		k.with(a, func(s *Store) {
			require.Equal(t, hash, s.vault.Hash(vault.Install, "i"))
			requireDeliveries(t, s, 3)
			deliver(t, s, 5)
			requireDeliveries(t, s, 5)
		})
		v := k.examine(a)
		require.True(t, v.Given)
		require.Contains(t, v.Note, "--reseal")

		k.with(b+","+a, func(s *Store) { requireDeliveries(t, s, 5) })
		k.with(b+","+a, func(s *Store) {
			n, err := s.Reseal(t.Context())
			require.NoError(t, err)
			require.Equal(t, 5, n)
			n, err = s.Reseal(t.Context())
			require.NoError(t, err)
			require.Zero(t, n)
			requireDeliveries(t, s, 5)
		})
		k.forget()
		k.with(b, func(s *Store) {
			require.Equal(t, hash, s.vault.Hash(vault.Install, "i"))
			requireDeliveries(t, s, 5)
		})
		_ = k.refused(a)
	})
}

// A key that is taken away while rows need it stops the start, not the first reader.
func TestVaultMissesAKey(t *testing.T) {
	eachKeyed(t, func(t *testing.T, k keyed) {
		a, b := vault.NewMaster(), vault.NewMaster()
		k.with(a.Encode(), func(s *Store) { deliver(t, s, 2) })
		k.with(b.Encode()+","+a.Encode(), func(*Store) {})
		err := k.refused(b.Encode())
		require.ErrorContains(t, err, a.ID())
		require.ErrorContains(t, err, "table outbox")
		require.NotContains(t, err.Error(), a.Encode())
		_, err = Open(t.Context(), Options{Main: k.o.Main, Published: k.o.Published, MasterKey: "short"})
		require.ErrorContains(t, err, EnvMasterKey+": key 1 of 1: is no base64")
	})
}

// deliver enqueues deliveries until there are n.
func deliver(t *testing.T, s *Store, n int) {
	t.Helper()
	d := forward.Destination{ID: "d", AppID: 1, Scope: forward.ScopeAll, Enabled: true, URL: "https://h.example/?i={idfa}",
		Kinds: []string{forward.KindInstall}}.WithDefaults()
	_, err := s.SaveDestination(t.Context(), d, start)
	require.NoError(t, err)
	ctx := t.Context()
	require.NoError(t, s.main.in(ctx, func(t *tx) error {
		for i := range n {
			id := fmt.Sprintf("own-id-%d", i)
			err := s.enqueueConversions(ctx, t, forward.Conversion{Kind: forward.KindInstall, DedupKey: "install/" + id, Subject: id,
				AppID: 1, OccurredAt: start, Att: forward.AttAuthorized, Fields: map[string]string{"idfa": "AD-" + id}})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// requireDeliveries claims all and gives them back.
func requireDeliveries(t *testing.T, s *Store, n int) {
	t.Helper()
	got, err := s.Claim(t.Context(), "d", 100, start, time.Minute)
	require.NoError(t, err)
	require.Len(t, got, n)
	for _, d := range got {
		require.True(t, strings.HasPrefix(d.Fields["idfa"], "AD-own-id-"), d.Fields)
	}
	require.NoError(t, s.Release(t.Context(), got, start))
}
