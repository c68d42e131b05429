package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"skand/conversion"
	"skand/forward"
	"skand/forward/reconcile"
)

// Discrepancies compares what networks reported of an app in a span of days (to is
// excluded) with what we counted for them, one report a network; network "" is every
// one that reported. Days that a network did not report are named, and not compared.
func (s *Store) Discrepancies(ctx context.Context, appID int64, network string, from, to time.Time) ([]reconcile.Report, error) {
	const stands = reconciliationHead + `, lines FROM reconciliation r
		WHERE app_id = ? AND (network_id = ? OR ? = '') AND day >= ? AND day < ?` + newestRevision + ` ORDER BY network_id, day`
	if err := needApp(ctx, appID); err != nil {
		return nil, err
	}
	uploads, err := s.reconciliations(ctx, stands, appID, network, network, ms(from), ms(to))
	if err != nil {
		return nil, err
	}
	reports := []reconcile.Report{}
	for len(uploads) > 0 {
		n := slices.IndexFunc(uploads, func(r Reconciliation) bool { return r.NetworkID != uploads[0].NetworkID })
		if n < 0 {
			n = len(uploads)
		}
		r, err := s.discrepancies(ctx, uploads[:n])
		if err != nil {
			return nil, fmt.Errorf("reconcile %s: %w", uploads[0].NetworkID, err)
		}
		for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
			if d := day.Format(time.DateOnly); !slices.Contains(r.Days, d) {
				r.Missing = append(r.Missing, d)
			}
		}
		reports, uploads = append(reports, r), uploads[n:]
	}
	return reports, nil
}

func (s *Store) discrepancies(ctx context.Context, uploads []Reconciliation) (reconcile.Report, error) {
	var c *ourCount
	err := s.main.in(ctx, func(t *tx) (err error) {
		c, err = newOurCount(ctx, s, t, uploads[0].AppID, uploads[0].NetworkID)
		return err
	})
	if err != nil {
		return reconcile.Report{}, err
	}
	var days []reconcile.Day
	for _, u := range uploads {
		counted, err := c.day(ctx, u)
		if err != nil {
			return reconcile.Report{}, fmt.Errorf("%s: %w", u.Day, err)
		}
		days = append(days, reconcile.Day{Names: c.names, Counted: counted, Upload: reconcile.Upload{
			AppID: u.AppID, NetworkID: u.NetworkID, Day: u.Day, TimeZone: u.TimeZone, Currency: u.Currency, Source: u.Source, Rows: u.Rows,
		}})
	}
	return reconcile.Compare(uploads[0].NetworkID, days)
}

// ourCount reads what was ours of one app and network.
type ourCount struct {
	s        *Store
	appID    int64
	networks []string // its id and its aliases, as clicks name it
	dests    map[string]forward.Destination
	order    []string // of dests
	names    []reconcile.Name
}

func newOurCount(ctx context.Context, s *Store, t *tx, appID int64, network string) (*ourCount, error) {
	c := &ourCount{s: s, appID: appID, networks: []string{network}, dests: map[string]forward.Destination{}}
	own, err := aliases(ctx, t)
	if err != nil {
		return nil, err
	}
	for alias, to := range own {
		if to == network {
			c.networks = append(c.networks, alias)
		}
	}
	slices.Sort(c.networks)
	dests, err := destinations(ctx, t, appID)
	if err != nil {
		return nil, err
	}
	catalogue, err := catalogueNames(ctx, t, appID)
	if err != nil {
		return nil, err
	}
	for _, d := range dests { // in the order of their ids
		if !slices.Contains(c.networks, d.NetworkID) || !slices.Contains(d.Kinds, forward.KindInstall) && !slices.Contains(d.Kinds, forward.KindEvent) {
			continue
		}
		c.dests[d.ID], c.order = d, append(c.order, d.ID)
		c.learn(&d, catalogue)
	}
	return c, nil
}

func catalogueNames(ctx context.Context, t *tx, appID int64) (names []string, err error) {
	app, err := describedApp(ctx, t, appID)
	if err != nil {
		return nil, err
	}
	for _, e := range app.Events {
		names = append(names, e.Name)
	}
	return names, nil
}

// learn adds the names that a destination sends.
func (c *ourCount) learn(d *forward.Destination, catalogue []string) {
	if told, ok := tells(d, forward.KindInstall, forward.KindInstall); ok {
		c.names = append(c.names, reconcile.Name{Ours: forward.KindInstall, Theirs: told})
	}
	ours := catalogue
	if len(d.EventMap) > 0 {
		ours = nil
		for name := range d.EventMap {
			if name != forward.KindInstall {
				ours = append(ours, name)
			}
		}
		slices.Sort(ours)
	}
	for _, name := range ours {
		if told, ok := tells(d, forward.KindEvent, name); ok {
			c.names = append(c.names, reconcile.Name{Ours: name, Theirs: told})
		}
	}
}

// tells is the name under which a destination tells a network of something of ours;
// false: it does not, by its kinds and its map of events.
func tells(d *forward.Destination, kind, ours string) (string, bool) {
	theirs, mapped := d.EventMap[ours]
	switch {
	case !slices.Contains(d.Kinds, kind):
		return "", false
	case mapped:
		return theirs, true
	}
	return ours, kind == forward.KindInstall || len(d.EventMap) == 0
}

// rates are those that amounts between two times may be converted by.
func (c *ourCount) rates(ctx context.Context, from, to int64) (conversion.Rates, error) {
	const text = `SELECT currency, day, rate FROM rate WHERE day > ? AND day <= ?`
	var rows []rateRow
	if err := c.s.main.r.SelectContext(ctx, &rows, c.s.main.q(text), from-rateSpan.Milliseconds(), to); err != nil {
		return conversion.Rates{}, fmt.Errorf("read rates: %w", err)
	}
	lines := make([]conversion.Rate, len(rows))
	for i, r := range rows {
		lines[i] = conversion.Rate{Currency: r.Currency, Day: at(r.Day), Rate: r.Rate}
	}
	return conversion.NewRates(lines), nil
}
