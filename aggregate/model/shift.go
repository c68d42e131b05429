package model

import "math"

// shifts are how small crowds (tier 1) differ from those whose fine values are seen, in
// log-odds against the base level.
type shifts struct {
	base   int
	level  [levels]float64 // of a level as a whole
	sd     [levels]float64
	payers float64         // of payers, one for all levels
	others [levels]float64 // of non-payers, by level
	weight [levels]float64 // of each level's shift in the payers'; they sum to 1, or all are 0
	// between is the variance of the shift between campaigns.
	between float64
}

// table is a 2x2 table of one stratum: level and base, in tier 1 and in the tiers above.
type table struct{ small, smallBase, large, largeBase float64 }

// mantelHaenszel is the common log odds ratio of the tables with its variance (Robins,
// Breslow, Greenland, 1986). ok is false where they say nothing.
func mantelHaenszel(tables []table) (lor, variance float64, ok bool) {
	var r, s, pr, mixed, qs float64
	for _, t := range tables {
		n := t.small + t.smallBase + t.large + t.largeBase
		if n == 0 {
			continue
		}
		a, b := t.small*t.largeBase/n, t.smallBase*t.large/n
		p, q := (t.small+t.largeBase)/n, (t.smallBase+t.large)/n
		r, s = r+a, s+b
		pr, qs = pr+p*a, qs+q*b
		mixed += p*b + q*a
	}
	if r == 0 || s == 0 {
		return 0, 0, false
	}
	return math.Log(r / s), pr/(2*r*r) + mixed/(2*r*s) + qs/(2*s*s), true
}

// heterogeneity is the variance of effects between groups beyond their own errors
// (DerSimonian and Laird, 1986).
func heterogeneity(groups [][]table, common float64) float64 {
	var w, w2, q, k float64
	for _, g := range groups {
		x, v, ok := mantelHaenszel(g)
		if !ok || v <= 0 {
			continue
		}
		k++
		w += 1 / v
		w2 += 1 / (v * v)
		q += square(x-common) / v
	}
	if k < 3 {
		return 0
	}
	return max(0, (q-(k-1))/(w-w2/w))
}

// observeShifts compares the tiers within each cell. fine are the cells' fine installs
// by level, payers those of them who paid; prior is the standard deviation of shifts.
func observeShifts(l *layout, cells []Cell, fine, payers [][]float64, prior float64) shifts {
	s := shifts{base: baseLevel(cells, fine)}
	for level := range NoLevel {
		if level == s.base {
			continue
		}
		all := make([]table, len(cells))
		groups := make([][]table, len(l.networkOf))
		for i, c := range cells {
			all[i] = table{c.Coarse[level], c.Coarse[s.base], fine[i][level], fine[i][s.base]}
			groups[l.sites[i].campaign] = append(groups[l.sites[i].campaign], all[i])
		}
		s.sd[level] = prior
		lor, variance, ok := mantelHaenszel(all)
		if !ok {
			continue // tier 1 says nothing: what is believed of any app stands
		}
		variance /= 1 - missing(cells, level)
		s.between = max(s.between, heterogeneity(groups, lor))
		believed := square(prior) / (square(prior) + variance)
		s.level[level], s.sd[level] = lor*believed, math.Sqrt(variance*believed)
	}
	s.divide(fine, payers)
	return s
}

// mostMissing keeps a shift that nobody was seen to have from being quite without weight.
const mostMissing = 0.99

// missing is the share of what small crowds would tell of a level that is not told: the
// variance that is left in its counts, over that of the counts were they told (the
// missing information of Louis, "Finding the observed information matrix", 1982).
func missing(cells []Cell, level int) float64 {
	var left, whole float64
	for i := range cells {
		c := &cells[i]
		if n := c.coarse(); n > 0 {
			left += c.CoarseVar[level]
			whole += c.Coarse[level] * (1 - c.Coarse[level]/n)
		}
	}
	if whole <= 0 {
		return 0
	}
	return min(left/whole, mostMissing)
}

// baseLevel is the level with the most to compare the others with.
func baseLevel(cells []Cell, fine [][]float64) int {
	var small, large [NoLevel]float64
	for i, c := range cells {
		for level := range NoLevel {
			small[level] += c.Coarse[level]
			large[level] += fine[i][level]
		}
	}
	best := Low
	for level := range NoLevel {
		if min(small[level], large[level]) > min(small[best], large[best]) {
			best = level
		}
	}
	return best
}

// leastRest keeps what is left to the non-payers of a mixed level from vanishing where
// the payers' shift alone would explain more than all of it.
const leastRest = 0.1

// divide parts the shift of each level, odds of its payers and its others together,
// into one of all payers and one of the level's others. The payers' is read from the
// levels in proportion to how pure they are: a level that mixes both says little.
func (s *shifts) divide(fine, payers [][]float64) {
	var all, paid [levels]float64
	for i := range fine {
		for level := range levels {
			all[level] += fine[i][level]
			paid[level] += payers[i][level]
		}
	}
	var sum, weight float64
	for level := range NoLevel {
		if all[level] == 0 {
			continue
		}
		w := paid[level] * math.Pow(paid[level]/all[level], 4)
		s.weight[level] = w
		sum += w * s.level[level]
		weight += w
	}
	if weight > 0 {
		s.payers = sum / weight
		for level := range s.weight {
			s.weight[level] /= weight
		}
	}
	for level := range NoLevel {
		s.others[level] = s.level[level]
		if all[level] == 0 {
			continue
		}
		q := paid[level] / all[level]
		rest := math.Exp(s.level[level]) - q*math.Exp(s.payers)
		if q > 0 && q < 1 && rest > leastRest*(1-q)*math.Exp(s.level[level]) {
			s.others[level] = math.Log(rest / (1 - q))
		}
	}
}

// payersSD is the standard deviation of the payers' shift.
func (s *shifts) payersSD() float64 {
	variance := 0.0
	for level, w := range s.weight {
		variance += square(w * s.sd[level])
	}
	return math.Sqrt(variance)
}

// coarsePayers is the share of payers among the coarse installs of a level, where q is
// that among those whose fine value is seen.
func (s *shifts) coarsePayers(level int, q float64) float64 {
	a, b := q*math.Exp(s.payers), (1-q)*math.Exp(s.others[level])
	if a+b == 0 {
		return 0
	}
	return a / (a + b)
}
