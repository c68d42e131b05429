package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"skand/internal/web/pages"
)

// shownLines are as many as a page shows; a file has them all.
const shownLines = 400

// page puts what was read into the words and figures of the page.
func (c *cohortsRead) page(l pages.Locale) pages.Cohorts {
	p := pages.Cohorts{Tabs: cohortTabs(c.view), Form: c.form(), Spans: c.spans(), Crumbs: c.crumbs()}
	switch {
	case c.newest.Start.IsZero():
		p.Empty = &pages.Empty{
			Says: "Nothing of this dataset is sealed yet.",
			Do:   "A window is published about an hour after its end, if it has as many installs as the app’s k asks for; the overview says when that is.",
			Link: "/?app=" + strconv.FormatInt(c.view.app, 10), Name: "Go to the overview",
		}
		return p
	case len(c.lines) == 0:
		p.Empty = &pages.Empty{
			Says: "Nothing is published in " + pages.Span(c.view.from, c.view.to) + ".",
			Do:   "Windows that begin in these days had too few installs, or are not sealed. The newest that is: " + pages.Span(c.newest.Start, c.newest.End) + ".",
			Link: c.view.link(func(v *cohortsView) { v.fixed = false }), Name: "Show the newest window",
		}
		return p
	}
	p.Measures = c.measures()
	p.Chart, p.ChartNote = c.chart(l)
	p.Columns = c.columns()
	c.sortLines()
	scale := c.scale()
	for i, line := range c.lines {
		if i == shownLines {
			p.More = len(c.lines) - shownLines
			break
		}
		row := pages.CohortRow{Name: line.name, Note: line.note, Cells: c.cells(line, scale, l)}
		if line.link != nil {
			row.Link = c.view.link(line.link)
		}
		p.Rows = append(p.Rows, row)
	}
	if len(c.lines) > 1 {
		total := c.total()
		p.Total = &pages.CohortRow{Name: "All", Note: counted(len(c.lines), "line"), Cells: c.cells(total, scale, l)}
	}
	p.Notes = c.notes()
	p.Exports = c.exports()
	p.SQL = c.sql()
	p.Sealed = c.sealedWords()
	return p
}

func counted(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// columns are the headings, with links that sort: the first press from high to low.
func (c *cohortsRead) columns() []pages.CohortColumn {
	name := map[string]string{levelNetwork: "Network", levelCampaign: "Campaign", levelRow: "Source digits"}[c.view.at()]
	installs := "Installs"
	if c.view.index > 0 || c.view.kind != "install" {
		installs = "Postbacks"
	}
	columns := []pages.CohortColumn{
		{Key: "name", Name: name},
		{Key: "installs", Name: installs, Number: true, Note: "all of the line, exactly"},
		{Key: "change", Name: "Change", Number: true, Note: "change against the span of the same length before"},
		{Key: "null", Name: "No value", Number: true, Note: "share without a conversion value"},
		{Key: "payers", Name: "Payers", Number: true, Note: "observed: installs whose value says that they paid"},
		{Key: "payers_modelled", Name: "Payers, modelled", Number: true, Means: "modelled", Note: "estimate with what Apple withholds, and its 90 % interval"},
		{Key: "revenue", Name: "Revenue, " + c.currencyOf(), Number: true, Note: "observed: the estimate within each payer’s band"},
		{Key: "revenue_modelled", Name: "Revenue, modelled", Number: true, Means: "modelled", Note: "estimate with what Apple withholds, and its 90 % interval"},
	}
	columns = slices.DeleteFunc(columns, func(x pages.CohortColumn) bool { return x.Key == "change" && c.view.at() == levelRow })
	sort, up := c.sorted()
	for i := range columns {
		x := &columns[i]
		if x.Key == sort {
			x.Dir = map[bool]string{true: "ascending", false: "descending"}[up]
		}
		x.Sort = c.view.link(func(v *cohortsView) {
			v.sort, v.up = x.Key, x.Key == "name"
			if x.Key == sort {
				v.up = !up
			}
		})
	}
	return columns
}

func (c *cohortsRead) currencyOf() string {
	for _, line := range c.lines {
		if line.currency != "" {
			return line.currency
		}
	}
	return c.currency
}

// sorted is the column and the direction.
func (c *cohortsRead) sorted() (string, bool) {
	if c.view.sort == "" {
		return "installs", false
	}
	return c.view.sort, c.view.up
}

// sortLines puts lines in order. What is not known stands last, in either direction: it
// is no zero.
func (c *cohortsRead) sortLines() {
	sort, up := c.sorted()
	weight := func(line cohortLine) *decimal.Decimal {
		switch sort {
		case "installs":
			d := decimal.NewFromInt(line.installs)
			return &d
		case "change":
			if line.before == nil || *line.before == 0 {
				return nil
			}
			d := decimal.NewFromInt(line.installs).Div(decimal.NewFromInt(*line.before))
			return &d
		case "null":
			m := line.measures["null_installs"]
			if m.sum == nil || line.installs == 0 {
				return nil
			}
			d := m.sum.Div(decimal.NewFromInt(line.installs))
			return &d
		case "payers":
			return line.measures["payers"].sum
		case "revenue":
			return line.measures["revenue_est"].sum
		}
		return line.modelled[strings.TrimSuffix(sort, "_modelled")].sum
	}
	slices.SortStableFunc(c.lines, func(a, b cohortLine) int {
		if sort == "name" {
			n := cmp.Or(cmp.Compare(a.note, b.note), cmp.Compare(a.name, b.name))
			if c.view.at() == levelNetwork || c.view.network != "" {
				n = cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name))
			}
			if !up {
				n = -n
			}
			return cmp.Or(n, cmp.Compare(a.key, b.key))
		}
		x, y := weight(a), weight(b)
		switch {
		case x == nil && y == nil:
			return cmp.Compare(a.key, b.key)
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		n := x.Cmp(*y)
		if !up {
			n = -n
		}
		return cmp.Or(n, cmp.Compare(a.key, b.key))
	})
}

