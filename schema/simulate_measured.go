package schema

import (
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// someMoment is when the purchase happened of which only the sum is known: its
// time decides nothing, as it is the only event.
var someMoment = time.Unix(0, 0).UTC()

func (s *Simulation) measured(draft, current *Document, e Evidence) error {
	if len(e.Installs) == 0 {
		return nil
	}
	for _, w := range draft.Windows {
		installs := slices.DeleteFunc(slices.Clone(e.Installs), func(i Install) bool { _, ok := i.spent(w.Index); return !ok })
		for _, kind := range []string{KindFine, KindCoarse} {
			table := sideOf(draft, w.Index, kind).table
			if len(table) == 0 || len(installs) == 0 || len(installs) < e.K {
				continue
			}
			m, err := draft.measure(current, installs, w.Index, kind, table, e.K)
			if err != nil {
				return err
			}
			s.Deterministic = append(s.Deterministic, m)
		}
	}
	slices.SortStableFunc(s.Deterministic, func(a, b MeasuredTable) int { return a.Index - b.Index })
	if slices.ContainsFunc(e.Installs, func(i Install) bool { return i.Revenue != nil }) {
		s.note("Installs of which only the revenue is known are taken for one purchase before any lock, and nothing else.")
	}
	return nil
}

func (d *Document) measure(current *Document, installs []Install, index int, kind string, t table, k int) (MeasuredTable, error) {
	out := MeasuredTable{Index: index, Kind: kind, Installs: len(installs), Values: []MeasuredValue{}}
	payers := 0
	for _, i := range installs {
		spent, _ := i.spent(index)
		if spent.IsPositive() {
			payers++
		}
		if i.Revenue != nil {
			out.RevenueOnly++
		}
	}
	draftError, reads, err := d.errorOf(installs, index, kind)
	if err != nil {
		return out, err
	}
	counts := map[int]int{}
	for _, e := range t {
		counts[e.rank] = 0
	}
	for _, r := range reads {
		counts[r.rank]++
	}
	out.Values = merged(counts, kind, len(installs), k)
	if k == 0 {
		out.Unused = []string{}
		for _, rank := range slices.Sorted(maps.Keys(counts)) {
			if counts[rank] == 0 {
				out.Unused = append(out.Unused, rankName(kind, rank))
			}
		}
	}
	if tellable(payers, k) && tellable(len(installs)-payers, k) {
		out.Payers, out.Error = &payers, &draftError
		if current != nil && len(sideOf(current, index, kind).table) > 0 {
			e, _, err := current.errorOf(installs, index, kind)
			if err != nil {
				return out, err
			}
			out.CurrentError = &e
		}
	}
	return out, nil
}

func tellable(n, k int) bool { return n == 0 || n >= k }

// merged lists the values from low to high, nothing set at the end. With k, runs
// grow until they hold k installs or none.
func merged(counts map[int]int, kind string, all, k int) []MeasuredValue {
	ranks := slices.Sorted(maps.Keys(counts))
	if ranks[0] == -1 {
		ranks = append(ranks[1:], -1)
	}
	name := func(rank int) string {
		if rank < 0 {
			return KindUnset
		}
		return rankName(kind, rank)
	}
	out := []MeasuredValue{}
	small := false // the last run still holds too few
	for _, rank := range ranks {
		n := counts[rank]
		if !small {
			out = append(out, MeasuredValue{From: name(rank)})
		}
		last := &out[len(out)-1]
		last.To, last.Installs = name(rank), last.Installs+n
		small = !tellable(last.Installs, k)
	}
	for small && len(out) > 1 { // a rest too small joins the run before it
		last, before := out[len(out)-1], &out[len(out)-2]
		before.To, before.Installs = last.To, before.Installs+last.Installs
		out = out[:len(out)-1]
		small = !tellable(before.Installs, k)
	}
	for i := range out {
		out[i].Share = shareOf(decimal.NewFromInt(int64(out[i].Installs)), decimal.NewFromInt(int64(all)))
	}
	return out
}
