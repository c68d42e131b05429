package reconcile

import (
	"github.com/shopspring/decimal"
)

// View is a table of discrepancies as it is answered and printed. Money and shares are
// decimal strings; a share is of ours.
type View struct {
	Data     []LineView    `json:"data"`
	Causes   []CauseView   `json:"causes,omitempty"` // in place of Data, where grouped by cause
	Networks []NetworkView `json:"networks"`
}

// LineView is a Line. ours - theirs = difference = the sum of causes and unexplained.
type LineView struct {
	NetworkID   string           `json:"network_id"`
	Day         string           `json:"day,omitempty"`
	Event       string           `json:"event,omitempty"`
	CampaignID  string           `json:"campaign_id,omitempty"`
	Ours        int64            `json:"ours"`
	Eligible    int64            `json:"eligible"`
	Delivered   int64            `json:"delivered"`
	Theirs      int64            `json:"theirs"`
	Difference  int64            `json:"difference"`
	Share       *decimal.Decimal `json:"share"`
	Causes      map[string]int64 `json:"causes"`
	Unexplained int64            `json:"unexplained"`
	Currency    string           `json:"currency,omitempty"`
	Revenue     *MoneyView       `json:"revenue"`
	Refused     string           `json:"revenue_refused,omitempty"` // why money is not compared
	Nearest     string           `json:"nearest,omitempty"`
	Kept        map[string]int64 `json:"kept_back,omitempty"` // of ours, what was not delivered, and why
}

// MoneyView is the same of revenue.
type MoneyView struct {
	Ours        decimal.Decimal            `json:"ours"`
	Theirs      decimal.Decimal            `json:"theirs"`
	Difference  decimal.Decimal            `json:"difference"`
	Share       *decimal.Decimal           `json:"share"`
	Causes      map[string]decimal.Decimal `json:"causes"`
	Unexplained decimal.Decimal            `json:"unexplained"`
}

// CauseView is what one cause, or none, explains of a network's difference.
type CauseView struct {
	NetworkID    string           `json:"network_id"`
	Cause        string           `json:"cause"` // a Cause, or unexplained
	Count        int64            `json:"count"`
	Share        *decimal.Decimal `json:"share"`
	Currency     string           `json:"currency,omitempty"`
	Revenue      *decimal.Decimal `json:"revenue"`
	RevenueShare *decimal.Decimal `json:"revenue_share"`
}

// NetworkView is what stands over a network's lines.
type NetworkView struct {
	NetworkID   string           `json:"network_id"`
	Days        int              `json:"days"`
	MissingDays []string         `json:"missing_days,omitempty"`
	TimeZone    string           `json:"time_zone"`
	ZoneGiven   bool             `json:"time_zone_given"`
	CountsBy    string           `json:"counts_by"` // conversion, arrival
	Says        []string         `json:"says,omitempty"`
	Ours        int64            `json:"ours"`
	Delivered   int64            `json:"delivered"`
	Theirs      int64            `json:"theirs"`
	Confirmed   int64            `json:"confirmed"`
	Accuracy    *decimal.Decimal `json:"accuracy"`         // confirmed / delivered
	Discrepancy *decimal.Decimal `json:"discrepancy"`      // (ours - theirs) / ours
	Sent        *decimal.Decimal `json:"discrepancy_sent"` // of what the network is sent
}

// Table shows reports, grouped; by has some of ByDay, ByEvent and ByCampaign, or
// ByCause alone.
func Table(reports []Report, by []string) View {
	v := View{Data: []LineView{}, Networks: []NetworkView{}}
	for i := range reports {
		r := &reports[i]
		v.Networks = append(v.Networks, r.view())
		if len(by) == 1 && by[0] == ByCause {
			for _, l := range Group(r.Lines) {
				v.Causes = append(v.Causes, l.byCause()...)
			}
			continue
		}
		for _, l := range Group(r.Lines, by...) {
			v.Data = append(v.Data, l.view())
		}
	}
	return v
}

func (r *Report) view() NetworkView {
	f := r.Figures()
	v := NetworkView{
		NetworkID: r.NetworkID, Days: len(r.Days), MissingDays: r.Missing, TimeZone: r.TimeZone, ZoneGiven: r.ZoneGiven, CountsBy: "conversion",
		Says: r.Says, Ours: f.Ours, Delivered: f.Delivered, Theirs: f.Theirs, Confirmed: f.Confirmed,
		Accuracy: f.Accuracy, Discrepancy: f.Discrepancy, Sent: f.Sent,
	}
	if r.Arrival {
		v.CountsBy = "arrival"
	}
	return v
}

func (o *Line) view() LineView {
	v := LineView{
		NetworkID: o.NetworkID, Day: o.Day, Event: o.Event, CampaignID: o.CampaignID, Ours: o.Counts.Ours, Eligible: o.Eligible, Delivered: o.Delivered,
		Theirs: o.Counts.Theirs, Difference: o.Counts.Difference, Share: Discrepancy(o.Counts.Ours, o.Counts.Theirs), Causes: map[string]int64{},
		Unexplained: o.Counts.Unexplained, Currency: o.Currency, Refused: o.Unpriced, Nearest: o.Nearest, Kept: o.Kept,
	}
	for _, c := range Causes() {
		v.Causes[c.String()] = o.Counts.Causes[c]
	}
	if m := o.Revenue; m != nil {
		v.Revenue = &MoneyView{
			Ours: m.Ours, Theirs: m.Theirs, Difference: m.Difference, Share: Share(m.Difference, m.Ours),
			Causes: map[string]decimal.Decimal{}, Unexplained: m.Unexplained,
		}
		for _, c := range Causes() {
			v.Revenue.Causes[c.String()] = m.Causes[c]
		}
	}
	return v
}

func (o *Line) byCause() (out []CauseView) {
	ours := decimal.NewFromInt(o.Counts.Ours)
	add := func(name string, n int64, money func(*Part[decimal.Decimal]) decimal.Decimal) {
		v := CauseView{NetworkID: o.NetworkID, Cause: name, Count: n, Share: Share(decimal.NewFromInt(n), ours), Currency: o.Currency}
		if o.Revenue != nil {
			m := money(o.Revenue)
			v.Revenue, v.RevenueShare = &m, Share(m, o.Revenue.Ours)
		}
		out = append(out, v)
	}
	for _, c := range Causes() {
		add(c.String(), o.Counts.Causes[c], func(p *Part[decimal.Decimal]) decimal.Decimal { return p.Causes[c] })
	}
	add("unexplained", o.Counts.Unexplained, func(p *Part[decimal.Decimal]) decimal.Decimal { return p.Unexplained })
	return out
}
