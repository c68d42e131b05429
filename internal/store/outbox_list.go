package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/forward"
)

// DeliveryFilter picks deliveries; zero fields pick all.
type DeliveryFilter struct {
	AppID         int64
	DestinationID string
	State         forward.State
	DeliveryID    string
}

// Delivery is a delivery as operators see it: without the values that it carries,
// for those may be a person's.
type Delivery struct {
	ID            string            `json:"id"`
	DestinationID string            `json:"destination"`
	AppID         int64             `json:"app_id"`
	DedupKey      string            `json:"dedup_key"`
	Kind          string            `json:"kind"`
	EventName     string            `json:"event_name"`
	State         forward.State     `json:"state"`
	Reason        string            `json:"reason"`
	Status        int               `json:"status"`
	Attempts      int               `json:"attempts"`
	CreatedAt     time.Time         `json:"created_at"`
	DueAt         time.Time         `json:"due_at"` // of a claimed delivery: the end of its lease
	ExpiresAt     time.Time         `json:"expires_at"`
	SettledAt     *time.Time        `json:"settled_at"`
	Log           []forward.Attempt `json:"log"`
}

// Deliveries lists deliveries, newest first, with their attempts. cursor is "" or
// what the page before returned; next is "" on the last page.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter, cursor string, limit int) (page []Delivery, next string, err error) {
	where, args, err := f.where(cursor)
	if err != nil {
		return nil, "", err
	}
	text := `SELECT id, destination_id, app_id, dedup_key, kind, event_name, state, reason, status, attempts,
			created_at, due_at, expires_at, settled_at
		FROM outbox` + where + ` ORDER BY created_at DESC, id DESC LIMIT ?`
	rows, err := s.main.r.QueryxContext(ctx, s.main.q(text), append(args, limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	page = []Delivery{}
	for rows.Next() {
		var d Delivery
		var created, due, expires int64
		var settled sql.NullInt64
		err := rows.Scan(&d.ID, &d.DestinationID, &d.AppID, &d.DedupKey, &d.Kind, &d.EventName, &d.State, &d.Reason,
			&d.Status, &d.Attempts, &created, &due, &expires, &settled)
		if err != nil {
			return nil, "", fmt.Errorf("list deliveries: %w", err)
		}
		d.CreatedAt, d.DueAt, d.ExpiresAt, d.Log = at(created), at(due), at(expires), []forward.Attempt{}
		if settled.Valid {
			v := at(settled.Int64)
			d.SettledAt = &v
		}
		page = append(page, d)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	if len(page) > limit {
		page = page[:limit]
		last := page[limit-1]
		next = fmt.Sprintf("%d.%s", ms(last.CreatedAt), last.ID)
	}
	return page, next, s.readAttempts(ctx, page)
}

func (f DeliveryFilter) where(cursor string) (string, []any, error) {
	text, args := ` WHERE 1 = 1`, []any{}
	add := func(condition string, values ...any) {
		text += ` AND ` + condition
		args = append(args, values...)
	}
	if f.AppID != 0 {
		add(`app_id = ?`, f.AppID)
	}
	if f.DestinationID != "" {
		add(`destination_id = ?`, f.DestinationID)
	}
	if f.State != "" {
		add(`state = ?`, f.State)
	}
	if f.DeliveryID != "" {
		add(`id = ?`, f.DeliveryID)
	}
	if cursor != "" {
		before, id, err := cutCursor(cursor, ".")
		if err != nil {
			return "", nil, err
		}
		created, err := strconv.ParseInt(before, 10, 64)
		if err != nil {
			return "", nil, ErrCursor
		}
		add(`(created_at < ? OR (created_at = ? AND id < ?))`, created, created, id)
	}
	return text, args, nil
}

func (s *Store) readAttempts(ctx context.Context, page []Delivery) error {
	if len(page) == 0 {
		return nil
	}
	index := make(map[string]int, len(page))
	apps, ids := []int64{}, []string{}
	for i, d := range page {
		index[d.ID] = i
		apps, ids = append(apps, d.AppID), append(ids, d.ID)
	}
	text, args, err := sqlx.In(`SELECT delivery_id, app_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version
		FROM delivery_attempt WHERE app_id IN (?) AND delivery_id IN (?) ORDER BY delivery_id, attempt`, apps, ids)
	if err != nil {
		return fmt.Errorf("list attempts: %w", err)
	}
	rows, err := s.main.r.QueryxContext(ctx, s.main.q(text), args...)
	if err != nil {
		return fmt.Errorf("list attempts: %w", err)
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	for rows.Next() {
		var a forward.Attempt
		var made, took int64
		err := rows.Scan(&a.DeliveryID, &a.AppID, &a.Attempt, &made, &took, &a.Class, &a.Status, &a.Reason, &a.Answer, &a.TemplateVersion)
		if err != nil {
			return fmt.Errorf("list attempts: %w", err)
		}
		if a.Answer, err = s.openAnswer(a.Answer); err != nil {
			return fmt.Errorf("list attempts: answer of delivery %s: %w", a.DeliveryID, err)
		}
		a.At, a.Duration = at(made), time.Duration(took)*time.Millisecond
		d := &page[index[a.DeliveryID]]
		d.Log = append(d.Log, a)
	}
	return rows.Err()
}

// DeliveryCounts counts deliveries by destination and state.
func (s *Store) DeliveryCounts(ctx context.Context) (map[string]map[forward.State]int, error) {
	const count = `SELECT destination_id, state, COUNT(*) AS n FROM outbox GROUP BY destination_id, state`
	var rows []struct {
		DestinationID string        `db:"destination_id"`
		State         forward.State `db:"state"`
		N             int           `db:"n"`
	}
	if err := s.main.r.SelectContext(ctx, &rows, count); err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	out := map[string]map[forward.State]int{}
	for _, r := range rows {
		if out[r.DestinationID] == nil {
			out[r.DestinationID] = map[forward.State]int{}
		}
		out[r.DestinationID][r.State] = r.N
	}
	return out, nil
}
