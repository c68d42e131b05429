package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"

	"skand/aggregate"
	"skand/schema"
)

const (
	// evidenceSpan is how long the three windows of an install last.
	evidenceSpan = 35 * 24 * time.Hour
	// evidenceGrace is for a row that was stamped in time and is still being committed.
	evidenceGrace = time.Hour
)

// evidenceBounds is the most that one look takes in, so that no app can ask for more
// than the memory there is.
type evidenceBounds struct{ installs, events int }

var defaultEvidenceBounds = evidenceBounds{installs: 100_000, events: 1_000_000}

// EvidenceEnd is the end of the newest closed week (UTC, from Monday) whose installs
// have all lived through their windows.
func EvidenceEnd(now time.Time) time.Time {
	return aggregate.WindowAt(aggregate.Week, now.Add(-evidenceSpan-evidenceGrace)).Start
}

// EvidenceQuery picks consented installs by the time of their first launch.
type EvidenceQuery struct {
	AppID int64
	// From and To are the bounds of weeks, To at most EvidenceEnd.
	From, To time.Time
	// Late takes in what was reported after its week had settled. Without it a week
	// never changes any more, so that two looks at it can't be told apart.
	Late bool

	bounds evidenceBounds // zero: the default
}

// EvidenceWeek holds the installs of one week with the events of their 35 days, the
// newest install first, under the settings that are in force for that week.
type EvidenceWeek struct {
	From     time.Time
	K, B     int
	Currency string // in force for the week, and that of all revenue in it
	Installs []schema.Install
	// What was left out: installs whose user limits the sharing of data, installs
	// reported late, revenue in another currency (its event stays) and refunds,
	// which no conversion value can follow.
	Limited, Late, OtherCurrency, Refunds int
	// Cut means that the week alone exceeds the bounds: these are its newest installs.
	Cut bool
}

