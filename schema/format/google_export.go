package format

import (
	"encoding/json"
	"strconv"
	"strings"

	"skand/schema"
)

type (
	googleFile struct {
		Schema googleSchema `json:"schema"`
	}
	googleSchema struct {
		AppID     string           `json:"app_id,omitempty"`
		Hours     int              `json:"measurement_window_hours,omitempty"`
		Fine      []googleFine     `json:"fine_grained_conversion_value_mappings"`
		Postbacks []googlePostback `json:"postback_mappings,omitempty"`
	}
	googleFine struct {
		Value   int           `json:"fine_grained_conversion_value"`
		Mapping googleMapping `json:"conversion_value_mapping"`
	}
	googlePostback struct {
		Index      int           `json:"postback_sequence_index"`
		Coarse     *googleCoarse `json:"coarse_grained_conversion_value_mappings,omitempty"`
		LockCoarse string        `json:"lock_window_coarse_conversion_value,omitempty"`
		LockFine   *int          `json:"lock_window_fine_conversion_value,omitempty"`
		LockEvent  string        `json:"lock_window_event,omitempty"`
	}
	googleCoarse struct {
		Low    *googleMapping `json:"low_conversion_value_mapping,omitempty"`
		Medium *googleMapping `json:"medium_conversion_value_mapping,omitempty"`
		High   *googleMapping `json:"high_conversion_value_mapping,omitempty"`
	}
	googleMapping struct {
		Events []googleEvent `json:"mapped_events"`
	}
	googleEvent struct {
		Name         string         `json:"mapped_event_name"`
		Currency     string         `json:"currency_code,omitempty"`
		RevenueRange *googleRevenue `json:"event_revenue_range,omitempty"`
		RevenueValue json.Number    `json:"event_revenue_value,omitempty"`
		CountRange   *googleCounts  `json:"event_occurrence_range,omitempty"`
		Counter      string         `json:"event_counter,omitempty"` // int64 is a string in the JSON of protocol buffers
	}
	googleRevenue struct {
		Min json.Number `json:"min_event_revenue,omitempty"`
		Max json.Number `json:"max_event_revenue,omitempty"`
	}
	googleCounts struct {
		Min string `json:"min_event_count,omitempty"`
		Max string `json:"max_event_count,omitempty"`
	}
)

func writeGoogle(x *export) ([]byte, error) {
	// A lock by time has no trigger here, but updates do stop then.
	s := googleSchema{AppID: appText(x.doc.AppID), Hours: x.lockHours(), Fine: []googleFine{}}
	for _, w := range x.doc.Windows {
		for _, r := range w.Fine {
			m, ok := googleEvents(x, fineCell(r.Value), r.Events)
			if ok {
				s.Fine = append(s.Fine, googleFine{r.Value, *m})
			}
		}
		p := googlePostback{Index: w.Index, Coarse: googleLevels(x, w)}
		if w.Lock != nil {
			switch w.Lock.On {
			case schema.LockCoarse:
				p.LockCoarse = strings.ToUpper(w.Lock.Name)
			case schema.LockFine:
				p.LockFine = &w.Lock.Number
			case schema.LockEvent:
				p.LockEvent = x.lockName(w.Lock)
			}
		}
		if w.Index > 0 || p.Coarse != nil || w.Lock != nil {
			s.Postbacks = append(s.Postbacks, p)
		}
	}
	return printJSON(googleFile{s})
}

func googleLevels(x *export, w schema.Window) *googleCoarse {
	var c googleCoarse
	for _, name := range levels {
		l, ok := w.Coarse[name]
		if !ok {
			continue
		}
		m, ok := googleEvents(x, cell{w.Index, name}, l.Events)
		switch {
		case !ok:
		case name == "low":
			c.Low = m
		case name == "medium":
			c.Medium = m
		default:
			c.High = m
		}
	}
	if c == (googleCoarse{}) {
		return nil
	}
	return &c
}

// googleEvents writes the conditions of a row, or leaves it out where 0, which
// means unset in a range, would turn a condition into another.
func googleEvents(x *export, c cell, events []schema.MappedEvent) (*googleMapping, bool) {
	m := &googleMapping{Events: []googleEvent{}}
	for _, e := range events {
		g := googleEvent{Name: x.name(e)}
		least := leastCount(e)
		switch {
		case e.CountMax != nil && *e.CountMax == least:
			g.Counter = strconv.Itoa(least)
		case least == 0 || e.CountMax != nil && *e.CountMax == 0:
			x.leave(c, "a count of 0 in a range means unset there")
			return nil, false
		case e.CountMax != nil:
			g.CountRange = &googleCounts{Min: strconv.Itoa(least), Max: strconv.Itoa(*e.CountMax)}
		case least != 1:
			g.CountRange = &googleCounts{Min: strconv.Itoa(least)}
		}
		low := leastRevenue(e)
		if !priced(e) || low.IsZero() && e.RevenueMax == nil {
			m.Events = append(m.Events, g) // a band from 0 on without end is no range there
			continue
		}
		g.Currency = x.doc.Currency
		switch {
		case e.RevenueMax != nil && e.RevenueMax.Equal(low):
			g.RevenueValue = digits(low)
		case e.RevenueMax != nil && e.RevenueMax.IsZero():
			x.leave(c, "a revenue of 0 in a range means unset there")
			return nil, false
		default:
			g.RevenueRange = &googleRevenue{Max: digitsOf(e.RevenueMax)}
			if !low.IsZero() {
				g.RevenueRange.Min = digits(low)
			}
		}
		m.Events = append(m.Events, g)
	}
	return m, true
}
