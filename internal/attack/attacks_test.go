package attack

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// attack is one way to single somebody out. It returns what it found: of what is
// published by docs/privacy.md nothing, of each of its naive publishers something.
type attack struct {
	name   string
	run    func(r *reader) []string
	naives []string
}

var attacks = []attack{
	{"minimum cell scan: rows", (*reader).smallRows, []string{"no threshold at all"}},
	{"minimum cell scan: measures, bins and remainders", (*reader).smallMeasures, []string{"no threshold at all", "no rule of b"}},
	{"one payer, one redownload, all but one", (*reader).fewOnRows, []string{"no rule of b", "every count thresholded by itself"}},
	{"partition", (*reader).partition, []string{"every level thresholded by itself", "the week to date, every day"}},
	{"parent minus children", (*reader).parentMinusChildren, []string{"every level thresholded by itself"}},
	{"ten thousand combinations of rows", (*reader).combinationsOfRows, []string{
		"every level thresholded by itself", "the week to date, every day", "a window again, with k changed and a day more",
	}},
	{"ten thousand combinations of measures", (*reader).combinationsOfMeasures, []string{"no rule of b", "an event is counted on rows"}},
	{"linear program over crowds", (*reader).programOverCrowds, []string{"every level thresholded by itself"}},
	{"linear program over contributors", (*reader).programOverContributors, []string{
		"every count thresholded by itself", "a remainder wherever something is NULL",
	}},
	{"whole numbers behind remainders", (*reader).wholeRemainders, []string{"a remainder wherever something is NULL"}},
	{"differences of snapshots", (*reader).snapshotDifferences, []string{"one table, refreshed"}},
	{"windows that overlap", (*reader).overlappingWindows, []string{
		"the week to date, every day", "days beside weeks", "a window again, with k changed and a day more",
	}},
	{"index 0 minus index 1", (*reader).indexDifferences, []string{"datasets joined by the day of install"}},
	{"one whale", (*reader).whales, []string{"every count thresholded by itself"}},
	{"k-1 forged rows", (*reader).forgedRows, []string{"whoever posts is counted"}},
	{"slicing by a dimension of no tree", (*reader).undeclared, []string{"a table of countries"}},
	{"SQL: filters, HAVING, CUBE, windows", (*reader).statements, []string{
		"no threshold at all", "every level thresholded by itself", "the week to date, every day",
	}},
	{"one value's meaning changed", (*reader).redecodes, []string{"decoded again from the counted rows"}},
	{"noised views", (*reader).noisedViews, []string{"a noised view, drawn for every question"}},
	{"partition of consented installs", (*reader).consentedRows, []string{"both sides week by week, as they are"}},
	{"shares of a crowd that is known", (*reader).knownCrowds, []string{"the health of networks, to the last delivery"}},
	{"modelled numbers computed again", (*reader).recomputed, []string{"a model that read what was counted"}},
	{"combined minus both", (*reader).combinedParts, []string{"both sides week by week, as they are"}},
}

// smallMeasures: no measure, no bin and no remainder of 1 to b-1.
func (r *reader) smallMeasures() (found []string) {
	for _, x := range r.view.releases {
		small := func(what string, n *int) {
			if n != nil && *n > 0 && *n < x.b {
				found = append(found, fmt.Sprintf("%s %s: %d", x.id, what, *n))
			}
		}
		for _, at := range x.rows {
			for i, n := range slices.Concat(at.kinds[:], at.levels[:], []*int{at.payers, at.redownloads}) {
				small(fmt.Sprint(at.key, " measure ", i), n)
			}
		}
		for _, b := range x.bins {
			small(fmt.Sprint(b.campaign, " ", b.kind, " ", b.values), b.installs)
		}
		for _, e := range x.events {
			small(fmt.Sprint(e.campaign, " ", e.name), e.installs)
		}
		for _, m := range x.remainders {
			small("remainder "+m.network+" "+m.measure, &m.installs)
		}
	}
	return found
}

// fewOnRows: on no row are 1 to b-1 left beside a measure, nor is one told whose kind
// is not.
func (r *reader) fewOnRows() (found []string) {
	for _, x := range r.view.releases {
		few := func(n int) bool { return n != 0 && n < x.b }
		for _, at := range x.rows {
			if at.payers != nil && (at.kinds[kindFine] == nil || few(*at.kinds[kindFine]-*at.payers)) {
				found = append(found, fmt.Sprintf("%s %s: beside %d payers", x.id, at.key, *at.payers))
			}
			if at.redownloads != nil && few(at.installs-*at.redownloads) {
				found = append(found, fmt.Sprintf("%s %s: beside %d redownloads", x.id, at.key, *at.redownloads))
			}
			if x.conversion == "qualifier" && (at.payers != nil || at.redownloads != nil || at.kinds != [4]*int{} || at.levels != [3]*int{}) {
				found = append(found, fmt.Sprintf("%s %s: a losing postback has a value", x.id, at.key))
			}
		}
	}
	return found
}

