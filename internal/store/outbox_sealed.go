package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"skand/forward"
	"skand/internal/vault"
)

// What a delivery carries and what was answered to it may be a person's: answers
// often repeat the request. Both are sealed; an empty one stays empty.

func (s *Store) sealFields(fields map[string]string) (string, error) {
	plain, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	return s.vault.Seal(kindFields, plain)
}

// openFields reads what an earlier version wrote in clear, too, and what retention
// has emptied.
func (s *Store) openFields(text string) (map[string]string, error) {
	if text == "" {
		return map[string]string{}, nil
	}
	plain := []byte(text)
	if !strings.HasPrefix(text, "{") {
		var err error
		if plain, err = s.vault.Open(kindFields, text); err != nil {
			return nil, err
		}
	}
	var fields map[string]string
	if err := json.Unmarshal(plain, &fields); err != nil {
		return nil, err
	}
	return fields, nil
}

func (s *Store) sealAnswer(answer string) (string, error) {
	if answer == "" {
		return "", nil
	}
	return s.vault.Seal(kindAnswer, []byte(answer))
}

func (s *Store) openAnswer(text string) (string, error) {
	if !vault.Sealed(text) {
		return text, nil
	}
	plain, err := s.vault.Open(kindAnswer, text)
	return string(plain), err
}

func subjectOf(d forward.Delivery) sql.NullString {
	return sql.NullString{String: d.Subject, Valid: d.Subject != ""}
}

const metaDeliveriesSealed = "deliveries_sealed"

// sealOldDeliveries seals, once for a store, what versions before this one wrote in
// clear, and then ends the log in which it stood. It goes on where it was stopped.
func (s *Store) sealOldDeliveries(ctx context.Context) error {
	for first := true; ; first = false {
		done, err := s.sealSomeOld(ctx)
		if err != nil {
			return fmt.Errorf("seal the deliveries of an earlier version: %w", err)
		}
		switch {
		case done && first:
			return nil
		case done:
			return s.forgetLog(ctx)
		}
	}
}

func (s *Store) sealSomeOld(ctx context.Context) (done bool, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		is, err := getMeta(ctx, t, metaDeliveriesSealed)
		if done = is == "true"; done || err != nil {
			return err
		}
		rows, err := s.sealOldFields(ctx, t)
		if err != nil {
			return err
		}
		answers, err := s.sealOldAnswers(ctx, t)
		if err != nil {
			return err
		}
		if rows+answers == 0 { // done is said by the next look, when this is committed
			return setMeta(ctx, t, metaDeliveriesSealed, "true")
		}
		return nil
	})
	return done, err
}

// sealOldFields also hashes the ids in the keys by which nothing is enqueued twice.
func (s *Store) sealOldFields(ctx context.Context, t *tx) (int, error) {
	const put = `UPDATE outbox SET fields = ?, dedup_key = ?, subject = ? WHERE app_id = ? AND id = ?`
	var rows []struct {
		AppID    int64  `db:"app_id"`
		ID       string `db:"id"`
		Kind     string `db:"kind"`
		DedupKey string `db:"dedup_key"`
		Fields   string `db:"fields"`
	}
	look := `SELECT app_id, id, kind, dedup_key, fields FROM outbox WHERE fields LIKE '{%' LIMIT ?` + t.forUpdate()
	if err := t.SelectContext(ctx, &rows, t.q(look), resealBatch); err != nil {
		return 0, err
	}
	for _, r := range rows {
		fields, err := s.vault.Seal(kindFields, []byte(r.Fields))
		if err != nil {
			return 0, err
		}
		var subject sql.NullString
		if kind, id, ok := strings.Cut(r.DedupKey, "/"); ok && kind == r.Kind && r.Kind != forward.KindModeled {
			hash := s.vault.Hash(kind, id)
			r.DedupKey = kind + "/" + hash
			if subject, err = subjectOfOld(ctx, t, r.AppID, kind, hash); err != nil {
				return 0, err
			}
		}
		if _, err := t.ExecContext(ctx, t.q(put), fields, r.DedupKey, subject, r.AppID, r.ID); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// subjectOfOld asks the event which install it is of.
func subjectOfOld(ctx context.Context, t *tx, appID int64, kind, hash string) (sql.NullString, error) {
	if kind == forward.KindInstall {
		return sql.NullString{String: hash, Valid: true}, nil
	}
	var of []string
	err := t.SelectContext(ctx, &of, t.q(`SELECT install_id FROM event WHERE app_id = ? AND id = ?`), appID, hash)
	if err != nil || len(of) == 0 {
		return sql.NullString{}, err
	}
	return sql.NullString{String: of[0], Valid: true}, nil
}

func (s *Store) sealOldAnswers(ctx context.Context, t *tx) (int, error) {
	const put = `UPDATE delivery_attempt SET answer = ? WHERE app_id = ? AND delivery_id = ? AND attempt = ?`
	var rows []struct {
		AppID      int64  `db:"app_id"`
		DeliveryID string `db:"delivery_id"`
		Attempt    int    `db:"attempt"`
		Answer     string `db:"answer"`
	}
	look := `SELECT app_id, delivery_id, attempt, answer FROM delivery_attempt
		WHERE answer <> '' AND answer NOT LIKE 'v1.%' LIMIT ?` + t.forUpdate()
	if err := t.SelectContext(ctx, &rows, t.q(look), resealBatch); err != nil {
		return 0, err
	}
	for _, r := range rows {
		answer, err := s.sealAnswer(r.Answer)
		if err != nil {
			return 0, err
		}
		if _, err := t.ExecContext(ctx, t.q(put), answer, r.AppID, r.DeliveryID, r.Attempt); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
