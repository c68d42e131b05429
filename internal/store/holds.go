package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"skand/forward"
	"skand/internal/vault"
)

// Held is a delivery that waits because its install looks like fraud.
type Held struct {
	DeliveryID    string    `json:"delivery_id"`
	DestinationID string    `json:"destination"`
	AppID         int64     `json:"app_id"`
	InstallID     string    `json:"install_id"`
	Kind          string    `json:"kind"`
	EventName     string    `json:"event_name"`
	Reasons       []string  `json:"reasons"`
	CreatedAt     time.Time `json:"created_at"`
	HeldUntil     time.Time `json:"held_until"` // sent then, unless somebody judges the install
}

const heldSQL = `
SELECT o.id, o.destination_id, o.app_id, o.kind, o.event_name, o.hold_reason, o.created_at, o.due_at, i.body, i.detail,
	i.received_at, i.idfa_hash, i.idfv_hash, i.is_test, i.review, i.review_reason, i.decided_at
FROM outbox o JOIN install i ON i.app_id = o.app_id AND i.id = o.subject
WHERE o.hold_reason <> '' AND o.state = 'pending' AND o.due_at > ?`

// Held lists deliveries that are held, those first whose hold ends first. appID 0: of
// every app. cursor is "" or what the page before returned.
func (s *Store) Held(ctx context.Context, appID int64, cursor string, limit int) (page []Held, next string, err error) {
	text, args := heldSQL+onlyGranted(ctx, "o.app_id"), []any{ms(s.clock.Now())}
	if appID != 0 {
		text, args = text+` AND o.app_id = ?`, append(args, appID)
	}
	if cursor != "" {
		due, id, err := cutCursor(cursor, ".")
		if err != nil {
			return nil, "", err
		}
		after, err := strconv.ParseInt(due, 10, 64)
		if err != nil {
			return nil, "", ErrCursor
		}
		text, args = text+` AND (o.due_at > ? OR (o.due_at = ? AND o.id > ?))`, append(args, after, after, id)
	}
	var rows []struct {
		ID            string `db:"id"`
		DestinationID string `db:"destination_id"`
		AppID         int64  `db:"app_id"`
		Kind          string `db:"kind"`
		EventName     string `db:"event_name"`
		HoldReason    string `db:"hold_reason"`
		CreatedAt     int64  `db:"created_at"`
		DueAt         int64  `db:"due_at"`
		installRow
	}
	text += ` ORDER BY o.due_at, o.id LIMIT ?`
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), append(args, limit+1)...); err != nil {
		return nil, "", fmt.Errorf("list held deliveries: %w", err)
	}
	page = []Held{}
	for i := range rows {
		if i == limit {
			next = fmt.Sprintf("%d.%s", rows[i-1].DueAt, rows[i-1].ID)
			break
		}
		r := &rows[i]
		in, err := s.keptInstall(&r.installRow)
		if err != nil {
			return nil, "", fmt.Errorf("list held deliveries: %w", err)
		}
		page = append(page, Held{
			DeliveryID: r.ID, DestinationID: r.DestinationID, AppID: r.AppID, InstallID: in.ID, Kind: r.Kind,
			EventName: r.EventName, Reasons: listed(r.HoldReason), CreatedAt: at(r.CreatedAt), HeldUntil: at(r.DueAt),
		})
	}
	return page, next, nil
}

// Review is what an operator says of an install that looks like fraud.
type Review struct {
	AppID     int64
	InstallID string // in clear
	Rejected  bool   // false: released
	Reason    string // of a rejection: a short code, such as click_flooding
}

// Reviewed is what a review did.
type Reviewed struct {
	Review     string `json:"review"` // released, rejected
	Deliveries int    `json:"deliveries"`
}

const (
	reviewSQL = `UPDATE install SET review = ?, review_reason = ?, reviewed_at = ?, reviewed_by = ?
		WHERE app_id = ? AND id = ? RETURNING id`
	heldOfSQL    = ` WHERE app_id = ? AND subject = ? AND state = 'pending' AND hold_reason <> '' AND (leased_until IS NULL OR leased_until <= ?) RETURNING id`
	releaseSQL   = `UPDATE outbox SET hold_reason = '', due_at = ?, first_due_at = ?` + heldOfSQL
	rejectSQL    = `UPDATE outbox SET state = 'refused', reason = ?, settled_at = ?` + heldOfSQL
	wasReleased  = "released"
	heldToReject = "rejected_"
)

// ReviewInstall releases what is held of an install, to be sent at once, or rejects it:
// nothing that waits of it is sent, nor anything that it does later. The last review
// counts; what was sent or rejected before stays so. ErrNoInstall if it is not kept.
func (s *Store) ReviewInstall(ctx context.Context, r Review) (Reviewed, error) {
	if err := needApp(ctx, r.AppID); err != nil {
		return Reviewed{}, err
	}
	by, now := actor(ctx, "store"), s.clock.Now()
	hash := s.vault.Hash(vault.Install, r.InstallID)
	done := Reviewed{Review: wasReleased}
	text, args := releaseSQL, []any{ms(now), ms(now), r.AppID, hash, ms(now)}
	if r.Rejected {
		done.Review = forward.ReviewRejected
		text, args = rejectSQL, []any{heldToReject + r.Reason, ms(now), r.AppID, hash, ms(now)}
	}
	err := s.main.in(ctx, func(t *tx) error {
		// Beside no event of the install: it would be sent, or held, by the review of before.
		if err := holdApps(ctx, t, []int64{r.AppID}, true); err != nil {
			return err
		}
		var known, changed []string
		err := t.SelectContext(ctx, &known, t.q(reviewSQL), done.Review, r.Reason, ms(now), by.Who, r.AppID, hash)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			return ErrNoInstall
		}
		if err := t.SelectContext(ctx, &changed, t.q(text), args...); err != nil {
			return err
		}
		done.Deliveries = len(changed)
		if err := s.tellReview(ctx, t, r); err != nil {
			return err
		}
		return audit(ctx, t, by, now, act{ActReview, r.AppID, "install " + hash, map[string]any{
			"review": done.Review, "reason": r.Reason, "deliveries": done.Deliveries,
		}})
	})
	if errors.Is(err, ErrNoInstall) {
		return Reviewed{}, err
	}
	if err != nil {
		return Reviewed{}, fmt.Errorf("review install: %w", err)
	}
	return done, nil
}
