package schema

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// MeasuredTable is what installs with a known life get from one table of the
// draft: window 0 fine, or a window's coarse values.
type MeasuredTable struct {
	Index    int    `json:"index"`
	Kind     string `json:"kind"`
	Installs int    `json:"installs"`
	// RevenueOnly counts those of which only the sum is known.
	RevenueOnly int  `json:"revenue_only"`
	Payers      *int `json:"payers"` // null: too few, or too few others, to be told
	// Values are runs of values with their installs; with Evidence.K small
	// neighbours are merged. The last one may be that of nothing set.
	Values []MeasuredValue `json:"values"`
	Unused []string        `json:"unused"` // null where that would tell of too few
	// Error compares the draft's estimate with the truth, CurrentError that of the
	// current version (null without one); both null where Payers is.
	Error        *RevenueError `json:"error"`
	CurrentError *RevenueError `json:"current_error"`
}

// MeasuredValue counts the installs with a value, or a run of values.
type MeasuredValue struct {
	From     string          `json:"from"` // 0-63, low to high; unset: nothing is set
	To       string          `json:"to"`
	Installs int             `json:"installs"`
	Share    decimal.Decimal `json:"share"`
}

// RevenueError compares estimated with true revenue, install by install. The truth
// is all that an install spent in the window, whether mapped or not, locked out or
// above the cap.
type RevenueError struct {
	Installs  int             `json:"installs"`
	True      decimal.Decimal `json:"true"`
	Estimated decimal.Decimal `json:"estimated"`
	// Total is Estimated - True; TotalShare the same as a share of True.
	Total      decimal.Decimal `json:"total"`
	TotalShare decimal.Decimal `json:"total_share"`
	// MeanAbsolute is the mean distance of an install's estimate from its truth, to
	// nine decimals.
	MeanAbsolute decimal.Decimal `json:"mean_absolute"`
	// WithoutEstimate counts installs on coarse levels without revenue_est: at
	// window 0 they count as the mean of the fine values that the level covers, in
	// later windows as the least they can have paid.
	WithoutEstimate int `json:"without_estimate"`

	absolute decimal.Decimal
}

func (r *RevenueError) add(estimated, truth decimal.Decimal) {
	r.Installs++
	r.True, r.Estimated = r.True.Add(truth), r.Estimated.Add(estimated)
	r.absolute = r.absolute.Add(estimated.Sub(truth).Abs())
}

func (r *RevenueError) finish() {
	r.Total = r.Estimated.Sub(r.True)
	r.TotalShare = shareOf(r.Total, r.True)
	if r.Installs > 0 {
		r.MeanAbsolute = r.absolute.DivRound(decimal.NewFromInt(int64(r.Installs)), 9)
	}
}

// spent is what an install paid in a window; false when that can't be told: the
// later windows need the first launch.
func (i Install) spent(index int) (decimal.Decimal, bool) {
	sum := decimal.Zero
	if i.Revenue != nil {
		return *i.Revenue, index == 0
	}
	launched := slices.ContainsFunc(i.Events, func(e Event) bool { return e.Name == FirstLaunch })
	if index > 0 && !launched {
		return sum, false
	}
	events, _, err := cut(&Window{Index: index}, i.Events)
	if err != nil {
		return sum, false // refused before: see enough
	}
	for _, e := range events {
		sum = sum.Add(e.Revenue)
	}
	return sum, true
}

// lived is the life of an install as a document's phone would see it.
func (i Install) lived(d *Document) ([]Event, error) {
	if i.Revenue == nil {
		return i.Events, nil
	}
	if !i.Revenue.IsPositive() {
		return nil, nil
	}
	name := ""
	several := d.anyEvent(func(e MappedEvent) bool {
		if !e.pays() {
			return false
		}
		other := name != "" && name != e.Name
		name = e.Name
		return other
	})
	if several {
		return nil, errors.New("revenue: stands without events, but the schema has several events with revenue; give the events")
	}
	if name == "" {
		return nil, nil
	}
	return []Event{{Name: name, Time: someMoment, Revenue: *i.Revenue}}, nil
}

// read is what one install's value says under one document.
type read struct {
	rank    int // -1: nothing set
	level   int // of window 0, for estimates of coarse levels
	decoded Decoded
}

func (d *Document) readInstall(i Install, index int, kind string) (read, error) {
	out := read{rank: -1, level: -1, decoded: Decoded{State: StateUnset}}
	events, err := i.lived(d)
	if err != nil {
		return out, err
	}
	e, err := d.Encode(index, events)
	if err != nil {
		return out, err
	}
	out.level = levelRank(e.Coarse)
	switch {
	case kind == KindFine && e.Fine != nil:
		out.rank = *e.Fine
	case kind == KindCoarse:
		out.rank = out.level
	}
	if out.rank >= 0 {
		out.decoded = d.Decode(valueOf(index, kind, out.rank))
	}
	return out, nil
}

// errorOf measures one document on installs that have a truth for the window.
func (d *Document) errorOf(installs []Install, index int, kind string) (RevenueError, []read, error) {
	var out RevenueError
	reads := make([]read, 0, len(installs))
	for n, i := range installs {
		r, err := d.readInstall(i, index, kind)
		if err != nil {
			return out, nil, fmt.Errorf("installs[%d].%w", n, err)
		}
		reads = append(reads, r)
	}
	mix := map[int]decimal.Decimal{}
	if index == 0 && kind == KindCoarse && slices.ContainsFunc(reads, func(r read) bool { return r.decoded.EstimateMissing }) {
		var err error
		mix, err = d.fineMix(installs)
		if err != nil {
			return out, nil, err
		}
	}
	for n, r := range reads {
		truth, _ := installs[n].spent(index)
		estimated := r.decoded.RevenueEst
		if r.decoded.EstimateMissing {
			out.WithoutEstimate++
			if m, ok := mix[r.rank]; ok {
				estimated = m
			}
		}
		out.add(estimated, truth)
	}
	out.finish()
	return out, reads, nil
}

// fineMix is the mean of the fine values that each coarse level of window 0 covers.
func (d *Document) fineMix(installs []Install) (map[int]decimal.Decimal, error) {
	sums, counts := map[int]decimal.Decimal{}, map[int]int64{}
	for n, i := range installs {
		r, err := d.readInstall(i, 0, KindFine)
		if err != nil {
			return nil, fmt.Errorf("installs[%d].%w", n, err)
		}
		if r.rank >= 0 {
			sums[r.level] = sums[r.level].Add(r.decoded.RevenueEst)
			counts[r.level]++
		}
	}
	for level, n := range counts {
		sums[level] = sums[level].DivRound(decimal.NewFromInt(n), 9)
	}
	return sums, nil
}
