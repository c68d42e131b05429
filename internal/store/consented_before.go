package store

import (
	"context"
	"encoding/json"
	"fmt"

	"skand/conversion"
)

// Versions before this one kept the consented side in clear. Their tables wait under
// another name until all is sealed, and are dropped then.

const metaConsentedSealed = "consented_sealed"

const sealBeforeBatch = 500

// sealConsented seals, once for a store, what versions before this one wrote in clear,
// in small transactions. It goes on where it was stopped.
func (s *Store) sealConsented(ctx context.Context) error {
	moved, done := 0, false
	for !done {
		err := s.main.in(ctx, func(t *tx) error {
			// One opener at a time.
			const lock = `INSERT INTO store_meta (name, value) VALUES (?, '') ON CONFLICT (name) DO UPDATE SET value = store_meta.value`
			if _, err := t.ExecContext(ctx, t.q(lock), metaConsentedSealed); err != nil {
				return err
			}
			is, err := getMeta(ctx, t, metaConsentedSealed)
			if done = is == "true"; done || err != nil {
				return err
			}
			n, err := newLedger(s, t).sealSomeBefore(ctx)
			if err != nil {
				return err
			}
			moved += n
			if n > 0 {
				return nil
			}
			for _, table := range []string{"click_before", "install_before", "event_before"} {
				if _, err := t.ExecContext(ctx, `DROP TABLE `+table); err != nil {
					return err
				}
			}
			return setMeta(ctx, t, metaConsentedSealed, "true")
		})
		if err != nil {
			return fmt.Errorf("seal what an earlier version kept in clear: %w", err)
		}
	}
	if moved == 0 {
		return nil
	}
	return s.forgetLog(ctx)
}

// sealSomeBefore moves some rows; 0: there are none left.
func (l *ledger) sealSomeBefore(ctx context.Context) (int, error) {
	for _, move := range []func(context.Context) (int, error){l.sealClicksBefore, l.sealInstallsBefore, l.sealEventsBefore} {
		if n, err := move(ctx); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

// beforeRow has the columns of all three tables.
type beforeRow struct {
	AppID      int64   `db:"app_id"`
	ID         string  `db:"id"`
	ReceivedAt int64   `db:"received_at"`
	UsedBy     *string `db:"used_by"`
	NetworkID  string  `db:"network_id"`
	Decision   string  `db:"decision"`
	Reason     string  `db:"reason"`
	DecidedAt  int64   `db:"decided_at"`
	Body       string  `db:"body"`
}

// before reads some rows and takes them out; body is read into what each wants.
func (l *ledger) before(ctx context.Context, table, columns string, each func(r *beforeRow) error) (int, error) {
	var rows []beforeRow
	look := `SELECT app_id, id, received_at, ` + columns + `, body FROM ` + table + ` ORDER BY app_id, id LIMIT ?`
	if err := l.t.SelectContext(ctx, &rows, l.t.q(look), sealBeforeBatch); err != nil {
		return 0, err
	}
	for i := range rows {
		r := &rows[i]
		if err := each(r); err != nil {
			return 0, fmt.Errorf("row of %s: %w", table, err)
		}
		if err := l.run(ctx, `DELETE FROM `+table+` WHERE app_id = ? AND id = ?`, r.AppID, r.ID); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func (l *ledger) sealClicksBefore(ctx context.Context) (int, error) {
	return l.before(ctx, "click_before", "used_by", func(r *beforeRow) error {
		var c conversion.Click
		if err := json.Unmarshal([]byte(r.Body), &c); err != nil {
			return err
		}
		if _, err := l.addClick(ctx, &c, r.ReceivedAt); err != nil || r.UsedBy == nil {
			return err
		}
		const text = `UPDATE click SET used_by = ? WHERE app_id = ? AND id = ?`
		return l.run(ctx, text, l.hashOf(hashInstall, *r.UsedBy), r.AppID, l.hashOf(hashClick, r.ID))
	})
}

func (l *ledger) sealInstallsBefore(ctx context.Context) (int, error) {
	return l.before(ctx, "install_before", "network_id, decision, reason, decided_at", func(r *beforeRow) error {
		var in conversion.Install
		if err := json.Unmarshal([]byte(r.Body), &in); err != nil {
			return err
		}
		d := conversion.Decision{NetworkID: r.NetworkID, Reason: r.Reason}
		if r.Decision == "attributed" {
			click, err := l.Click(ctx, in.AppID, in.ClickID)
			if err != nil {
				return err
			}
			d = conversion.AttributedBefore(&in, click, r.NetworkID)
		}
		kept := conversion.KeepBefore(in, d)
		kept.Device = l.Device(&in)
		_, err := l.addInstall(ctx, &kept, r.ReceivedAt, r.DecidedAt)
		return err
	})
}

func (l *ledger) sealEventsBefore(ctx context.Context) (int, error) {
	return l.before(ctx, "event_before", "'' AS reason", func(r *beforeRow) error {
		var e conversion.KeptEvent
		if err := json.Unmarshal([]byte(r.Body), &e.Event); err != nil {
			return err
		}
		_, err := l.addEvent(ctx, &e, r.ReceivedAt)
		return err
	})
}
