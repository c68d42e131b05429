package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"skand/internal/store"
)

// New gives the location of a new store on SQLite, migrated and empty, in a folder
// that goes with the test. Migrating is most of what opening a new one costs, so it
// is done once, and tests get copies; those of migrations make theirs.
func New(t testing.TB) string {
	t.Helper()
	files, err := migrated()
	if err != nil {
		t.Fatalf("make a store for tests: %v", err)
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatalf("make a store for tests: %v", err)
		}
	}
	return "sqlite:" + dir
}

// migrated is a store that was opened by one who decides nothing, and closed, which
// leaves all of it in a few files.
var migrated = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "skand-template-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := store.Open(context.Background(), store.Options{Main: "sqlite:" + dir, Lab: store.AsIs})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	for _, file := range there {
		if files[file.Name()], err = os.ReadFile(filepath.Join(dir, file.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
})
