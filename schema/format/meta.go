package format

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// Meta: what its iOS SDK loads as SKAdNetworkConversionConfiguration. Its own code
// and tests say what is not written down: rules count from high to low and the
// first that matches wins; an amount has to be exceeded; a value without currency
// makes its rule invalid, and invalid rules are dropped; without default_currency
// or conversion_value_rules there is no configuration; postback_sequence_index
// counts from 1 (the first two days are 1).
//
// A rule has minimums only. Where a higher rule asks for the same with a greater
// amount, an install above that amount has the higher value, so the amount is the
// maximum of the lower one; it is read and written as such.

func readMeta(b *builder, v value) {
	b.object(v, fields{
		"data": func(v value) {
			b.list(v, func(i int, v value) {
				if i > 0 {
					b.lose(v.at, "only the first configuration is used; this one was not read")
					return
				}
				readMetaConfig(b, v)
			})
			if v.kind == array && len(v.items) == 0 {
				b.fail(schema.CodeMemberMissing, v.at, "is empty; without a configuration this is not the format")
			}
		},
	}, "data")
	b.settle = append(b.settle, func() { closeBands(b) })
}

func readMetaConfig(b *builder, v value) {
	m := &metaReader{builder: b, seen: map[string]bool{}}
	// The currency decides which amounts can be read, so it comes first.
	for _, member := range v.members {
		if member.key == "default_currency" && member.value.kind == text {
			b.doc.Currency = strings.ToUpper(member.value.text)
		}
	}
	b.object(v, fields{
		"timer_buckets":             m.usual(1, "the division of time into buckets is lost"),
		"timer_interval":            m.usual(1000, "the length of a bucket is lost"),
		"cutoff_time":               m.usual(2, "the end of updates after these days is lost: a document only knows locks"),
		"default_currency":          func(v value) { b.doc.Currency = b.currency(v) },
		"is_coarse_cv_accumulative": m.accumulative,
		"conversion_value_rules": func(v value) {
			b.list(v, func(_ int, v value) { m.fine(v) })
		},
		"coarse_cv_configs": func(v value) {
			b.list(v, func(_ int, v value) { m.coarse(v) })
		},
		"lock_window_rules": func(v value) {
			b.list(v, func(_ int, v value) { m.lock(v) })
		},
	}, "default_currency", "conversion_value_rules")
}

type metaReader struct {
	*builder
	seen map[string]bool
}

// usual loses a setting unless it has the value that means nothing.
func (m *metaReader) usual(usual int64, why string) func(value) {
	return func(v value) {
		n, ok := m.whole(v, 0, 1e9)
		if ok && n != usual {
			m.lose(v.at, fmt.Sprintf("%d: %s", n, why))
		}
	}
}

func (m *metaReader) accumulative(v value) {
	if m.truth(v) {
		m.lose(v.at, "levels that count earlier windows too are lost: here each window counts for itself")
	}
}

// index reads the index of a window, which begins at 1 there.
func (m *metaReader) index(v value, into *int) {
	n, ok := m.whole(v, 0, 1e9)
	if ok && n >= 1 && n <= maxWindow+1 {
		*into = int(n) - 1
	}
}

func (m *metaReader) fine(v value) {
	r := row{at: v.at, value: -1}
	bad := ""
	m.object(v, fields{
		"conversion_value": func(v value) {
			n, ok := m.fineValue(v)
			if ok {
				r.value = n
			}
		},
		"events": func(v value) { r.events, bad = m.events(v) },
	})
	switch {
	case bad != "":
		m.lose(v.at, "the rule is left out: "+bad)
	case r.value < 0 || !m.has(v, "events"):
		m.lose(v.at, "the rule is left out: it needs conversion_value and events")
	case m.twice(fmt.Sprint(r.value)):
		m.lose(v.at, fmt.Sprintf("the rule is left out: value %d has one already, and a document has one row for a value", r.value))
	default:
		m.add(r)
	}
}

