package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"

	"skand/conversion"
	"skand/forward"
	"skand/forward/reconcile"
)

type rateRow struct {
	Currency string          `db:"currency"`
	Day      int64           `db:"day"`
	Rate     decimal.Decimal `db:"rate"`
}

// A conversion with one of the deliveries that were written of it, if any. Whose click
// was too old by our window may be the network's by its own: it is read too.
const (
	ourColumns = ` i.installed_at, i.network_id, i.review, i.limited, COALESCE(c.campaign_id, i.campaign_id) AS campaign_id,
	o.destination_id, o.event_name, o.state, o.reason, o.attempts, o.settled_at`
	ourEvent    = `SELECT e.id, e.name, e.install_id, e.happened_at, e.revenue, e.currency, e.flags,` + ourColumns
	ourInstall  = `SELECT i.id, 'install' AS name, i.id AS install_id, i.installed_at AS happened_at, NULL AS revenue, '' AS currency, '' AS flags,` + ourColumns
	tooOldClick = ` LEFT JOIN click c ON c.app_id = i.app_id AND c.id = i.click_id AND i.reason = '` + conversion.ReasonOutsideWindow + `'`
	itsOwn      = ` AND i.is_test = FALSE AND (i.network_id IN (?) OR c.network_id IN (?))`

	countEventsSQL = ourEvent + ` FROM event e
	JOIN install i ON i.app_id = e.app_id AND i.id = e.install_id` + tooOldClick + `
	LEFT JOIN outbox o ON o.app_id = e.app_id AND o.destination_id IN (?) AND o.dedup_key = 'event/' || e.id
	WHERE e.app_id = ? AND e.happened_at >= ? AND e.happened_at < ?` + itsOwn
	countInstallsSQL = ourInstall + ` FROM install i` + tooOldClick + `
	LEFT JOIN outbox o ON o.app_id = i.app_id AND o.destination_id IN (?) AND o.dedup_key = 'install/' || i.id
	WHERE i.app_id = ? AND i.installed_at >= ? AND i.installed_at < ?` + itsOwn

	// What happened before, and was delivered since: written since, or delivered long after.
	writtenSince   = ` AND o.created_at >= ? AND o.created_at < ?`
	deliveredSince = ` AND o.settled_at > o.created_at + 21600000 AND o.settled_at >= ? AND o.settled_at < ? AND o.created_at < ?`
	lateFrom       = ` FROM outbox o`
	lateEventSQL   = ourEvent + lateFrom + ` JOIN event e ON e.app_id = o.app_id AND e.id = substr(o.dedup_key, 7)
	JOIN install i ON i.app_id = e.app_id AND i.id = e.install_id` + tooOldClick + `
	WHERE o.app_id = ? AND o.destination_id IN (?) AND o.state = 'delivered' AND o.kind = 'event' AND e.happened_at < ?` + itsOwn
	lateInstallSQL = ourInstall + lateFrom + ` JOIN install i ON i.app_id = o.app_id AND i.id = substr(o.dedup_key, 9)` + tooOldClick + `
	WHERE o.app_id = ? AND o.destination_id IN (?) AND o.state = 'delivered' AND o.kind = 'install' AND i.installed_at < ?` + itsOwn
)

type countRow struct {
	ID            string              `db:"id"`
	Name          string              `db:"name"`
	InstallID     string              `db:"install_id"`
	HappenedAt    int64               `db:"happened_at"`
	Revenue       decimal.NullDecimal `db:"revenue"`
	Currency      string              `db:"currency"`
	Flags         string              `db:"flags"`
	InstalledAt   int64               `db:"installed_at"`
	NetworkID     string              `db:"network_id"`
	Review        string              `db:"review"`
	Limited       bool                `db:"limited"`
	CampaignID    string              `db:"campaign_id"`
	DestinationID sql.NullString      `db:"destination_id"`
	EventName     sql.NullString      `db:"event_name"`
	State         sql.NullString      `db:"state"`
	Reason        sql.NullString      `db:"reason"`
	Attempts      sql.NullInt64       `db:"attempts"`
	SettledAt     sql.NullInt64       `db:"settled_at"`
}

// countQuery is one look at conversions of a day.
type countQuery struct {
	kind, text string
	args       []any
}

