package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"skand/conversion"
	"skand/forward"
)

// unsentRow is a delivery that waits, as a change of consent finds it.
type unsentRow struct {
	ID          string `db:"id"`
	Destination string `db:"destination_id"`
	Fields      string `db:"fields"`
}

// stripPending is followPending for an install without consent.
func (l *ledger) stripPending(ctx context.Context, in *conversion.KeptInstall, id sql.NullString) error {
	return l.followPending(ctx, in, id, forward.ConsentState("", true))
}

// followPending makes what has still to be sent of an install follow its consent:
// without it a delivery loses its identifiers and is sent by the template for that
// state; what its destination is not to be sent in a state is not sent. Consent that
// is given later gives nothing back to what was routed without it.
func (l *ledger) followPending(ctx context.Context, in *conversion.KeptInstall, id sql.NullString, state string) error {
	const (
		look = `SELECT id, destination_id, fields FROM outbox WHERE app_id = ? AND subject = ? AND ` + waiting + ` ORDER BY id`
		stop = `UPDATE outbox SET state = 'refused', reason = '` + consentWithdrawn + `', settled_at = ?, leased_until = NULL
			WHERE app_id = ? AND id = ?`
	)
	var rows []unsentRow
	if err := l.t.SelectContext(ctx, &rows, l.t.q(look+l.t.forUpdate()), in.AppID, id); err != nil || len(rows) == 0 {
		return err
	}
	all, err := destinations(ctx, l.t, in.AppID)
	if err != nil {
		return err
	}
	byID := make(map[string]forward.Destination, len(all))
	for _, d := range all {
		byID[d.ID] = d
	}
	for _, r := range rows {
		if state != forward.AttAuthorized {
			if err := l.strip(ctx, in, r, state); err != nil {
				return fmt.Errorf("delivery %s: %w", r.ID, err)
			}
		}
		if d, there := byID[r.Destination]; !there || d.SendsIn(state) {
			continue
		}
		if err := l.run(ctx, stop, ms(l.Now()), in.AppID, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// strip takes the identifiers out of a delivery, and says what now stands.
func (l *ledger) strip(ctx context.Context, in *conversion.KeptInstall, r unsentRow, state string) error {
	const put = `UPDATE outbox SET fields = ?, consent = ? WHERE app_id = ? AND id = ?`
	fields, err := l.s.openFields(r.Fields)
	if err != nil {
		return err
	}
	for _, name := range []string{"idfa", "idfv", "ip"} {
		delete(fields, name)
	}
	if _, there := fields["att_status"]; there && in.ATTStatus != "" {
		fields["att_status"] = in.ATTStatus
	}
	fields["limit_ad_tracking"] = strconv.FormatBool(in.ATTStatus != forward.AttAuthorized)
	sealed, err := l.s.sealFields(fields)
	if err != nil {
		return err
	}
	return l.run(ctx, put, sealed, state, in.AppID, r.ID)
}
