package aggregate

import "math"

// observedRow is what a row may have been.
type observedRow struct {
	counts   [][5]int
	installs int
	campaign histogramKey
}

// settling is how often shares and concentrations are estimated in turn, and
// concentrations one time in so many: they settle sooner.
const (
	settling    = 12
	settleEvery = 4
)

// Concentrations that are tried, in installs, and what is believed before of rows: of
// some hundred installs and crowds of some ten, with a factor of three either way.
const (
	leastSpread    = 1.0
	mostSpread     = 5000.0
	believedSpread = 10.0
)

// settle estimates the mixture from rows, of which some only tell what they may have
// been: each by what it is expected to have been, again and again (the usual maximum
// likelihood of counts that are known in part). prior is counts of no row. correct, if
// any, may change what rows are expected to have been where more is known of several.
// It returns what each row is expected to have been.
func (m *mixture) settle(rows []observedRow, prior [5]float64, correct func([][5]float64)) [][5]float64 {
	m.rows, m.between, m.campaign = believedSpread, mostSpread, map[histogramKey]*[5]float64{}
	for i, k := range prior {
		m.shares[i] = k / sumOf(&prior)
	}
	expected := make([][5]float64, len(rows))
	sums := map[histogramKey]*[5]float64{} // of what campaigns learn from their rows
	for _, r := range rows {
		sums[r.campaign] = &[5]float64{}
	}
	order := campaignsOf(rows)
	for round := range settling {
		for i, r := range rows {
			w := m.of(r.counts, r.campaign)
			expected[i] = w.pick(nil)
		}
		if correct != nil {
			correct(expected)
		}
		if round%settleEvery == 1 { // not before there is something to go by
			m.spread(rows, expected, sums)
		}
		clear5(sums)
		for i, r := range rows {
			add(sums[r.campaign], &expected[i], passed(float64(r.installs), m.rows))
		}
		if round%settleEvery == 1 {
			m.apart(order, sums)
		}
		app := prior
		for _, k := range order {
			add(&app, sums[k], passed(sumOf(sums[k]), m.between))
		}
		for i, k := range app {
			m.shares[i] = k / sumOf(&app)
		}
		for _, k := range order {
			shares := toward(sums[k], &m.shares, m.between)
			m.campaign[k] = &shares
		}
	}
	return expected
}

func clear5(sums map[histogramKey]*[5]float64) {
	for _, s := range sums {
		*s = [5]float64{}
	}
}

// campaignsOf lists campaigns as they first appear: sums must not hang on the order of a map.
func campaignsOf(rows []observedRow) (out []histogramKey) {
	known := map[histogramKey]bool{}
	for _, r := range rows {
		if !known[r.campaign] {
			known[r.campaign] = true
			out = append(out, r.campaign)
		}
	}
	return out
}

// spread finds the concentration of rows under which what was published is likeliest,
// each row against what its campaign's others and the app say: against itself, too, a
// row would never look odd.
func (m *mixture) spread(rows []observedRow, expected [][5]float64, sums map[histogramKey]*[5]float64) {
	others := make([][5]float64, len(rows))
	for i, r := range rows {
		left := *sums[r.campaign]
		add(&left, &expected[i], -passed(float64(r.installs), m.rows))
		for j := range left {
			left[j] = max(0, left[j])
		}
		others[i] = toward(&left, &m.shares, m.between)
	}
	m.rows = likeliest(believedSpread, func(a float64) (log float64) {
		for i, r := range rows {
			if _, chance := weigh(r.counts, &others[i], a); !math.IsInf(chance, -1) {
				log += chance
			}
		}
		return log
	})
}

// apart finds the concentration of campaigns: the leave-one-out likelihood of what they
// have learnt.
func (m *mixture) apart(order []histogramKey, sums map[histogramKey]*[5]float64) {
	if len(order) < 2 {
		return
	}
	m.between = likeliest(0, func(a float64) (log float64) {
		var app [5]float64
		for _, k := range order {
			add(&app, sums[k], passed(sumOf(sums[k]), a))
		}
		for _, k := range order {
			x, n := sums[k], sumOf(sums[k])
			left := app
			add(&left, x, -passed(n, a))
			for j := range left {
				left[j] = max(0, left[j])
			}
			mean := toward(&left, &m.shares, 1)
			for j, c := range x {
				if c > 0 && n > 1 {
					log += c * math.Log((max(c-1, 0)+a*mean[j])/(n-1+a))
				}
			}
		}
		return log
	})
}

// likeliest tries concentrations; believed, if any, is what they are taken for before.
func likeliest(believed float64, of func(float64) float64) float64 {
	best, at := math.Inf(-1), mostSpread
	for a := leastSpread; a <= mostSpread; a *= 2 {
		log := of(a)
		if believed > 0 {
			x := math.Log(a/believed) / math.Log(3)
			log -= x * x / 2
		}
		if log > best {
			best, at = log, a
		}
	}
	return at
}
