package aggregate

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// Measures that have remainders.
const (
	MeasurePayers      = "payers"
	MeasureRedownloads = "redownloads"
)

// Remainder is what the rows on which a measure is NULL hold of it together,
// though the kind that it is taken from stands there. One `cohort_remainder` line.
type Remainder struct {
	NetworkID string `json:"network_id"` // "" is NULL: the app's, shared by the rows of several networks
	Measure   string `json:"measure"`    // payers, redownloads
	Rows      int    `json:"rows"`       // how many rows share it, at least 2
	Installs  int    `json:"installs"`   // contributors on those rows, at least b

	// Of payers only, as on rows; nil where the release has none.
	RevenueMin *decimal.Decimal `json:"revenue_min"`
	RevenueEst *decimal.Decimal `json:"revenue_est"`
	RevenueMax *decimal.Decimal `json:"revenue_max"`
}

// ownRemainder is how many rows a network needs to have a remainder of its own.
const ownRemainder = 3

// sharing lists, by network, the rows on which the measure is NULL though its kind
// stands, as they share a remainder: "" is the app's. Who shares hangs on how many
// such rows there are and on nothing that they hold.
func sharing(rows []Row, measure string) map[string][]Row {
	byNetwork := map[string][]Row{}
	for _, r := range rows {
		if r.lacks(measure) {
			byNetwork[r.NetworkID] = append(byNetwork[r.NetworkID], r)
		}
	}
	out := map[string][]Row{}
	for _, r := range rows {
		if !r.lacks(measure) {
			continue
		}
		level := r.NetworkID
		if len(byNetwork[level]) < ownRemainder {
			level = ""
		}
		out[level] = append(out[level], r)
	}
	return out
}

// lacks reports whether the measure is NULL on the row though its kind stands.
// Redownloads are taken from all installs, which always stand.
func (r Row) lacks(measure string) bool {
	if measure == MeasureRedownloads {
		return r.Redownloads == nil
	}
	return r.Payers == nil && r.FineInstalls != nil
}

// among is how many installs could contribute to the measure, where its kind stands.
func (r Row) among(measure string) int {
	if measure == MeasureRedownloads {
		return r.Installs
	}
	return *r.FineInstalls
}

// remainderStands reports whether a remainder of m rows, each with 1 to b-1
// contributors or all but 1 to b-1, may be told. Near the ends the sum would solve
// its parts: m contributors are one each, m+1 are one each and one more. For m = 1
// no number passes.
func remainderStands(m, contributors, others, b int) bool {
	return contributors >= b && others >= b && m+1 < contributors && contributors < m*(b-1)-1
}

// remainders gives those of a release. One that fails is published nowhere: were
// its rows added to another one, the number of rows would say that it had failed.
func remainders(rows []measured, r rules) []Remainder {
	measures := []string{MeasurePayers}
	if r.redownloads {
		measures = append(measures, MeasureRedownloads)
	}
	published := make([]Row, len(rows))
	tallies := map[string]*tally{}
	for i := range rows {
		published[i] = rows[i].row
		tallies[rows[i].row.Key()] = &rows[i].tally
	}
	var out []Remainder
	for _, measure := range measures {
		levels := sharing(published, measure)
		for _, network := range slices.Sorted(maps.Keys(levels)) {
			shared := Remainder{NetworkID: network, Measure: measure, Rows: len(levels[network])}
			among, sum := 0, revenue{}
			for _, row := range levels[network] {
				t := tallies[row.Key()]
				among += row.among(measure)
				if measure == MeasureRedownloads {
					shared.Installs += t.redownloads
					continue
				}
				shared.Installs += t.payers
				sum.join(t.revenue)
			}
			if !remainderStands(shared.Rows, shared.Installs, among-shared.Installs, r.settings.B) {
				continue
			}
			if measure == MeasurePayers {
				shared.RevenueMin, shared.RevenueEst, shared.RevenueMax = r.amounts(sum)
			}
			out = append(out, shared)
		}
	}
	return out
}
