package aggregate

import "math"

// Interval is an estimate and the bounds within which the truth is to lie in 9 of 10.
type Interval struct {
	Est  int `json:"est"`
	Low  int `json:"low"`
	High int `json:"high"`
}

// beta is what is known of a share.
type beta struct{ a, b float64 }

// The share of reported installs, led to by an ad, whose postback is counted, where
// nothing else is known: postbacks come whatever people allow, but phones that stay
// offline, networks that do not sign and copies that are never sent cost some. A mean
// of 0.9, and 0.77 to 0.98 in 9 of 10 apps: an assumption, no measurement.
var assumedShare = beta{18, 2}

// shareWeight is how many installs an app's own share is worth for one of its nodes.
const shareWeight = 20

// appShare is the app's own share where overlap bits tell it, else the assumed one.
func (c combiner) appShare(s Sides) beta {
	reported := installsOf(attributedRows(s.Deterministic))
	seen := installsOf(s.SKAN)
	with, without := toldBits(s.Bits)
	if with+without == 0 || reported == 0 {
		return assumedShare
	}
	both := float64(seen) * float64(with) / float64(with+without)
	mean := min(max(both/float64(reported), 0.01), 0.99)
	return beta{shareWeight * mean, shareWeight * (1 - mean)}
}

func toldBits(all []OverlapBits) (with, without int) {
	for _, b := range all {
		with, without = with+b.With, without+b.Without
	}
	return with, without
}

// tell is the row of a node, and whether overlap and both remainders are 0 or at least k.
func (c combiner) tell(n shared) (CombinedRow, bool) {
	seen, reported := installsOf(n.sides.SKAN), installsOf(n.sides.Deterministic)
	row := n.row
	row.SKAN, row.Deterministic = &seen, reported
	overlap, source := c.overlap(seen, reported, n.sides.Bits)
	for _, part := range []int{overlap.Est, seen - overlap.Est, reported - overlap.Est} {
		if !holds(part, c.k) {
			return row, false
		}
	}
	row.Source = source
	overlap = c.loosen(overlap, seen, reported)
	row.Overlap = &overlap
	both := seen + reported
	row.Combined = Interval{both - overlap.Est, both - overlap.High, both - overlap.Low}
	return row, seen+reported >= c.k
}

// overlap estimates how many of the node's postbacks are of reported installs. Fine
// values with the overlap bit say it; installs without a fine value, and in bins that
// hold both, are taken to be like those. Without the bit each reported install has its
// postback with the app's share.
func (c combiner) overlap(seen, reported int, told []OverlapBits) (Interval, string) {
	most := min(seen, reported)
	if most == 0 {
		return Interval{}, OverlapNone
	}
	with, without := toldBits(told)
	if with+without == 0 {
		est, low, high := betaBinomial(reported, c.share)
		return bounded(est, low, high, 0, most), OverlapModelled
	}
	rest := max(seen-with-without, 0)
	est, low, high := betaBinomial(rest, beta{float64(with) + 0.5, float64(without) + 0.5})
	return bounded(with+est, with+low, with+high, min(with, most), most), OverlapBit
}

func bounded(est, low, high, least, most int) Interval {
	in := func(n int) int { return min(max(n, least), most) }
	return Interval{in(est), in(low), in(high)}
}

// loosen moves the bounds outward until no part of them is 1 to k-1, as far as they go.
func (c combiner) loosen(o Interval, seen, reported int) Interval {
	stands := func(n int) bool { return holds(n, c.k) && holds(seen-n, c.k) && holds(reported-n, c.k) }
	for o.Low > 0 && !stands(o.Low) {
		o.Low--
	}
	for o.High < min(seen, reported) && !stands(o.High) {
		o.High++
	}
	return o
}

// organic is what an app that reports every install has beside those that ads led to.
func (c combiner) organic(s Sides, top shared) (CombinedRow, bool) {
	all := installsOf(s.Deterministic)
	total, ok := c.tell(top)
	row := CombinedRow{Level: LevelOrganic, NetworkID: Organic, Deterministic: all}
	rest := func(n int) int {
		if n = max(all-n, 0); n < c.k {
			return 0
		}
		return n
	}
	row.Combined = Interval{rest(total.Combined.Est), rest(total.Combined.High), max(rest(total.Combined.Low), c.k)}
	return row, ok && row.Combined.Est >= c.k
}

// betaBinomial is the mean and the 5th and 95th of 100 of how many of n have what each
// has with a share that is known as d. Summed exactly, from the mode outward in logs.
func betaBinomial(n int, d beta) (est, low, high int) {
	if n == 0 {
		return 0, 0, 0
	}
	est = int(math.Round(float64(n) * d.a / (d.a + d.b)))
	logs := make([]float64, n+1)
	top := math.Inf(-1)
	for x := range n {
		ratio := float64(n-x) / float64(x+1) * (d.a + float64(x)) / (d.b + float64(n-x-1))
		logs[x+1] = logs[x] + math.Log(ratio)
	}
	for _, l := range logs {
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	low, high = -1, n
	reached := 0.0
	for x, l := range logs {
		reached += math.Exp(l-top) / sum
		if low < 0 && reached > 0.05 {
			low = x
		}
		if reached >= 0.95 {
			high = x
			break
		}
	}
	return est, min(low, est), max(high, est)
}
