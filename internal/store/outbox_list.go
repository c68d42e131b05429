package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/forward"
)

// Acts on the delivery log that the audit log tells of.
const (
	ActDeliveryRead     = "delivery.read" // with the values that were sent
	ActDeliveriesReplay = "deliveries.replay"
)

// ErrNoDelivery is returned for a delivery that is not kept.
var ErrNoDelivery = errors.New("no such delivery")

// DeliveryFilter picks deliveries; zero fields pick all, and all that are given have to
// agree. Of a delivery, a key, a conversion and a query one can be given.
type DeliveryFilter struct {
	AppID         int64
	DestinationID string
	NetworkID     string // of the destination, lower case
	Kind          string
	EventName     string // the receiver's name of the event
	State         forward.State
	Class         forward.Class // of the last outcome
	Status        *int          // of the last answer; 0: there was none
	DeliveryID    string
	DedupKey      string    // as the list shows it
	ConversionID  string    // the id of an install or event, as it was reported
	Query         string    // any of the above, or the name of a destination or an event
	From, To      time.Time // From is included, To is not
	// Attempted makes From and To, Class and Status those of an attempt, and the list
	// one of the newest such attempts. Else they are of the delivery.
	Attempted bool

	among []forward.State // those of a replay; nil: all
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
	Fields        map[string]string `json:"fields,omitempty"` // where they were asked for
}

// deliveryKey is the place of a delivery in the list.
type deliveryKey struct {
	AppID int64  `db:"app_id"`
	ID    string `db:"id"`
	At    int64  `db:"at"` // created, or attempted
}

func (k deliveryKey) cursor() string { return fmt.Sprintf("%d.%s", k.At, k.ID) }

// readDeliveryCursor reads a place; ErrCursor for one of another list.
func readDeliveryCursor(cursor string) (*deliveryKey, error) {
	if cursor == "" {
		return nil, nil
	}
	before, id, err := cutCursor(cursor, ".")
	if err != nil {
		return nil, err
	}
	at, err := strconv.ParseInt(before, 10, 64)
	if err != nil {
		return nil, ErrCursor
	}
	return &deliveryKey{ID: id, At: at}, nil
}

// Deliveries lists deliveries, newest first, with their attempts. cursor is "" or
// what the page before returned; next is "" on the last page.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter, cursor string, limit int) (list []Delivery, next string, err error) {
	before, err := readDeliveryCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	keys, err := s.deliveryKeys(ctx, f, before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	keys, next = page(keys, limit, deliveryKey.cursor)
	list, err = s.deliveriesOf(ctx, keys)
	return list, next, err
}

// Delivery is one delivery; ErrNoDelivery if it is not kept. With fields it has the
// values that it carries, and the audit log tells who asked for them.
func (s *Store) Delivery(ctx context.Context, id string, fields bool) (Delivery, error) {
	list, _, err := s.Deliveries(ctx, DeliveryFilter{DeliveryID: id}, "", 1)
	if err != nil {
		return Delivery{}, err
	}
	if len(list) == 0 {
		return Delivery{}, ErrNoDelivery
	}
	d := list[0]
	if !fields {
		return d, nil
	}
	if err := s.Audit(ctx, "store", ActDeliveryRead, d.AppID, "delivery "+d.ID, map[string]any{"destination": d.DestinationID}); err != nil {
		return Delivery{}, err
	}
	var sealed string
	err = s.main.r.GetContext(ctx, &sealed, s.main.q(`SELECT fields FROM outbox WHERE app_id = ? AND id = ?`), d.AppID, d.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return Delivery{}, ErrNoDelivery
	}
	if err == nil {
		d.Fields, err = s.openFields(sealed)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("fields of delivery %s: %w", id, err)
	}
	return d, nil
}

// deliveriesOf reads rows in the order of their keys; those erased meanwhile are left out.
func (s *Store) deliveriesOf(ctx context.Context, keys []deliveryKey) ([]Delivery, error) {
	byApp := map[int64][]string{}
	for _, k := range keys {
		byApp[k.AppID] = append(byApp[k.AppID], k.ID)
	}
	found := make(map[deliveryKey]*Delivery, len(keys))
	for app, ids := range byApp {
		if err := s.readDeliveries(ctx, app, ids, found); err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
	}
	list := make([]Delivery, 0, len(keys))
	for _, k := range keys {
		if d := found[deliveryKey{AppID: k.AppID, ID: k.ID}]; d != nil {
			list = append(list, *d)
		}
	}
	return list, nil
}

func (s *Store) readDeliveries(ctx context.Context, app int64, ids []string, into map[deliveryKey]*Delivery) error {
	text, args, err := sqlx.In(`SELECT id, destination_id, dedup_key, kind, event_name, state, reason, status, attempts,
			created_at, CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END, expires_at, settled_at
		FROM outbox WHERE app_id = ? AND id IN (?)`, app, ids)
	if err != nil {
		return err
	}
	rows, err := s.main.r.QueryxContext(ctx, s.main.q(text), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	for rows.Next() {
		d := &Delivery{AppID: app, Log: []forward.Attempt{}}
		var created, due, expires int64
		var settled sql.NullInt64
		err := rows.Scan(&d.ID, &d.DestinationID, &d.DedupKey, &d.Kind, &d.EventName, &d.State, &d.Reason,
			&d.Status, &d.Attempts, &created, &due, &expires, &settled)
		if err != nil {
			return err
		}
		d.CreatedAt, d.DueAt, d.ExpiresAt = at(created), at(due), at(expires)
		if settled.Valid {
			v := at(settled.Int64)
			d.SettledAt = &v
		}
		into[deliveryKey{AppID: app, ID: d.ID}] = d
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return s.readAttempts(ctx, app, ids, into)
}

func (s *Store) readAttempts(ctx context.Context, app int64, ids []string, into map[deliveryKey]*Delivery) error {
	text, args, err := sqlx.In(`SELECT delivery_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version
		FROM delivery_attempt WHERE app_id = ? AND delivery_id IN (?) ORDER BY delivery_id, attempt`, app, ids)
	if err != nil {
		return err
	}
	rows, err := s.main.r.QueryxContext(ctx, s.main.q(text), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	for rows.Next() {
		a := forward.Attempt{AppID: app}
		var made, took int64
		err := rows.Scan(&a.DeliveryID, &a.Attempt, &made, &took, &a.Class, &a.Status, &a.Reason, &a.Answer, &a.TemplateVersion)
		if err != nil {
			return err
		}
		if a.Answer, err = s.openAnswer(a.Answer); err != nil {
			return fmt.Errorf("answer of delivery %s: %w", a.DeliveryID, err)
		}
		a.At, a.Duration = at(made), time.Duration(took)*time.Millisecond
		if d := into[deliveryKey{AppID: app, ID: a.DeliveryID}]; d != nil {
			d.Log = append(d.Log, a)
		}
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

// networkDestinations are those that belong to a network.
func (s *Store) networkDestinations(ctx context.Context, network string) (map[string]bool, error) {
	var rows []destinationRow
	if err := s.main.r.SelectContext(ctx, &rows, `SELECT id, definition FROM destination`); err != nil {
		return nil, fmt.Errorf("destinations of network: %w", err)
	}
	own := map[string]bool{}
	for _, r := range rows {
		var d struct {
			NetworkID string `json:"network_id"`
		}
		if err := json.Unmarshal([]byte(r.Definition), &d); err != nil {
			return nil, fmt.Errorf("stored destination %q: %w", r.ID, err)
		}
		if d.NetworkID == network {
			own[r.ID] = true
		}
	}
	return own, nil
}
