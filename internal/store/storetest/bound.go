// Package storetest owns new stores for tests outside of package store, and looks
// into the stores for tests of the whole program, at what no command and no route of
// it tells. It refuses to write into them, and nothing but tests imports it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	_ "github.com/lib/pq"  // the drivers of the stores
	_ "modernc.org/sqlite" // likewise
)

// Bound is what the value of one counted postback was decoded with.
type Bound struct {
	Version int // of the app's schema; 0: none
	Flags   []string
	Sealed  bool
}

// Bounds reads the counted postbacks of an app from the main store at location, which
// is written as --db is: by the hash of their identity, in production alone.
func Bounds(ctx context.Context, location string, appID int64) (found map[string]Bound, err error) {
	db, err := openReading(location, "skand.db")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT identity, schema_version, flags, sealed_in IS NOT NULL FROM counted_postback
		WHERE app_id = $1 AND environment = 'production' AND decoded_at IS NOT NULL`, appID)
	if err != nil {
		return nil, fmt.Errorf("look into the store: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = map[string]Bound{}
	for rows.Next() {
		var identity []byte
		var flags string
		var b Bound
		if err := rows.Scan(&identity, &b.Version, &flags, &b.Sealed); err != nil {
			return nil, fmt.Errorf("look into the store: %w", err)
		}
		b.Flags = strings.Fields(flags)
		found[string(identity)] = b
	}
	return found, rows.Err()
}
