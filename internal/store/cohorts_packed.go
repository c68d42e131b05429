package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// errNotPacked says that a sum has to be made by the database, from the rows.
var errNotPacked = errors.New("not to be summed from packed releases")

// mostGroups bounds what a sum takes in memory: some ten megabytes. Larger answers are
// sorted by the database, and streamed.
const mostGroups = 20_000

// unpacked is a roll-up that is being made from packed releases.
type unpacked struct {
	f      CohortFilter
	kept   map[string]bool // dimensions
	names  []string        // of all releases; 0 is NULL
	place  map[string]int32
	groups []*packedGroup
	slab   []packedGroup // where the next groups lie: a thousand at a time are quickly made, and never moved
	at     map[packedKey]*packedGroup
}

// packedKey is what is kept apart, in the order in which answers are sorted: numbers,
// the days on which periods begin, and places among the names (0: NULL, or not kept).
type packedKey [11]int32

// The members of a packedKey, in their order.
const (
	byIndex = iota
	byKind
	byEnvironment
	byNetwork
	byIDKind
	bySource2
	byLevel
	byWeek
	byMonth
	byVersions
	byCurrency
)

// isName says which members of a key are places among the names.
var isName = [len(packedKey{})]bool{
	byKind: true, byEnvironment: true, byNetwork: true, byIDKind: true, bySource2: true, byLevel: true, byVersions: true, byCurrency: true,
}

type packedGroup struct {
	key packedKey
	packedSums
}

