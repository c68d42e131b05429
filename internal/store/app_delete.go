package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TagMatch names the states of a thing that a write may meet (If-Match).
type TagMatch struct {
	Any  bool
	Tags []string
}

func (m TagMatch) fits(tag string) bool { return m.Any || slices.Contains(m.Tags, tag) }

// AppState is an app as apply stored it. Tag is another one after every apply.
type AppState struct {
	Definition
	Tag string `json:"-"`
}

// AppDeletion says what may be deleted, and what goes with the app.
type AppDeletion struct {
	Match        TagMatch
	Destinations bool // its destinations, with what they still have to deliver
	Erase        bool // everything that was kept of it, but what keeps windows from being published twice
}

// AppDeleted is what a deletion did.
type AppDeleted struct {
	AppID        int64            `json:"app_id"`
	Destinations []string         `json:"destinations"`     // that went with the app
	Undelivered  int64            `json:"undelivered"`      // deliveries that will not be tried any more
	Erased       map[string]int64 `json:"erased,omitempty"` // rows by table
}

// StaleApp says that somebody applied in between; Current is what is stored.
type StaleApp struct{ Current AppState }

func (e *StaleApp) Error() string {
	return fmt.Sprintf("app %s was applied at %s; look at what is stored and delete it again on top of it",
		e.Current.ID, e.Current.UpdatedAt.Format(time.RFC3339))
}

// DestinationsLeft says that an app still forwards somewhere.
type DestinationsLeft struct {
	AppID int64
	IDs   []string
}

func (e *DestinationsLeft) Error() string {
	return fmt.Sprintf("app %d has destinations that would go on forwarding: %s; delete them with it (destinations=delete)",
		e.AppID, strings.Join(e.IDs, ", "))
}

// destinationDeleted is the reason of deliveries that were given up with their destination.
const destinationDeleted = "destination_deleted"

// App reads an app as apply stored it; ErrNoApp if nobody has described it.
func (s *Store) App(ctx context.Context, appID int64) (AppState, error) {
	return readAppState(ctx, s.main.r, appID, "")
}

