package scoreboard

import (
	"fmt"
	"strings"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
	"skand/schema"
)

// rowsOf publishes a world, as the sealer would, and finds the truth of each row.
type published struct {
	input *aggregate.ModelInput
	keys  []Key     // by target: the campaign and week; Source "" where the row has none
	truth []Amounts // by target
	floor []Amounts //
	tally []*tally  // by target: the row's true counts
}

// publish cuts every week.
func publish(w *worlds.World, s aggregate.Settings) (*published, error) {
	set := aggregate.Dataset{AppID: 1234567890, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
	meanings := []aggregate.Meaning{aggregate.MeaningOf(1, w.Schema, set)}
	alphabet := aggregate.NewAlphabet(map[int]*schema.Document{1: w.Schema}, set)
	var windows []aggregate.ModelWindow
	out := &published{}
	for week, x := range w.Weeks {
		p := aggregate.Cut(set, s, aggregate.Batch{Groups: x.Groups, Schemas: meanings})
		windows = append(windows, aggregate.ModelWindow{Window: week, B: s.B, Rows: p.Rows, Remainders: p.Remainders, Values: p.Values})
		at := map[string]int{}
		for _, r := range p.Rows {
			at[r.Key()] = len(out.keys)
			k := Key{Week: week}
			if r.Source2 != "" {
				k.Place = worlds.Place{Network: r.NetworkID, Source: r.Source2}
			}
			out.keys = append(out.keys, k)
			out.truth = append(out.truth, Amounts{})
			out.floor = append(out.floor, Amounts{})
			out.tally = append(out.tally, &tally{})
		}
		for place, t := range x.Truth {
			i, ok := find(at, place)
			if !ok {
				continue // carried
			}
			out.truth[i].Payers += t.Payers
			out.truth[i].Revenue += t.Revenue
			out.floor[i].Payers += t.FloorPayers
			out.floor[i].Revenue += t.FloorRev
		}
		for _, g := range x.Groups {
			if i, ok := find(at, worlds.Place{Network: g.NetworkID, Source: g.Source}); ok {
				out.tally[i].add(g)
			}
		}
	}
	in, err := aggregate.NewModelInput(alphabet, windows)
	if err != nil {
		return nil, fmt.Errorf("read what was published: %w", err)
	}
	in.Consented = evidence(w)
	out.input = in
	return out, nil
}

// find is the row that the installs of a place are in.
func find(rows map[string]int, p worlds.Place) (int, bool) {
	digits := len(p.Source)
	path := p.Network
	for n := 2; n <= 4; n++ {
		if n > digits { // Apple withheld the rest
			if i, ok := rows[path+"/"+aggregate.LevelWithheld]; ok {
				return i, true
			}
			break
		}
		next := path + "/" + p.Source[digits-n:]
		if i, ok := rows[next]; ok {
			return i, true
		}
		if !inner(rows, next) {
			break
		}
		path = next
	}
	for {
		if i, ok := rows[path+"/"+aggregate.LevelOther]; ok {
			return i, true
		}
		if i, ok := rows[path]; ok {
			return i, true
		}
		cut := strings.LastIndexByte(path, '/')
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	for _, top := range []string{aggregate.LevelOther, aggregate.LevelTotal} {
		if i, ok := rows[top]; ok {
			return i, true
		}
	}
	return 0, false
}

func inner(rows map[string]int, path string) bool {
	for k := range rows {
		if strings.HasPrefix(k, path+"/") {
			return true
		}
	}
	return false
}

// campaigns groups targets that are of a named campaign, with the truth of the groups.
func (p *published) campaigns() (members map[Key][]int, truth, floor Estimates) {
	members, truth, floor = map[Key][]int{}, Estimates{}, Estimates{}
	for i, k := range p.keys {
		if k.Place.Source == "" {
			continue
		}
		members[k] = append(members[k], i)
		t, f := truth[k], floor[k]
		truth[k] = Amounts{t.Payers + p.truth[i].Payers, t.Revenue + p.truth[i].Revenue}
		floor[k] = Amounts{f.Payers + p.floor[i].Payers, f.Revenue + p.floor[i].Revenue}
	}
	return members, truth, floor
}

// tallies are the cells as the input has them, for methods that are no models.
func (p *published) tallies() map[Key]*tally {
	out := map[Key]*tally{}
	for i, t := range p.input.Targets {
		k := p.keys[i]
		if k.Place.Source == "" {
			continue
		}
		c := p.input.Cells[t.Cell]
		x := &tally{fine: map[int]float64{}, coarse: c.Coarse, null: c.Null}
		for v, n := range c.Fine {
			x.fine[v] = n
		}
		out[k] = x
	}
	return out
}

// onFull gives the same rows to a model that was fitted to every count.
func (p *published) onFull(keys []Key, what worth) []model.Target {
	at := map[Key]int{}
	for i, k := range keys {
		at[k] = i
	}
	out := make([]model.Target, len(p.keys))
	for i, k := range p.keys {
		seen := what.of(p.tally[i])
		out[i] = model.Target{
			Cell: at[k], Seen: []float64{seen.Payers, seen.Revenue}, Coarse: p.tally[i].coarse, Null: p.tally[i].null,
		}
	}
	return out
}
