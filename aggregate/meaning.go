package aggregate

import (
	"slices"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// Meaning is what one schema version says of fine values, as far as histograms
// need it: a pure description, fixed when the version was published.
type Meaning struct {
	Version int
	Events  []string // every event that some value vouches for, in the schema's order
	Values  []ValueMeaning
}

// ValueMeaning is a fine value that the schema has a row for. Values of a Meaning
// are ascending.
type ValueMeaning struct {
	Value   int // 0 to 63
	Payer   bool
	Clamped bool // the cap cut an amount
	// Of one install, in the app's currency, clamped. RevenueMax nil: the band is open.
	RevenueMin decimal.Decimal
	RevenueEst decimal.Decimal
	RevenueMax *decimal.Decimal
	Events     []EventMeaning
}

// EventMeaning is an event that a value vouches for, and how often it happened.
type EventMeaning struct {
	Name     string
	CountMin int  // at least 1
	CountMax *int // nil: the band is open
}

// MeaningOf describes a schema version for a dataset. Only postbacks of index 0
// carry fine values; of the others there is nothing to say.
func MeaningOf(version int, d *schema.Document, set Dataset) Meaning {
	m := Meaning{Version: version}
	if set.SequenceIndex != 0 || set.Kind == KindQualifier {
		return m
	}
	for value := range 64 {
		x := d.Decode(schema.Value{Fine: &value, Reengagement: set.Kind == KindReengagement})
		if x.State != schema.StateDecoded {
			continue
		}
		v := ValueMeaning{
			Value: value, Payer: x.Payer, Clamped: x.Clamped,
			RevenueMin: x.RevenueMin, RevenueEst: x.RevenueEst, RevenueMax: x.RevenueMax,
		}
		for _, e := range x.Events {
			v.vouch(e)
		}
		for _, e := range v.Events {
			if !slices.Contains(m.Events, e.Name) {
				m.Events = append(m.Events, e.Name)
			}
		}
		m.Values = append(m.Values, v)
	}
	return m
}

// vouch adds an event of the value's row. A row may name an event twice, with a
// band of counts and one of revenue: then both hold. A count that may be zero
// vouches for nothing.
func (v *ValueMeaning) vouch(e schema.MappedEvent) {
	least := 1
	if e.CountMin != nil {
		least = *e.CountMin
	}
	if least < 1 {
		return
	}
	i := slices.IndexFunc(v.Events, func(x EventMeaning) bool { return x.Name == e.Name })
	if i < 0 {
		v.Events = append(v.Events, EventMeaning{Name: e.Name, CountMin: least, CountMax: e.CountMax})
		return
	}
	known := &v.Events[i]
	known.CountMin = max(known.CountMin, least)
	if e.CountMax != nil && (known.CountMax == nil || *e.CountMax < *known.CountMax) {
		known.CountMax = e.CountMax
	}
}

// equal reports whether two versions read the value alike. Names of partners are
// not part of it: they are published nowhere here.
func (v ValueMeaning) equal(o ValueMeaning) bool {
	return v.Value == o.Value && v.Payer == o.Payer && v.Clamped == o.Clamped &&
		v.RevenueMin.Equal(o.RevenueMin) && v.RevenueEst.Equal(o.RevenueEst) &&
		(v.RevenueMax == nil) == (o.RevenueMax == nil) &&
		(v.RevenueMax == nil || v.RevenueMax.Equal(*o.RevenueMax)) &&
		len(v.Events) == len(o.Events) && !slices.ContainsFunc(v.Events, func(e EventMeaning) bool {
		same := o.event(e.Name)
		return same == nil || !e.equal(*same)
	})
}

func (e EventMeaning) equal(o EventMeaning) bool {
	return e.CountMin == o.CountMin && (e.CountMax == nil) == (o.CountMax == nil) &&
		(e.CountMax == nil || *e.CountMax == *o.CountMax)
}

// event is what the value says of the event; nil if it does not vouch for it.
func (v ValueMeaning) event(name string) *EventMeaning {
	for i := range v.Events {
		if v.Events[i].Name == name {
			return &v.Events[i]
		}
	}
	return nil
}
