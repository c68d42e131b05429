package aggregate

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What an advice tries: every combination of these. The rest of the settings (how
// revenue is shown, the currency) is the app's own.
var (
	adviceWindows = []WindowKind{Week, Day}
	adviceKs      = []int{10, 20, 50}
	adviceBs      = []int{3, 5, 10}
	adviceDepths  = []int{2, 3, 4}
)

const (
	// AdviceWeeks is how far back an advice looks: closed weeks, so that it says the
	// same until the next one closes.
	AdviceWeeks = 4
	// AdviceLeast is how many installs it wants: ten rows at the largest k. Of fewer a
	// share of 5 % would be a handful of people.
	AdviceLeast = 500
)

// ErrTooFew says that an app had fewer than AdviceLeast installs in the weeks that
// an advice looks at.
var ErrTooFew = fmt.Errorf("fewer than %d installs in the last %d closed weeks", AdviceLeast, AdviceWeeks)

// Outlook is what one choice of settings would have shown of the installs of the
// last closed weeks. Every share is of all installs (payers: of all payers with a
// fine value), in whole steps of 5 %, so that the shares of two choices tell no more
// than either about few installs.
type Outlook struct {
	Window WindowKind `json:"window"`
	K      int        `json:"k"`
	B      int        `json:"b"`
	Depth  int        `json:"depth"`

	// Installs in rows that name this much: network only, 2, 3 or 4 digits (or a
	// campaign id, which is as much as 2). The digits that Apple withheld name what
	// stands above them.
	Network Share `json:"network"`
	Source2 Share `json:"source_2"`
	Source3 Share `json:"source_3"`
	Source4 Share `json:"source_4"`
	Unnamed Share `json:"unnamed"` // in `other` of all networks and in `total`
	Carried Share `json:"carried"` // still waiting for a crowd at the end

	Payers Share `json:"payers"` // in rows that show their payers
}

// Share is a percentage in steps of 5; nil where there is nothing to share.
type Share *int

// DayBatch is what was counted on one day (UTC).
type DayBatch struct {
	Day time.Time // its midnight
	Batch
}

// AdviceStore is what an advice reads.
type AdviceStore interface {
	// CountedByDay groups the dataset's counted rows of whole days in [from, to), sealed
	// or not, in the order of the days.
	CountedByDay(ctx context.Context, d Dataset, from, to time.Time) ([]DayBatch, error)
}

// AdviceSpan is the closed weeks that an advice made now looks at.
func AdviceSpan(now time.Time) Window {
	end := WindowAt(Week, now).Start
	return Window{Start: end.AddDate(0, 0, -7*AdviceWeeks), End: end}
}

// Advise tells what other settings would have shown. It returns ErrTooFew for an app
// that is too small to say so much about.
func Advise(ctx context.Context, store AdviceStore, d Dataset, current Settings, now time.Time) ([]Outlook, error) {
	span := AdviceSpan(now)
	days, err := store.CountedByDay(ctx, d, span.Start, span.End)
	if err != nil {
		return nil, fmt.Errorf("advise on %s: %w", d, err)
	}
	installs := 0
	for _, day := range days {
		installs += day.Installs()
	}
	if installs < AdviceLeast {
		return nil, ErrTooFew
	}
	var all []Outlook
	for _, window := range adviceWindows {
		batches := windowBatches(window, days)
		for _, k := range adviceKs {
			for _, b := range adviceBs {
				for _, depth := range adviceDepths {
					if err := ctx.Err(); err != nil {
						return nil, errors.Join(err, context.Cause(ctx))
					}
					s := current
					s.Window, s.K, s.B, s.Depth = window, k, b, depth
					all = append(all, outlook(d, s, batches))
				}
			}
		}
	}
	return all, nil
}

// windowBatches puts days together into windows, in their order.
func windowBatches(kind WindowKind, days []DayBatch) []Batch {
	var out []Batch
	var end time.Time
	for _, day := range days {
		if len(out) == 0 || !day.Day.Before(end) {
			out = append(out, Batch{})
			end = WindowAt(kind, day.Day).End
		}
		into := &out[len(out)-1]
		*into = into.and(day.Batch)
	}
	return out
}

// and is two batches as one.
func (b Batch) and(c Batch) Batch {
	groups := make([]Counted, 0, len(b.Groups)+len(c.Groups))
	b.Groups = append(append(groups, b.Groups...), c.Groups...)
	b.OpenRevenue = b.OpenRevenue || c.OpenRevenue
	return b
}

// outlook seals window after window under one choice, carrying what is too small.
func outlook(d Dataset, s Settings, windows []Batch) Outlook {
	o := Outlook{Window: s.Window, K: s.K, B: s.B, Depth: s.Depth}
	var carried Batch
	var network, src2, src3, src4, unnamed, payers, shown, all int
	for _, w := range windows {
		b := carried.and(w)
		p := Cut(d, s, b)
		carried = Batch{}
		if p.Carried > 0 {
			carried = b
		}
		for _, row := range p.Rows {
			switch {
			case row.Source4 != "":
				src4 += row.Installs
			case row.Source3 != "":
				src3 += row.Installs
			case row.Source2 != "":
				src2 += row.Installs
			case row.NetworkID != "":
				network += row.Installs
			default:
				unnamed += row.Installs
			}
			if row.Payers != nil {
				shown += *row.Payers
			}
		}
		for _, g := range w.Groups {
			all += g.N
			if g.Kind == ValueFine && g.Payer {
				payers += g.N
			}
		}
	}
	o.Network, o.Source2, o.Source3, o.Source4 = share(network, all), share(src2, all), share(src3, all), share(src4, all)
	o.Unnamed, o.Carried, o.Payers = share(unnamed, all), share(carried.Installs(), all), share(shown, payers)
	return o
}

// share rounds to the nearest 5 %. Of fewer than ten there is no such share.
func share(part, of int) Share {
	if of < 10 {
		return nil
	}
	percent := (part*20 + of/2) / of * 5
	return &percent
}
