package web

import (
	"slices"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// The figures that editors get, of crowds already (see crowds): counts to multiples
// of b, shares to whole per cent, money and errors to two significant digits. More
// would say something about how crowds are made, and nothing about a schema.

// figures rounds for an app's b.
type figures struct{ b int }

func (f figures) count(n int) int { return (n + f.b/2) / f.b * f.b }

// told is a count of which fewer than b are never told.
func (f figures) told(n int) int { return n / f.b * f.b }

func percent(share decimal.Decimal) decimal.Decimal { return share.Round(2) }

// twoDigits keeps the first two digits of an amount.
func twoDigits(x decimal.Decimal) decimal.Decimal { return x.Round(lastOfTwo(x)) }

// floorTwo is twoDigits towards zero.
func floorTwo(x decimal.Decimal) decimal.Decimal { return x.RoundDown(lastOfTwo(x)) }

// lastOfTwo is where the second digit stands, counted behind the point.
func lastOfTwo(x decimal.Decimal) int32 {
	//nolint:gosec // amounts have tens of digits
	return 2 - int32(x.NumDigits()) - x.Exponent()
}

// simulation rounds what crowds were measured at. Histograms are published as they
// are, so what was made of them stays.
func (f figures) simulation(s schema.Simulation) schema.Simulation {
	s.Deterministic = slices.Clone(s.Deterministic)
	for i := range s.Deterministic {
		t := &s.Deterministic[i]
		t.Installs, t.RevenueOnly = f.count(t.Installs), f.count(t.RevenueOnly)
		if t.Payers != nil {
			n := f.count(*t.Payers)
			t.Payers = &n
		}
		t.Values = slices.Clone(t.Values)
		for j := range t.Values {
			v := &t.Values[j]
			v.Installs, v.Share = f.count(v.Installs), percent(v.Share)
		}
		t.Error, t.CurrentError = f.optional(t.Error), f.optional(t.CurrentError)
	}
	return s
}

func (f figures) optional(e *schema.RevenueError) *schema.RevenueError {
	if e == nil {
		return nil
	}
	r := f.errors(*e)
	return &r
}

func (f figures) errors(e schema.RevenueError) schema.RevenueError {
	e.Installs, e.WithoutEstimate = f.count(e.Installs), f.count(e.WithoutEstimate)
	e.True, e.Estimated, e.Total = twoDigits(e.True), twoDigits(e.Estimated), twoDigits(e.Total)
	e.TotalShare, e.MeanAbsolute = percent(e.TotalShare), twoDigits(e.MeanAbsolute)
	return e
}
