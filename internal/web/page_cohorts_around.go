package web

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"skand/internal/web/pages"
)

// noAppYet is the page where there is no app to show.
func noAppYet(f pages.Frame) pages.Cohorts {
	do := "Describe an app with skand apply; what arrived before is kept and counted then."
	if f.Who.Restricted() {
		do = "None of the apps that you may see is described yet."
	}
	return pages.Cohorts{Empty: &pages.Empty{Says: "There is no app yet.", Do: do, Link: "/", Name: "Go to the overview"}, Form: pages.CohortForm{Dataset: defaultDataset}}
}

// emptySpan is the page of a span that can't be shown.
func emptySpan(v cohortsView, wrong *spanError) pages.Cohorts {
	c := cohortsRead{view: v}
	p := pages.Cohorts{Tabs: cohortTabs(v), Form: c.form(), Spans: c.spans()}
	p.Empty = &pages.Empty{
		Says: "This span can’t be shown: " + wrong.says + ".", Do: "Pick other days.",
		Link: v.link(func(v *cohortsView) { v.fixed = false }), Name: "Show the newest window",
	}
	return p
}

func cohortTabs(v cohortsView) []pages.Choice {
	return []pages.Choice{
		{Name: "Postbacks", On: v.tab == "", Link: v.link(func(v *cohortsView) { v.tab = "" })},
		{Name: "Both sides", On: v.tab == "combined", Link: v.link(func(v *cohortsView) { v.tab, v.network, v.source, v.level = "combined", "", "", "" })},
	}
}

