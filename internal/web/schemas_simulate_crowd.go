package web

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// Editors may try as many drafts as they like. Two drafts that differ in one edge
// tell how many installs lie between: rounded counts only make that a longer search,
// for the rounded count flips at somebody's very amount. So editors never see
// answers about single installs at all. Their evidence is made of crowds: within
// each closed week, installs that did alike are put into crowds of at least b, and
// everyone in a crowd gets one and the same life, the crowd's mean. Whatever drafts
// are run over such lives, answers differ by nobody or by at least b installs, and
// amounts are means over at least b of them (privacy, P2).

// crowdNames bounds the event names that tell lives apart, those that pay first.
const crowdNames = 64

// Apple's windows end so long after the first launch.
var crowdWindows = [3]time.Duration{48 * time.Hour, 168 * time.Hour, 840 * time.Hour}

// lifeCell is what one install did of one event in one window.
type lifeCell struct {
	count       int
	revenue     decimal.Decimal
	first, last time.Duration // after the first launch
}

// life is an install as crowds are formed: cells by window*crowdNames+name.
type life struct {
	paid  [3]decimal.Decimal
	cells map[int]lifeCell
}

// crowds gives every install of one week the life of its crowd, of at least b
// installs; fewer than b installs give none. digits are those behind the point of
// an amount. It depends on the installs alone, never on a draft.
func crowds(installs []schema.Install, b int, digits int32) []schema.Install {
	b = max(b, 1)
	names := crowdedNames(installs)
	lives := make([]*life, 0, len(installs))
	for _, i := range installs {
		lives = append(lives, lifeOf(i, names))
	}
	groups := [][]*life{lives}
	split := func(asked func(*life) bool) {
		var next [][]*life
		for _, g := range groups {
			yes, no := parted(g, asked)
			if len(yes) < b || len(no) < b { // that somebody is one of so few is not told
				next = append(next, g)
				continue
			}
			next = append(next, yes, no)
		}
		groups = next
	}
	for w := range crowdWindows {
		split(func(l *life) bool { return l.paid[w].IsPositive() })
	}
	// Amounts before events: it is for revenue that most schemas are tried.
	var runs [][]*life
	for _, g := range groups {
		if len(g) >= b {
			runs = append(runs, alike(g, b)...)
		}
	}
	groups = runs
	for w := range crowdWindows {
		for n := range names {
			split(func(l *life) bool { return l.cells[w*crowdNames+n].count > 0 })
		}
	}
	var out []schema.Install
	for _, g := range groups {
		shared := common(g, names, digits)
		out = append(out, slices.Repeat([]schema.Install{shared}, len(g))...)
	}
	return out
}

// crowdedNames lists the event names: those that pay first, then by how many
// installs have them.
func crowdedNames(installs []schema.Install) []string {
	type use struct{ payers, installs int }
	uses := map[string]use{}
	for _, i := range installs {
		seen := map[string]bool{} // by name: it paid
		for _, e := range i.Events {
			seen[e.Name] = seen[e.Name] || e.Revenue.IsPositive()
		}
		for name, paid := range seen {
			u := uses[name]
			u.installs++
			if paid {
				u.payers++
			}
			uses[name] = u
		}
	}
	delete(uses, schema.FirstLaunch)
	names := slices.SortedFunc(maps.Keys(uses), func(x, y string) int {
		return cmp.Or(-cmp.Compare(uses[x].payers, uses[y].payers), -cmp.Compare(uses[x].installs, uses[y].installs), cmp.Compare(x, y))
	})
	return names[:min(len(names), crowdNames)]
}

func lifeOf(i schema.Install, names []string) *life {
	l := &life{cells: map[int]lifeCell{}}
	var launched time.Time
	for _, e := range i.Events {
		if e.Name == schema.FirstLaunch {
			launched = e.Time
		}
	}
	for _, e := range i.Events {
		n := slices.Index(names, e.Name)
		after := max(e.Time.Sub(launched), 0) // a phone's clock may be behind the backend's
		w := 0
		for w < len(crowdWindows) && after >= crowdWindows[w] {
			w++
		}
		if n < 0 || w == len(crowdWindows) {
			continue
		}
		c, again := l.cells[w*crowdNames+n]
		if !again {
			c.first, c.last = after, after
		}
		c.count++
		c.first, c.last = min(c.first, after), max(c.last, after)
		c.revenue = c.revenue.Add(e.Revenue)
		l.cells[w*crowdNames+n] = c
		l.paid[w] = l.paid[w].Add(e.Revenue)
	}
	return l
}

func parted(g []*life, asked func(*life) bool) (yes, no []*life) {
	for _, l := range g {
		if asked(l) {
			yes = append(yes, l)
		} else {
			no = append(no, l)
		}
	}
	return yes, no
}

// alike cuts a group into runs of at least b that spent about the same. Who spent
// exactly the same stays together, so that a price that b installs paid stays a price.
func alike(g []*life, b int) [][]*life {
	order := func(x, y *life) int {
		return cmp.Or(x.paid[0].Cmp(y.paid[0]), x.paid[1].Cmp(y.paid[1]), x.paid[2].Cmp(y.paid[2]))
	}
	g = slices.Clone(g)
	slices.SortStableFunc(g, order)
	var runs [][]*life
	for at := 0; at < len(g); {
		end := at + b
		for end < len(g) && order(g[end-1], g[end]) == 0 {
			end++
		}
		if len(g)-end < b {
			end = len(g) // what is left is too few for a crowd of its own
		}
		runs = append(runs, g[at:end])
		at = end
	}
	return runs
}
