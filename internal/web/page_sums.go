package web

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/internal/store"
)

// measure is a sum over published rows: nil where no row shows it.
type measure struct {
	sum      *decimal.Decimal
	withheld int64 // rows that withhold it
}

// number is the sum of a count; 0 where no row shows it.
func (m measure) number() int64 {
	if m.sum == nil {
		return 0
	}
	return m.sum.IntPart()
}

// sum is one line of a roll-up of published rows, as /v1/cohorts?group= gives it.
type sum struct {
	week                     time.Time
	network, idKind, source2 *string
	level, source3, source4  *string
	currency                 string
	rows, installs           int64
	measures                 map[string]measure
}

// pageMeasures are the measures of a page, in the order of the published columns.
var pageMeasures = []string{
	"null_installs", "unset_installs", "unmapped_installs", "coarse_low", "coarse_medium", "coarse_high", "fine_installs",
	"payers", "revenue_min", "revenue_est", "revenue_max", "redownloads",
}

// sumsOf reads a roll-up whole: its groups are networks, campaigns and weeks of one app.
func sumsOf(ctx context.Context, look *store.CohortLook, g store.CohortGroup) ([]sum, error) {
	table := g.Table()
	at := columnIndex(table)
	var out []sum
	err := look.Sums(ctx, g, 0, 0, func(row []any) error {
		s := sum{measures: map[string]measure{}}
		for name, into := range map[string]**string{"network_id": &s.network, "id_kind": &s.idKind, "source_2": &s.source2, "level": &s.level} {
			if i, ok := at[name]; ok {
				*into = textCell(row[i])
			}
		}
		if i, ok := at["week"]; ok {
			week, _ := row[i].(store.Stamp)
			s.week = time.Time(week)
		}
		s.currency, _ = row[at["currency"]].(string)
		s.rows, _ = row[at["rows"]].(int64)
		s.installs, _ = row[at["installs"]].(int64)
		for _, name := range pageMeasures {
			m := measure{sum: decimalCell(row[at[name]])}
			m.withheld, _ = row[at[name+"_withheld_rows"]].(int64)
			s.measures[name] = m
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

func columnIndex(table []store.Column) map[string]int {
	at := map[string]int{}
	for i, c := range table {
		at[c.Name] = i
	}
	return at
}

func textCell(v any) *string {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	return &s
}

func decimalCell(v any) *decimal.Decimal {
	var d decimal.Decimal
	switch v := v.(type) {
	case int64:
		d = decimal.NewFromInt(v)
	case decimal.Decimal:
		d = v
	default:
		return nil
	}
	return &d
}

// add puts another line to s: exact, as sums over rows are.
func (s *sum) add(o sum) {
	s.rows, s.installs = s.rows+o.rows, s.installs+o.installs
	if s.measures == nil {
		s.measures = map[string]measure{}
	}
	for _, name := range pageMeasures {
		s.measures[name] = s.measures[name].plus(o.measures[name])
	}
}

func (m measure) plus(o measure) measure {
	out := measure{withheld: m.withheld + o.withheld}
	switch {
	case m.sum == nil:
		out.sum = o.sum
	case o.sum == nil:
		out.sum = m.sum
	default:
		d := m.sum.Add(*o.sum)
		out.sum = &d
	}
	return out
}

// rowsOf reads published rows of a campaign as lines of one row each.
func rowsOf(ctx context.Context, look *store.CohortLook, keep func(sum) bool) ([]sum, error) {
	at := columnIndex(store.CohortTable())
	var out []sum
	err := look.Rows(ctx, nil, 0, func(row []any) error {
		s := sum{rows: 1, measures: map[string]measure{}}
		for name, into := range map[string]**string{
			"network_id": &s.network, "id_kind": &s.idKind, "source_2": &s.source2, "level": &s.level, "source_3": &s.source3, "source_4": &s.source4,
		} {
			*into = textCell(row[at[name]])
		}
		start, _ := row[at["window_start"]].(store.Stamp)
		s.week = time.Time(start)
		s.currency, _ = row[at["currency"]].(string)
		s.installs, _ = row[at["installs"]].(int64)
		for _, name := range pageMeasures {
			m := measure{sum: decimalCell(row[at[name]])}
			if m.sum == nil {
				m.withheld = 1
			}
			s.measures[name] = m
		}
		if keep(s) {
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// merged adds lines of one key up, in the order in which the keys came first.
func merged(lines []sum, key func(sum) string) []sum {
	var order []string
	all := map[string]*sum{}
	for _, line := range lines {
		k := key(line)
		if all[k] == nil {
			one := line
			one.rows, one.installs, one.measures = 0, 0, nil
			all[k] = &one
			order = append(order, k)
		}
		all[k].add(line)
	}
	out := make([]sum, len(order))
	for i, k := range order {
		out[i] = *all[k]
	}
	return slices.Clip(out)
}