func (m *metaReader) coarse(v value) {
	window := -1
	var rules value
	m.object(v, fields{
		"postback_sequence_index": func(v value) { m.index(v, &window) },
		"coarse_cv_rules":         func(v value) { rules = v },
	})
	if window < 0 || rules.node == nil {
		m.lose(v.at, "the levels are left out: they need postback_sequence_index from 1 to 3, and coarse_cv_rules")
		return
	}
	m.window(window)
	m.list(rules, func(_ int, v value) {
		r := row{at: v.at, window: window, value: -1}
		bad := ""
		m.object(v, fields{
			"coarse_cv_value": func(v value) { r.level, _ = m.level(v) },
			"events":          func(v value) { r.events, bad = m.events(v) },
		})
		switch {
		case bad != "":
			m.lose(v.at, "the rule is left out: "+bad)
		case r.level == "" || len(r.events) == 0:
			m.lose(v.at, "the rule is left out: it needs coarse_cv_value and events")
		case m.twice(fmt.Sprint(window, r.level)):
			m.lose(v.at, fmt.Sprintf("the rule is left out: %s has one already in this window", r.level))
		default:
			m.add(r)
		}
	})
}

// twice notes a value or level and reports whether it was there before.
func (m *metaReader) twice(key string) bool {
	was := m.seen[key]
	m.seen[key] = true
	return was
}

// events reads the conditions of a rule; bad says why the rule cannot be kept.
func (m *metaReader) events(v value) (out []event, bad string) {
	m.list(v, func(_ int, v value) {
		e := event{at: v.at}
		named := false
		m.object(v, fields{
			"event_name": func(v value) { e.Name, named = m.text(v), true },
			"values": func(v value) {
				amount, why := m.amount(v)
				e.RevenueMin = amount
				if bad == "" {
					bad = why
				}
			},
		})
		if !named && bad == "" {
			bad = "an event has no event_name"
		}
		out = append(out, e)
	})
	return out, bad
}

// amount picks the amount in the default currency among those of an event.
func (m *metaReader) amount(v value) (amount *decimal.Decimal, bad string) {
	var others []Loss
	m.list(v, func(_ int, v value) {
		var currency string
		var a *decimal.Decimal
		m.object(v, fields{
			"currency": func(v value) { currency = m.currency(v) },
			"amount":   func(v value) { a = m.money(v) },
		})
		switch {
		case currency == "":
			bad = "an amount has no currency"
		case a == nil:
			bad = "a currency has no amount"
		case currency != m.doc.Currency:
			others = append(others, Loss{v.at, fmt.Sprintf("%s %s is lost: a document has one currency, here %s", a, currency, m.doc.Currency)})
		case amount != nil:
			others = append(others, Loss{v.at, fmt.Sprintf("%s %s is lost: there is an amount in %s already", a, currency, currency)})
		default:
			amount = a
		}
	})
	if bad == "" && amount == nil {
		bad = fmt.Sprintf("an event has no amount in %s", m.doc.Currency)
	}
	if bad == "" {
		for _, l := range others {
			m.lose(l.Pointer, l.Message)
		}
	}
	return amount, bad
}

// lock keeps a rule that a document can say: by time, or on one event as such. A
// lock that waits for more (two events, an amount) would fire too early.
func (m *metaReader) lock(v value) {
	window, on := -1, ""
	lock := &schema.Lock{}
	var events []event
	bad, timed := "", false
	m.object(v, fields{
		"lock_window_type":        func(v value) { on = m.text(v) },
		"postback_sequence_index": func(v value) { m.index(v, &window) },
		"time": func(v value) {
			var n int64
			n, timed = m.whole(v, 0, 1e9)
			lock.Number = int(n)
		},
		"events": func(v value) { events, bad = m.events(v) },
	})
	switch {
	case window < 0 || on == "":
		m.lose(v.at, "the lock is lost: it needs lock_window_type, and postback_sequence_index from 1 to 3")
		return
	case on == "time" && timed:
		lock.On = schema.LockTime
	case on == "event" && bad == "" && len(events) == 1 && !events[0].pays():
		lock = &schema.Lock{On: schema.LockEvent, Name: events[0].Name}
	case on == "event":
		m.lose(v.at, "the lock is lost: a document locks on one event, without an amount")
		return
	default:
		m.lose(v.at, fmt.Sprintf("the lock %.30q is lost: a document has no such one", on))
		return
	}
	w := m.window(window)
	if w.Lock != nil {
		m.lose(v.at, "the lock is lost: the window has one already")
		return
	}
	w.Lock = lock
}
