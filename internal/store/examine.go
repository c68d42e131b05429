package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"skand/skan"
)

// Examination is what a look at both stores finds. It changes nothing: no folder,
// database or table is made, nothing is migrated.
type Examination struct {
	Main, Published Place
	Lab             bool
	LabOffset       time.Duration
	ServerTime      time.Time         // of PostgreSQL; zero on SQLite
	Trusted         []skan.TrustedKey // beside Apple's
	AllowPrivate    []netip.Prefix
	Settings        error // why Lab, Trusted and AllowPrivate could not be read
	Destinations    []DestinationSecrets
	Forwarding      error // why Destinations could not be read
	Accounts        AccountsPlace
	Vault           *VaultPlace // nil: there is no main store to look at
	Same            bool        // the published store lies in the main one's database
}

// AccountsPlace is who can sign in.
type AccountsPlace struct {
	All, Admins int   // admins that are enabled and of every app
	Unknown     error // why they could not be counted
}

// Place is one of the two stores.
type Place struct {
	Where           string // without passwords
	Folder          string // of SQLite
	Absent          bool   // SQLite: nothing is there yet
	Version, Newest int64  // of the migrations: in the store, in this build
	Reach           error
	Write           error // why nothing can be written
	FreeBytes       uint64
	Free            error // why FreeBytes is not known
}

// Examine looks at the stores that o names. What is wrong is in the Examination.
func Examine(ctx context.Context, o Options) Examination {
	if o.Published == "" {
		o.Published = PublishedBeside(o.Main)
	}
	var x Examination
	x.Main = look(ctx, o.Main, "skand.db", "", func(d *db) error {
		x.Settings = x.read(ctx, d)
		x.Destinations, x.Forwarding = (&Store{main: d}).destinationSecrets(ctx)
		x.Accounts.All, x.Accounts.Admins, x.Accounts.Unknown = accountCounts(ctx, d.r)
		x.Vault = examineVault(ctx, d, o)
		return tryWrite(ctx, d, `UPDATE store_meta SET value = value WHERE name = ''`)
	})
	x.Published = look(ctx, o.Published, "published.db", "published_", func(d *db) error {
		if d.dialect == postgres {
			// Two URLs may lead to one database; the configuration can't see that.
			if err := d.r.GetContext(ctx, &x.Same, `SELECT to_regclass('public.postback') IS NOT NULL`); err != nil {
				return fmt.Errorf("look for raw rows: %w", err)
			}
		}
		return tryWrite(ctx, d, `UPDATE `+d.table("release")+` SET lab = lab WHERE release_id = ''`)
	})
	return x
}

func look(ctx context.Context, location, file, set string, write func(*db) error) Place {
	p := Place{Where: redact(location)}
	if dir, ok := strings.CutPrefix(location, "sqlite:"); ok {
		p.Where, p.Folder = filepath.Join(dir, file), dir
		p.FreeBytes, p.Free = freeBytes(dir)
		if _, err := os.Stat(p.Where); err != nil {
			p.Absent = errors.Is(err, os.ErrNotExist)
			if !p.Absent {
				p.Reach = err
			}
			return p
		}
	}
	d, err := openDB(ctx, location, file)
	if err != nil {
		p.Reach = err
		return p
	}
	p.Version, p.Newest, p.Reach = versions(ctx, d, set+string(d.dialect))
	if p.Reach == nil && p.Version > 0 {
		p.Write = write(d)
	}
	p.Reach = errors.Join(p.Reach, d.close())
	return p
}

// versions reads goose's table by hand: the provider would make it.
func versions(ctx context.Context, d *db, set string) (have, newest int64, err error) {
	entries, err := migrations.ReadDir("migrations/" + set)
	if err != nil {
		return 0, 0, fmt.Errorf("migrations of %s: %w", set, err)
	}
	for _, e := range entries {
		n, err := goose.NumericComponent(e.Name())
		if err != nil {
			return 0, 0, fmt.Errorf("migrations of %s: %w", set, err)
		}
		newest = max(newest, n)
	}
	exists := `SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = 'goose_db_version'`
	if d.dialect == postgres {
		exists = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	}
	var made bool
	if err := d.r.GetContext(ctx, &made, exists); err != nil {
		return 0, newest, fmt.Errorf("read the version: %w", err)
	}
	if !made {
		return 0, newest, nil
	}
	// The row of version 0 is goose's own.
	if err := d.r.GetContext(ctx, &have, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`); err != nil {
		return 0, newest, fmt.Errorf("read the version: %w", err)
	}
	return have, newest, nil
}

var errUndo = errors.New("undo")

// tryWrite writes what it then takes back: it finds a missing grant, a read-only
// replica and a file of another user, though not a disk that is almost full.
func tryWrite(ctx context.Context, d *db, text string) error {
	err := d.in(ctx, func(t *tx) error {
		if _, err := t.ExecContext(ctx, text); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

func (x *Examination) read(ctx context.Context, d *db) error {
	s := &Store{main: d}
	var keys, allow error
	x.Trusted, keys = s.TrustedKeys(ctx)
	x.AllowPrivate, allow = s.AllowPrivate(ctx)
	return errors.Join(x.readMeta(ctx, d), keys, allow)
}

func (x *Examination) readMeta(ctx context.Context, d *db) error {
	if d.dialect == postgres {
		var now float64
		if err := d.r.GetContext(ctx, &now, `SELECT EXTRACT(EPOCH FROM clock_timestamp())`); err != nil {
			return fmt.Errorf("read the server's clock: %w", err)
		}
		x.ServerTime = at(int64(now * 1000))
	}
	return d.in(ctx, func(t *tx) error {
		is, err := getMeta(ctx, t, "lab")
		if err != nil {
			return err
		}
		x.Lab = is == "true"
		off, err := getMeta(ctx, t, "lab_offset_ms")
		if err != nil || off == "" {
			return err
		}
		ms, err := strconv.ParseInt(off, 10, 64)
		if err != nil {
			return fmt.Errorf("lab clock of the store: %w", err)
		}
		x.LabOffset = time.Duration(ms) * time.Millisecond
		return nil
	})
}

// freeBytes is what an unprivileged process may still write below dir, or below
// the nearest folder above it that is there.
func freeBytes(dir string) (uint64, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return 0, err
	}
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return diskFree(dir)
		}
		dir = filepath.Dir(dir)
	}
}
