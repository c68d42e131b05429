package scoreboard

import "skand/aggregate/model"

// worth is what the schema says of fine values.
type worth struct {
	values []model.Value // by fine value; the amounts are payers and revenue
}

func (w worth) payers(v int) float64  { return w.values[v].Amounts[0] }
func (w worth) revenue(v int) float64 { return w.values[v].Amounts[1] }

// naive takes what was withheld for nothing.
func naive(cells map[Key]*tally, w worth) Estimates {
	out := Estimates{}
	for k, c := range cells {
		out[k] = w.of(c)
	}
	return out
}

func (w worth) of(c *tally) (a Amounts) {
	for v, n := range c.fine {
		a.Payers += n * w.payers(v)
		a.Revenue += n * w.revenue(v)
	}
	return a
}

// proportional scales what the fine values of a campaign and week say to all of its
// installs: what most vendors document.
func proportional(cells map[Key]*tally, w worth) Estimates {
	out := Estimates{}
	for k, c := range cells {
		a, fine, all := w.of(c), 0.0, c.null+c.known()
		for _, n := range c.fine {
			fine += n
		}
		if fine > 0 {
			a = Amounts{a.Payers * all / fine, a.Revenue * all / fine}
		}
		out[k] = a
	}
	return out
}

// leastKnown is how many installs with a value the proportional method wants before it
// scales by them; with fewer it asks the campaign, the network, the app.
const leastKnown = 100

// fallback decodes coarse levels by the app's mix of the fine values that they cover,
// and scales by the first crowd around a campaign and week that is large enough.
func fallback(cells map[Key]*tally, w worth) Estimates {
	mix := w.levels(cells)
	known := func(t *tally) (a Amounts) {
		a = w.of(t)
		for level, n := range t.coarse {
			a.Payers += n * mix[level].Payers
			a.Revenue += n * mix[level].Revenue
		}
		return a
	}
	app, networks, campaigns := &tally{}, map[string]*tally{}, map[Key]*tally{}
	for _, k := range sortedKeys(cells) {
		c, campaign := cells[k], Key{Place: k.Place}
		if networks[k.Place.Network] == nil {
			networks[k.Place.Network] = &tally{}
		}
		if campaigns[campaign] == nil {
			campaigns[campaign] = &tally{}
		}
		for _, t := range []*tally{app, networks[k.Place.Network], campaigns[campaign]} {
			t.join(c)
		}
	}
	out := Estimates{}
	for k, c := range cells {
		a := known(c)
		for _, t := range []*tally{c, campaigns[Key{Place: k.Place}], networks[k.Place.Network], app} {
			n := t.known()
			if n < leastKnown && t != app || n == 0 {
				continue
			}
			from := known(t)
			a.Payers += c.null * from.Payers / n
			a.Revenue += c.null * from.Revenue / n
			break
		}
		out[k] = a
	}
	return out
}

func (t *tally) join(o *tally) {
	if t.fine == nil {
		t.fine = map[int]float64{}
	}
	for v, n := range o.fine {
		t.fine[v] += n
	}
	for level, n := range o.coarse {
		t.coarse[level] += n
	}
	t.null += o.null
}

// levels are the app's means of one install of each coarse level.
func (w worth) levels(cells map[Key]*tally) (mean [3]Amounts) {
	var n [3]float64
	for _, c := range cells {
		for v, k := range c.fine {
			level := w.values[v].Level
			if level == model.NoLevel {
				continue
			}
			n[level] += k
			mean[level].Payers += k * w.payers(v)
			mean[level].Revenue += k * w.revenue(v)
		}
	}
	for level := range mean {
		if n[level] > 0 {
			mean[level].Payers /= n[level]
			mean[level].Revenue /= n[level]
		}
	}
	return mean
}
