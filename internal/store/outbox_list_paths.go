package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skand/forward"
	"skand/internal/vault"
)

// The list of deliveries is read from several ends of indexes at once: each path is a
// place in an index whose entries are in the order of the list, so that a page of
// the rarest filter costs as many look-ups as there are paths, however many rows lie
// between. What no path says is checked on the rows that it finds.

// logPath is a condition that an index answers in the order of the list, or (exact) a key
// of few rows.
type logPath struct {
	where string
	args  []any
}

func along(where string, args ...any) logPath { return logPath{where, args} }

// deliveryPlaces are where deliveries are: the destinations that have any, by app.
type deliveryPlaces struct {
	apps         []int64
	destinations map[int64][]string
}

// distinctSQL steps down an index: one look-up for each value, however many rows have it.
const distinctSQL = `WITH RECURSIVE v (x) AS (
		SELECT MIN(%[1]s) FROM outbox WHERE %[2]s
		UNION ALL
		SELECT (SELECT MIN(o.%[1]s) FROM outbox o WHERE %[2]s AND o.%[1]s > v.x) FROM v WHERE v.x IS NOT NULL)
	SELECT x FROM v WHERE x IS NOT NULL`

func (s *Store) distinct(ctx context.Context, column, where string, args ...any) (values []string, err error) {
	text := fmt.Sprintf(distinctSQL, column, where)
	err = s.main.r.SelectContext(ctx, &values, s.main.q(text), append(slices.Clone(args), args...)...)
	return values, err
}

func (s *Store) places(ctx context.Context, f DeliveryFilter) (p deliveryPlaces, err error) {
	p.destinations = map[int64][]string{}
	if f.AppID != 0 {
		p.apps = []int64{f.AppID}
	} else {
		const apps = `WITH RECURSIVE a (app_id) AS (
				SELECT MIN(app_id) FROM outbox
				UNION ALL
				SELECT (SELECT MIN(o.app_id) FROM outbox o WHERE o.app_id > a.app_id) FROM a WHERE a.app_id IS NOT NULL)
			SELECT app_id FROM a WHERE app_id IS NOT NULL`
		if err := s.main.r.SelectContext(ctx, &p.apps, apps); err != nil {
			return p, err
		}
	}
	var own map[string]bool
	if f.NetworkID != "" {
		if own, err = s.networkDestinations(ctx, f.NetworkID); err != nil {
			return p, err
		}
	}
	for _, app := range p.apps {
		found, err := s.distinct(ctx, "destination_id", "app_id = ?", app)
		if err != nil {
			return p, err
		}
		for _, id := range found {
			if (f.DestinationID == "" || id == f.DestinationID) && (f.NetworkID == "" || own[id]) {
				p.destinations[app] = append(p.destinations[app], id)
			}
		}
	}
	return p, nil
}

// states are those that the filter's state and class leave: the class of the last
// outcome is the state that it led to.
func (f DeliveryFilter) states() []forward.State {
	states := forward.States()
	if f.among != nil {
		states = slices.Clone(f.among)
	}
	if f.State != "" {
		states = []forward.State{f.State}
	}
	of := map[forward.Class]forward.State{
		forward.ClassOK: forward.StateDelivered, forward.ClassHeld: forward.StateHeld, forward.ClassRefused: forward.StateRefused,
		forward.ClassGone: forward.StateGone, forward.ClassExpired: forward.StateExpired, forward.ClassRetry: forward.StatePending,
	}
	if want, ok := of[f.Class]; ok && !f.Attempted {
		states = slices.DeleteFunc(states, func(s forward.State) bool { return s != want })
	}
	return states
}

// texts of a filter that no column could hold pick nothing.
func (f DeliveryFilter) fits() bool {
	for _, text := range []string{f.DestinationID, f.NetworkID, f.Kind, f.EventName, f.DeliveryID, f.DedupKey, f.ConversionID, f.Query} {
		if !fitsText(text) {
			return false
		}
	}
	return true
}

// conversionKeys are what the deliveries of a conversion are called by: those of an
// install, and of all that it did, by their subject; those of an event by their key.
func (s *Store) conversionKeys(id string) (subject string, dedup []string) {
	for _, kind := range []string{forward.KindInstall, forward.KindEvent} {
		key := kind + "/" + s.vault.Hash(kind, id)
		dedup = append(dedup, key, forward.RejectedPrefix+key)
	}
	return s.vault.Hash(vault.Install, id), dedup
}

