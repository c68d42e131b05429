package format

import (
	"fmt"
	"slices"
	"strconv"

	"skand/schema"
)

// Branch: the conversion value mapping partner API. A value has a list of events,
// each with its name, perhaps a range of revenue, and whether it locks the window.
// There are no counts, no open ranges and no currency. The documented example maps
// value 0 to an install event, and lists several events under a coarse value that
// stands for any one of them.

const branchInstall = "MOBILE_APP_INSTALL"

const branchIndex = "postback-sequence-index-"

func readBranch(b *builder, v value) {
	b.object(v, fields{
		"app-id": b.appID,
		"update": b.unheld("the time of the last change is lost: a document has no times"),
		"ascending-only": func(v value) {
			if !b.truth(v) {
				b.lose(v.at, "falling values are lost: here a value never falls")
			}
		},
		"mapping": func(v value) {
			fs := fields{}
			for i := 0; i <= maxWindow; i++ {
				fs[branchIndex+strconv.Itoa(i)] = func(v value) { readBranchWindow(b, v, i) }
			}
			b.object(v, fs)
		},
	}, "mapping")
}

func readBranchWindow(b *builder, v value, window int) {
	b.window(window)
	var locks []branchEntry
	b.list(v, func(_ int, v value) {
		r := row{at: v.at, window: window, value: -1}
		ok := false
		var list value
		b.object(v, fields{
			"conversion-value": func(v value) { r.value, r.level, ok = b.valueOrLevel(v) },
			"conversion-event": func(v value) { list = v },
		}, "conversion-value")
		if list.node == nil {
			list = value{&node{kind: array}, v.at}
		}
		entries, readable := readBranchEvents(b, list)
		if !ok || !readable {
			return
		}
		for _, e := range entries {
			e.fine, e.rank = r.level == "", r.value
			if !e.fine {
				e.rank = slices.Index(levels, r.level)
			}
			locks = append(locks, e)
			if !slices.ContainsFunc(r.events, func(o event) bool { return sameEvent(o.MappedEvent, e.MappedEvent) }) {
				r.events = append(r.events, e.event)
			}
		}
		if len(r.events) == 1 && r.events[0].Name == branchInstall && !r.events[0].pays() {
			r.events = nil // the install itself: what a row without events says
		}
		if len(r.events) > 1 {
			b.lose(list.at, "lists several events, by which Branch may mean any one of them; they were read as all of them")
		}
		b.add(r)
	})
	b.windows[window].Lock = branchLock(b.reader, locks)
}

// branchEntry is one event with its lock flag and the value that it stands under.
type branchEntry struct {
	event
	locked bool
	fine   bool
	rank   int
}

// readBranchEvents reads the events of a value; not readable is a value with a
// condition that would be widened if it were dropped.
func readBranchEvents(b *builder, v value) (out []branchEntry, readable bool) {
	readable = true
	b.list(v, func(_ int, v value) {
		e := branchEntry{event: event{at: v.at}}
		b.object(v, fields{
			"locked": func(v value) { e.locked = b.truth(v) },
			"values": func(v value) {
				fs := fields{
					"name": func(v value) {
						operands, ok := branchOperands(b, v, "eq", 1)
						if ok {
							e.Name = b.text(operands[0])
						}
						readable = readable && ok
					},
					"event_data.revenue": func(v value) {
						operands, ok := branchOperands(b, v, "between", 2)
						if ok {
							e.RevenueMin, e.RevenueMax = b.money(operands[0]), b.money(operands[1])
						}
						readable = readable && ok
					},
				}
				for _, m := range v.members {
					if _, known := fs[m.key]; !known {
						fs[m.key] = func(v value) {
							b.lose(v.at, "is not a condition that is known here; its value is left out")
							readable = false
						}
					}
				}
				b.object(v, fs, "name")
			},
		}, "values")
		out = append(out, e)
	})
	return out, readable
}

