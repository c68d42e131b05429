package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"skand/internal/vault"
)

// ActSubjectErase is told of every erasure, by hash.
const ActSubjectErase = "subject.erase"

// Subject names whom to erase, by one identifier. AppID 0: in every app.
type Subject struct {
	Kind  string // vault.IDFA, vault.IDFV or vault.Install
	Value string // in clear; kept nowhere
	AppID int64
}

// Erasure is what an erasure found and deleted.
type Erasure struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`
	Subject    string    `json:"subject"` // the keyed hash
	AppID      int64     `json:"app_id,omitempty"`
	Installs   int       `json:"installs"`
	Events     int       `json:"events"`
	Clicks     int       `json:"clicks"`
	Consents   int       `json:"consents"`
	Deliveries int       `json:"deliveries"`
	Attempts   int       `json:"attempts"`
	// Related installs have a device id of the erased ones, and stay: they are
	// reached by that id.
	Related int `json:"related_installs"`
}

// eraseLock makes an erasure wait for what is being taken in, and that for the erasure
// (holdApps shares it): an install kept at the same moment would come through unseen.
const eraseLock = 6_042_017_001

// EraseSubject deletes the installs of a subject, their events, clicks, consents
// and deliveries with what was answered, in one transaction, and keeps their hashes
// so that no repeated report brings them back. Sealed cohorts stay: they are counts
// of at least k, of which nobody can be taken out any more.
func (s *Store) EraseSubject(ctx context.Context, who Subject) (Erasure, error) {
	if err := needApp(ctx, who.AppID); err != nil {
		return Erasure{}, err
	}
	e := Erasure{
		ID: uuid.Must(uuid.NewV7()).String(), At: s.clock.Now().UTC().Truncate(time.Millisecond),
		Kind: who.Kind, Subject: s.vault.Hash(who.Kind, who.Value), AppID: who.AppID,
	}
	by := actor(ctx, "store")
	err := s.main.in(ctx, func(t *tx) error {
		if t.dialect == postgres {
			if _, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, eraseLock); err != nil {
				return err
			}
		}
		x := &eraser{t: t, by: by.Who, e: &e}
		if err := x.run(ctx); err != nil {
			return err
		}
		return audit(ctx, t, by, e.At, act{ActSubjectErase, who.AppID, "subject " + e.Kind + " " + e.Subject, e})
	})
	if err != nil {
		return Erasure{}, fmt.Errorf("erase subject: %w", err)
	}
	if err := s.forgetLog(ctx); err != nil {
		return e, fmt.Errorf("the subject is erased; then: %w", err)
	}
	return e, nil
}

// forgetLog ends the write-ahead log of SQLite, in which deleted rows stand until it
// is reused. Deleted rows in the file itself are overwritten as they are deleted. On
// PostgreSQL dead rows and its log hold sealed bodies and hashes, nothing readable.
func (s *Store) forgetLog(ctx context.Context) error {
	if s.main.dialect != sqlite {
		return nil
	}
	var busy, frames, done int
	err := s.main.w.QueryRowxContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &done)
	if err != nil {
		return fmt.Errorf("end the write-ahead log: %w", err)
	}
	return nil // busy: a reader kept it, for as long as it reads; what stands there is sealed
}

// eraser is one erasure under way.
type eraser struct {
	t    *tx
	by   string
	e    *Erasure
	rows int // of table erasure beside the first
}

func (x *eraser) run(ctx context.Context) error {
	apps := []int64{x.e.AppID}
	if x.e.AppID == 0 {
		var err error
		if apps, err = appsOfPeople(ctx, x.t); err != nil {
			return err
		}
	}
	for _, app := range apps {
		if err := x.app(ctx, app); err != nil {
			return fmt.Errorf("app %d: %w", app, err)
		}
	}
	counts, err := json.Marshal(x.e)
	if err != nil {
		return err
	}
	return x.note(ctx, x.e.ID, x.e.AppID, x.e.Kind, x.e.Subject, string(counts))
}

// note keeps a hash: as evidence of what was done, and against its coming back.
func (x *eraser) note(ctx context.Context, id string, app int64, kind, subject, counts string) error {
	const insert = `INSERT INTO erasure (id, app_id, at, by, kind, subject, counts) VALUES (?, ?, ?, ?, ?, ?, ?)`
	_, err := x.t.ExecContext(ctx, x.t.q(insert), id, app, ms(x.e.At), x.by, kind, subject, counts)
	return err
}

func (x *eraser) alsoNote(ctx context.Context, app int64, kind, subject string) error {
	if kind == x.e.Kind && subject == x.e.Subject {
		return nil
	}
	x.rows++
	return x.note(ctx, x.e.ID+"/"+strconv.Itoa(x.rows), app, kind, subject, "{}")
}

// erasedInstall is an install as it is found; without a row of its own it is one that
// events wait for.
type erasedInstall struct {
	ID      string  `db:"id"`
	ClickID string  `db:"click_id"`
	IDFA    *string `db:"idfa_hash"`
	IDFV    *string `db:"idfv_hash"`
}

func (x *eraser) app(ctx context.Context, app int64) error {
	column := map[string]string{vault.Install: "id", vault.IDFA: "idfa_hash", vault.IDFV: "idfv_hash"}[x.e.Kind]
	if column == "" {
		return errors.New("nobody is found by a " + x.e.Kind)
	}
	var found []erasedInstall
	text := `SELECT id, click_id, idfa_hash, idfv_hash FROM install WHERE app_id = ? AND ` + column + ` = ? ORDER BY id`
	if err := x.t.SelectContext(ctx, &found, x.t.q(text+x.t.forUpdate()), app, x.e.Subject); err != nil {
		return err
	}
	if x.e.Kind == vault.Install && len(found) == 0 {
		found = []erasedInstall{{ID: x.e.Subject}}
	}
	for _, in := range found {
		if err := x.install(ctx, app, in); err != nil {
			return err
		}
	}
	if x.e.Kind == vault.IDFA {
		if err := x.clicks(ctx, app, `idfa_hash = ?`, x.e.Subject); err != nil {
			return err
		}
	}
	return x.related(ctx, app, found)
}

func (x *eraser) install(ctx context.Context, app int64, in erasedInstall) error {
	// Deliveries before their attempts: the sender locks in that order.
	var sent []string
	text := `DELETE FROM outbox WHERE app_id = ? AND subject = ? RETURNING id`
	if err := x.t.SelectContext(ctx, &sent, x.t.q(text), app, in.ID); err != nil {
		return err
	}
	x.e.Deliveries += len(sent)
	for _, id := range sent {
		if err := x.delete(ctx, &x.e.Attempts, `delivery_attempt WHERE app_id = ? AND delivery_id = ?`, app, id); err != nil {
			return err
		}
	}
	if err := x.clicks(ctx, app, `(used_by = ? OR used_by IS NULL AND id = ?)`, in.ID, in.ClickID); err != nil {
		return err
	}
	if in.IDFA != nil {
		if err := x.clicks(ctx, app, `idfa_hash = ? AND used_by IS NULL`, *in.IDFA); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		count *int
		where string
	}{
		{&x.e.Events, `event WHERE app_id = ? AND install_id = ?`},
		{&x.e.Consents, `consent_change WHERE app_id = ? AND install_id = ?`},
		{&x.e.Installs, `install WHERE app_id = ? AND id = ?`},
	} {
		if err := x.delete(ctx, d.count, d.where, app, in.ID); err != nil {
			return err
		}
	}
	return x.alsoNote(ctx, app, vault.Install, in.ID)
}

func (x *eraser) delete(ctx context.Context, count *int, where string, args ...any) error {
	done, err := x.t.ExecContext(ctx, x.t.q(`DELETE FROM `+where), args...)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	*count += int(n)
	return err
}

func (x *eraser) clicks(ctx context.Context, app int64, where string, args ...any) error {
	var ids []string
	text := `DELETE FROM click WHERE app_id = ? AND ` + where + ` RETURNING id`
	if err := x.t.SelectContext(ctx, &ids, x.t.q(text), append([]any{app}, args...)...); err != nil {
		return err
	}
	x.e.Clicks += len(ids)
	for _, id := range ids {
		if err := x.alsoNote(ctx, app, vault.Click, id); err != nil {
			return err
		}
	}
	return nil
}

func (x *eraser) related(ctx context.Context, app int64, found []erasedInstall) error {
	left := map[string]bool{}
	for _, in := range found {
		for column, hash := range map[string]*string{"idfa_hash": in.IDFA, "idfv_hash": in.IDFV} {
			if hash == nil {
				continue
			}
			var ids []string
			text := `SELECT id FROM install WHERE app_id = ? AND ` + column + ` = ?`
			if err := x.t.SelectContext(ctx, &ids, x.t.q(text), app, *hash); err != nil {
				return err
			}
			for _, id := range ids {
				left[id] = true
			}
		}
	}
	x.e.Related += len(left)
	return nil
}
