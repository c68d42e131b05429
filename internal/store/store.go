package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"skand/internal/clock"
	"skand/internal/vault"
)

// Store is the main and the published store together.
type Store struct {
	main, pub *db
	clock     clock.Clock
	vault     *vault.Keyring
	lab       bool
	offset    time.Duration
	patience  time.Duration // with models; see AwaitModels
	schemas   schemaMemory
	standings standings
}

// Options say where the stores are and how they are opened.
type Options struct {
	Main      string // sqlite:DIR or postgres://…
	Published string // default: PublishedBeside(Main)
	MasterKey string // as EnvMasterKey has it: the first seals; "": the store keeps one of its own
	Lab       LabMode
	Clock     clock.Clock
}

// LabMode says what the opener wants of a store that may be a lab.
type LabMode int

// AsIs takes the store as it was made and decides nothing; Lab and Production
// decide for a new store, for ever, and refuse one that was made as the other.
const (
	AsIs LabMode = iota
	Production
	Lab
)

// ErrNotLab and ErrIsLab are returned when a store was made as the other.
var (
	ErrNotLab = errors.New("this data store was created without --lab and can never become a lab: start --lab with an empty one")
	ErrIsLab  = errors.New("this data store was created with --lab and stays a lab: start with --lab, or with an empty store")
)

// Open opens both stores and brings them to the newest version.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Published == "" {
		o.Published = PublishedBeside(o.Main)
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	main, err := openDB(ctx, o.Main, "skand.db")
	if err != nil {
		return nil, err
	}
	s := &Store{main: main, clock: o.Clock}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	if _, err := migrate(ctx, s.main, string(s.main.dialect)); err != nil {
		return err
	}
	if err := s.main.keepToOwner(ctx); err != nil {
		return err
	}
	if err := s.openVault(ctx, o); err != nil {
		return err
	}
	if err := s.sealConsented(ctx); err != nil {
		return err
	}
	if err := s.sealOldDeliveries(ctx); err != nil {
		return err
	}
	if s.main.dialect == postgres {
		if err := ensureDatabase(ctx, s.main, o.Published); err != nil {
			return err
		}
	}
	pub, err := openDB(ctx, o.Published, "published.db")
	if err != nil {
		return err
	}
	s.pub = pub
	if _, err := migrate(ctx, pub, "published_"+string(pub.dialect)); err != nil {
		return err
	}
	if err := s.readMeta(ctx, o.Lab); err != nil {
		return err
	}
	if err := s.packMissing(ctx); err != nil {
		return err
	}
	if err := s.publishDictionary(ctx); err != nil {
		return err
	}
	if err := s.publishAllNames(ctx); err != nil {
		return err
	}
	if _, _, err := s.MakePartitions(ctx); err != nil && !errors.Is(err, errMayNotCreate) {
		return err
	}
	return nil
}

// Close closes both stores.
func (s *Store) Close() error {
	var err error
	if s.pub != nil {
		err = s.pub.close()
	}
	return errors.Join(err, s.main.close())
}

// Committers is how many commits of postbacks are worth running at once: SQLite has
// one writer; on PostgreSQL two keep it busy while the other's answers go out.
func (s *Store) Committers() int {
	if s.main.dialect == sqlite {
		return 1
	}
	return 2
}

// UseClock hands the store the clock of the program, once it is known whether
// this is a lab.
func (s *Store) UseClock(c clock.Clock) { s.clock = c }

// Ready answers whether both stores can be reached and the main one written.
func (s *Store) Ready(ctx context.Context) error {
	const touch = `INSERT INTO store_meta (name, value) VALUES ('ready_at', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	_, err := s.main.w.ExecContext(ctx, s.main.q(touch), strconv.FormatInt(s.clock.Now().UnixMilli(), 10))
	if err != nil {
		return fmt.Errorf("main store: %w", err)
	}
	if err := s.pub.r.PingContext(ctx); err != nil {
		return fmt.Errorf("published store: %w", err)
	}
	return nil
}

// Lab reports whether the store was created as a lab, and how far its clock has
// been moved.
func (s *Store) Lab() (bool, time.Duration) { return s.lab, s.offset }

func (s *Store) readMeta(ctx context.Context, mode LabMode) error {
	return s.main.in(ctx, func(t *tx) error {
		if mode != AsIs {
			// The first opening that wants to know decides for ever.
			const decide = `INSERT INTO store_meta (name, value) VALUES ('lab', ?) ON CONFLICT (name) DO NOTHING`
			if _, err := t.ExecContext(ctx, t.q(decide), strconv.FormatBool(mode == Lab)); err != nil {
				return fmt.Errorf("mark the store: %w", err)
			}
		}
		is, err := getMeta(ctx, t, "lab")
		if err != nil {
			return err
		}
		s.lab = is == "true"
		switch {
		case mode == Lab && !s.lab:
			return ErrNotLab
		case mode == Production && s.lab:
			return ErrIsLab
		}
		off, err := getMeta(ctx, t, "lab_offset_ms")
		if err != nil || off == "" {
			return err
		}
		ms, err := strconv.ParseInt(off, 10, 64)
		if err != nil {
			return fmt.Errorf("lab clock of the store: %w", err)
		}
		s.offset = time.Duration(ms) * time.Millisecond
		return nil
	})
}

// SaveLabOffset keeps how far the lab clock is ahead, so that a restart does not
// go back in time.
func (s *Store) SaveLabOffset(ctx context.Context, offset time.Duration) error {
	const save = `INSERT INTO store_meta (name, value) VALUES ('lab_offset_ms', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	_, err := s.main.w.ExecContext(ctx, s.main.q(save), strconv.FormatInt(offset.Milliseconds(), 10))
	if err != nil {
		return fmt.Errorf("keep the lab clock: %w", err)
	}
	return nil
}

func getMeta(ctx context.Context, t *tx, name string) (string, error) {
	var v string
	err := t.GetContext(ctx, &v, t.q(`SELECT value FROM store_meta WHERE name = ?`), name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s of the store: %w", name, err)
	}
	return v, nil
}

// ms is a time as the stores keep it: milliseconds since 1970, UTC.
func ms(t time.Time) int64 { return t.UnixMilli() }

// at is the opposite of ms.
func at(v int64) time.Time { return time.UnixMilli(v).UTC() }