func readAppState(ctx context.Context, from reader, appID int64, lock string) (AppState, error) {
	var row struct {
		Definition string `db:"definition"`
		UpdatedAt  int64  `db:"updated_at"`
	}
	err := getRow(ctx, from, &row, `SELECT definition, updated_at FROM app WHERE app_id = ?`+lock, appID)
	if errors.Is(err, sql.ErrNoRows) {
		return AppState{}, ErrNoApp
	}
	if err != nil {
		return AppState{}, fmt.Errorf("read app %d: %w", appID, err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", appID, row.UpdatedAt, row.Definition))
	return AppState{
		Definition: Definition{ID: fmt.Sprint(appID), UpdatedAt: at(row.UpdatedAt), Definition: json.RawMessage(row.Definition)},
		Tag:        hex.EncodeToString(sum[:12]),
	}, nil
}

// DeleteApp takes an app's description away, in one transaction. From its commit on
// postbacks for it are kept as those of an app that nobody described, and nothing of
// it is sealed; see stillDescribed.
//
// What stays for ever, for no second release of a window may come of deleting an app
// and adding it again: the ledger, the identities and the published releases; the
// history of its settings, or a new k would cut a window that has begun, and other
// windows would overlap the ledger's; and the versions of its schema, by whose number
// published rows name them. Postbacks that were counted and not sealed wait; applying
// the app again goes on where the ledger ends.
//
// With Erase it then deletes, in small transactions, every raw copy, counted postback,
// consented row, delivery and draft of the app. Identities stay, so that a copy of what
// was erased is a duplicate. An erasure that broke off is finished by asking again: for
// an app that is not described (any more) Erase needs no match.
//
// It returns ErrNoApp, a StaleApp or a DestinationsLeft, and then has done nothing.
func (s *Store) DeleteApp(ctx context.Context, appID int64, d AppDeletion) (AppDeleted, error) {
	done := AppDeleted{AppID: appID, Destinations: []string{}}
	err := s.main.in(ctx, func(t *tx) error {
		current, err := readAppState(ctx, t, appID, t.forUpdate())
		known := err == nil
		switch {
		case errors.Is(err, ErrNoApp) && d.Erase:
		case err != nil:
			return err
		case !d.Match.fits(current.Tag):
			return &StaleApp{current}
		}
		if err := deleteDestinations(ctx, t, d.Destinations, ms(s.clock.Now()), &done); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, t.q(`DELETE FROM app WHERE app_id = ?`), appID); err != nil {
			return fmt.Errorf("delete app %d: %w", appID, err)
		}
		action, told := ActAppDelete, map[string]any{"destinations": done.Destinations, "undelivered": done.Undelivered, "erase": d.Erase}
		if !known {
			action = ActAppErase
		}
		return audit(ctx, t, actor(ctx, "store"), s.clock.Now(), act{action, appID, fmt.Sprintf("app %d", appID), told})
	})
	if err != nil || !d.Erase {
		return done, err
	}
	done.Erased, err = s.eraseApp(ctx, appID)
	return done, err
}

// deleteDestinations gives up what the app still has to deliver. The rows stay, so that
// nothing is delivered twice should a destination come back under its old name.
func deleteDestinations(ctx context.Context, t *tx, may bool, now int64, done *AppDeleted) error {
	var ids []string
	const list = `SELECT id FROM destination WHERE app_id = ? ORDER BY id`
	if err := t.SelectContext(ctx, &ids, t.q(list+t.forUpdate()), done.AppID); err != nil {
		return fmt.Errorf("destinations of app %d: %w", done.AppID, err)
	}
	if len(ids) == 0 {
		return nil
	}
	if !may {
		return &DestinationsLeft{done.AppID, ids}
	}
	done.Destinations = ids
	if _, err := t.ExecContext(ctx, t.q(`DELETE FROM destination WHERE app_id = ?`), done.AppID); err != nil {
		return fmt.Errorf("delete destinations of app %d: %w", done.AppID, err)
	}
	if _, err := t.ExecContext(ctx, t.q(`DELETE FROM destination_secret WHERE app_id = ?`), done.AppID); err != nil {
		return fmt.Errorf("delete what destinations of app %d sign with: %w", done.AppID, err)
	}
	if _, err := t.ExecContext(ctx, t.q(`DELETE FROM destination_version WHERE app_id = ?`), done.AppID); err != nil {
		return fmt.Errorf("delete what was saved of destinations of app %d: %w", done.AppID, err)
	}
	const giveUp = `UPDATE outbox SET state = 'expired', reason = '` + destinationDeleted + `', leased_until = NULL, settled_at = ?
		WHERE app_id = ? AND ` + waiting
	res, err := t.ExecContext(ctx, t.q(giveUp), now, done.AppID)
	if err != nil {
		return fmt.Errorf("give up deliveries of app %d: %w", done.AppID, err)
	}
	if done.Undelivered, err = res.RowsAffected(); err != nil {
		return fmt.Errorf("give up deliveries of app %d: %w", done.AppID, err)
	}
	return nil
}

// stillDescribed returns ErrNoApp for an app that was deleted after the sealer had
// listed it, and else holds it: a deletion waits until the window is in the ledger.
func stillDescribed(ctx context.Context, t *tx, appID int64) error {
	lock := ""
	if t.dialect == postgres {
		lock = " FOR KEY SHARE" // against deletions, not against an apply
	}
	var id int64
	err := t.GetContext(ctx, &id, t.q(`SELECT app_id FROM app WHERE app_id = ?`+lock), appID)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("app %d was deleted meanwhile, and of a deleted app nothing is sealed: %w", appID, ErrNoApp)
	}
	if err != nil {
		return fmt.Errorf("look up app %d: %w", appID, err)
	}
	return nil
}