// few are the paths of what names one thing; nil: the filter names none.
func (s *Store) few(f DeliveryFilter, p deliveryPlaces) (paths []logPath) {
	for _, app := range p.apps {
		id := func(v string) { paths = append(paths, along(`app_id = ? AND id = ?`, app, v)) }
		dedup := func(v string) {
			for _, d := range p.destinations[app] {
				paths = append(paths, along(`app_id = ? AND destination_id = ? AND dedup_key = ?`, app, d, v))
			}
		}
		conversion := func(v string) {
			subject, keys := s.conversionKeys(v)
			paths = append(paths, along(`app_id = ? AND subject = ?`, app, subject))
			for _, k := range keys {
				dedup(k)
			}
		}
		switch {
		case f.DeliveryID != "":
			id(f.DeliveryID)
		case f.DedupKey != "":
			dedup(f.DedupKey)
		case f.ConversionID != "":
			conversion(f.ConversionID)
		case f.Query != "":
			id(f.Query)
			dedup(f.Query)
			conversion(f.Query)
			if slices.Contains(p.destinations[app], f.Query) {
				paths = append(paths, byState(app, f.Query, f.states())...)
			}
			for _, kind := range kinds {
				paths = append(paths, along(`app_id = ? AND kind = ? AND event_name = ?`, app, kind, f.Query))
			}
		}
	}
	return paths
}

var kinds = []string{forward.KindInstall, forward.KindEvent, forward.KindModeled, forward.KindPostback, forward.KindRejected}

func byState(app int64, destination string, states []forward.State) (paths []logPath) {
	for _, state := range states {
		paths = append(paths, along(`app_id = ? AND destination_id = ? AND state = ?`, app, destination, state))
	}
	return paths
}

// named are the paths by kind and event.
func (s *Store) named(ctx context.Context, f DeliveryFilter, p deliveryPlaces) (paths []logPath, err error) {
	of := kinds
	if f.Kind != "" {
		of = []string{f.Kind}
	}
	for _, app := range p.apps {
		for _, kind := range of {
			names := []string{f.EventName}
			if f.EventName == "" {
				if names, err = s.distinct(ctx, "event_name", "app_id = ? AND kind = ?", app, kind); err != nil {
					return nil, err
				}
			}
			for _, name := range names {
				paths = append(paths, along(`app_id = ? AND kind = ? AND event_name = ?`, app, kind, name))
			}
		}
	}
	return paths, nil
}

// bothFrom is from how many rows by destination on the rows by name are read instead.
const bothFrom = 5000

// paths picks where to look. Of two filters that have an index each, the destination's
// is taken where it has few rows.
func (s *Store) paths(ctx context.Context, f DeliveryFilter, p deliveryPlaces) ([]logPath, error) {
	if f.DeliveryID != "" || f.DedupKey != "" || f.ConversionID != "" || f.Query != "" {
		return s.few(f, p), nil
	}
	if f.Status != nil && *f.Status != 0 && *f.Status != 200 {
		var out []logPath
		for _, app := range p.apps {
			// The status stands in the text, for the index is a partial one.
			out = append(out, along(`app_id = ? AND status = `+strconv.Itoa(*f.Status)+` AND status NOT IN (0, 200)`, app))
		}
		return out, nil
	}
	var byPlace []logPath
	for _, app := range p.apps {
		for _, id := range p.destinations[app] {
			byPlace = append(byPlace, byState(app, id, f.states())...)
		}
	}
	if f.Kind == "" && f.EventName == "" {
		return byPlace, nil
	}
	if f.DestinationID != "" || f.NetworkID != "" || f.State != "" || f.Class != "" {
		n, err := s.upTo(ctx, byPlace, bothFrom)
		if err != nil || n < bothFrom {
			return byPlace, err
		}
	}
	return s.named(ctx, f, p)
}

// upTo counts the rows of paths, and stops there.
func (s *Store) upTo(ctx context.Context, paths []logPath, most int) (total int, err error) {
	for _, p := range paths {
		var n int
		text := `SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE ` + p.where + ` LIMIT ?) AS found`
		if err := s.main.r.GetContext(ctx, &n, s.main.q(text), append(slices.Clone(p.args), most-total)...); err != nil {
			return 0, err
		}
		if total += n; total >= most {
			break
		}
	}
	return total, nil
}

// rest is what a row has to fulfil beside its path.
func (f DeliveryFilter) rest(p deliveryPlaces) (text string, args []any) {
	var b strings.Builder
	only := func(condition string, values ...any) {
		b.WriteString(` AND ` + condition)
		args = append(args, values...)
	}
	if f.DestinationID != "" || f.NetworkID != "" {
		var ids []any
		for _, app := range p.apps {
			for _, id := range p.destinations[app] {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			only(`1 = 0`)
		} else {
			only(`destination_id IN (?`+strings.Repeat(`, ?`, len(ids)-1)+`)`, ids...)
		}
	}
	for _, e := range []struct{ column, value string }{
		{"id", f.DeliveryID}, {"dedup_key", f.DedupKey}, {"kind", f.Kind}, {"event_name", f.EventName},
	} {
		if e.value != "" {
			only(e.column+` = ?`, e.value)
		}
	}
	if states := f.states(); len(states) == 0 {
		only(`1 = 0`)
	} else if len(states) < len(forward.States()) {
		var of []any
		for _, state := range states {
			of = append(of, state)
		}
		only(`state IN (?`+strings.Repeat(`, ?`, len(of)-1)+`)`, of...)
	}
	if f.Class == forward.ClassRetry && !f.Attempted {
		only(`reason <> ''`) // it was tried
	}
	if f.Status != nil && !f.Attempted {
		only(`status = ?`, *f.Status)
	}
	return b.String(), args
}
