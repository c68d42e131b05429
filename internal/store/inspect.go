package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"skand/conversion"
	"skand/skan"
)

// ErrNoPostback is returned for a postback that is not kept, or that is of an app that
// the one who asks may not see.
var ErrNoPostback = errors.New("no such postback")

// PostbackRef names a raw copy as lists have it. All three are needed: copies lie by app
// and time, and have no index of their ids alone, which every arrival would pay for.
type PostbackRef struct {
	AppID      int64 // 0: no app could be read from it
	ReceivedAt time.Time
	ID         string
}

// Inspection is everything that is known of one conversion window of one install. It
// says less and less as time goes by: raw copies go with the app's raw_retention, what
// was counted stays.
type Inspection struct {
	AppID    int64            `json:"app_id"`
	Copy     *InspectedCopy   `json:"copy"`   // that was asked for; null where an identity was
	Copies   []InspectedCopy  `json:"copies"` // of the same identity, first to last; at least Copy itself
	Searched SearchedCopies   `json:"searched"`
	Counted  *InspectedCounts `json:"counted"` // null: it counts nowhere
}

// InspectedCopy is a raw copy with the way it came.
type InspectedCopy struct {
	Postback
	Relay  string `json:"relay"`  // who passed it on; "" from Apple
	Counts bool   `json:"counts"` // its values are those that count
}

// SearchedCopies is where other copies were looked for. Complete is false where there
// were more of the app's arrivals than are worth going through, or more copies than are
// shown.
type SearchedCopies struct {
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Complete bool      `json:"complete"`
}

const copyOfSQL = `
SELECT id, app_id, received_at, source, relay, state, reason, field, framework, version, verdict, key_name, flags, differs, identity, body
FROM postback WHERE app_id = ? AND received_at = ? AND id = ?`

type copyRow struct {
	ID         string            `db:"id"`
	AppID      int64             `db:"app_id"`
	ReceivedAt int64             `db:"received_at"`
	Source     conversion.Source `db:"source"`
	Relay      string            `db:"relay"`
	State      conversion.State  `db:"state"`
	Reason     string            `db:"reason"`
	Field      string            `db:"field"`
	Framework  string            `db:"framework"`
	Version    string            `db:"version"`
	Verdict    string            `db:"verdict"`
	Key        string            `db:"key_name"`
	Flags      string            `db:"flags"`
	Differs    string            `db:"differs"`
	Identity   []byte            `db:"identity"`
	Body       []byte            `db:"body"`
}

func (r *copyRow) inspected() (InspectedCopy, error) {
	c := InspectedCopy{Relay: r.Relay, Postback: Postback{
		ID: r.ID, AppID: r.AppID, ReceivedAt: at(r.ReceivedAt), Source: r.Source, State: r.State, Reason: r.Reason,
		Field: r.Field, Framework: r.Framework, Version: r.Version, Verdict: r.Verdict, Key: r.Key,
		Flags: strings.Fields(r.Flags), Differs: []conversion.Difference{}, Body: strings.ToValidUTF8(string(r.Body), "\uFFFD"),
	}}
	if r.Differs == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(r.Differs), &c.Differs); err != nil {
		return c, fmt.Errorf("read differences of %s: %w", r.ID, err)
	}
	return c, nil
}

// InspectPostback tells of a raw copy everything that is known. It returns
// ErrNoPostback where none is kept. Looking is for operators, and to be audited first.
func (s *Store) InspectPostback(ctx context.Context, ref PostbackRef) (Inspection, error) {
	x := Inspection{AppID: ref.AppID}
	if !fitsText(ref.ID) || !mayApp(ctx, ref.AppID) {
		return x, ErrNoPostback
	}
	var row copyRow
	err := getRow(ctx, s.main.r, &row, copyOfSQL, ref.AppID, ms(ref.ReceivedAt), ref.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return x, ErrNoPostback
	}
	if err != nil {
		return x, fmt.Errorf("read postback %s: %w", ref.ID, err)
	}
	asked, err := row.inspected()
	if err != nil {
		return x, err
	}
	environment := skan.Production
	if row.Verdict == string(skan.Develop) {
		environment = skan.Development
	}
	if err := s.inspect(ctx, &x, environment, row.Identity, row.ReceivedAt); err != nil {
		return x, err
	}
	for i := range x.Copies {
		if x.Copies[i].ID == asked.ID {
			asked.Counts = x.Copies[i].Counts
			x.Copies[i] = asked
			x.Copy = &x.Copies[i]
		}
	}
	if x.Copy == nil { // it has no identity, or there are too many copies of it
		x.Copies = append([]InspectedCopy{asked}, x.Copies...)
		x.Copy = &x.Copies[0]
	}
	return x, nil
}

const firstSeenSQL = `
SELECT environment, first_seen FROM postback_identity WHERE app_id = ? AND environment IN ('production', 'development') AND identity = ?
ORDER BY environment DESC LIMIT 1` // production before development

// InspectIdentity tells of an identity what InspectPostback tells of a copy. It returns
// ErrNoPostback for one that nobody has claimed.
func (s *Store) InspectIdentity(ctx context.Context, id skan.Identity) (Inspection, error) {
	x := Inspection{AppID: id.AppID}
	if !mayApp(ctx, id.AppID) {
		return x, ErrNoPostback
	}
	var known struct {
		Environment skan.Environment `db:"environment"`
		FirstSeen   int64            `db:"first_seen"`
	}
	err := getRow(ctx, s.main.r, &known, firstSeenSQL, id.AppID, id.Hash())
	if errors.Is(err, sql.ErrNoRows) {
		return x, ErrNoPostback
	}
	if err != nil {
		return x, fmt.Errorf("look up an identity of app %d: %w", id.AppID, err)
	}
	return x, s.inspect(ctx, &x, known.Environment, id.Hash(), known.FirstSeen)
}

// inspect fills in what counts and which copies there are.
func (s *Store) inspect(ctx context.Context, x *Inspection, environment skan.Environment, identity []byte, seen int64) error {
	if identity == nil { // it did not verify, so it is nobody's copy
		x.Copies, x.Searched = []InspectedCopy{}, SearchedCopies{at(seen), at(seen), true}
		return nil
	}
	counted, err := s.countedOf(ctx, x.AppID, environment, identity)
	if err != nil {
		return err
	}
	x.Counted = counted
	if counted != nil {
		seen = ms(counted.FirstSeen)
	}
	return s.copiesOf(ctx, x, identity, seen, maxLookedAt)
}
