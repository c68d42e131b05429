package model

import (
	"errors"
	"math"
)

// Levels of coarse values; NoLevel is of fine values that no coarse level covers.
const (
	Low = iota
	Medium
	High
	NoLevel
	levels
)

// Value is what the schema says of one fine value.
type Value struct {
	Level   int       // Low, Medium, High, NoLevel
	Payer   bool      // payers and others never share a class
	Amounts []float64 // by metric, of one install: 1 payer, its revenue, how often an event happened
}

// Cell is what is known of the installs of one campaign in one window. Counts need
// not be whole: what the publication withheld may have been split.
type Cell struct {
	Network, Campaign string
	Window            int
	Fine              []float64  // by value
	Coarse            [3]float64 // low, medium, high
	// Variances of Coarse, as far as only its sum is told: what small crowds do is known
	// that much less than the counts make believe.
	CoarseVar [3]float64
	Null      float64 // withheld by Apple; not what the app never set
	// Of a fine or coarse value that is not told. It says nothing of the mix, but such
	// installs are there, where a consented cohort is compared.
	Random float64
	// Of Fine, by value, or nil: what stands there as the app's mix has it and says
	// nothing of how this cell's values differ. Levels and payers count it.
	Assumed []float64
}

// Evidence is a sealed consented cohort: how many installs of a campaign there were,
// and how many of them paid. Campaign "" is the whole network.
type Evidence struct {
	Network, Campaign string
	Installs, Payers  float64
}

// Input is everything that the model sees.
type Input struct {
	Metrics   int // how many amounts a value has; the first is payers
	Values    []Value
	Cells     []Cell
	Consented []Evidence
}

// Target is a set of installs of one cell to be estimated: a published row.
type Target struct {
	Cell int       // in Input.Cells
	Seen []float64 // by metric: what was observed and stands as it is; NaN: not told
	// Fine installs of which Payers paid, where that is known exactly: what they did
	// besides, where Seen is NaN, is what such installs of the cell do.
	Fine, Payers float64
	Coarse       [3]float64
	Null         float64
	Random       float64 // not seen for reasons that have nothing to do with what they did
	Hidden       *Hidden // fine installs whose payers were not published
}

// Hidden is fine installs of a target of which is known only that from Least to Most of
// them paid, or, where Either, all but so many. What lies between follows a binomial of
// Share, or a beta-binomial around it. Seen holds nothing of them.
type Hidden struct {
	Fine        float64
	Least, Most float64
	Either      bool
	Share       float64 // of payers among such installs, as far as the app tells
	// Concentration of the shares of such sets around Share, in installs, as of a beta
	// distribution; 0: they do not differ.
	Concentration float64
	Group         int // in the groups of a prediction; -1: none
}

// Group is targets whose hidden payers are known together. Amounts are their totals by
// metric, NaN where there is none; the first is the payers. Where that is NaN it is known
// that they are not more than Above and less than Below: then it would have been told.
type Group struct {
	Amounts      []float64
	Above, Below float64
}

// allows reports whether the group's payers may be so many.
func (g *Group) allows(n int) bool {
	if total := g.Amounts[0]; !math.IsNaN(total) {
		return float64(n) == math.Round(total)
	}
	return !(float64(n) > g.Above && float64(n) < g.Below)
}

// Interval is an estimate with its bounds; Low <= Estimate <= High.
type Interval struct{ Estimate, Low, High float64 }

// ErrNoSignal says that no fine value was seen in the whole app: then there is no
// number, however wide.
var ErrNoSignal = errors.New("no signal: no fine value was seen in the app")

func (c *Cell) fine() (n float64) {
	for _, k := range c.Fine {
		n += k
	}
	return n
}

func (c *Cell) counted(value int) float64 { return c.Fine[value] }

// told is how many installs are known to have had a value.
func (c *Cell) told(value int) float64 {
	if c.Assumed == nil {
		return c.Fine[value]
	}
	return max(0, c.Fine[value]-c.Assumed[value])
}

func (c *Cell) coarse() float64 { return c.Coarse[Low] + c.Coarse[Medium] + c.Coarse[High] }

// valid reports whether the evidence is counts.
func (e Evidence) valid() bool {
	return e.Payers >= 0 && e.Payers <= e.Installs && e.Installs < 1e12 // false of NaN
}
