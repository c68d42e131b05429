package model

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"
)

// site is where a cell hangs in the trees: indices of network, campaign and window.
type site struct{ network, campaign int }

// layout is the shape that all trees of a model share.
type layout struct {
	sites     []site // by cell
	networkOf []int  // by campaign
	networks  int
}

// tree is a Dirichlet tree app > network > campaign > window over some categories.
type tree struct {
	*layout
	categories int
	base       []float64 // the mean of the root's prior
	// Counts as they reach a node: those of windows as counted, those above as passed
	// up and shrunk.
	app       []float64
	network   [][]float64
	campaign  [][]float64
	window    [][]float64
	perNet    float64 // concentrations of networks around the app,
	perCamp   float64 // campaigns around their network,
	perWindow float64 // windows around their campaign
}

// rootWeight is that of the prior above the app, in installs, and of the flat one in it.
const rootWeight = 1.0

// pooled is the mean of the root's prior: that of all installs, whatever their network,
// after one that may be anything. A prior that is flat beside what is passed up alone,
// some ten installs of a small app, would make a sum mostly of values that hardly
// anybody has: the dearest ones. worth are the categories' amounts, where they have any.
func pooled(categories int, counts [][]float64, worth []float64) []float64 {
	all := make([]float64, categories)
	for _, c := range counts {
		floats.Add(all, c)
	}
	return shrink(all, rootWeight, anything(categories, all, worth))
}

// anything is flat. Where categories are amounts of money it is tilted, by a power of the
// amount, to the mean of those that were counted: bands of spending reach far, and one
// install with an even chance of each would be worth ten others.
func anything(categories int, all, worth []float64) []float64 {
	out := make([]float64, categories)
	for i := range out {
		out[i] = 1 / float64(categories)
	}
	if worth == nil || floats.Min(worth) <= 0 || !(floats.Sum(all) > 0) {
		return out
	}
	mean := floats.Dot(all, worth) / floats.Sum(all)
	tilted := func(tilt float64) []float64 {
		for i, x := range worth {
			out[i] = math.Pow(x/mean, -tilt)
		}
		floats.Scale(1/floats.Sum(out), out)
		return out
	}
	low, high := -steepest, steepest
	for range 40 {
		middle := (low + high) / 2
		if floats.Dot(tilted(middle), worth) > mean {
			low = middle
		} else {
			high = middle
		}
	}
	return tilted((low + high) / 2)
}

// steepest bounds tilts: beyond it all is the cheapest amount, or the dearest.
const steepest = 6.0

// rounds of passing counts up and estimating concentrations in turn: they settle in
// three.
const rounds = 4

// grow fits a tree to counts by cell, with a prior of the root. concentration estimates one from children and
// the means that they would have without themselves.
func grow(l *layout, categories int, counts [][]float64, base []float64, concentration func(children, priors [][]float64) float64) *tree {
	t := &tree{
		layout: l, categories: categories, base: base, window: counts,
		perNet: startConcentration, perCamp: startConcentration, perWindow: startConcentration,
	}
	for range rounds {
		t.passUp()
		root, networks, _ := t.means() // windows are compared with what their siblings say
		priors := make([][]float64, len(t.network))
		for i, c := range t.network {
			priors[i] = shrink(without(t.app, c, t.perNet), rootWeight, t.base)
		}
		t.perNet = concentration(t.network, priors)
		priors = make([][]float64, len(t.campaign))
		for i, c := range t.campaign {
			priors[i] = shrink(without(t.network[t.networkOf[i]], c, t.perCamp), t.perNet, root)
		}
		t.perCamp = concentration(t.campaign, priors)
		priors = make([][]float64, len(t.window))
		for i, c := range t.window {
			s := t.sites[i]
			priors[i] = shrink(without(t.campaign[s.campaign], c, t.perWindow), t.perCamp, networks[s.network])
		}
		t.perWindow = concentration(t.window, priors)
	}
	t.passUp()
	return t
}

// passUp fills the nodes above the windows.
func (t *tree) passUp() {
	t.app = make([]float64, t.categories)
	t.network, t.campaign = t.zeros(t.networks), t.zeros(len(t.networkOf))
	for i, c := range t.window {
		floats.AddScaled(t.campaign[t.sites[i].campaign], share(c, t.perWindow), c)
	}
	for i, c := range t.campaign {
		floats.AddScaled(t.network[t.networkOf[i]], share(c, t.perCamp), c)
	}
	for _, c := range t.network {
		floats.AddScaled(t.app, share(c, t.perNet), c)
	}
}

// means are those of the nodes above the windows.
func (t *tree) means() (app []float64, networks, campaigns [][]float64) {
	app = shrink(t.app, rootWeight, t.base)
	networks = make([][]float64, len(t.network))
	for i, c := range t.network {
		networks[i] = shrink(c, t.perNet, app)
	}
	campaigns = make([][]float64, len(t.campaign))
	for i, c := range t.campaign {
		campaigns[i] = shrink(c, t.perCamp, networks[t.networkOf[i]])
	}
	return app, networks, campaigns
}

// expect is the mean of every cell.
func (t *tree) expect() [][]float64 {
	_, _, campaigns := t.means()
	out := make([][]float64, len(t.window))
	for i, c := range t.window {
		out[i] = shrink(c, t.perWindow, campaigns[t.sites[i].campaign])
	}
	return out
}

// draw draws every cell, from the root down.
func (t *tree) draw(src rand.Source) [][]float64 {
	app := dirichlet(src, shrink(t.app, rootWeight, t.base), floats.Sum(t.app)+rootWeight)
	networks := make([][]float64, len(t.network))
	for i, c := range t.network {
		networks[i] = dirichlet(src, shrink(c, t.perNet, app), floats.Sum(c)+t.perNet)
	}
	campaigns := make([][]float64, len(t.campaign))
	for i, c := range t.campaign {
		campaigns[i] = dirichlet(src, shrink(c, t.perCamp, networks[t.networkOf[i]]), floats.Sum(c)+t.perCamp)
	}
	out := make([][]float64, len(t.window))
	for i, c := range t.window {
		out[i] = dirichlet(src, shrink(c, t.perWindow, campaigns[t.sites[i].campaign]), floats.Sum(c)+t.perWindow)
	}
	return out
}

func (t *tree) zeros(n int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, t.categories)
	}
	return out
}

// shrink is the posterior mean of counts under a Dirichlet prior of this weight.
func shrink(counts []float64, a float64, prior []float64) []float64 {
	n := floats.Sum(counts) + a
	out := make([]float64, len(counts))
	for i, k := range counts {
		out[i] = (k + a*prior[i]) / n
	}
	return out
}

// share is how much of a child's counts its parent learns.
func share(counts []float64, a float64) float64 { return a / (a + floats.Sum(counts)) }

// without takes out of a parent's counts what a child has passed to it.
func without(parent, child []float64, a float64) []float64 {
	f := share(child, a)
	out := make([]float64, len(parent))
	for i := range parent {
		out[i] = max(0, parent[i]-f*child[i])
	}
	return out
}

// leastAlpha keeps the gamma draws of categories that nobody was seen in from
// underflowing to a vector of zeros.
const leastAlpha = 1e-6

func dirichlet(src rand.Source, mean []float64, weight float64) []float64 {
	out := make([]float64, len(mean))
	for i, m := range mean {
		out[i] = distuv.Gamma{Alpha: max(m*weight, leastAlpha), Beta: 1, Src: src}.Rand()
	}
	total := floats.Sum(out)
	if !(total > 0) {
		copy(out, mean)
		return out
	}
	floats.Scale(1/total, out)
	return out
}
