package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"skand/internal/vault"
)

// VaultPlace is where the master key lies, as a look finds it that changes nothing.
type VaultPlace struct {
	Where string // a variable, a file or a table; "" for a store that has no key yet
	Given bool   // it came with the Options
	Seals string // id of the key that seals
	Note  string // what could be tidied
	Open  bool   // the file can be read by others than its owner
	Err   error  // why the store would not open
}

func examineVault(ctx context.Context, d *db, o Options) *VaultPlace {
	v := &VaultPlace{Where: EnvMasterKey, Given: o.MasterKey != ""}
	given, err := givenMasters(o.MasterKey)
	if err != nil {
		v.Err = err
		return v
	}
	path := ""
	if dir, ok := strings.CutPrefix(o.Main, "sqlite:"); ok {
		path = filepath.Join(dir, masterFile)
	}
	v.Err = d.in(ctx, func(t *tx) error {
		sealed, err := getMeta(ctx, t, metaHashKey)
		if err != nil {
			return err
		}
		kept, err := keptMaster(ctx, t, path)
		if err != nil {
			return err
		}
		masters, err := v.judge(given, kept, path, sealed)
		if err != nil || len(masters) == 0 {
			return err
		}
		_, err = masterIDs(ctx, t, masters)
		return err
	})
	if info, err := os.Stat(path); path != "" && err == nil {
		v.Open = info.Mode().Perm()&0o077 != 0
	}
	return v
}

func (v *VaultPlace) judge(given []vault.Master, kept *vault.Master, path, sealed string) ([]vault.Master, error) {
	masters, place := slices.Clone(given), path
	if place == "" {
		place = "store_meta of the main database"
	}
	if kept != nil && !slices.Contains(given, *kept) {
		masters = append(masters, *kept)
		if v.Given {
			v.Note = "the key in " + place + " still opens what it sealed; after `skand migrate --reseal` take it away"
		}
	}
	switch {
	case !v.Given && kept == nil && sealed == "":
		v.Where = ""
		return nil, nil
	case !v.Given:
		v.Where = place
	}
	if len(masters) == 0 {
		return nil, otherKey(errors.New("no key is here"), path)
	}
	v.Seals = masters[0].ID()
	if sealed == "" {
		return masters, nil
	}
	if _, err := vault.Unlock(masters, sealed); err != nil {
		return nil, otherKey(err, path)
	}
	return masters, nil
}
