package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"skand/internal/apply"
	"skand/internal/store"
	"skand/internal/web/pages"
)

// combinedView is what both sides are together, as it is published.
func (a *Admin) combinedView(ctx context.Context, v *cohortsView, l pages.Locale) (pages.Cohorts, error) {
	c := cohortsRead{view: *v}
	p := pages.Cohorts{Tabs: cohortTabs(*v), Form: c.form()}
	networks, err := a.networkNames(ctx)
	if err != nil {
		return p, err
	}
	look, err := a.Reader.LookAtCohorts(ctx, store.CohortFilter{AppID: v.app, From: v.from, To: v.to})
	if err != nil {
		return p, err
	}
	defer func() { _ = look.Close() }() // it has only read
	table := store.ConsentedTables[slices.IndexFunc(store.ConsentedTables, func(t store.ConsentedTable) bool { return t.Name == "combined" })]
	at := columnIndex(table.Columns)
	var periods []pages.CombinedPeriod
	var begins []time.Time
	err = look.Consented(ctx, table, func(row []any) error {
		start, _ := row[at["period_start"]].(store.Stamp)
		end, _ := row[at["period_end"]].(store.Stamp)
		begin := time.Time(start)
		if n := len(begins); n == 0 || !begins[n-1].Equal(begin) {
			begins = append(begins, begin)
			periods = append(periods, pages.CombinedPeriod{Span: pages.Span(begin, time.Time(end))})
		}
		period := &periods[len(periods)-1]
		source, _ := row[at["overlap_source"]].(string)
		if source != "" {
			period.Bit = source == "bit"
			period.Source = overlapWords(source)
		}
		number := func(name string) *int64 {
			n, ok := row[at[name]].(int64)
			if !ok {
				return nil
			}
			return &n
		}
		network, digits := value(textCell(row[at["network_id"]])), value(textCell(row[at["source_2"]]))
		period.Rows = append(period.Rows, pages.CombinedRow{
			Name: combinedName(networks, network, digits, value(textCell(row[at["level"]]))), Begin: begin,
			SKAN: countCell(number("skan_installs"), l), Deterministic: countCell(number("deterministic_installs"), l),
			Overlap: boundsCell(number("overlap_est"), number("overlap_low"), number("overlap_high"), source, l),
			Both:    boundsCell(number("combined_est"), number("combined_low"), number("combined_high"), source, l),
		})
		return nil
	})
	if err != nil {
		return p, err
	}
	if len(periods) == 0 {
		p.Empty = &pages.Empty{
			Says: "Nothing is published of both sides together.",
			Do:   "It takes consented installs beside postbacks, and four weeks that both sides have sealed whole.",
		}
		return p, nil
	}
	slices.Reverse(periods) // the newest first
	p.Combined = &pages.Combined{Periods: periods}
	q := "app=" + strconv.FormatInt(v.app, 10)
	for _, e := range []struct {
		name string
		t    time.Time
	}{{"from", v.from}, {"to", v.to}} {
		if !e.t.IsZero() {
			q += "&" + e.name + "=" + e.t.Format(time.DateOnly)
		}
	}
	for _, f := range []struct{ name, format string }{{"CSV", "csv"}, {"Parquet", "parquet"}} {
		p.Exports = append(p.Exports, pages.Choice{Name: f.name, Link: "/v1/combined?" + q + "&format=" + f.format})
	}
	return p, nil
}

func overlapWords(source string) string {
	switch source {
	case "bit":
		return "overlap known by the schema’s overlap bit"
	case "assumed":
		return "overlap assumed"
	}
	return "overlap modelled"
}

func combinedName(networks map[string]apply.Network, network, digits, level string) string {
	switch {
	case network == "" && level == "organic":
		return "Organic"
	case network == "" && level == "total":
		return "The whole app"
	case network == "":
		return "Other networks"
	}
	name := cmp.Or(networks[network].Name, network)
	if digits != "" {
		name += " " + digits
	}
	return name
}

func countCell(n *int64, l pages.Locale) pages.CohortCell {
	if n == nil {
		return pages.CohortCell{Kind: "none"}
	}
	return pages.CohortCell{Kind: "number", Text: l.Int(*n), Value: strconv.FormatInt(*n, 10)}
}

func boundsCell(est, low, high *int64, source string, l pages.Locale) pages.CohortCell {
	if est == nil {
		return pages.CohortCell{Kind: "none"}
	}
	cell := pages.CohortCell{Kind: "modelled", Text: l.Int(*est), Value: strconv.FormatInt(*est, 10)}
	if low != nil && high != nil && *low != *high {
		cell.Bounds = l.Int(*low) + " – " + l.Int(*high)
	}
	cell.Note = fmt.Sprintf("%s: %s", overlapWords(source), cmp.Or(cell.Bounds, cell.Text))
	return cell
}
