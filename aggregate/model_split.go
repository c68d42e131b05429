package aggregate

import "math/rand/v2"

// splitter splits what a publication withheld, by the app's own mix and by the rules
// that the publication went by. It does not ask the model, whose shares come from the
// result: that would lift small apps' sums round by round.
type splitter struct {
	b      int
	kinds  map[rowClass]*mixture
	all    *mixture
	levels *mixture
}

// rowClass is what a row's mix of kinds hangs on: digits that Apple sends only of
// crowds that are large enough, and whose postbacks they are.
type rowClass struct {
	level    string
	long     bool // three digits or more: never without a value for the crowd's size
	campaign bool // SKAdNetwork 1 to 3: never coarse
}

func classOf(r Row) rowClass {
	return rowClass{r.Level, r.Source3 != "", r.IDKind == IDCampaign}
}

// can reports whether a row of the class may have a kind at all.
func (c rowClass) can(kind int) bool {
	return kind != null || !c.long
}

// parts is a row's installs, no longer whole numbers.
type parts struct {
	null, fine float64
	coarse     [3]float64
	coarseVar  [3]float64
	hidden     float64 // of the kinds that null took: they had a value, or will never have one
	fineKnown  bool    // fine stands
}

// enough is how many installs a class of rows needs to have a mix of its own.
const enough = 500

// newSplitter starts from the levels of fine values: rows too small to tell how their
// coarse values differ from those are taken not to.
func newSplitter(b int, rows []Row, fineLevels [3]float64) *splitter {
	s := &splitter{b: b, kinds: map[rowClass]*mixture{}, all: &mixture{}, levels: &mixture{}}
	var coarsely, all []observedRow
	classes, installs := map[rowClass][]observedRow{}, map[rowClass]int{}
	for _, r := range rows {
		if r.NullInstalls == nil {
			continue
		}
		known, _ := standingKinds(r)
		if n := known[coarse]; n > 0 {
			coarsely = append(coarsely, observedRow{s.levelWays(r, n), n, campaignOf(r)})
		}
		o, c := observedRow{s.kindWays(r), r.Installs, campaignOf(r)}, classOf(r)
		all, classes[c] = append(all, o), append(classes[c], o)
		installs[c] += r.Installs
	}
	var prior [5]float64
	for i, share := range fineLevels {
		prior[i] = share + leastWeight
	}
	s.levels.settle(coarsely, prior, nil)
	s.all.settle(all, [5]float64{leastWeight, leastWeight, leastWeight, leastWeight, leastWeight}, nil)
	for c, of := range classes {
		if installs[c] >= enough {
			s.kinds[c] = &mixture{}
			s.kinds[c].settle(of, [5]float64{leastWeight, leastWeight, leastWeight, leastWeight, leastWeight}, nil)
		}
	}
	return s
}

func (s *splitter) mix(c rowClass) *mixture {
	if m := s.kinds[c]; m != nil {
		return m
	}
	return s.all
}

// standingKinds is a row's kinds as published, and those that null took.
func standingKinds(r Row) (k [5]int, taken []int) {
	if r.NullInstalls == nil {
		return k, nil
	}
	rest := r.Installs - *r.NullInstalls
	k[null] = *r.NullInstalls
	for i, n := range [5]*int{unset: r.UnsetInstalls, unmapped: r.UnmappedInstalls, fine: r.FineInstalls} {
		switch {
		case i == null || i == coarse:
		case n == nil:
			taken = append(taken, i)
		default:
			k[i] = *n
			rest -= *n
		}
	}
	k[coarse] = rest // what all that stands leaves
	if rest == 0 && r.CoarseLow == nil {
		taken = append(taken, coarse)
	}
	return k, taken
}

// split splits one row: by the means of what is possible, or one of them at random.
func (s *splitter) split(r Row, random *rand.Rand) parts {
	if r.NullInstalls == nil {
		return parts{hidden: float64(r.Installs)} // a row without kinds: of a version before them
	}
	known, _ := standingKinds(r)
	k := s.kindsOf(r, random)
	coarsely, unsure := s.levelsOf(r, known[coarse], random)
	return parts{
		null: k[null], fine: float64(known[fine]), fineKnown: r.FineInstalls != nil,
		coarse: coarsely, coarseVar: unsure,
		hidden: max(0, k[fine]-float64(known[fine])+k[coarse]-float64(known[coarse])), // means have noise far behind the point
	}
}

// kindsOf are the kinds of a row with what null took given back.
func (s *splitter) kindsOf(r Row, random *rand.Rand) (out [5]float64) {
	known, taken := standingKinds(r)
	for i, n := range known {
		out[i] = float64(n)
	}
	if len(taken) == 0 {
		return out
	}
	w := s.mix(classOf(r)).of(s.kindWays(r), campaignOf(r))
	if len(w.counts) == 0 {
		return out // published by other rules
	}
	return w.pick(random)
}

// kindWays are the kinds that would have been published as the row's were.
func (s *splitter) kindWays(r Row) (out [][5]int) {
	known, taken := standingKinds(r)
	if len(taken) == 0 {
		return [][5]int{known}
	}
	wanted, class := [5]bool{true, true, true, true, true}, classOf(r)
	for _, i := range taken {
		wanted[i] = false
	}
	var try func(at, left int, k kinds, large bool)
	try = func(at, left int, k kinds, large bool) {
		if at == len(taken) {
			k[null] = left
			if left > 0 && !class.can(null) {
				return
			}
			if _, stands := k.merge(s.b); stands == wanted {
				out = append(out, k)
			}
			return
		}
		for n := 1; n <= left && (n < s.b || !large); n++ { // after a large one null is large: it takes no other
			k[taken[at]] = n
			try(at+1, left-n, k, large || n >= s.b)
		}
	}
	try(0, known[null], kinds(known), false)
	return out
}

// levelsOf splits the coarse installs of a row over the levels that do not stand, and
// says how unsure that is.
func (s *splitter) levelsOf(r Row, total int, random *rand.Rand) (out, variances [3]float64) {
	if total == 0 {
		return out, variances
	}
	w := s.levels.of(s.levelWays(r, total), campaignOf(r))
	if len(w.counts) == 0 {
		return out, variances // published by other rules
	}
	picked, unsure := w.pick(random), w.variances()
	copy(out[:], picked[:3])
	copy(variances[:], unsure[:3])
	return out, variances
}

// levelWays are the levels that would have been published as the row's were.
func (s *splitter) levelWays(r Row, total int) (out [][5]int) {
	published := [3]*int{r.CoarseLow, r.CoarseMedium, r.CoarseHigh}
	var wanted [3]bool
	for i, l := range published {
		wanted[i] = l != nil
	}
	if wanted == [3]bool{true, true, true} {
		return [][5]int{{*r.CoarseLow, *r.CoarseMedium, *r.CoarseHigh}}
	}
	for lows := range total + 1 {
		switch {
		case published[low] != nil && *published[low] != lows:
			continue
		case published[low] == nil && lows >= s.b && total-lows >= s.b:
			continue // then low would stand
		}
		for highs := range total - lows + 1 {
			l := levels{lows, total - lows - highs, highs}
			if l.merge(s.b) == wanted {
				out = append(out, [5]int{l[low], l[medium], l[high]})
			}
		}
	}
	return out
}
