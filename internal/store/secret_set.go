package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"skand/forward"
)

// NewSecret is a secret to be set.
type NewSecret struct {
	Purpose string // signing, oauth
	Value   string
	Overlap time.Duration // how long those before it stay in force; 0: they end now
	env     string        // where apply read it
}

// SetSecret makes a value the current secret of a destination, seals it, and tells the
// audit log, without the value. What was held for want of it is due at once. It
// returns ErrNoDestination, ErrSecretUnfit or ErrManySecrets, and then has done nothing.
func (s *Store) SetSecret(ctx context.Context, id string, n NewSecret) (SecretInfo, error) {
	return s.changeSecret(ctx, id, ActSecretSet, func(d forward.Destination) (NewSecret, error) { return n, nil })
}

// RotatedSecret is a secret that was just made, and what its receiver needs of it: the
// value itself, or of a private key (which stays here) the public half.
type RotatedSecret struct {
	SecretInfo
	Secret    string          `json:"secret,omitempty"`
	PublicKey json.RawMessage `json:"public_key,omitempty"` // a JWK
}

// RotateSecret is SetSecret with a new random value.
func (s *Store) RotateSecret(ctx context.Context, id string, overlap time.Duration) (done RotatedSecret, err error) {
	done.SecretInfo, err = s.changeSecret(ctx, id, ActSecretRotate, func(d forward.Destination) (NewSecret, error) {
		value, err := d.NewSecret()
		if err != nil {
			return NewSecret{}, err
		}
		if d.Signing == forward.SigningJWS {
			done.PublicKey, err = forward.PublicJWK(value)
		} else {
			done.Secret = value
		}
		return NewSecret{Purpose: forward.PurposeSigning, Value: value, Overlap: overlap}, err
	})
	if err != nil {
		return RotatedSecret{}, err
	}
	return done, nil
}

func (s *Store) changeSecret(ctx context.Context, id, action string, make func(forward.Destination) (NewSecret, error)) (SecretInfo, error) {
	var done SecretInfo
	err := s.main.in(ctx, func(t *tx) error {
		r, err := heldDestination(ctx, t, id, t.forUpdate())
		if err != nil {
			return err
		}
		n, err := make(r.Destination)
		if err != nil {
			return err
		}
		by, now := actor(ctx, "skand secret"), s.clock.Now()
		if done, err = s.setSecret(ctx, t, r, n, by.Who, now); err != nil {
			return err
		}
		return audit(ctx, t, by, now, act{action, r.Destination.AppID, "destination " + id, map[string]any{
			"purpose": done.Purpose, "fingerprint": done.Fingerprint, "overlap": n.Overlap.String(),
		}})
	})
	return done, err
}

// setSecret works on a destination whose row the caller holds.
func (s *Store) setSecret(ctx context.Context, t *tx, r forward.Registered, n NewSecret, by string, now time.Time) (SecretInfo, error) {
	const put = `INSERT INTO destination_secret (app_id, destination_id, purpose, fingerprint, sealed, env, created_at, created_by, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)
		ON CONFLICT (app_id, destination_id, purpose, fingerprint) DO UPDATE SET sealed = excluded.sealed, env = excluded.env,
			created_at = excluded.created_at, created_by = excluded.created_by, expires_at = NULL`
	d := r.Destination
	if err := d.CheckSecret(n.Purpose, n.Value); err != nil {
		return SecretInfo{}, fmt.Errorf("%w: %w", ErrSecretUnfit, err)
	}
	fresh := secretRow{Purpose: n.Purpose, Fingerprint: s.fingerprint(n.Value), Env: n.env, CreatedAt: ms(now), CreatedBy: by}
	rows, err := secretRows(ctx, t, d.ID)
	if err != nil {
		return SecretInfo{}, err
	}
	others := 0
	for _, old := range rows {
		if old.Purpose == n.Purpose && old.Fingerprint != fresh.Fingerprint && old.live(now) {
			others++
		}
	}
	if n.Overlap > 0 && others >= maxSecrets {
		return SecretInfo{}, ErrManySecrets
	}
	if fresh.Sealed, err = s.vault.Seal(kindSecret, []byte(n.Value)); err != nil {
		return SecretInfo{}, err
	}
	if err := endSecrets(ctx, t, d, n.Purpose, now, now.Add(n.Overlap)); err != nil {
		return SecretInfo{}, err
	}
	_, err = t.ExecContext(ctx, t.q(put), d.AppID, d.ID, fresh.Purpose, fresh.Fingerprint, fresh.Sealed, fresh.Env, fresh.CreatedAt, fresh.CreatedBy)
	if err != nil {
		return SecretInfo{}, fmt.Errorf("set a secret of destination %q: %w", d.ID, err)
	}
	return fresh.info(d.ID), s.secretRepairs(ctx, t, r, now)
}

