package format

import (
	"fmt"
	"strings"

	"skand/schema"
)

// Google Ads: the resource CustomerSkAdNetworkConversionValueSchema of the Google
// Ads API (v16.1 to v26 have the same members). Its JSON is that of protocol
// buffers: snake_case or camelCase, 64-bit integers as strings, and a member that
// has its default may be missing, so no fine_grained_conversion_value is value 0.
// In ranges "a value of 0 will be treated as unset"; the specific values
// (event_revenue_value, event_counter) are in a oneof and mean what they say.

func readGoogle(b *builder, v value) {
	b.spelling = snake
	b.ownMoney = true
	if v.kind == object && !b.has(v, "schema") && b.has(v, "fine_grained_conversion_value_mappings", "postback_mappings") {
		readGoogleSchema(b, v) // the schema without the resource around it
		return
	}
	b.object(v, fields{
		"resource_name": b.unheld("names an account of Google Ads; a document has no place for it"),
		"schema":        func(v value) { readGoogleSchema(b, v) },
	}, "schema")
}

func readGoogleSchema(b *builder, v value) {
	g := &googleReader{builder: b}
	b.object(v, fields{
		"app_id":                   b.appID,
		"measurement_window_hours": g.measurement,
		"fine_grained_conversion_value_mappings": func(v value) {
			b.list(v, func(_ int, v value) { g.fine(v) })
		},
		"postback_mappings": func(v value) {
			b.list(v, func(_ int, v value) { g.postback(v) })
		},
	})
	for _, h := range g.hours {
		// Rows that are good for all of the measured time say nothing of their own.
		if h.min > 0 || h.max > 0 && h.max != g.window {
			b.lose(h.at, fmt.Sprintf("hours %d to %d after the install are lost: a document has no hours of a value", h.min, h.max))
		}
	}
}

type googleReader struct {
	*builder
	window int64 // measurement_window_hours
	hours  []googleHours
	seen   [maxWindow + 1]bool
}

type googleHours struct {
	at       string
	min, max int64
}

// measurement is the time after which the app stops updating the value. That is
// not a lock: the postback does not leave earlier, and a document that claimed a
// lock would be taken to be replaced sooner than it is.
func (g *googleReader) measurement(v value) {
	g.window, _ = g.whole(v, 0, 1e9)
	if g.window != 0 && g.window != 48 {
		g.lose(v.at, fmt.Sprintf("updates stop after %d hours; a document only knows locks: add one if the app also locks the window then", g.window))
	}
}

func (g *googleReader) fine(v value) {
	r := row{at: v.at, level: ""}
	g.object(v, fields{
		"fine_grained_conversion_value": func(v value) { r.value, _ = g.fineValue(v) },
		"conversion_value_mapping":      func(v value) { r.events = g.mapping(v) },
	})
	g.add(r)
}

func (g *googleReader) postback(v value) {
	index, locks := 0, []*schema.Lock{}
	var rows []row
	g.object(v, fields{
		"postback_sequence_index": func(v value) {
			i, _ := g.whole(v, 0, maxWindow)
			index = int(i)
		},
		"coarse_grained_conversion_value_mappings": func(v value) {
			fs := fields{}
			for _, level := range levels {
				fs[level+"_conversion_value_mapping"] = func(v value) {
					rows = append(rows, row{at: v.at, value: -1, level: level, events: g.mapping(v)})
				}
			}
			g.object(v, fs)
		},
		"lock_window_coarse_conversion_value": func(v value) { locks = append(locks, g.coarseLock(v)) },
		"lock_window_fine_conversion_value": func(v value) {
			if n, ok := g.fineValue(v); ok {
				locks = append(locks, &schema.Lock{On: schema.LockFine, Number: n})
			}
		},
		"lock_window_event": func(v value) {
			locks = append(locks, &schema.Lock{On: schema.LockEvent, Name: g.text(v)})
		},
	})
	if g.seen[index] {
		g.fail(schema.CodeDuplicateValue, v.at, fmt.Sprintf("postback %d stands here twice; merge the two", index))
		return
	}
	g.seen[index] = true
	w := g.builder.window(index)
	for _, r := range rows {
		r.window = index
		g.add(r)
	}
	for _, l := range locks {
		switch {
		case l == nil:
		case w.Lock != nil:
			g.lose(v.at, fmt.Sprintf("has several locks; %s is lost", lockText(l)))
		case l.On == schema.LockFine && index > 0:
			g.lose(v.at, "a lock on a fine value is lost: only the first postback has fine values")
		default:
			w.Lock = l
		}
	}
}

// coarseLock reads the enum; its names for "none" are no lock.
func (g *googleReader) coarseLock(v value) *schema.Lock {
	switch strings.ToUpper(v.text) {
	case "UNSPECIFIED", "NONE":
		return nil
	case "UNKNOWN", "UNAVAILABLE":
		g.lose(v.at, "the level of the lock is not told; the lock is lost")
		return nil
	}
	level, ok := g.level(v)
	if !ok {
		return nil
	}
	return &schema.Lock{On: schema.LockCoarse, Name: level}
}

func (g *googleReader) mapping(v value) []event {
	var events []event
	h := googleHours{at: v.at}
	g.object(v, fields{
		"min_time_post_install_hours": func(v value) { h.min, _ = g.whole(v, 0, 1e9) },
		"max_time_post_install_hours": func(v value) { h.max, _ = g.whole(v, 0, 1e9) },
		"mapped_events": func(v value) {
			g.list(v, func(_ int, v value) { events = append(events, g.event(v)) })
		},
	})
	g.hours = append(g.hours, h)
	return events
}

func (g *googleReader) event(v value) event {
	e := event{at: v.at}
	g.object(v, fields{
		"mapped_event_name": func(v value) { e.Name = g.text(v) },
		"currency_code":     func(v value) { e.currency = g.currency(v) },
		"event_revenue_range": func(v value) {
			g.object(v, fields{
				"min_event_revenue": func(v value) {
					if m := g.money(v); m != nil && !m.IsZero() {
						e.RevenueMin = m
					}
				},
				"max_event_revenue": func(v value) {
					if m := g.money(v); m != nil && !m.IsZero() {
						e.RevenueMax = m
					}
				},
			})
		},
		"event_revenue_value": func(v value) {
			if e.pays() {
				g.lose(v.at, "stands beside a range of revenue, which was read")
				return
			}
			e.RevenueMin = g.money(v)
			e.RevenueMax = e.RevenueMin
		},
		"event_occurrence_range": func(v value) {
			g.object(v, fields{
				"min_event_count": func(v value) { e.CountMin = unlessZero(g.count(v)) },
				"max_event_count": func(v value) { e.CountMax = unlessZero(g.count(v)) },
			})
		},
		"event_counter": func(v value) {
			if e.CountMin != nil || e.CountMax != nil {
				g.lose(v.at, "stands beside a range of counts, which was read")
				return
			}
			e.CountMin = g.count(v)
			e.CountMax = e.CountMin
		},
	}, "mapped_event_name")
	return e
}

func unlessZero(n *int) *int {
	if n != nil && *n == 0 {
		return nil
	}
	return n
}
