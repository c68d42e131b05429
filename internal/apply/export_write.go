package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// ErrNotEmpty is returned instead of writing beside files that are there already.
var ErrNotEmpty = errors.New("the folder is not empty")

// ownName is what Files may call a file.
var ownName = regexp.MustCompile(`^((apps|networks|destinations|trusted_keys|forward)\.(yaml|json)|schemas/app-[0-9]+\.json)$`)

// WriteFiles writes an export into dir, which it makes if need be. Where something
// is there already it returns ErrNotEmpty and writes nothing, unless replace is
// set: then files of the same names are replaced, and those of an earlier export
// that this one no longer has are removed, for apply would read them too. Other
// files stay. Each file appears whole or not at all.
func WriteFiles(dir string, files []File, replace bool) error {
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export to %s: %w", dir, err)
	}
	if len(there) > 0 && !replace {
		return ErrNotEmpty
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(f.Name)), f.Text); err != nil {
			return fmt.Errorf("export to %s: %w", dir, err)
		}
	}
	if err := removeOld(dir, files); err != nil {
		return fmt.Errorf("export to %s: %w", dir, err)
	}
	return nil
}

// writeFile writes beside the file and renames. Addresses of destinations may hold
// keys of networks, so that nobody else may read it.
func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".skand-export-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func removeOld(dir string, files []File) error {
	for _, sub := range []string{"", schemaFolder} {
		there, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range there {
			name := filepath.ToSlash(filepath.Join(sub, e.Name()))
			if !ownName.MatchString(name) || slices.ContainsFunc(files, func(f File) bool { return f.Name == name }) {
				continue
			}
			if err := os.Remove(filepath.Join(dir, sub, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
