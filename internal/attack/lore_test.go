package attack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"skand/aggregate"
	"skand/conversion"
)

// reader is somebody who attacks: what was published, at every time that it was, and
// what everybody can know beside it.
type reader struct {
	view      *view
	snapshots []*snapshot
	lore
}

// lore is what a reader knows without having been shown it. It is more than readers
// have: the place of every install that ever was, though not how many are there.
type lore struct {
	// leaves are the places at the bottom of the tree, by dataset.
	leaves map[string][]string
	// meanings are the schema versions by release id, as they were published.
	meanings map[string][]aggregate.Meaning
	// redecodedBy is the version that a redecode reads by, by its release id.
	redecodedBy map[string]aggregate.Meaning
	// merges: small kinds are counted into null, as docs/privacy.md says; or each is
	// NULL by itself, where the publisher is a naive one.
	merges bool
	// forged is how many rows somebody forged, by dataset and place.
	forged map[string]map[string]int
	// versions are an app's schema versions, with their dates.
	versions map[int64][]conversion.SchemaVersion
	// publisher is where SQL is asked.
	publisher *published
}

// place is where an install hangs in a tree of four digits, spelt as row ids are.
func place(g aggregate.Counted) string {
	path := g.NetworkID
	if g.IDKind == aggregate.IDCampaign {
		return path + "/c" + g.Source
	}
	for n := 2; n <= 4; n++ {
		if len(g.Source) < n {
			return path + "/withheld"
		}
		short := g.Source[len(g.Source)-n:]
		if g.ShortForm == aggregate.ShortFirst {
			short = g.Source[:n]
		}
		path += "/" + short
	}
	return path
}

// leavesOf lists the places of installs that were cut.
func leavesOf(cuts map[string]cut) map[string][]string {
	seen, out := map[string]bool{}, map[string][]string{}
	for _, c := range cuts {
		dataset := c.release.Dataset.String()
		for _, g := range c.batch.Groups {
			if at := place(g); !seen[dataset+" "+at] {
				seen[dataset+" "+at] = true
				out[dataset] = append(out[dataset], at)
			}
		}
	}
	for _, places := range out {
		slices.Sort(places)
	}
	return out
}

// covers lists, for each row of a release, the leaves that it counts: those below its
// own place; of `other`, those below its parent that no row has.
func (x *release) covers(leaves []string) map[string][]string {
	out, taken := map[string][]string{}, map[string]bool{}
	under := func(leaf, key string) bool { return leaf == key || strings.HasPrefix(leaf, key+"/") }
	for _, at := range x.rows {
		if at.level == "other" || at.level == "total" {
			continue
		}
		for _, leaf := range leaves {
			if under(leaf, at.key) {
				out[at.key] = append(out[at.key], leaf)
				taken[leaf] = true
			}
		}
	}
	for _, at := range slices.Backward(slices.SortedFunc(slices.Values(x.rows), func(a, b *row) int {
		return strings.Count(a.key, "/") - strings.Count(b.key, "/")
	})) {
		if at.level != "other" && at.level != "total" {
			continue
		}
		parent, _, below := cutLast(at.key)
		for _, leaf := range leaves {
			if at.level == "total" || !taken[leaf] && (!below || under(leaf, parent)) {
				out[at.key] = append(out[at.key], leaf)
				taken[leaf] = true
			}
		}
	}
	return out
}

func cutLast(key string) (parent, last string, below bool) {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return "", key, false
	}
	return key[:i], key[i+1:], true
}

// value is a fine value in one meaning; versions that read it alike share it.
type value struct {
	version int // the last with this meaning
	aggregate.ValueMeaning
}

// valuesOf lists what the versions of a release tell apart, and where the value of a
// version is among it.
func valuesOf(meanings []aggregate.Meaning) (values []value, at map[string]int) {
	at = map[string]int{}
	ordered := slices.SortedFunc(slices.Values(meanings), func(a, b aggregate.Meaning) int { return b.Version - a.Version })
	spelt := map[string]int{}
	for _, m := range ordered {
		for _, v := range m.Values {
			text, err := json.Marshal(v)
			if err != nil {
				panic(err) // decimals and texts always marshal
			}
			i, known := spelt[string(text)]
			if !known {
				i = len(values)
				spelt[string(text)] = i
				values = append(values, value{m.Version, v})
			}
			at[fmt.Sprint(m.Version, ":", v.Value)] = i
		}
	}
	return values, at
}

func (v value) vouches(event string) bool {
	return slices.ContainsFunc(v.Events, func(e aggregate.EventMeaning) bool { return e.Name == event })
}

// meaningsOf are the schema versions that each release was decoded with.
func meaningsOf(cuts map[string]cut) map[string][]aggregate.Meaning {
	out := map[string][]aggregate.Meaning{}
	for id, c := range cuts {
		out[id] = c.batch.Schemas
	}
	return out
}
