package schema

import (
	"math/rand/v2"
	"slices"

	"github.com/shopspring/decimal"
)

// folds is how many parts the payers are dealt into: each part is estimated with
// bands from the others.
const folds = 5

// tie is how much more error a simpler table may have: differences so small change
// with the deal.
const tie = 1.01

// TriedTable is one way to make bands and how well its bands estimate installs
// that they were not made from.
type TriedTable struct {
	Method string `json:"method"`
	Bands  int    `json:"bands"` // made from all installs; 0: too few to make any
	// MeanAbsolute and TotalShare are those of RevenueError; with Evidence.K, to two
	// digits and to the per cent.
	MeanAbsolute decimal.Decimal `json:"mean_absolute"`
	TotalShare   decimal.Decimal `json:"total_share"`
	Chosen       bool            `json:"chosen"`
}

// tried is a candidate with its bands from all installs, and what the bands from
// parts say about the other parts, in coins.
type tried struct {
	candidate
	fitting
	estimated, distance int64
}

// try deals the payers and makes all candidates' bands. The deal is drawn from what
// was paid, so the same installs give the same answer in any order.
func (s sample) try(ways []candidate, k int) []tried {
	out := make([]tried, len(ways))
	all := s.searches()
	for i, c := range ways {
		out[i] = tried{candidate: c, fitting: c.build(all, k)}
	}
	var parts [folds][]int64
	for i, j := range rand.New(rand.NewPCG(s.content(), 0)).Perm(len(s.amounts)) {
		parts[i%folds] = append(parts[i%folds], s.amounts[j])
	}
	for i, part := range parts {
		rest := newSample(slices.Concat(slices.Concat(parts[:i]...), slices.Concat(parts[i+1:]...))).searches()
		unseen := newSample(part)
		for i := range out {
			var f fitting
			if len(rest.amounts) > 0 {
				f = out[i].build(rest, k*(folds-1)/folds)
			}
			estimated, distance := unseen.read(f)
			out[i].estimated += estimated
			out[i].distance += distance
		}
	}
	return out
}

// choose picks the least error, and of those within the tie the fewest bands, then
// the first. nearest is the one of the least error.
func choose(all []tried) (chosen, nearest int) {
	for i, t := range all {
		if t.distance < all[nearest].distance && len(t.fitting) > 0 {
			nearest = i
		}
	}
	most := int64(tie * float64(all[nearest].distance))
	chosen = nearest
	for i, t := range all {
		switch bands := len(all[chosen].fitting); {
		case len(t.fitting) == 0 || t.distance > max(most, all[nearest].distance):
		case len(t.fitting) < bands, len(t.fitting) == bands && i < chosen:
			chosen = i
		}
	}
	return chosen, nearest
}

// held is the error of a candidate on the parts that its bands did not see. What
// lies above the cap is in no estimate.
func (p suggestPlan) held(t tried, installs int, spent, aboveCap decimal.Decimal) RevenueError {
	e := RevenueError{Installs: installs, True: spent, Estimated: p.money(t.estimated), absolute: p.money(t.distance).Add(aboveCap)}
	e.finish()
	return e
}

// told is what the answer says about a candidate. So many errors of one sample, to
// the last digit, would tell of single installs: with k they are rounded.
func (t tried) told(e RevenueError, chosen bool, k int) TriedTable {
	out := TriedTable{t.words, len(t.fitting), e.MeanAbsolute, e.TotalShare, chosen}
	if k > 0 {
		m := out.MeanAbsolute
		out.MeanAbsolute = m.Round(2 - int32(m.NumDigits()) - m.Exponent())
		out.TotalShare = out.TotalShare.Round(2)
	}
	return out
}
