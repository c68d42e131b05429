package attack

import (
	"fmt"
	"slices"

	"skand/aggregate"
)

// redecodes [a redecode release; base unchanged; nothing finer moves]: the rows of a
// redecode hold what its base says, its bins are those of its base, and payers and
// events under the other meaning, added to and subtracted from what the base says,
// leave nobody.
func (r *reader) redecodes() (found []string) {
	rng := seed()
	for _, x := range r.view.kept(func(x *release) bool { return x.kind == aggregate.ReleaseRedecode }) {
		base := r.baseOf(x)
		if base == nil || len(base.rows) != len(x.rows) {
			found = append(found, x.id+" has not the rows of its base")
			continue
		}
		for i, at := range x.rows {
			was := base.rows[i]
			if at.key != was.key || at.installs != was.installs || !same(at.redownloads, was.redownloads) ||
				!slices.EqualFunc(at.kinds[:], was.kinds[:], same) || !slices.EqualFunc(at.levels[:], was.levels[:], same) {
				found = append(found, fmt.Sprintf("%s %s is not as in its base", x.id, at.key))
			}
		}
		if fmt.Sprint(sizes(x)) != fmt.Sprint(sizes(base)) {
			found = append(found, x.id+" has other bins than its base")
		}
		found = append(found, combine(rng, r.bothReadings(base, x).told, 1000)...)
	}
	return found
}

// baseOf finds the release of the same window.
func (r *reader) baseOf(x *release) *release {
	i := slices.IndexFunc(r.view.releases, func(b *release) bool {
		return b.kind == aggregate.ReleaseBase && b.dataset == x.dataset && b.end.Equal(x.end)
	})
	if i < 0 {
		return nil
	}
	return r.view.releases[i]
}

// bothReadings are the measures of a base with those of its redecode beside them, on
// the same rows and values.
func (r *reader) bothReadings(base, again *release) *contributors {
	c := r.contributorsOf(base)
	meaning := map[int]aggregate.ValueMeaning{}
	for _, v := range r.redecodedBy[again.id].Values {
		meaning[v.Value] = v
	}
	for i, at := range again.rows {
		if at.payers != nil && at.kinds[kindFine] != nil {
			c.tell("again "+at.key+" payers", *at.payers, c.cells(i, func(x int) bool {
				return isFine(x) && x-cellFine < len(c.values) && meaning[c.values[x-cellFine].Value].Payer
			}))
		}
	}
	for _, e := range again.events {
		if e.installs != nil {
			c.sum("again "+e.name, e.campaign, e.installs, func(v value) bool {
				return value{ValueMeaning: meaning[v.Value]}.vouches(e.name)
			})
		}
	}
	return c
}

// sizes are the bins of each campaign, smallest first.
func sizes(x *release) map[campaignKey][]int {
	out := map[campaignKey][]int{}
	for _, b := range x.bins {
		if b.kind == aggregate.BinFine {
			out[b.campaign] = append(out[b.campaign], *b.installs)
		}
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

func same(a, b *int) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// decodedAgain is what a naive publisher makes of an order to decode again: it counts
// the rows anew. Here value 1 is said to have paid.
func (n *naive) decodedAgain() *reader {
	n.lore.merges, n.lore.redecodedBy = true, map[string]aggregate.Meaning{}
	for _, c := range n.cuts {
		p := n.cutOf(c)
		r := c.line("", p.Rows)
		r.Values, r.Events = p.Values, p.Events
		newest := c.batch.Schemas[len(c.batch.Schemas)-1]
		newest.Values = slices.Clone(newest.Values)
		for i := range newest.Values {
			newest.Values[i].Payer = newest.Values[i].Payer != (newest.Values[i].Value == 1)
		}
		batch := c.batch
		batch.Schemas, batch.Groups = []aggregate.Meaning{newest}, slices.Clone(c.batch.Groups)
		for i := range batch.Groups {
			g := &batch.Groups[i]
			g.SchemaVersion = newest.Version
			g.Payer = slices.ContainsFunc(newest.Values, func(v aggregate.ValueMeaning) bool { return v.Value == g.Fine && v.Payer })
		}
		q := aggregate.Cut(c.release.Dataset, c.release.Settings, batch)
		again := c.line(".again", q.Rows)
		again.Kind, again.Values, again.Events = aggregate.ReleaseRedecode, q.Values, q.Events
		n.lore.redecodedBy[again.ID] = newest
		n.publish(r, again)
	}
	return n.reader()
}
