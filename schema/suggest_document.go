package schema

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shopspring/decimal"
)

// suggestPlan is what the options come to.
type suggestPlan struct {
	SuggestOptions
	coin   decimal.Decimal // the smallest amount of the currency
	event  MappedEvent     // name and partner name
	values []int           // fine values that bands may have, ascending
	kept   Document        // the parts of Current that the suggestion keeps
}

func (o SuggestOptions) plan(e Evidence) (suggestPlan, error) {
	p := suggestPlan{SuggestOptions: o, event: MappedEvent{Name: cmp.Or(o.Event, "purchase")}}
	err := e.enough()
	if err != nil {
		return p, err
	}
	if o.Current != nil {
		err = p.keep()
		if err != nil {
			return p, err
		}
	}
	digits, ok := CurrencyMinorUnits(p.Currency)
	switch {
	case p.Currency == "":
		return p, errors.New("currency: is missing; give an ISO 4217 code such as USD")
	case !ok:
		return p, fmt.Errorf("currency: %.10q is not a currency; use an ISO 4217 code such as USD", p.Currency)
	case o.From < 0 || o.From > maxFine:
		return p, fmt.Errorf("from: is %d; the lowest band takes a fine value of 1 to %d", o.From, maxFine)
	case p.Cap != nil && !p.Cap.IsPositive():
		return p, fmt.Errorf("cap: is %s; give an amount above 0", p.Cap)
	}
	p.coin = decimal.New(1, -int32(digits))
	w := p.kept.window(0, false)
	if w == nil {
		w = &Window{}
	}
	for v := max(o.From, 1); v <= maxFine; v++ {
		if !w.isReserved(v) && !p.kept.hasOverlapBit(v) {
			p.values = append(p.values, v)
		}
	}
	if o.Bands < 1 || o.Bands > len(p.values) {
		return p, fmt.Errorf("bands: is %d; from value %d on there is room for 1 to %d", o.Bands, max(o.From, 1), len(p.values))
	}
	largest := decimal.Zero
	for i, in := range e.Installs {
		spent, _ := in.spent(0)
		if spent.IsNegative() {
			return p, fmt.Errorf("installs[%d].revenue: is %s; write an amount of 0 or more", i, spent)
		}
		largest = decimal.Max(largest, spent)
	}
	// No estimate is above the largest amount, so neither is any mean of them.
	if largest.Div(p.coin).Mul(decimal.NewFromInt(int64(len(e.Installs)))).GreaterThan(decimal.NewFromInt(math.MaxInt64 / 4)) {
		return p, errors.New("installs: may add up to more than can be counted; check the currency")
	}
	return p, nil
}

// keep takes over what is not about bands.
func (p *suggestPlan) keep() error {
	current := p.Current
	err := usable("the current version", current)
	if err != nil {
		return err
	}
	switch p.Currency {
	case "", current.Currency:
		p.Currency = current.Currency
	default:
		return fmt.Errorf("currency: is %s, but the current version counts in %s", p.Currency, current.Currency)
	}
	p.kept = *current
	if p.Cap == nil {
		p.Cap = current.RevenueCap
	}
	current.anyEvent(func(e MappedEvent) bool {
		found := e.pays() && (p.Event == "" || p.Event == e.Name)
		if found {
			p.event = MappedEvent{Name: e.Name, PartnerName: e.PartnerName}
		}
		return found
	})
	return nil
}

// coins counts an amount in coins, cut at the cap; what is less than one is lost.
func (p suggestPlan) coins(x decimal.Decimal) int64 {
	if !x.IsPositive() {
		return 0 // most installs
	}
	if p.Cap != nil {
		x = decimal.Min(x, *p.Cap)
	}
	return x.Div(p.coin).IntPart()
}

// sample holds the amounts of payers.
func (p suggestPlan) sample(spent []decimal.Decimal) sample {
	var amounts []int64
	for _, x := range spent {
		n := p.coins(x)
		if n > 0 {
			amounts = append(amounts, n)
		}
	}
	return newSample(amounts)
}

// money turns coins into an amount in its shortest form.
func (p suggestPlan) money(coins int64) decimal.Decimal {
	m := decimal.NewFromInt(coins).Mul(p.coin)
	return *normal(&m)
}

// document writes the bands as fine rows and, from two bands of their own, the
// coarse levels: payers and non-payers never share one.
func (p suggestPlan) document(f, coarse fitting) (*Document, []SuggestedBand, error) {
	d := p.kept
	d.Currency, d.RevenueCap, d.Layout = p.Currency, p.Cap, nil
	w := Window{Index: 0, Coarse: map[string]Level{"low": {Events: []MappedEvent{}}}}
	if d.Name == "" {
		d.Name = "Suggested bands"
	}
	if was := p.kept.window(0, false); was != nil {
		w.Reserved, w.Lock = was.Reserved, was.Lock
		for _, r := range was.Fine {
			if r.Value < p.values[0] && !slices.ContainsFunc(r.Events, MappedEvent.pays) {
				w.Fine = append(w.Fine, r)
			}
		}
	}
	if !slices.ContainsFunc(w.Fine, func(r Row) bool { return r.Value == 0 }) {
		w.Fine = append(w.Fine, Row{Value: 0, Events: []MappedEvent{}})
	}
	bands := make([]SuggestedBand, 0, len(f))
	for i, b := range f {
		e := p.band(b)
		bands = append(bands, SuggestedBand{p.values[i], *e.RevenueMin, e.RevenueMax, *e.RevenueEst, b.installs})
		w.Fine = append(w.Fine, Row{p.values[i], []MappedEvent{e}})
	}
	for i, b := range coarse {
		e := p.band(b)
		level := Level{RevenueEst: e.RevenueEst}
		e.RevenueEst = nil
		level.Events = []MappedEvent{e}
		w.Coarse[levels[i+1]] = level
	}
	d.Windows = append([]Window{w}, slices.DeleteFunc(slices.Clone(d.Windows), func(w Window) bool { return w.Index == 0 })...)
	text, err := d.Canonical()
	if err != nil {
		return nil, nil, err
	}
	out, err := Parse(text)
	if err != nil {
		return nil, nil, err
	}
	return out, bands, usable("the suggested schema", out)
}

func (p suggestPlan) band(b coinBand) MappedEvent {
	e := p.event
	low, est := p.money(b.min), p.money(b.estimate)
	e.RevenueMin, e.RevenueEst = &low, &est
	if b.max > 0 {
		high := p.money(b.max)
		e.RevenueMax = &high
	}
	return e
}