// endSecrets lets the secrets of a purpose end no later than at a time, and throws the
// values of those away that have ended.
func endSecrets(ctx context.Context, t *tx, d forward.Destination, purpose string, now, last time.Time) error {
	const (
		end    = `UPDATE destination_secret SET expires_at = ? WHERE app_id = ? AND destination_id = ? AND purpose = ? AND (expires_at IS NULL OR expires_at > ?)`
		forget = `UPDATE destination_secret SET sealed = '' WHERE app_id = ? AND destination_id = ? AND expires_at <= ?`
	)
	if _, err := t.ExecContext(ctx, t.q(end), ms(last), d.AppID, d.ID, purpose, ms(last)); err != nil {
		return fmt.Errorf("end secrets of destination %q: %w", d.ID, err)
	}
	if _, err := t.ExecContext(ctx, t.q(forget), d.AppID, d.ID, ms(now)); err != nil {
		return fmt.Errorf("forget secrets of destination %q: %w", d.ID, err)
	}
	return nil
}

// secretRepairs lets go what waited for a better secret. Only an operator enables what
// is disabled.
func (s *Store) secretRepairs(ctx context.Context, t *tx, r forward.Registered, now time.Time) error {
	id := r.Destination.ID
	if _, err := t.ExecContext(ctx, t.q(`UPDATE destination SET key_missing_at = NULL WHERE id = ?`), id); err != nil {
		return fmt.Errorf("note the secret of destination %q: %w", id, err)
	}
	if r.DisabledReason != "" || !r.Destination.Enabled {
		return nil
	}
	state, _ := r.State()
	if err := saveStanding(ctx, t, id, r.Standing().Resumed(at(ms(now)))); err != nil {
		return err
	}
	_, err := dueAtOnce(ctx, t, r.Destination.AppID, id, now, state != forward.DestinationActive)
	return err
}

// EndOldSecrets ends at once what was replaced and is still in force, of both purposes,
// and tells the audit log. The current secrets stay.
func (s *Store) EndOldSecrets(ctx context.Context, id string) (ended int64, err error) {
	const end = `UPDATE destination_secret SET expires_at = ?, sealed = '' WHERE app_id = ? AND destination_id = ? AND expires_at > ?`
	err = s.main.in(ctx, func(t *tx) error {
		r, err := heldDestination(ctx, t, id, t.forUpdate())
		if err != nil {
			return err
		}
		now := s.clock.Now()
		res, err := t.ExecContext(ctx, t.q(end), ms(now), r.Destination.AppID, id, ms(now))
		if err == nil {
			ended, err = res.RowsAffected()
		}
		if err != nil {
			return fmt.Errorf("end secrets of destination %q: %w", id, err)
		}
		return audit(ctx, t, actor(ctx, "skand secret"), now, act{ActSecretEnd, r.Destination.AppID, "destination " + id, map[string]any{"ended": ended}})
	})
	return ended, err
}
