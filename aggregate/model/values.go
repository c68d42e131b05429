package model

import (
	"time"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// ValuesOf reads the fine values of window 0 of a schema: payers and revenue. A value
// that it does not map is nobody's and worth nothing.
func ValuesOf(d *schema.Document) []Value {
	out := make([]Value, 64)
	for v := range out {
		x := d.Decode(schema.Value{Fine: &v})
		payer := 0.0
		if x.Payer {
			payer = 1
		}
		out[v] = Value{
			Level: levelOf(d, x), Payer: x.Payer,
			Amounts: []float64{payer, x.RevenueEst.InexactFloat64()},
		}
	}
	return out
}

// LevelsOf is the coarse level of window 0 that a phone sets beside each fine value.
func LevelsOf(d *schema.Document) [64]int {
	var out [64]int
	for v := range out {
		out[v] = levelOf(d, d.Decode(schema.Value{Fine: &v}))
	}
	return out
}

var levelNumbers = map[string]int{"low": Low, "medium": Medium, "high": High}

// levelOf is the coarse level that a phone sets beside a fine value: the schema is
// asked what it does with the events that the value stands for.
func levelOf(d *schema.Document, x schema.Decoded) int {
	var events []schema.Event
	at := time.Unix(0, 0).UTC()
	for _, e := range x.Events {
		times, each := 1, decimal.Zero
		if e.CountMin != nil {
			times = max(1, *e.CountMin)
		}
		if x.Payer {
			each = x.RevenueEst
		}
		for i := range times {
			event := schema.Event{Name: e.Name, Time: at}
			if i == 0 && (e.RevenueMin != nil || e.RevenueMax != nil || e.RevenueEst != nil) {
				event.Revenue = each
			}
			events = append(events, event)
		}
	}
	set, err := d.Encode(0, events)
	if err != nil {
		return NoLevel
	}
	level, ok := levelNumbers[set.Coarse]
	if !ok {
		return NoLevel
	}
	return level
}