// ConsentedWeeks reads the consented side, the newest week first, in whole weeks for
// as long as the bounds allow: fewer weeks than asked for may come back. It shows
// single installs: whoever calls it has told the audit log before, and hands
// nothing of it to anybody below an operator. ErrNoApp if nobody has described the app.
func (s *Store) ConsentedWeeks(ctx context.Context, q EvidenceQuery) ([]EvidenceWeek, error) {
	if q.bounds == (evidenceBounds{}) {
		q.bounds = defaultEvidenceBounds
	}
	var history []aggregate.SettingsAt
	err := s.main.in(ctx, func(t *tx) error {
		_, err := readApp(ctx, t, q.AppID, "")
		if err == nil {
			history, err = settingsHistory(ctx, t, q.AppID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []EvidenceWeek
	left := q.bounds
	for from := q.To.AddDate(0, 0, -7); !from.Before(q.From); from = from.AddDate(0, 0, -7) {
		in := aggregate.InForce(history, from)
		w := EvidenceWeek{From: from, K: in.K, B: in.B, Currency: in.Currency}
		events, err := s.evidenceWeek(ctx, q, &w)
		if err != nil {
			return nil, fmt.Errorf("consented installs of app %d, week of %s: %w", q.AppID, from.Format(time.DateOnly), err)
		}
		left.installs, left.events = left.installs-len(w.Installs), left.events-events
		if (left.installs < 0 || left.events < 0) && len(out) > 0 {
			break // half a week would depend on what was asked for beside it
		}
		out = append(out, w)
	}
	return out, nil
}

// JudgeSchema reads a text as publishing it for the app would, and keeps nothing.
// ErrNoApp if nobody has described the app.
func (s *Store) JudgeSchema(ctx context.Context, appID int64, text []byte) (*schema.Document, schema.Report, error) {
	app, err := readApp(ctx, s.main.r, appID, "")
	if err != nil {
		return nil, schema.Report{}, err
	}
	d, report := app.Judge(text)
	return d, report, nil
}

const evidenceInstallsSQL = `
SELECT id, installed_at, received_at, limited, is_test FROM install
WHERE app_id = ? AND installed_at >= ? AND installed_at < ?
ORDER BY installed_at DESC, id DESC LIMIT ?`

// SQLite takes the tables of a CROSS JOIN in their order: installs first. The plus
// keeps it from looking events up by their arrival.
const evidenceEventsSQL = `
SELECT e.install_id, e.name, e.happened_at, CAST(e.revenue AS TEXT) AS revenue, e.currency
FROM install i CROSS JOIN event e
WHERE e.app_id = i.app_id AND e.install_id = i.id AND i.app_id = ? AND i.installed_at >= ? AND i.installed_at < ?
  AND +e.happened_at < i.installed_at + ? AND +e.received_at < ?
ORDER BY i.installed_at DESC, i.id DESC, e.happened_at, e.id LIMIT ?`

// evidenceWeek fills a week and counts the events that it holds.
func (s *Store) evidenceWeek(ctx context.Context, q EvidenceQuery, w *EvidenceWeek) (events int, err error) {
	end := w.From.AddDate(0, 0, 7)
	settled := end.Add(evidenceSpan)
	if q.Late {
		settled = s.clock.Now().Add(time.Millisecond)
	}
	var rows []struct {
		ID          string `db:"id"`
		InstalledAt int64  `db:"installed_at"`
		ReceivedAt  int64  `db:"received_at"`
		Limited     bool   `db:"limited"`
		IsTest      bool   `db:"is_test"`
	}
	err = s.main.r.SelectContext(ctx, &rows, s.main.q(evidenceInstallsSQL), q.AppID, ms(w.From), ms(end), q.bounds.installs+1)
	if err != nil {
		return 0, fmt.Errorf("read installs: %w", err)
	}
	if w.Cut = len(rows) > q.bounds.installs; w.Cut {
		rows = rows[:q.bounds.installs]
	}
	place := make(map[string]evidencePlace, len(rows))
	for _, r := range rows {
		late := r.ReceivedAt >= ms(settled)
		place[r.ID] = evidencePlace{len(w.Installs), !late && !r.Limited && !r.IsTest}
		switch {
		case r.IsTest: // nobody's behaviour
		case late:
			w.Late++
		case r.Limited:
			w.Limited++
		default:
			w.Installs = append(w.Installs, schema.Install{Events: []schema.Event{{Name: schema.FirstLaunch, Time: at(r.InstalledAt)}}})
		}
	}
	found, err := s.main.r.QueryxContext(ctx, s.main.q(evidenceEventsSQL),
		q.AppID, ms(w.From), ms(end), evidenceSpan.Milliseconds(), ms(settled), q.bounds.events+1)
	if err != nil {
		return 0, fmt.Errorf("read events: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	return w.addEvents(found, place, q)
}

// evidencePlace is where an install stands, or where it would stand: it is left out.
type evidencePlace struct {
	at   int
	kept bool
}

// addEvents reads events in the order of the installs. Beyond the bound it drops the
// install at hand, whose life is not whole, and all after it.
func (w *EvidenceWeek) addEvents(found *sqlx.Rows, place map[string]evidencePlace, q EvidenceQuery) (events int, err error) {
	names := map[string]string{}
	whole := 0 // so many installs have all their events
	for read := 1; found.Next(); read++ {
		var r struct {
			InstallID  string              `db:"install_id"`
			Name       string              `db:"name"`
			HappenedAt int64               `db:"happened_at"`
			Revenue    decimal.NullDecimal `db:"revenue"`
			Currency   string              `db:"currency"`
		}
		if err := found.StructScan(&r); err != nil {
			return 0, fmt.Errorf("read an event: %w", err)
		}
		i, known := place[r.InstallID]
		if known {
			whole = i.at
		}
		if read > q.bounds.events {
			w.Cut, w.Installs = true, w.Installs[:whole]
			break
		}
		// Not known: beyond the bound of installs, or come since they were read.
		if !known || !i.kept || r.Name == schema.FirstLaunch { // the install itself has said when that was
			continue
		}
		if _, seen := names[r.Name]; !seen {
			names[r.Name] = r.Name // one copy of each name, not one for each event
		}
		e := schema.Event{Name: names[r.Name], Time: at(r.HappenedAt)}
		if amount := r.Revenue.Decimal; r.Revenue.Valid {
			switch {
			case amount.IsNegative():
				w.Refunds++
				continue
			case r.Currency != w.Currency && amount.IsPositive():
				w.OtherCurrency++ // a rate may come later, and a settled week stays as it is
			default:
				e.Revenue = amount
			}
		}
		w.Installs[i.at].Events = append(w.Installs[i.at].Events, e)
		events++
	}
	if err := found.Err(); err != nil {
		return 0, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}