func (c *cohortsRead) form() pages.CohortForm {
	v := c.view
	f := pages.CohortForm{App: v.app, Dataset: v.dataset, Level: v.at()}
	if !v.from.IsZero() {
		f.From = v.from.Format(time.DateOnly)
	}
	if !v.to.IsZero() {
		f.To = v.to.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if v.tab != "" {
		f.Hidden = append(f.Hidden, pages.Hidden{Name: "tab", Value: v.tab})
		return f
	}
	listed := false
	for _, d := range pageDatasets {
		f.Datasets = append(f.Datasets, pages.Option{Value: d.value, Name: d.name})
		listed = listed || d.value == v.dataset
	}
	if !listed {
		f.Datasets = append(f.Datasets, pages.Option{Value: v.dataset, Name: v.dataset})
	}
	switch {
	case v.source != "":
		f.Levels = []pages.Option{{Value: levelRow, Name: "Source digits"}}
	case v.network != "":
		f.Levels = []pages.Option{{Value: levelCampaign, Name: "Campaigns"}, {Value: levelRow, Name: "Source digits"}}
	default:
		f.Levels = []pages.Option{{Value: levelNetwork, Name: "Networks"}, {Value: levelCampaign, Name: "Campaigns"}, {Value: levelRow, Name: "Source digits"}}
	}
	sort := v.sort
	if sort != "" && !v.up {
		sort = "-" + sort
	}
	for _, h := range []pages.Hidden{{Name: "network", Value: v.network}, {Name: "source", Value: v.source}, {Name: "measure", Value: v.measure}, {Name: "sort", Value: sort}} {
		if h.Value != "" {
			f.Hidden = append(f.Hidden, h)
		}
	}
	return f
}

// spans are the usual spans, up to the newest sealed window.
func (c *cohortsRead) spans() []pages.Choice {
	if c.newest.End.IsZero() {
		return nil
	}
	end := c.newest.End
	month := time.Date(end.Year(), end.Month(), 1, 0, 0, 0, 0, time.UTC)
	var out []pages.Choice
	for _, s := range []struct {
		name     string
		from, to time.Time
	}{
		{"Newest", c.newest.Start, end}, {"4 weeks", end.AddDate(0, 0, -28), end}, {"12 weeks", end.AddDate(0, 0, -84), end},
		{month.AddDate(0, -1, 0).Format("January"), month.AddDate(0, -1, 0), month},
	} {
		out = append(out, pages.Choice{Name: s.name, On: c.view.from.Equal(s.from) && c.view.to.Equal(s.to), Link: c.view.link(func(v *cohortsView) {
			v.from, v.to, v.fixed = s.from, s.to, s.name != "Newest"
		})})
	}
	return out
}

// crumbs lead back from digits to the network and to all of them.
func (c *cohortsRead) crumbs() []pages.Choice {
	out := []pages.Choice{{Name: "All networks", On: c.view.network == "", Link: c.view.link(func(v *cohortsView) { v.network, v.source, v.level = "", "", "" })}}
	if c.view.network != "" {
		name := cmp.Or(c.networks[c.view.network].Name, c.view.network)
		out = append(out, pages.Choice{Name: name, On: c.view.source == "", Link: c.view.link(func(v *cohortsView) { v.source, v.level = "", "" })})
	}
	if c.view.source != "" {
		name := c.view.source
		if cut, ok := cutCampaign(name); ok {
			name = "campaign " + cut
		}
		out = append(out, pages.Choice{Name: name, On: true})
	}
	return out
}

// measured is the measure of the chart.
func (v cohortsView) measured() string { return cmp.Or(v.measure, "revenue") }

func (c *cohortsRead) measures() (out []pages.Choice) {
	for _, m := range []struct{ key, name string }{{"revenue", "Revenue"}, {"payers", "Payers"}, {"installs", "Installs"}} {
		out = append(out, pages.Choice{Name: m.name, On: c.view.measured() == m.key, Link: c.view.link(func(v *cohortsView) {
			if v.measure = m.key; m.key == "revenue" {
				v.measure = ""
			}
		})})
	}
	return out
}

// chart is the view week by week. A week whose rows all withhold is nil and marked,
// never zero.
func (c *cohortsRead) chart(l pages.Locale) (*pages.Chart, string) {
	if len(c.weeks) == 0 {
		return nil, ""
	}
	measure := c.view.measured()
	column := map[string]string{"revenue": "revenue_est", "payers": "payers"}[measure]
	chart := &pages.Chart{
		ID: "cohorts", Label: "Figures by week, observed and modelled", Kind: pages.ChartCompare, Step: 7 * 24 * 3600,
		Group: l.Group, Decimal: l.Decimal, From: c.view.from.Unix(), To: c.view.to.Unix(),
	}
	if measure == "revenue" {
		chart.Unit = c.currencyOf()
	}
	seen, model := pages.Series{Name: "observed", Means: "observed"}, pages.Series{Name: "modelled", Means: "modelled"}
	at, hidden, some := 0, 0, false
	for week := c.weeks[0].week; !week.After(c.weeks[len(c.weeks)-1].week); week = week.AddDate(0, 0, 7) {
		chart.Times = append(chart.Times, week.Unix())
		var v *float64
		least := false
		if c.weeks[at].week.Equal(week) {
			s := c.weeks[at]
			at++
			if column == "" {
				n := float64(s.installs)
				v = &n
			} else if m := s.measures[column]; m.sum != nil {
				n := m.sum.InexactFloat64()
				v, least = &n, m.withheld > 0
			} else {
				least = true
				hidden++
			}
		}
		seen.Values, seen.Least = append(seen.Values, v), append(seen.Least, least)
		e := c.byWeek[week.Format(time.DateOnly)+" "+measure]
		var est, low, high *float64
		if e.sum != nil {
			n := e.sum.InexactFloat64()
			est, some = &n, true
			if e.low != nil && e.high != nil {
				a, b := e.low.InexactFloat64(), e.high.InexactFloat64()
				low, high = &a, &b
			}
		}
		model.Values, model.Low, model.High = append(model.Values, est), append(model.Low, low), append(model.High, high)
	}
	chart.Series = []pages.Series{seen}
	if some {
		chart.Series = append(chart.Series, model)
	}
	note := ""
	if measure != "installs" && !c.modelled {
		note = "Nothing of this is modelled yet: bars are what was observed, and a lower bound where some rows withhold it (⌃)."
	}
	if hidden > 0 {
		note = strings.TrimSpace(note + " " + counted(hidden, "week") + " of the chart withheld (hatched).")
	}
	return chart, note
}

// notes say what has to be known to read the table.
func (c *cohortsRead) notes() (out []string) {
	least := false
	for _, line := range c.lines {
		for _, m := range []string{"payers", "revenue_est"} {
			least = least || line.measures[m].withheld > 0
		}
	}
	if least {
		out = append(out, fmt.Sprintf("≥: some rows withhold the figure, so the sum is a lower bound. A figure is withheld where fewer than %d installs stand on one of its sides; it is never zero.", c.b))
	}
	if c.modelled && c.view.at() != levelRow && c.wholePeriod() == "" {
		out = append(out, "Estimates are published of whole weeks and months: pick days from a Monday to a Sunday, or a month.")
	} else if c.modelled && c.view.to.Sub(c.view.from) > 7*24*time.Hour && c.wholePeriod() == "week" {
		out = append(out, "Bounds of several weeks do not add up, so only estimates are shown; one week or one month has its interval.")
	}
	return out
}

func (c *cohortsRead) sealedWords() string {
	words := fmt.Sprintf("From %s of windows that begin in %s, the newest sealed on %s. Rows have at least %d installs (k), figures at least %d on either side (b).",
		counted(c.releases, "release"), pages.Span(c.view.from, c.view.to), pages.Clock(c.sealedAt), c.k, c.b)
	if c.lab {
		words += " From a lab: not real traffic."
	}
	return words
}

// exports are files of the same table.
func (c *cohortsRead) exports() (out []pages.Choice) {
	for _, f := range []struct{ name, format string }{{"CSV", "csv"}, {"Parquet", "parquet"}} {
		v := c.view
		v.fixed = true // what the file is called must not depend on when it is fetched
		q := v.values()
		q.Set("format", f.format)
		out = append(out, pages.Choice{Name: f.name, Link: "/cohorts/export?" + q.Encode()})
	}
	return out
}

// sql asks the published database for the same sums.
func (c *cohortsRead) sql() string {
	keys := map[string][]string{
		levelNetwork: {"network_id"}, levelCampaign: {"network_id", "id_kind", "source_2"},
		levelRow: {"network_id", "id_kind", "source_2", "source_3", "source_4", "level"},
	}[c.view.at()]
	text := "SELECT " + strings.Join(keys, ", ") + ", currency, COUNT(*) AS rows, SUM(installs) AS installs"
	for _, m := range []string{"null_installs", "payers", "revenue_min", "revenue_est", "revenue_max"} {
		text += ",\n  SUM(" + m + ") AS " + m + ", COUNT(*) - COUNT(" + m + ") AS " + m + "_withheld_rows"
	}
	text += "\nFROM bi.cohort_current\nWHERE app_id = " + strconv.FormatInt(c.view.app, 10) +
		fmt.Sprintf("\n  AND sequence_index = %d AND conversion_kind = '%s' AND environment = '%s'", c.view.index, c.view.kind, c.view.env) +
		"\n  AND window_start >= '" + c.view.from.Format(time.RFC3339) + "' AND window_start < '" + c.view.to.Format(time.RFC3339) + "'"
	if c.view.network != "" {
		text += "\n  AND network_id = '" + strings.ReplaceAll(c.view.network, "'", "''") + "'"
	}
	if c.view.source != "" {
		digits, kind := c.view.source, "source"
		if cut, ok := cutCampaign(digits); ok {
			digits, kind = cut, "campaign"
		}
		text += "\n  AND id_kind = '" + kind + "' AND source_2 = '" + strings.ReplaceAll(digits, "'", "''") + "'"
	}
	return text + "\nGROUP BY " + strings.Join(keys, ", ") + ", currency\nORDER BY installs DESC;\n"
}