// branchOperands reads [operator, operand, …]. Another operator loses the value.
func branchOperands(b *builder, v value, operator string, n int) ([]value, bool) {
	if v.kind != array || len(v.items) == 0 || v.items[0].kind != text {
		b.fail(schema.CodeWrongType, v.at, fmt.Sprintf("is not a condition; write [%q, …]", operator))
		return nil, false
	}
	if v.items[0].text != operator {
		b.lose(v.at, fmt.Sprintf("the condition %.30q is not known here, only %q; its value is left out", v.items[0].text, operator))
		return nil, false
	}
	if len(v.items) != n+1 {
		b.fail(schema.CodeWrongType, v.at, fmt.Sprintf("has %d operands; %q takes %d", len(v.items)-1, operator, n))
		return nil, false
	}
	out := make([]value, n)
	for i := range out {
		out[i] = value{v.items[i+1], under(v.at, i+1)}
	}
	return out, true
}

type (
	branchFile struct {
		App     int64                  `json:"app-id,omitempty"`
		Update  string                 `json:"update,omitempty"`
		Mapping map[string][]branchRow `json:"mapping"`
	}
	branchRow struct {
		Value  string        `json:"conversion-value"`
		Events []branchEvent `json:"conversion-event"`
	}
	branchEvent struct {
		Values branchValues `json:"values"`
		Locked bool         `json:"locked"`
	}
	branchValues struct {
		Name    [2]string `json:"name"`
		Revenue []any     `json:"event_data.revenue,omitempty"`
	}
)

func writeBranch(x *export) ([]byte, error) {
	file := branchFile{App: x.doc.AppID, Mapping: map[string][]branchRow{}}
	if !x.about.Updated.IsZero() {
		file.Update = x.about.Updated.UTC().Format("2006-01-02 15:04:05.000")
	}
	for _, w := range x.doc.Windows {
		rows := []branchRow{}
		for _, r := range w.Fine {
			events, ok := branchEvents(x, w, fineCell(r.Value), branchEntry{fine: true, rank: r.Value}, r.Events)
			if ok {
				rows = append(rows, branchRow{strconv.Itoa(r.Value), events})
			}
		}
		for rank, name := range levels {
			l, ok := w.Coarse[name]
			if !ok {
				continue
			}
			events, ok := branchEvents(x, w, cell{w.Index, name}, branchEntry{rank: rank}, l.Events)
			if ok {
				rows = append(rows, branchRow{name, events})
			}
		}
		file.Mapping[branchIndex+strconv.Itoa(w.Index)] = rows
	}
	return printJSON(file)
}

func branchEvents(x *export, w schema.Window, c cell, under branchEntry, events []schema.MappedEvent) ([]branchEvent, bool) {
	if len(events) == 0 {
		return []branchEvent{{branchValues{Name: [2]string{"eq", branchInstall}}, locks(w.Lock, under)}}, true
	}
	out := []branchEvent{}
	for _, e := range events {
		under.Name = e.Name
		b := branchEvent{branchValues{Name: [2]string{"eq", x.name(e)}}, locks(w.Lock, under)}
		if least := leastCount(e); least != 1 {
			x.leave(c, fmt.Sprintf("%q has to happen %d times, and there are no counts there", e.Name, least))
			return nil, false
		}
		if priced(e) {
			top := e.RevenueMax
			if top == nil {
				top = x.doc.RevenueCap // amounts count up to the cap, so the band ends there
			}
			if top == nil || top.LessThan(leastRevenue(e)) {
				x.leave(c, fmt.Sprintf("the revenue of %q has no maximum, and a range needs both ends there", e.Name))
				return nil, false
			}
			b.Values.Revenue = []any{"between", digits(leastRevenue(e)), digits(*top)}
		}
		out = append(out, b)
	}
	if len(out) > 1 {
		x.notes[c] = "all events have to happen, but Branch may read the list as any one of them"
	}
	return out, true
}
