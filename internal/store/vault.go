package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"skand/internal/vault"
)

// EnvMasterKey is the variable that Options.MasterKey comes from, for messages.
const EnvMasterKey = "SKAND_MASTER_KEY"

// Names in store_meta. The key of the hashes is kept sealed; the master is kept
// here only on PostgreSQL, and only where nobody gave one.
const (
	metaHashKey   = "vault_hash_key"
	metaMaster    = "vault_master_key"
	metaMasterIDs = "vault_master_ids" // every master that something may be sealed with
)

const masterFile = "master.key"

// ErrSealedOtherwise is returned by Open where the keys at hand don't open what the
// store holds. Nothing can be kept or read then, and a new key would lose it all.
var ErrSealedOtherwise = errors.New("the store is sealed with another key")

// openVault finds the master keys, or makes one for a store that has never had any,
// and opens the keyring.
func (s *Store) openVault(ctx context.Context, o Options) error {
	given, err := givenMasters(o.MasterKey)
	if err != nil {
		return err
	}
	var path string
	if dir, ok := strings.CutPrefix(o.Main, "sqlite:"); ok {
		path = filepath.Join(dir, masterFile)
	}
	err = s.main.in(ctx, func(t *tx) error {
		// One opener at a time: two that made a key would each seal with their own.
		const lock = `INSERT INTO store_meta (name, value) VALUES (?, '')
			ON CONFLICT (name) DO UPDATE SET value = store_meta.value`
		if _, err := t.ExecContext(ctx, t.q(lock), metaHashKey); err != nil {
			return err
		}
		sealed, err := getMeta(ctx, t, metaHashKey)
		if err != nil {
			return err
		}
		masters, err := s.masters(ctx, t, given, path, sealed == "")
		if err != nil {
			return err
		}
		if sealed == "" {
			sealed, err = vault.NewHashKey(masters)
		} else {
			sealed, err = vault.ResealHashKey(masters, sealed)
		}
		if err != nil {
			return otherKey(err, path)
		}
		if s.vault, err = vault.Unlock(masters, sealed); err != nil {
			return otherKey(err, path)
		}
		if err := setMeta(ctx, t, metaHashKey, sealed); err != nil {
			return err
		}
		return keepMasterIDs(ctx, t, masters)
	})
	if err != nil {
		return fmt.Errorf("open the vault: %w", err)
	}
	return nil
}

func givenMasters(text string) ([]vault.Master, error) {
	if text == "" {
		return nil, nil
	}
	masters, err := vault.ParseMasters(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", EnvMasterKey, err)
	}
	return masters, nil
}

// masters are those that were given and, behind them, the one that is kept: who
// gives a key to a store that has made its own need not carry the old one along.
func (s *Store) masters(ctx context.Context, t *tx, given []vault.Master, path string, fresh bool) ([]vault.Master, error) {
	kept, err := keptMaster(ctx, t, path)
	if err != nil {
		return nil, err
	}
	switch {
	case kept != nil && !slices.Contains(given, *kept):
		return append(slices.Clone(given), *kept), nil
	case len(given) > 0 || kept != nil:
		return given, nil
	case !fresh:
		return nil, otherKey(errors.New("no key is here"), path)
	}
	m := vault.NewMaster()
	if path == "" {
		return []vault.Master{m}, setMeta(ctx, t, metaMaster, m.Encode())
	}
	return []vault.Master{m}, writeMaster(path, m)
}

// keptMaster is the key in the data folder or, without one, in store_meta; nil: none.
func keptMaster(ctx context.Context, t *tx, path string) (*vault.Master, error) {
	var text string
	where := path
	if path == "" {
		where = "store_meta, " + metaMaster
		var err error
		if text, err = getMeta(ctx, t, metaMaster); err != nil {
			return nil, err
		}
	} else {
		raw, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the master key: %w", err)
		}
		text = string(raw)
	}
	if text == "" {
		return nil, nil
	}
	list, err := vault.ParseMasters(text)
	if err == nil && len(list) > 1 {
		err = errors.New("has several keys, want one")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; bring it back from a backup", where, err)
	}
	return &list[0], nil
}

// writeMaster writes the file whole or not at all: the key must be on disk before
// anything that only it opens. The store's lock keeps a second writer away.
func writeMaster(path string, m vault.Master) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make the master key: %w", err)
	}
	_, err = f.WriteString(m.Encode() + "\n")
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("make the master key: %w", err)
	}
	return nil
}

// syncFolder makes a new name in a folder last. Windows can't, and need not.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// otherKey words what somebody sees whose key does not fit.
func otherKey(err error, path string) error {
	where := path
	if where == "" {
		where = "store_meta"
	}
	return fmt.Errorf("%w: %w; set %s to the key that sealed it (several with commas between them, the new one first) or bring back %s from a backup",
		ErrSealedOtherwise, err, EnvMasterKey, where)
}

func setMeta(ctx context.Context, t *tx, name, value string) error {
	const set = `INSERT INTO store_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	if _, err := t.ExecContext(ctx, t.q(set), name, value); err != nil {
		return fmt.Errorf("keep %s of the store: %w", name, err)
	}
	return nil
}
