package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// shareDigits of a share are kept: hundredths of a percent.
const shareDigits = 4

// Share is part / whole, rounded to four digits; nil where there is no whole.
func Share(part, whole decimal.Decimal) *decimal.Decimal {
	if whole.IsZero() {
		return nil
	}
	s := part.DivRound(whole, shareDigits)
	return &s
}

// Discrepancy is (ours - theirs) / ours; nil where we counted nothing.
func Discrepancy(ours, theirs int64) *decimal.Decimal {
	return Share(decimal.NewFromInt(ours-theirs), decimal.NewFromInt(ours))
}

// Accuracy is the share of what was delivered that the partner confirms, once known
// causes are set apart; the field aims at 95 %. nil where nothing was delivered.
func Accuracy(confirmed, delivered int64) *decimal.Decimal {
	return Share(decimal.NewFromInt(confirmed), decimal.NewFromInt(delivered))
}

// Figures are what a report comes to, for the health of a network's destinations.
type Figures struct {
	Ours, Eligible, Delivered, Theirs int64
	Confirmed                         int64 // of Delivered
	Causes                            [causes]int64
	Unexplained                       int64
	Accuracy                          *decimal.Decimal // Confirmed / Delivered
	Discrepancy                       *decimal.Decimal // (Ours - Theirs) / Ours, of all lines
	Sent                              *decimal.Decimal // the same of events that the network is sent, without what is unmapped of them
}

// Figures adds up a report. Confirmed is what was delivered less what the network
// lacks of it, line by line: without a cause, taken for a duplicate, or come too late,
// in all days together, for what is late on one day is there on the next.
func (r *Report) Figures() Figures {
	var f Figures
	var missing, late, sent, differs int64
	for _, l := range r.Lines {
		f.Ours, f.Theirs = f.Ours+l.Counts.Ours, f.Theirs+l.Counts.Theirs
		f.Eligible, f.Delivered = f.Eligible+l.Eligible, f.Delivered+l.Delivered
		for i, n := range l.Counts.Causes {
			f.Causes[i] += n
		}
		f.Unexplained += l.Counts.Unexplained
		missing += min(l.Delivered, max(0, l.Counts.Unexplained)+max(0, l.Counts.Causes[Duplicate]))
		late += l.Counts.Causes[Late]
		if !l.Unsent {
			sent += l.Counts.Ours
			differs += l.Counts.Difference - l.Counts.Causes[Unmapped]
		}
	}
	f.Confirmed = max(0, f.Delivered-missing-max(0, late))
	f.Accuracy = Accuracy(f.Confirmed, f.Delivered)
	f.Discrepancy = Discrepancy(f.Ours, f.Theirs)
	f.Sent = Share(decimal.NewFromInt(differs), decimal.NewFromInt(sent))
	return f
}

// What lines may be grouped by; by cause is told apart, as that turns a line.
const (
	ByDay      = "day"
	ByEvent    = "event"
	ByCampaign = "campaign"
	ByCause    = "cause"
)

// Group adds up lines by some of ByDay, ByEvent, ByCampaign, and always by network. Of
// money it adds what was compared; lines of two currencies can't be added.
func Group(lines []Line, by ...string) []Line {
	var out []Line
	index := map[[4]string]int{}
	for _, l := range lines {
		g := Line{NetworkID: l.NetworkID, Currency: l.Currency}
		if slices.Contains(by, ByDay) {
			g.Day = l.Day
		}
		if slices.Contains(by, ByEvent) {
			g.Event, g.Nearest = l.Event, l.Nearest
		}
		if slices.Contains(by, ByCampaign) {
			g.CampaignID = l.CampaignID
		}
		k := [4]string{g.NetworkID, g.Day, fold(g.Event), g.CampaignID}
		i, known := index[k]
		if !known {
			i = len(out)
			index[k], g.Kept = i, map[string]int64{}
			out = append(out, g)
		}
		out[i].add(&l)
	}
	slices.SortStableFunc(out, func(a, b Line) int {
		return cmp.Or(strings.Compare(a.NetworkID, b.NetworkID), strings.Compare(a.Day, b.Day),
			strings.Compare(fold(a.Event), fold(b.Event)), strings.Compare(a.CampaignID, b.CampaignID))
	})
	return out
}

func (o *Line) add(l *Line) {
	o.Eligible, o.Delivered = o.Eligible+l.Eligible, o.Delivered+l.Delivered
	c, d := &o.Counts, &l.Counts
	c.Ours, c.Theirs, c.Difference, c.Unexplained = c.Ours+d.Ours, c.Theirs+d.Theirs, c.Difference+d.Difference, c.Unexplained+d.Unexplained
	for i, n := range d.Causes {
		c.Causes[i] += n
	}
	for why, n := range l.Kept {
		o.Kept[why] += n
	}
	if o.Currency == "" {
		o.Currency = l.Currency
	}
	if o.Unpriced == "" {
		o.Unpriced = l.Unpriced
	}
	if l.Revenue != nil && l.Currency != o.Currency && o.Unpriced == "" {
		o.Unpriced = "the network's days are in " + o.Currency + " and " + l.Currency + ": look at each day"
	}
	if o.Unpriced != "" {
		o.Revenue = nil
		return
	}
	if l.Revenue == nil {
		return
	}
	if o.Revenue == nil {
		o.Revenue = &Part[decimal.Decimal]{}
	}
	m, n := o.Revenue, l.Revenue
	m.Ours, m.Theirs, m.Difference, m.Unexplained = m.Ours.Add(n.Ours), m.Theirs.Add(n.Theirs), m.Difference.Add(n.Difference), m.Unexplained.Add(n.Unexplained)
	for i, v := range n.Causes {
		m.Causes[i] = m.Causes[i].Add(v)
	}
}