// scale is what the bars of the two modelled columns are drawn to.
func (c *cohortsRead) scale() map[string]float64 {
	out := map[string]float64{}
	for metric, seen := range map[string]string{"payers": "payers", "revenue": "revenue_est"} {
		for _, line := range c.lines {
			e := line.modelled[metric]
			out[metric] = max(out[metric], top(e.sum, e.high, line.measures[seen].sum))
		}
	}
	return out
}

// total is the sum of all lines. Estimates of lines add up where all have one.
func (c *cohortsRead) total() cohortLine {
	out := cohortLine{modelled: map[string]estimate{}}
	var before int64
	for _, line := range c.lines {
		out.add(line.sum)
		if line.before != nil {
			before += *line.before
		}
	}
	if before > 0 {
		out.before = &before
	}
	for _, metric := range []string{"payers", "revenue"} {
		var all estimate
		for _, line := range c.lines {
			e, ok := line.modelled[metric]
			if !ok || e.sum == nil {
				all = estimate{}
				break
			}
			all = all.plus(modelledFigure{value: e.sum})
		}
		if all.periods == len(c.lines) {
			out.modelled[metric] = all
		}
	}
	return out
}

// cells are a line's figures, in the order of the columns.
func (c *cohortsRead) cells(line cohortLine, scale map[string]float64, l pages.Locale) []pages.CohortCell {
	cells := []pages.CohortCell{{Kind: "number", Text: l.Int(line.installs), Value: strconv.FormatInt(line.installs, 10)}}
	if c.view.at() != levelRow {
		cells = append(cells, changeCell(line, l))
	}
	return append(cells,
		shareCell(line, l), measureCell(line.measures["payers"], line.rows, false, l), modelledCell(line, "payers", "payers", scale, l),
		measureCell(line.measures["revenue_est"], line.rows, true, l), modelledCell(line, "revenue", "revenue_est", scale, l))
}

func changeCell(line cohortLine, l pages.Locale) pages.CohortCell {
	if line.before == nil || *line.before == 0 {
		return pages.CohortCell{Kind: "none", Note: "nothing was published before"}
	}
	return pages.CohortCell{
		Kind: "number", Text: signed(l, float64(line.installs)/float64(*line.before)-1),
		Value: strconv.FormatInt(*line.before, 10), Note: l.Int(*line.before) + " before",
	}
}

func shareCell(line cohortLine, l pages.Locale) pages.CohortCell {
	m := line.measures["null_installs"]
	switch {
	case m.sum == nil:
		return pages.CohortCell{Kind: "withheld", Note: withheldNote(m.withheld, line.rows)}
	case line.installs == 0:
		return pages.CohortCell{Kind: "none"}
	}
	cell := pages.CohortCell{Kind: "number", Text: l.Percent(m.sum.InexactFloat64() / float64(line.installs)), Value: m.sum.String()}
	cell.Least, cell.Note = m.withheld > 0, l.Digits(m.sum.String())+" installs"
	if cell.Least {
		cell.Note += ", " + withheldNote(m.withheld, line.rows)
	}
	return cell
}

// measureCell is what was observed: a sum, a lower bound, or withheld; never a zero in
// the place of what is withheld.
func measureCell(m measure, rows int64, money bool, l pages.Locale) pages.CohortCell {
	if m.sum == nil {
		return pages.CohortCell{Kind: "withheld", Note: withheldNote(m.withheld, rows)}
	}
	text := l.Digits(m.sum.String())
	if money {
		text = l.Money(m.sum.String())
	}
	cell := pages.CohortCell{Kind: "number", Text: text, Value: m.sum.String(), Least: m.withheld > 0}
	if cell.Least {
		cell.Note = withheldNote(m.withheld, rows)
	}
	return cell
}

func withheldNote(withheld, rows int64) string {
	if rows == 1 {
		return "withheld: too few did so, or too few did not"
	}
	return fmt.Sprintf("withheld on %d of %d rows: too few did so, or too few did not", withheld, rows)
}

func modelledCell(line cohortLine, metric, seen string, scale map[string]float64, l pages.Locale) pages.CohortCell {
	e, ok := line.modelled[metric]
	switch {
	case !ok:
		return pages.CohortCell{Kind: "none", Text: "not modelled", Note: "no estimate is published of this line and span"}
	case e.sum == nil:
		return pages.CohortCell{Kind: "none", Text: "no signal", Note: "too little is known of this app’s values to estimate from"}
	}
	write := func(d decimal.Decimal) string {
		if metric == "revenue" {
			return l.Money(d.String())
		}
		return l.Digits(d.StringFixed(max(1, -d.Exponent()))) // published to a tenth
	}
	cell := pages.CohortCell{Kind: "modelled", Text: write(*e.sum), Value: e.sum.String()}
	if e.low != nil && e.high != nil {
		cell.Bounds = write(*e.low) + " – " + write(*e.high)
		cell.Note = "modelled: " + cell.Text + ", with 90 % between " + write(*e.low) + " and " + write(*e.high)
	} else {
		cell.Note = "modelled, the sum of " + counted(e.periods, "estimate") + "; bounds do not add up"
	}
	float := func(d *decimal.Decimal) *float64 {
		if d == nil {
			return nil
		}
		f := d.InexactFloat64()
		return &f
	}
	if line.name != "" { // not of the total, which is of another scale
		cell.Interval = pages.NewInterval(e.sum.InexactFloat64(), float(e.low), float(e.high), float(line.measures[seen].sum), scale[metric])
	}
	return cell
}
