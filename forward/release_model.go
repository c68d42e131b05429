package forward

import (
	"strconv"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// ModelTelling is how the figures of a model's release are told.
type ModelTelling struct {
	Telling
	// First says that what installs of this window did was never told: then it goes to
	// everybody, and of rows without a modelled number the observed figure goes. Else it
	// goes only where the last figure takes the place of the one before.
	First bool
	// Events says that events are told by the row, as a model estimates them. Where they
	// were told as observed, by the campaign, they stay so: a receiver that has both
	// would count them twice.
	Events bool
}

// FromModel turns a model's release into conversions of kind modeled, with the release
// of counts that it was made from: of each row of a named network its payers with their
// revenue, and its events, each the published number with its published bounds. The
// installs are counted, not modelled, and were told before.
func FromModel(model, counts aggregate.Release, names CampaignNames, how ModelTelling) []Conversion {
	if !Tells(model) {
		return nil
	}
	x := newReleased(counts, names, how.Telling)
	x.first = how.First
	numbers := map[string][]aggregate.ModeledRow{}
	for _, m := range model.Modeled {
		if m.Estimate != nil {
			numbers[m.Key] = append(numbers[m.Key], m)
		}
	}
	seen := newReleased(counts, names, Telling{Part: PartMeasures, At: how.At})
	modelled := map[string]string{"is_modeled": "true", "model_version": strconv.Itoa(model.ModelVersion)}
	for _, row := range counts.Rows {
		if row.NetworkID == "" || !row.ForNetworkReader(row.NetworkID) {
			continue
		}
		of := numbers[row.Key()]
		if len(of) == 0 && how.First {
			seen.payers(row)
			continue
		}
		x.modeled(row, of, modelled, how.Events)
	}
	if how.First && len(numbers) == 0 {
		for _, e := range counts.Events {
			seen.event(e)
		}
	}
	return append(x.out, seen.out...)
}

// modeled tells one row's numbers.
func (x *released) modeled(row aggregate.Row, numbers []aggregate.ModeledRow, modelled map[string]string, events bool) {
	x.model = modelled
	rowID := x.base + "/" + row.Key()
	for _, m := range numbers {
		if x.first && m.Estimate.IsZero() {
			continue // none are no news
		}
		f := map[string]string{"count": m.Estimate.String(), "count_low": amount(m.Low), "count_high": amount(m.High)}
		switch {
		case m.Metric == aggregate.MetricNamePayers:
			for _, r := range numbers {
				if r.Metric == aggregate.MetricNameRevenue {
					f["revenue"], f["revenue_min"], f["revenue_max"] = amount(r.Estimate), amount(r.Low), amount(r.High)
				}
			}
			x.add(rowID, row, EventPayer, f)
		case m.Metric == aggregate.MetricNameEvent && events:
			f["event_id"] = rowID + "/events/" + m.EventName // an event may be called install or payer
			x.add(rowID, row, m.EventName, f)
		}
	}
}

// HasNumbers reports whether a model's release has any number at all.
func HasNumbers(model aggregate.Release) bool {
	for _, m := range model.Modeled {
		if m.Estimate != nil {
			return true
		}
	}
	return false
}

func amount(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}