// seed makes every run of an attack the same.
func seed() *rand.Rand { return rand.New(rand.NewPCG(10_000, 0)) }

// combinationsOfRows [empty or >= k], between windows, datasets and apps too.
func (r *reader) combinationsOfRows() []string {
	return combine(seed(), r.crowdsOf(r.view.releases...).told, 10_000)
}

// combinationsOfMeasures [empty or >= b], ten thousand over all releases.
func (r *reader) combinationsOfMeasures() (found []string) {
	rng := seed()
	var boards [][]told
	for _, x := range r.based() {
		for _, c := range []*contributors{r.contributorsOf(x), r.redownloadsOf(x)} {
			if len(c.told) > 0 {
				boards = append(boards, c.told)
			}
		}
	}
	for _, told := range boards {
		found = append(found, combine(rng, told, 1+10_000/len(boards))...)
	}
	return found
}

// based are the releases whose measures are laid out by themselves; a redecode's
// numbers are those of its base, see redecodes.
func (r *reader) based() []*release {
	return r.view.kept(func(x *release) bool { return x.kind == "base" })
}

// programOverCrowds [no place pinned to 1..k-1]: every node of the tree is a hidden
// crowd, over all windows at once in which something overlaps.
func (r *reader) programOverCrowds() (found []string) {
	byWindow := map[string][]*release{}
	for _, x := range r.view.releases {
		key := x.dataset + " " + x.end.Format(time.DateOnly)
		byWindow[key] = append(byWindow[key], x)
	}
	for _, releases := range byWindow {
		c := r.crowdsOf(releases...)
		s := system{told: c.told}
		nodes := map[string][]int{}
		for key, a := range c.atoms {
			parts := strings.Split(key, "|")
			for path := parts[2]; path != ""; path, _, _ = cutLast(path) {
				nodes[path] = append(nodes[path], a)
			}
		}
		for path, set := range nodes {
			slices.Sort(set)
			s.hidden = append(s.hidden, told{what: releases[0].id + " " + path, set: set, most: 1 << 20, floor: releases[0].k})
		}
		pins, _, faults := s.pinned()
		if faults > 0 {
			pins = append(pins, fmt.Sprintf("%s: %d programs were not solved", releases[0].id, faults))
		}
		found = append(found, pins...)
	}
	return found
}

// programOverContributors [no measure pinned to 1..b-1].
func (r *reader) programOverContributors() (found []string) {
	for _, x := range r.based() {
		for _, c := range []*contributors{r.contributorsOf(x), r.redownloadsOf(x)} {
			pins, _, faults := system{c.told, c.hidden}.pinned()
			if faults > 0 {
				pins = append(pins, fmt.Sprintf("%s: %d programs were not solved", x.id, faults))
			}
			found = append(found, pins...)
		}
	}
	return found
}

// overlappingWindows [refused]: of a dataset and window there is one base release, and
// no two windows have a moment in common.
func (r *reader) overlappingWindows() (found []string) {
	last := map[string]*release{}
	for _, x := range r.based() {
		if before := last[x.dataset]; before != nil && x.start.Before(before.end) {
			found = append(found, x.id+" overlaps "+before.id)
		}
		last[x.dataset] = x
	}
	return found
}

// indexDifferences [own partitions]: no two rows of two indexes are of the same place
// and the same days of install, so none is a part of the other.
func (r *reader) indexDifferences() (found []string) {
	at := map[string]*row{}
	for _, x := range r.based() {
		if x.conversion == "qualifier" {
			continue
		}
		for _, y := range x.rows {
			key := fmt.Sprint(x.app, x.environment, y.key, y.from, y.to)
			if other := at[key]; other != nil && other.installs != y.installs && abs(other.installs-y.installs) < x.k {
				found = append(found, fmt.Sprintf("%s: %d apart from another index", key, abs(other.installs-y.installs)))
			}
			at[key] = y
		}
	}
	return found
}

func abs(n int) int { return max(n, -n) }

// forgedRows [not counted]: a forger subtracts what it sent.
func (r *reader) forgedRows() (found []string) {
	for _, x := range r.view.releases {
		for _, at := range x.rows {
			if n := r.forged[x.id][at.key]; n > 0 && at.installs > n && at.installs-n < x.k {
				found = append(found, fmt.Sprintf("%s %s: %d without the forged", x.id, at.key, at.installs-n))
			}
		}
	}
	return found
}