// queries are the looks that a report of a day needs. Each reads about a day by an
// index, however long the history is.
func (c *ourCount) queries(from, to int64) []countQuery {
	dests := c.order
	if len(dests) == 0 {
		dests = []string{""} // no destination has this id
	}
	out := []countQuery{
		{forward.KindEvent, countEventsSQL, []any{dests, c.appID, from, to, c.networks, c.networks}},
		{forward.KindInstall, countInstallsSQL, []any{dests, c.appID, from, to, c.networks, c.networks}},
	}
	for kind, text := range map[string]string{forward.KindEvent: lateEventSQL, forward.KindInstall: lateInstallSQL} {
		args := []any{c.appID, dests, from, c.networks, c.networks}
		out = append(out, countQuery{kind, text + writtenSince, append(slices.Clone(args), from, to)},
			countQuery{kind, text + deliveredSince, append(slices.Clone(args), from, to, from)})
	}
	return out
}

// day counts ours for a report of one day.
func (c *ourCount) day(ctx context.Context, u Reconciliation) ([]reconcile.Counted, error) {
	said := reconcile.Upload{Day: u.Day, TimeZone: u.TimeZone}
	from, to, err := said.Reach()
	if err != nil {
		return nil, err
	}
	d := &dayCount{c: c, currency: u.Currency, seen: map[string]*ourConversion{}, moments: map[moment]bool{}}
	if u.Currency != "" {
		// What was delivered this late is as old as anything that is kept.
		if d.rates, err = c.rates(ctx, ms(from)-oldestCounted.Milliseconds(), ms(to)); err != nil {
			return nil, err
		}
	}
	err = c.reading(ctx, func(rows rowsReader) error {
		for _, q := range c.queries(ms(from), ms(to)) {
			if err := d.read(ctx, rows, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.flush()
	return d.tally.Counted(), nil
}

// oldestCounted is how old a conversion may be whose amount is converted.
const oldestCounted = 90 * 24 * time.Hour

type rowsReader interface {
	QueryxContext(ctx context.Context, text string, args ...any) (*sqlx.Rows, error)
	Rebind(text string) string
}

// reading gives what the looks run on: the readers of SQLite, whose writer is not to
// wait for a report.
func (c *ourCount) reading(ctx context.Context, f func(rowsReader) error) error {
	if c.s.main.dialect == sqlite {
		return f(c.s.main.r)
	}
	return c.s.main.in(ctx, func(t *tx) error {
		if err := t.lookUp(ctx); err != nil {
			return fmt.Errorf("count ours: %w", err)
		}
		return f(t)
	})
}

func (d *dayCount) read(ctx context.Context, from rowsReader, q countQuery) (err error) {
	text, args, err := sqlx.In(q.text, q.args...)
	if err != nil {
		return fmt.Errorf("count ours: %w", err)
	}
	rows, err := from.QueryxContext(ctx, from.Rebind(text), args...)
	if err != nil {
		return fmt.Errorf("count ours: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r countRow
		if err := rows.StructScan(&r); err != nil {
			return fmt.Errorf("count ours: %w", err)
		}
		d.take(q.kind, &r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("count ours: %w", err)
	}
	return nil
}

// dayCount gathers the conversions of a day. Where a network has one destination, each
// is one row and is tallied at once; with several it waits for its other deliveries.
type dayCount struct {
	c        *ourCount
	currency string
	rates    conversion.Rates
	seen     map[string]*ourConversion
	moments  map[moment]bool // of what was delivered
	tally    reconcile.Tally
}

// moment is what a network may take for one: an event of an install within a second.
type moment struct {
	install, name string
	second        int64
}

// ourConversion is one conversion with all that was sent of it.
type ourConversion struct {
	kind string
	row  countRow // the first; its delivery is in sent
	sent []countRow
}

func (d *dayCount) take(kind string, r *countRow) {
	one := &ourConversion{kind: kind, row: *r}
	if len(d.c.order) > 1 {
		key := kind + "/" + r.ID
		if known := d.seen[key]; known != nil {
			one = known
		} else {
			d.seen[key] = one
		}
	}
	if r.State.Valid {
		one.sent = append(one.sent, *r)
	}
	if len(d.c.order) <= 1 {
		d.add(one)
	}
}

func (d *dayCount) flush() {
	keys := make([]string, 0, len(d.seen))
	for key := range d.seen {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		d.add(d.seen[key])
	}
}

// add tallies a conversion, unless it is nothing that a network is paid for: one that
// nobody may be told of, that was called fraud, or that is worth too little.
func (d *dayCount) add(o *ourConversion) {
	r := &o.row
	counted := reconcile.Counted{Event: r.Name, CampaignID: r.CampaignID, At: at(r.HappenedAt), N: 1}
	flags := listed(r.Flags)
	switch {
	case !slices.Contains(d.c.networks, r.NetworkID):
		counted.Fate = reconcile.FateClaimable
		counted.Event = d.theirName(o.kind, r.Name)
	case len(o.sent) > 0:
		d.judgeSent(o, &counted)
	case r.Limited || r.Review == forward.ReviewRejected || slices.Contains(flags, conversion.FlagBelowMinimum):
		return
	default:
		d.judgeUnsent(o, &counted, slices.Contains(flags, conversion.FlagOutsideWindow))
	}
	d.price(r, &counted)
	d.tally.Add(counted)
}

// price says the revenue in the currency of the upload, by the rates of its day.
func (d *dayCount) price(r *countRow, to *reconcile.Counted) {
	if !r.Revenue.Valid || d.currency == "" {
		return
	}
	amount, ok := d.rates.Convert(r.Revenue.Decimal, r.Currency, d.currency, at(r.HappenedAt))
	if !ok {
		to.Unpriced = fmt.Sprintf("no rate of %s to %s for %s; import one (rates in skand apply)", r.Currency, d.currency,
			at(r.HappenedAt).Format(time.DateOnly))
		return
	}
	to.Revenue = amount
}

func (d *dayCount) theirName(kind, ours string) string {
	for _, id := range d.c.order {
		dest := d.c.dests[id]
		if told, ok := tells(&dest, kind, ours); ok {
			return told
		}
	}
	return ours
}

// judgeUnsent says why nothing was written of a conversion.
func (d *dayCount) judgeUnsent(o *ourConversion, to *reconcile.Counted, outside bool) {
	since := time.Duration(o.row.HappenedAt-o.row.InstalledAt) * time.Millisecond
	to.Fate, to.Why = reconcile.FateUnsent, "event_map"
	for _, id := range d.c.order {
		dest := d.c.dests[id]
		told, ok := tells(&dest, o.kind, o.row.Name)
		if !ok {
			continue
		}
		if to.Why == "event_map" {
			to.Event, to.Why = told, "not_taken"
		}
		if outside || o.kind == forward.KindEvent && dest.EventWindow > 0 && since > dest.EventWindow {
			to.Fate, to.Why = reconcile.FateOutside, "event_window"
		}
	}
	if len(d.c.order) == 0 {
		to.Why = "no_destination"
	}
}

// judgeSent says what became of the deliveries of a conversion: one that arrived is
// enough; where none did, the first says why.
func (d *dayCount) judgeSent(o *ourConversion, to *reconcile.Counted) {
	slices.SortFunc(o.sent, func(a, b countRow) int { return strings.Compare(a.DestinationID.String, b.DestinationID.String) })
	to.Untold = true
	for _, s := range o.sent {
		if forward.State(s.State.String) != forward.StateDelivered {
			continue
		}
		dest, delivered := d.c.dests[s.DestinationID.String], at(s.SettledAt.Int64)
		if to.Fate, to.Copies = reconcile.FateDelivered, to.Copies+int(s.Attempts.Int64); to.DeliveredAt.IsZero() || delivered.Before(to.DeliveredAt) {
			to.Event, to.DeliveredAt, to.Old = s.EventName.String, delivered, tooOld(&dest, &s, delivered)
		}
		to.Untold = to.Untold && !dest.SendRevenue
	}
	if !to.DeliveredAt.IsZero() {
		to.Copies = max(0, to.Copies-1)
		when := moment{o.row.InstallID, o.kind + "/" + o.row.Name, o.row.HappenedAt / 1000}
		to.Twin, d.moments[when] = d.moments[when], true
		return
	}
	to.Untold = false
	to.Fate, to.Event, to.Why, to.Unsure = reconcile.FateRefused, o.sent[0].EventName.String, keptBack(&o.sent[0]), false
	for _, s := range o.sent {
		tried := s.Attempts.Int64 > 0
		switch forward.State(s.State.String) {
		case forward.StatePending, forward.StateExpired:
			to.Unsure = to.Unsure || tried
		}
	}
}

// tooOld reports whether a conversion was older than the network takes when it came.
func tooOld(d *forward.Destination, s *countRow, delivered time.Time) bool {
	since := s.HappenedAt
	if d.ExpiresFrom == forward.FromInstall {
		since = s.InstalledAt
	}
	return d.Expires > 0 && delivered.Sub(at(since)) > d.Expires
}

// keptBack is why a delivery has not arrived.
func keptBack(s *countRow) string {
	switch forward.State(s.State.String) {
	case forward.StatePending:
		return "waiting"
	case forward.StateRefused:
		if strings.HasPrefix(s.Reason.String, heldToReject) {
			return "rejected"
		}
		return "refused"
	default:
		return s.State.String
	}
}
