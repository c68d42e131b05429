package aggregate

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// value is the bin as it is published. Its revenue is of its size and its values
// alone, or it would tell how many had which.
func (t *valueTree) value(b bin) ValueBin {
	v := ValueBin{Kind: BinFine, To: -1, Installs: &b.n}
	n := decimal.NewFromInt(int64(b.n))
	var least, sum, most decimal.Decimal
	known, open := 0, false
	for _, i := range b.cells {
		c := t.cells[i]
		if c.stray {
			continue
		}
		m := c.meaning
		if known == 0 {
			v.From, least, v.SchemaVersion = m.Value, m.RevenueMin, c.version
		}
		known++
		v.From, v.To = min(v.From, m.Value), max(v.To, m.Value)
		least, sum = decimal.Min(least, m.RevenueMin), sum.Add(m.RevenueEst)
		if m.RevenueMax == nil {
			open = true
		} else {
			most = decimal.Max(most, *m.RevenueMax)
		}
		if v.SchemaVersion != c.version {
			v.SchemaVersion = 0
		}
	}
	if known == 0 {
		v.From, v.To = 0, maxValue // values that no version explains: a fault, but counted
		return v
	}
	v.Values = t.spell(b.cells)
	least, est := least.Mul(n), sum.Mul(n).DivRound(decimal.NewFromInt(int64(known)), moneyPlaces)
	v.RevenueMin, v.RevenueEst = &least, &est
	if !open {
		most = most.Mul(n)
		v.RevenueMax = &most
	}
	return v
}

const (
	maxValue    = 63
	moneyPlaces = 9 // as many as a schema's amounts may have
)

// spell writes the values of cells: "3-5,9", and where they read right under
// several versions only, "2:3-5;1:9", the newest first.
func (t *valueTree) spell(cells []int) string {
	byVersion := map[int][]int{}
	for _, i := range cells {
		c := t.cells[i]
		if !c.stray {
			byVersion[c.version] = append(byVersion[c.version], c.meaning.Value)
		}
	}
	versions := slices.Sorted(maps.Keys(byVersion))
	slices.Reverse(versions)
	parts := make([]string, len(versions))
	for i, version := range versions {
		if len(versions) > 1 {
			parts[i] = strconv.Itoa(version) + ":"
		}
		parts[i] += runs(byVersion[version])
	}
	return strings.Join(parts, ";")
}

// runs writes values as "3-5,9".
func runs(values []int) string {
	slices.Sort(values)
	var parts []string
	for i := 0; i < len(values); {
		j := i
		for j+1 < len(values) && values[j+1] == values[j]+1 {
			j++
		}
		run := strconv.Itoa(values[i])
		if j > i {
			run += "-" + strconv.Itoa(values[j])
		}
		parts = append(parts, run)
		i = j + 1
	}
	return strings.Join(parts, ",")
}