// packedSums is Sums from packed releases. It returns errNotPacked, before it has given
// anything to each, if a release is not packed or the answer too large.
func (l *CohortLook) packedSums(ctx context.Context, g CohortGroup, skip, limit int, each func([]any) error) error {
	u := &unpacked{f: l.f, kept: map[string]bool{}, names: []string{""}, place: map[string]int32{}, at: map[packedKey]*packedGroup{}}
	for _, name := range g {
		u.kept[name] = true
	}
	w := l.f.whereRelease(l.d)
	w.decodedLast(l.d, l.f.AppID)
	w.and(ofPostbacks)
	w.and(`kind <> '` + aggregate.ReleaseModel + `'`) // it has no rows of cohort
	release := l.d.table("release")
	text := `SELECT sequence_index, conversion_kind, environment, window_start,
		(SELECT p.packed FROM ` + l.d.table("cohort_packed") + ` p WHERE p.release_id = ` + release + `.release_id) FROM ` + release + w.String()
	err := l.query(ctx, text, w.args, u.release)
	if err != nil {
		return err
	}
	u.sort()
	groups := u.groups
	if limit > 0 {
		groups = groups[min(skip, len(groups)):]
		groups = groups[:min(limit, len(groups))]
	}
	values := make([]any, len(g.Table()))
	for _, g := range groups {
		u.values(g, values)
		if err := each(values); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacked) release(rows *sqlx.Rows) error {
	var key packedKey
	var kind, env string
	var start Stamp
	var packed []byte
	if err := rows.Scan(&key[byIndex], &kind, &env, &start, &packed); err != nil {
		return fmt.Errorf("read packed release: %w", err)
	}
	if packed == nil {
		return errNotPacked
	}
	key[byKind], key[byEnvironment] = u.name(kind), u.name(env)
	begin := time.Time(start)
	if u.kept["week"] {
		key[byWeek] = dayNumber(aggregate.WindowAt(aggregate.Week, begin).Start)
	}
	if u.kept["month"] {
		key[byMonth] = dayNumber(time.Date(begin.Year(), begin.Month(), 1, 0, 0, 0, 0, time.UTC))
	}
	level, network := u.name(u.f.Level), u.name(u.f.NetworkID) // "" filters nothing
	byNet, bySource, byDepth, bySchema := u.kept["network"], u.kept["source_2"], u.kept["level"], u.kept["schema_versions"]
	var here []int32 // places of this release's names among all
	err := unpack(packed, func(names []string) {
		here = make([]int32, len(names))
		for i, name := range names[1:] {
			here[i+1] = u.name(name)
		}
	}, func(p *packedPart) {
		if u.f.Level != "" && here[p.names[atLevel]] != level || u.f.NetworkID != "" && here[p.names[atNetwork]] != network {
			return
		}
		if byNet {
			key[byNetwork] = here[p.names[atNetwork]]
		}
		if bySource {
			key[byIDKind], key[bySource2] = here[p.names[atIDKind]], here[p.names[atSource2]]
		}
		if byDepth {
			key[byLevel] = here[p.names[atLevel]]
		}
		if bySchema {
			key[byVersions] = here[p.names[atVersions]]
		}
		key[byCurrency] = here[p.names[atCurrency]]
		u.add(key, p)
	})
	if err == nil && len(u.groups) > mostGroups {
		return errNotPacked
	}
	return err
}

// dayNumber counts days, so that a key is numbers only.
func dayNumber(midnight time.Time) int32 { return int32(midnight.Unix() / (24 * 60 * 60)) }

// name gives the place of a name.
func (u *unpacked) name(name string) int32 {
	at, ok := u.place[name]
	if !ok {
		at = int32(len(u.names))
		u.names = append(u.names, name)
		u.place[name] = at
	}
	return at
}

func (u *unpacked) add(key packedKey, p *packedPart) {
	g, ok := u.at[key]
	if !ok {
		if len(u.slab) == 0 {
			u.slab = make([]packedGroup, min(max(16, len(u.groups)), 1024))
		}
		g, u.slab = &u.slab[0], u.slab[1:]
		*g = packedGroup{key, p.packedSums}
		u.at[key], u.groups = g, append(u.groups, g)
		return
	}
	g.add(&p.packedSums)
}

// sort puts the groups in the order in which the database gives them: by the columns
// of the table from the left, texts by their bytes, NULL first.
func (u *unpacked) sort() {
	byText, rank := make([]int32, len(u.names)-1), make([]int32, len(u.names))
	for i := range byText {
		byText[i] = int32(i + 1)
	}
	slices.SortFunc(byText, func(a, b int32) int { return cmp.Compare(u.names[a], u.names[b]) })
	for i, at := range byText {
		rank[at] = int32(i + 1)
	}
	slices.SortFunc(u.groups, func(a, b *packedGroup) int {
		x, y := &a.key, &b.key
		for i := range x {
			switch {
			case x[i] == y[i]:
			case isName[i]:
				return cmp.Compare(rank[x[i]], rank[y[i]])
			default:
				return cmp.Compare(x[i], y[i])
			}
		}
		return 0
	})
}

// values writes a group as the columns of CohortGroup.Table.
func (u *unpacked) values(g *packedGroup, into []any) {
	out := into[:0]
	name := func(at int32) {
		if at == 0 {
			out = append(out, nil)
		} else {
			out = append(out, u.names[at])
		}
	}
	period := func(day int32) { out = append(out, Stamp(time.Unix(int64(day)*24*60*60, 0).UTC())) }
	out = append(out, u.f.AppID, int64(g.key[byIndex]), u.names[g.key[byKind]], u.names[g.key[byEnvironment]])
	for _, d := range dimensions {
		if !u.kept[d.name] {
			continue
		}
		switch d.name {
		case "network":
			name(g.key[byNetwork])
		case "source_2":
			name(g.key[byIDKind])
			name(g.key[bySource2])
		case "level":
			name(g.key[byLevel])
		case "week":
			period(g.key[byWeek])
		case "month":
			period(g.key[byMonth])
		case "schema_versions":
			name(g.key[byVersions])
		}
	}
	name(g.key[byCurrency])
	out = append(out, g.rows, g.installs)
	for i, m := range measures {
		switch s := &g.sums[i]; {
		case s.shown == 0:
			out = append(out, nil)
		case m.Type == Money:
			out = append(out, g.money(i))
		default:
			out = append(out, s.n)
		}
		out = append(out, g.rows-int64(g.sums[i].shown))
	}
}
