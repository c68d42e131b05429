package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"skand/forward"
	"skand/internal/vault"
)

// What is done to the secrets of destinations, as the audit log calls it.
const (
	ActSecretSet    = "secret.set"
	ActSecretRotate = "secret.rotate"
	ActSecretEnd    = "secret.end"
)

// maxSecrets is how many of one purpose may be in force at a time: each makes every
// request of the destination longer.
const maxSecrets = 5

// fingerprintShown is how much of a fingerprint people see.
const fingerprintShown = 12

var (
	// ErrManySecrets says that too many older secrets are still valid.
	ErrManySecrets = errors.New("five secrets are in force; end the older ones first")
	// ErrSecretUnfit wraps what is wrong with a value; it never repeats it.
	ErrSecretUnfit = errors.New("the secret does not fit the destination")
)

// SecretInfo is what is told of a secret: everything but its value.
type SecretInfo struct {
	Destination string     `json:"destination"`
	Purpose     string     `json:"purpose"`     // signing, oauth
	Fingerprint string     `json:"fingerprint"` // of a keyed hash: the same value has the same one in this store
	Env         string     `json:"env,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	CreatedBy   string     `json:"created_by"`
	ExpiresAt   *time.Time `json:"expires_at"` // null: it is the current one
}

type secretRow struct {
	Purpose     string        `db:"purpose"`
	Fingerprint string        `db:"fingerprint"`
	Sealed      string        `db:"sealed"`
	Env         string        `db:"env"`
	CreatedAt   int64         `db:"created_at"`
	CreatedBy   string        `db:"created_by"`
	ExpiresAt   sql.NullInt64 `db:"expires_at"`
}

// live reports whether the secret is in force.
func (r secretRow) live(now time.Time) bool { return !r.ExpiresAt.Valid || r.ExpiresAt.Int64 > ms(now) }

func (r secretRow) info(destination string) SecretInfo {
	return SecretInfo{
		Destination: destination, Purpose: r.Purpose, Fingerprint: r.Fingerprint[:fingerprintShown], Env: r.Env,
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, ExpiresAt: timeOrNil(atOrZero(r.ExpiresAt)),
	}
}

// secretsSQL lists a destination's secrets, also ended ones, the newest first.
const secretsSQL = `SELECT s.purpose, s.fingerprint, s.sealed, s.env, s.created_at, s.created_by, s.expires_at
	FROM destination d JOIN destination_secret s ON s.app_id = d.app_id AND s.destination_id = d.id
	WHERE d.id = ?
	ORDER BY s.purpose, CASE WHEN s.expires_at IS NULL THEN 0 ELSE 1 END, s.expires_at DESC, s.created_at DESC, s.fingerprint`

func secretRows(ctx context.Context, from selecter, id string) (rows []secretRow, err error) {
	if err := from.SelectContext(ctx, &rows, from.Rebind(secretsSQL), id); err != nil {
		return nil, fmt.Errorf("read the secrets of destination %q: %w", id, err)
	}
	return rows, nil
}

// Secrets implements forward.SecretSource.
func (s *Store) Secrets(ctx context.Context, destinationID string) ([]forward.Secret, error) {
	rows, err := secretRows(ctx, s.main.r, destinationID)
	if err != nil {
		return nil, err
	}
	var out []forward.Secret
	for _, r := range rows {
		if !r.live(s.clock.Now()) || r.Sealed == "" {
			continue
		}
		value, err := s.vault.Open(kindSecret, r.Sealed)
		if err != nil {
			return nil, fmt.Errorf("open the secret %s of destination %q: %w", r.Fingerprint[:fingerprintShown], destinationID, err)
		}
		out = append(out, forward.Secret{Purpose: r.Purpose, Env: r.Env, Value: string(value), ExpiresAt: atOrZero(r.ExpiresAt)})
	}
	return out, nil
}

// SecretInfos lists a destination's secrets in force, the newest first of each
// purpose; ErrNoDestination if there is no such destination.
func (s *Store) SecretInfos(ctx context.Context, id string) ([]SecretInfo, error) {
	out := []SecretInfo{}
	err := s.main.in(ctx, func(t *tx) error {
		if _, err := heldDestination(ctx, t, id, ""); err != nil {
			return err
		}
		rows, err := secretRows(ctx, t, id)
		for _, r := range rows {
			if r.live(s.clock.Now()) {
				out = append(out, r.info(id))
			}
		}
		return err
	})
	return out, err
}

// heldDestination reads a destination that must be there, in lock.
func heldDestination(ctx context.Context, t *tx, id, lock string) (forward.Registered, error) {
	if !fitsText(id) {
		return forward.Registered{}, ErrNoDestination
	}
	r, ok, err := readDestination(ctx, t, id, lock)
	if err == nil && !ok {
		err = ErrNoDestination
	}
	return r, err
}

func (s *Store) fingerprint(value string) string { return s.vault.Hash(vault.Secret, value) }

// forgetEndedSecrets throws the values of ended secrets away.
func (s *Store) forgetEndedSecrets(ctx context.Context) error {
	const forget = `UPDATE destination_secret SET sealed = '' WHERE expires_at <= ? AND sealed <> ''`
	if _, err := s.main.w.ExecContext(ctx, s.main.q(forget), ms(s.clock.Now())); err != nil {
		return fmt.Errorf("forget ended secrets: %w", err)
	}
	return nil
}
