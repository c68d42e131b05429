package format

import (
	"encoding/json"
	"fmt"
	"strconv"

	"skand/schema"
)

// Adjust: the SKAN v4 mapping API (an array with one object for each conversion
// window, counted from 1) and the v3 mapping API (one object, fine values only).
// Neither says what it puts into settings, and v4 names no currency.

func readAdjust4(b *builder, v value) {
	seen := map[int64]bool{}
	b.list(v, func(_ int, v value) {
		number := int64(0)
		var data value
		b.object(v, fields{
			"conversion_window": func(v value) {
				number, _ = b.whole(v, 1, maxWindow+1)
				if seen[number] {
					b.fail(schema.CodeDuplicateValue, v.at, fmt.Sprintf("window %d stands here twice; merge the two", number))
				}
				seen[number] = true
			},
			"data": func(v value) { data = v },
		}, "conversion_window", "data")
		if number == 0 || data.node == nil {
			return
		}
		window := int(number) - 1
		b.window(window)
		b.object(data, fields{
			"fine":   func(v value) { adjustRows(b, v, window, false) },
			"coarse": func(v value) { adjustRows(b, v, window, true) },
			"settings": func(v value) {
				b.object(v, fields{}) // whatever stands in there is a loss
			},
		})
	})
}

func readAdjust3(b *builder, v value) {
	b.object(v, fields{
		"app_store_id": b.appID,
		"updated_at":   b.unheld("the time of the last change is lost: a document has no times"),
		"cut_off_period": func(v value) {
			hours, ok := b.whole(v, 0, 1e9)
			if ok && hours != 48 {
				// Like measurement_window_hours of Google Ads: not a lock.
				b.lose(v.at, fmt.Sprintf("updates stop after %d hours; a document only knows locks: add one if the app also locks the window then", hours))
			}
		},
		"reporting_currency": func(v value) { b.doc.Currency = b.currency(v) },
		"conversion_values":  func(v value) { adjustRows(b, v, 0, false) },
	}, "conversion_values")
}

func adjustRows(b *builder, v value, window int, coarse bool) {
	b.list(v, func(_ int, v value) {
		r := row{at: v.at, window: window, value: -1}
		ok := false
		b.object(v, fields{
			"conversion_value": func(v value) {
				if coarse {
					r.level, ok = b.level(v)
				} else {
					r.value, ok = b.fineValue(v)
				}
			},
			"events": func(v value) {
				b.list(v, func(_ int, v value) { r.events = append(r.events, adjustEvent(b, v)) })
			},
		}, "conversion_value")
		if ok {
			b.add(r)
		}
	})
}

func adjustEvent(b *builder, v value) event {
	e := event{at: v.at}
	b.object(v, fields{
		"event_name":  func(v value) { e.Name = b.text(v) },
		"count_min":   func(v value) { e.CountMin = b.count(v) },
		"count_max":   func(v value) { e.CountMax = b.count(v) },
		"revenue_min": func(v value) { e.RevenueMin = b.money(v) },
		"revenue_max": func(v value) { e.RevenueMax = b.money(v) },
	}, "event_name")
	return e
}

type (
	adjustWindow struct {
		Data   adjustData `json:"data"`
		Number int        `json:"conversion_window"` // from 1
	}
	adjustData struct {
		Fine     *[]adjustRow `json:"fine,omitempty"` // of the first window only
		Coarse   []adjustRow  `json:"coarse"`
		Settings struct{}     `json:"settings"`
	}
	adjustRow struct {
		Value  any           `json:"conversion_value"` // a number, or the level
		Events []adjustEntry `json:"events"`
	}
	adjustEntry struct {
		Name       string      `json:"event_name"`
		CountMin   *int        `json:"count_min,omitempty"`
		CountMax   *int        `json:"count_max,omitempty"`
		RevenueMin json.Number `json:"revenue_min,omitempty"`
		RevenueMax json.Number `json:"revenue_max,omitempty"`
	}
	adjustFile struct {
		App      string      `json:"app_store_id,omitempty"`
		Updated  int64       `json:"updated_at,omitempty"` // seconds since 1970
		CutOff   int         `json:"cut_off_period"`       // hours
		Currency string      `json:"reporting_currency,omitempty"`
		Values   []adjustRow `json:"conversion_values"`
	}
)

func writeAdjust4(x *export) ([]byte, error) {
	file := []adjustWindow{}
	for _, w := range x.doc.Windows {
		a := adjustWindow{Number: w.Index + 1, Data: adjustData{Coarse: []adjustRow{}}}
		if w.Index == 0 {
			fine := adjustFine(x, w)
			a.Data.Fine = &fine
		}
		for _, name := range levels {
			if l, ok := w.Coarse[name]; ok {
				a.Data.Coarse = append(a.Data.Coarse, adjustRow{name, adjustEntries(x, l.Events)})
			}
		}
		file = append(file, a)
	}
	return printJSON(file)
}

func writeAdjust3(x *export) ([]byte, error) {
	file := adjustFile{App: appText(x.doc.AppID), CutOff: 48, Currency: x.doc.Currency, Values: []adjustRow{}}
	if !x.about.Updated.IsZero() {
		file.Updated = x.about.Updated.Unix()
	}
	if h := x.lockHours(); h > 0 {
		file.CutOff = h
	}
	for _, w := range x.doc.Windows {
		if w.Index == 0 {
			file.Values = adjustFine(x, w)
		}
	}
	return printJSON(file)
}

func adjustFine(x *export, w schema.Window) []adjustRow {
	rows := []adjustRow{}
	for _, r := range w.Fine {
		rows = append(rows, adjustRow{json.Number(strconv.Itoa(r.Value)), adjustEntries(x, r.Events)})
	}
	return rows
}

func adjustEntries(x *export, events []schema.MappedEvent) []adjustEntry {
	out := []adjustEntry{}
	for _, e := range events {
		a := adjustEntry{Name: x.name(e), CountMax: e.CountMax, RevenueMax: digitsOf(e.RevenueMax)}
		if least := leastCount(e); least != 1 || e.CountMax != nil {
			a.CountMin = &least
		}
		if priced(e) {
			a.RevenueMin = digits(leastRevenue(e))
		}
		out = append(out, a)
	}
	return out
}
