package store

import (
	"context"
	"database/sql"
	"fmt"

	"skand/conversion"
	"skand/forward"
)

const addConsentSQL = `
INSERT INTO consent_change (app_id, id, install_id, at, received_at, att_status, limited, gdpr)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddConsent implements conversion.Keeper.
func (l *ledger) AddConsent(ctx context.Context, appID int64, installID, id string, c conversion.ConsentChange) (bool, error) {
	return l.added(ctx, "consent", addConsentSQL, appID, id, l.hashOf(hashInstall, installID), ms(c.At), ms(l.Now()),
		c.ATTStatus, c.Limited, c.GDPR)
}

const consentsSQL = `SELECT at, att_status, limited, gdpr FROM consent_change WHERE app_id = ? AND install_id = ? ORDER BY at, id`

type consentRow struct {
	At        int64        `db:"at"`
	ATTStatus string       `db:"att_status"`
	Limited   sql.NullBool `db:"limited"`
	GDPR      string       `db:"gdpr"`
}

func (r *consentRow) change() conversion.ConsentChange {
	c := conversion.ConsentChange{At: at(r.At), ATTStatus: r.ATTStatus, GDPR: r.GDPR}
	if r.Limited.Valid {
		c.Limited = &r.Limited.Bool
	}
	return c
}

// Consents implements conversion.Keeper.
func (l *ledger) Consents(ctx context.Context, appID int64, installID string) ([]conversion.ConsentChange, error) {
	var rows []consentRow
	if err := l.all(ctx, &rows, consentsSQL, appID, l.hashOf(hashInstall, installID)); err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	out := make([]conversion.ConsentChange, len(rows))
	for i := range rows {
		out[i] = rows[i].change()
	}
	return out, nil
}

// consentWithdrawn is the reason of deliveries that consent came to forbid.
const consentWithdrawn = "consent_withdrawn"

// Reconsent implements conversion.Keeper.
func (l *ledger) Reconsent(ctx context.Context, in *conversion.KeptInstall) error {
	body, err := l.sealJSON(kindInstall, installBody{&in.Install, in.Arrival.Reported})
	if err != nil {
		return err
	}
	id := l.hashOf(hashInstall, in.ID)
	const text = `UPDATE install SET idfa_hash = ?, att_status = ?, limited = ?, gdpr = ?, consent_at = ?, body = ?
		WHERE app_id = ? AND id = ?`
	err = l.run(ctx, text, orNull(in.Device.IDFA), in.ATTStatus, in.Limited, in.Consent().GDPR(), consentAt(in), body, in.AppID, id)
	if err != nil {
		return fmt.Errorf("keep consent: %w", err)
	}
	permit := in.Consent().Permit()
	if !permit.Match {
		// The click that led here was of the same device.
		err := l.run(ctx, `UPDATE click SET idfa_hash = NULL WHERE app_id = ? AND used_by = ? AND idfa_hash IS NOT NULL`, in.AppID, id)
		if err != nil {
			return fmt.Errorf("forget the idfa of the click: %w", err)
		}
	}
	state := forward.ConsentState(in.ATTStatus, !permit.Identifiers)
	if err := l.followPending(ctx, in, id, state); err != nil {
		return fmt.Errorf("strip deliveries: %w", err)
	}
	if !permit.Forward {
		// What is under way now can't be called back; its settlement finds the row settled.
		const stop = `UPDATE outbox SET state = 'refused', reason = '` + consentWithdrawn + `', settled_at = ?, leased_until = NULL
			WHERE app_id = ? AND subject = ? AND ` + waiting
		if err := l.run(ctx, stop, ms(l.Now()), in.AppID, id); err != nil {
			return fmt.Errorf("stop deliveries: %w", err)
		}
	}
	return nil
}
