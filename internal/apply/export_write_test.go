package apply_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

// contents is every file below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		m[filepath.ToSlash(name)] = string(text)
		return err
	})
	require.NoError(t, err)
	return m
}

func TestWriteFilesLeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"notes.txt": "mine"})
	files := []apply.File{{Name: "apps.yaml", Text: []byte("apps: []\n")}}
	require.ErrorIs(t, apply.WriteFiles(dir, files, false), apply.ErrNotEmpty)
	require.Equal(t, map[string]string{"notes.txt": "mine"}, contents(t, dir))

	empty := t.TempDir()
	require.NoError(t, apply.WriteFiles(empty, files, false), "an empty folder is as good as none")
	require.Equal(t, map[string]string{"apps.yaml": "apps: []\n"}, contents(t, empty))
}

// Replacing removes what an earlier export wrote, or apply would read both.
func TestWriteFilesReplaces(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"notes.txt": "mine", "apps.yaml": "old", "networks.json": "old", "schemas/app-7.json": "old",
		"schemas/app-8.json": "old", "schemas/mine.json": "mine", "extra.yaml": "mine",
	})
	require.NoError(t, apply.WriteFiles(dir, []apply.File{
		{Name: "apps.yaml", Text: []byte("new")}, {Name: "networks.yaml", Text: []byte("new")}, {Name: "schemas/app-8.json", Text: []byte("new")},
	}, true))
	require.Equal(t, map[string]string{
		"notes.txt": "mine", "apps.yaml": "new", "networks.yaml": "new", "schemas/app-8.json": "new", "schemas/mine.json": "mine", "extra.yaml": "mine",
	}, contents(t, dir))
	info, err := os.Stat(filepath.Join(dir, "apps.yaml"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "addresses may hold keys of networks")
}

// A file that can't be written leaves no half of itself.
func TestWriteFilesFails(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"schemas": "a file where a folder has to be"})
	err := apply.WriteFiles(dir, []apply.File{{Name: "schemas/app-1.json"}}, true)
	require.ErrorContains(t, err, dir)
	dir = t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "apps.yaml", "x"), 0o700))
	require.ErrorContains(t, apply.WriteFiles(dir, []apply.File{{Name: "apps.yaml"}}, true), "apps.yaml")
	require.Empty(t, contents(t, dir))
}
