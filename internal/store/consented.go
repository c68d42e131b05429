package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"skand/conversion"
	"skand/forward"
	"skand/internal/vault"
)

// ledger is the consented side inside one transaction. Ids and identifiers that come
// in are hashed before they reach a statement; what has to be read again is sealed.
type ledger struct {
	s       *Store
	t       *tx
	rules   map[int64]*conversion.AppRules
	windows map[string]conversion.Windows
	out     []forward.Conversion // routed and written at the end, all at once
	// erasures: whether anybody was ever erased; nil: not asked yet.
	erasures *bool
	repeats  map[repeat]int64 // reports of what was known, counted at the end
}

var _ conversion.Ledger = (*ledger)(nil)

func newLedger(s *Store, t *tx) *ledger {
	return &ledger{s: s, t: t, rules: map[int64]*conversion.AppRules{}, windows: map[string]conversion.Windows{}}
}

// InLedger implements conversion.ConsentedStore.
func (s *Store) InLedger(ctx context.Context, apps []int64, alone bool, f func(conversion.Ledger) error) error {
	return s.main.in(ctx, func(t *tx) error {
		if err := holdApps(ctx, t, apps, alone); err != nil {
			return err
		}
		l := newLedger(s, t)
		if err := f(l); err != nil {
			return err
		}
		if err := l.flushRepeats(ctx); err != nil {
			return fmt.Errorf("count repeated reports: %w", err)
		}
		return l.flush(ctx)
	})
}

// holdApps makes transactions that decide about installs of an app run one after the
// other, so that a click and the install that names it can't miss each other. Those
// that decide nothing share. The apps are in order, or two could wait for each other.
// An erasure runs beside none of them. SQLite has one writer, which is stricter.
func holdApps(ctx context.Context, t *tx, apps []int64, alone bool) error {
	if t.dialect == sqlite {
		return nil
	}
	lock := `SELECT pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock_shared(hashtextextended($2, 0))`
	if alone {
		lock = `SELECT pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock(hashtextextended($2, 0))`
	}
	for _, app := range apps {
		if _, err := t.ExecContext(ctx, lock, eraseLock, fmt.Sprintf("consented/%d", app)); err != nil {
			return fmt.Errorf("hold app %d: %w", app, err)
		}
	}
	return nil
}

// Now implements conversion.Ledger.
func (l *ledger) Now() time.Time { return l.s.clock.Now() }

// hashOf is a keyed hash; NULL for nothing.
func (l *ledger) hashOf(kind, value string) sql.NullString {
	if value == "" {
		return sql.NullString{}
	}
	return sql.NullString{String: l.s.vault.Hash(kind, value), Valid: true}
}

func orNull(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// ItemID implements conversion.Keeper. No member of an item holds a NUL.
func (l *ledger) ItemID(kind string, parts ...string) string {
	return l.s.vault.Hash("made of "+kind, strings.Join(parts, "\x00"))
}

// sealJSON seals a value as a kind.
func (l *ledger) sealJSON(kind string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", kind, err)
	}
	return l.s.vault.Seal(kind, plain)
}

// openJSON is the opposite of sealJSON.
func (s *Store) openJSON(kind, sealed string, into any) error {
	plain, err := s.vault.Open(kind, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("read %s: %w", kind, err)
	}
	return nil
}

// added runs an INSERT … ON CONFLICT DO NOTHING RETURNING id.
func (l *ledger) added(ctx context.Context, what, text string, args ...any) (bool, error) {
	var id string
	err := l.get(ctx, &id, text, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("keep %s: %w", what, err)
	}
	return true, nil
}

// get, all and run are what every item needs, prepared once: parsing and planning
// would cost more than the rows.
func (l *ledger) get(ctx context.Context, into any, text string, args ...any) error {
	text = l.t.q(text)
	if stmt := l.t.prepared.get(text); stmt != nil {
		return l.t.StmtxContext(ctx, stmt).GetContext(ctx, into, args...) //nolint:sqlclosecheck // kept for every transaction to come; closed with the database
	}
	return l.t.GetContext(ctx, into, text, args...)
}

func (l *ledger) all(ctx context.Context, into any, text string, args ...any) error {
	text = l.t.q(text)
	if stmt := l.t.prepared.get(text); stmt != nil {
		return l.t.StmtxContext(ctx, stmt).SelectContext(ctx, into, args...) //nolint:sqlclosecheck // as above
	}
	return l.t.SelectContext(ctx, into, text, args...)
}

func (l *ledger) run(ctx context.Context, text string, args ...any) error {
	text = l.t.q(text)
	if stmt := l.t.prepared.get(text); stmt != nil {
		_, err := l.t.StmtxContext(ctx, stmt).ExecContext(ctx, args...)
		return err
	}
	_, err := l.t.ExecContext(ctx, text, args...)
	return err
}

// Enqueue implements conversion.Sender.
func (l *ledger) Enqueue(_ context.Context, out conversion.Outgoing) error {
	l.out = append(l.out, forward.Conversion{
		Kind: out.Kind, DedupKey: out.DedupKey, AppID: out.AppID, NetworkID: out.NetworkID,
		OccurredAt: out.OccurredAt, InstalledAt: out.InstalledAt, ClickedAt: out.ClickedAt,
		Fields: out.Fields, Att: out.Att, Refused: out.Refused, Limited: out.Limited, Subject: out.Subject,
		Flags: out.Flags, Review: out.Review, Rejection: out.Rejection,
	})
	return nil
}

// flush writes the deliveries of the transaction, app by app. Of two with one key the
// first stays, as if each had been written when it was handed over.
func (l *ledger) flush(ctx context.Context) error {
	for len(l.out) > 0 {
		app := l.out[0].AppID
		var own, others []forward.Conversion
		for _, c := range l.out {
			if c.AppID == app {
				own = append(own, c)
			} else {
				others = append(others, c)
			}
		}
		if err := l.s.enqueueConversions(ctx, l.t, own...); err != nil {
			return err
		}
		l.out = others
	}
	return nil
}

// kinds of hashes, by what they are of.
const (
	hashIDFA    = vault.IDFA
	hashIDFV    = vault.IDFV
	hashInstall = vault.Install
	hashEvent   = vault.Event
	hashClick   = vault.Click
)
