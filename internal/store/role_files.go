package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// keepToOwner takes the rights of group and others on a SQLite database and the files
// beside it: what a role is on PostgreSQL, on SQLite is a file's mode. Whoever may not
// change them is not their owner, and has been let in by the one who is.
func (d *db) keepToOwner(ctx context.Context) error {
	if d.dialect != sqlite {
		return nil
	}
	var path string
	if err := d.w.GetContext(ctx, &path, `SELECT file FROM pragma_database_list WHERE name = 'main'`); err != nil {
		return fmt.Errorf("find the file of the main store: %w", err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(path+suffix, info.Mode().Perm()&^0o077)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("keep the main store to its owner: %w", err)
		}
	}
	return nil
}
