package format

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"skand/schema"
)

type (
	metaFile struct {
		Data [1]metaConfig `json:"data"`
	}
	metaConfig struct {
		Buckets  int          `json:"timer_buckets"`
		Interval int          `json:"timer_interval"`
		CutOff   int          `json:"cutoff_time"` // days; the SDK never updates without one
		Currency string       `json:"default_currency"`
		Rules    []metaRule   `json:"conversion_value_rules"`
		Locks    []metaLock   `json:"lock_window_rules,omitempty"`
		Coarse   []metaWindow `json:"coarse_cv_configs,omitempty"`
	}
	metaRule struct {
		Value  int         `json:"conversion_value"`
		Events []metaEvent `json:"events"`
	}
	metaEvent struct {
		Name   string       `json:"event_name"`
		Values []metaAmount `json:"values,omitempty"`
	}
	metaAmount struct {
		Currency string      `json:"currency"`
		Amount   json.Number `json:"amount"`
	}
	metaLock struct {
		On     string      `json:"lock_window_type"`
		Time   *int        `json:"time,omitempty"`
		Events []metaEvent `json:"events,omitempty"`
		Index  int         `json:"postback_sequence_index"` // from 1
	}
	metaWindow struct {
		Index int         `json:"postback_sequence_index"` // from 1
		Rules []metaLevel `json:"coarse_cv_rules"`
	}
	metaLevel struct {
		Level  string      `json:"coarse_cv_value"`
		Events []metaEvent `json:"events"`
	}
)

func writeMeta(x *export) ([]byte, error) {
	c := metaConfig{Buckets: 1, Interval: 1000, CutOff: 2, Currency: x.doc.Currency, Rules: []metaRule{}}
	if c.Currency == "" {
		c.Currency = "USD" // there is no configuration without one
	}
	for _, w := range x.doc.Windows {
		// From high to low: the first rule that matches wins.
		for _, r := range slices.Backward(w.Fine) {
			if overlaps(x.doc, r.Value) {
				x.leave(fineCell(r.Value), "Meta's SDK would give the overlap bit to everyone; the app adds it")
				continue
			}
			events, ok := metaEvents(x, fineCell(r.Value), r.Events)
			if ok {
				c.Rules = append(c.Rules, metaRule{r.Value, events})
			}
		}
		m := metaWindow{Index: w.Index + 1, Rules: []metaLevel{}}
		for _, name := range slices.Backward(levels) {
			l, ok := w.Coarse[name]
			if ok && len(l.Events) == 0 {
				x.leave(cell{w.Index, name}, "a rule without events is invalid there")
				continue
			}
			if !ok {
				continue
			}
			events, ok := metaEvents(x, cell{w.Index, name}, l.Events)
			if ok {
				m.Rules = append(m.Rules, metaLevel{name, events})
			}
		}
		if w.Index > 0 || len(m.Rules) > 0 {
			c.Coarse = append(c.Coarse, m)
		}
		if l := w.Lock; l != nil {
			switch l.On {
			case schema.LockTime:
				c.Locks = append(c.Locks, metaLock{On: "time", Time: &l.Number, Index: w.Index + 1})
			case schema.LockEvent:
				c.Locks = append(c.Locks, metaLock{On: "event", Events: []metaEvent{{Name: x.lockName(l)}}, Index: w.Index + 1})
			}
		}
	}
	return printJSON(metaFile{[1]metaConfig{c}})
}

// metaEvents writes minimums. The SDK takes the first amount for the whole answer,
// so events without one come first.
func metaEvents(x *export, c cell, events []schema.MappedEvent) ([]metaEvent, bool) {
	plain, paid := []metaEvent{}, []metaEvent{}
	for _, e := range events {
		if least := leastCount(e); least != 1 {
			x.leave(c, fmt.Sprintf("%q has to happen %d times, and there are no counts there", e.Name, least))
			return nil, false
		}
		if !priced(e) {
			plain = append(plain, metaEvent{Name: x.name(e)})
			continue
		}
		if x.doc.Currency == "" {
			x.leave(c, "its amount has no currency, and a value without currency drops the rule there")
			return nil, false
		}
		paid = append(paid, metaEvent{x.name(e), []metaAmount{{x.doc.Currency, digits(leastRevenue(e))}}})
	}
	return append(plain, paid...), true
}

// closeBands gives bands of revenue the maximum that higher rules imply.
func closeBands(b *builder) {
	for i := range b.windows {
		w := &b.windows[i]
		slices.SortFunc(w.Fine, func(a, b schema.Row) int { return a.Value - b.Value })
		var table [][]schema.MappedEvent
		for _, r := range w.Fine {
			table = append(table, r.Events)
		}
		closeTable(table)
		table = nil
		for _, name := range levels {
			if l, ok := w.Coarse[name]; ok {
				table = append(table, l.Events)
			}
		}
		closeTable(table)
	}
}

// closeTable goes through entries from low to high.
func closeTable(table [][]schema.MappedEvent) {
	for i, entry := range table {
		for j := range entry {
			if entry[j].RevenueMin == nil {
				continue
			}
			var next *decimal.Decimal
			for _, higher := range table[i+1:] {
				m := raised(entry, j, higher)
				if m != nil && (next == nil || m.LessThan(*next)) {
					next = m
				}
			}
			entry[j].RevenueMax = next
		}
	}
}

// raised returns the minimum of event j in the higher entry, if that asks for the
// same as the lower one and only for more revenue of this event.
func raised(lower []schema.MappedEvent, j int, higher []schema.MappedEvent) *decimal.Decimal {
	if len(lower) != len(higher) || repeats(lower) || repeats(higher) {
		return nil
	}
	var at *decimal.Decimal
	for k, e := range lower {
		i := slices.IndexFunc(higher, func(h schema.MappedEvent) bool { return h.Name == e.Name })
		if i < 0 || (e.RevenueMin == nil) != (higher[i].RevenueMin == nil) {
			return nil
		}
		switch {
		case k == j && higher[i].RevenueMin.GreaterThan(*e.RevenueMin):
			at = higher[i].RevenueMin
		case k == j, e.RevenueMin != nil && !higher[i].RevenueMin.Equal(*e.RevenueMin):
			return nil
		}
	}
	return at
}

// repeats reports whether an event stands twice.
func repeats(events []schema.MappedEvent) bool {
	for i, e := range events {
		if slices.ContainsFunc(events[:i], func(o schema.MappedEvent) bool { return o.Name == e.Name }) {
			return true
		}
	}
	return false
}
