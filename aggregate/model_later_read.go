package aggregate

import (
	"maps"
	"math"
	"slices"

	"skand/aggregate/model"
	"skand/schema"
)

// levels are what the schema says of the coarse levels of that window: a level's own
// revenue_est; where it has none, or versions differ, there is no number for it.
func (w LaterWindows) levels() (out [3]model.LaterLevel) {
	for level, name := range laterLevels {
		l := model.LaterLevel{Amounts: make([]float64, 2)}
		known := false
		for _, version := range slices.Sorted(maps.Keys(w.Documents)) {
			x := w.Documents[version].Decode(schema.Value{Index: w.Index, Coarse: name, Reengagement: w.Set.Kind == KindReengagement})
			if x.State != schema.StateDecoded {
				continue // no such level is counted of this version
			}
			amounts := []float64{0, x.RevenueEst.InexactFloat64()}
			if x.Payer {
				amounts[MetricPayers] = 1
			}
			if x.EstimateMissing {
				amounts[MetricRevenue] = math.NaN()
			}
			if !known {
				known, l = true, model.LaterLevel{Payer: x.Payer, Amounts: amounts}
				continue
			}
			l.Payer = l.Payer || x.Payer
			for metric, v := range amounts {
				if l.Amounts[metric] != v {
					l.Amounts[metric] = math.NaN()
				}
			}
		}
		out[level] = l
	}
	return out
}

// laterReading puts the rows of both indices together.
type laterReading struct {
	LaterWindows
	lag           []float64
	first, second []model.Target // rows of First and Later in their order
	out           *LaterInput
}

// exposed is rows of index 0 of one window, with their installs that had no value.
type exposed struct {
	rows []Row
	null []float64
}

func (r laterReading) read() {
	first, at := map[int]exposed{}, 0
	for _, w := range r.First {
		e := exposed{rows: w.Rows}
		for range w.Rows {
			e.null = append(e.null, r.first[at].Null)
			at++
		}
		first[w.Window] = e
	}
	at = 0
	for _, w := range r.Later {
		targets := r.second[at : at+len(w.Rows)]
		at += len(w.Rows)
		if r.covered(first, w.Window) {
			r.window(w, targets, first)
		}
	}
}

// covered says whether all windows are there that the window's postbacks may be of.
func (r laterReading) covered(first map[int]exposed, window int) bool {
	for later, weight := range r.lag {
		if _, known := first[window-later]; weight > 0 && !known {
			return false
		}
	}
	return true
}

func (r laterReading) window(w ModelWindow, targets []model.Target, first map[int]exposed) {
	cells := map[histogramKey]int{}
	published := map[histogramKey]bool{}
	cell := func(k histogramKey) *model.LaterCell {
		i, known := cells[k]
		if !known {
			i = len(r.out.Cells)
			cells[k] = i
			name := k.source2
			if k.idKind == IDCampaign {
				name = campaignKey(name)
			}
			r.out.Cells = append(r.out.Cells, model.LaterCell{Network: k.network, Campaign: name, Window: w.Window})
			r.out.Rows = append(r.out.Rows, nil)
		}
		return &r.out.Cells[i]
	}
	for i, row := range w.Rows {
		k := campaignOf(row)
		published[k] = true
		c := cell(k)
		for level, n := range targets[i].Coarse {
			c.Levels[level] += n
		}
		c.AnyLevel += targets[i].Random
		r.out.Rows[cells[k]] = append(r.out.Rows[cells[k]], row.Key())
	}
	for later, weight := range r.lag {
		e := first[w.Window-later]
		for i, row := range e.rows {
			k := campaignOf(row)
			n, null := weight*float64(row.Installs), weight*min(e.null[i], float64(row.Installs))
			if row.IDKind == IDCampaign {
				cell(k).Unseen += n
				continue
			}
			home, found := homeOf(k, published)
			c := cell(home)
			c.Null += null
			if found {
				c.Nothing += n - null
			} else {
				c.Unseen += n - null
			}
		}
	}
	for k := range published { // of the installs that had a postback with a level the rest had none
		c := cell(k)
		c.Nothing = max(0, c.Nothing-c.Levels[model.Low]-c.Levels[model.Medium]-c.Levels[model.High]-c.AnyLevel)
	}
}

// homeOf is the campaign in which the postbacks of a campaign's installs are published.
func homeOf(k histogramKey, published map[histogramKey]bool) (home histogramKey, found bool) {
	for _, h := range []histogramKey{k, {network: k.network}, {}} {
		if published[h] {
			return h, true
		}
	}
	return k, false
}
