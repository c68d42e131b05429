package web

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
)

// readModelled puts the published estimates beside the lines and the weeks. Roll-ups are
// of whole weeks or months: of other spans nothing is told, rather than a part of it.
func (c *cohortsRead) readModelled(ctx context.Context, from CohortReader) error {
	if c.view.kind == "qualifier" || c.view.env != "production" {
		return nil
	}
	lines := estimates{}
	var err error
	level := map[string]string{levelNetwork: "network", levelCampaign: "src2"}[c.view.at()]
	switch period := c.wholePeriod(); {
	case c.view.at() == levelRow:
		err = modelledRows(ctx, from, c.view.filter(), func(f modelledFigure) {
			if c.view.source == "" || sourceOf(f.place) == c.view.source {
				lines.add(rowKey(f.place), f)
			}
		})
	case period != "":
		err = modelledRollups(ctx, from, c.view.filter(), level, period, func(f modelledFigure) { lines.add(f.node, f) })
	}
	if err != nil {
		return err
	}
	for i := range c.lines {
		c.lines[i].modelled = lines[c.lines[i].key]
	}
	// The chart's: of the app, the network or the campaign.
	node, f := c.view.network, c.view.filter()
	f.From, level = c.chartFrom(), "app"
	switch {
	case c.view.source != "":
		level, node = "src2", c.view.network+"/"+c.view.source
	case c.view.network != "":
		level = "network"
	}
	c.byWeek = map[string]estimate{}
	err = modelledRollups(ctx, from, f, level, "week", func(f modelledFigure) {
		if f.node == node {
			key := f.begin.UTC().Format(time.DateOnly) + " " + f.metric
			c.byWeek[key] = c.byWeek[key].plus(f)
		}
	})
	c.modelled = len(lines) > 0 || len(c.byWeek) > 0
	return err
}

// wholePeriod is what the span consists of: a month, whole weeks, or neither of them.
func (c *cohortsRead) wholePeriod() string {
	from, to := c.view.from, c.view.to
	if from.Day() == 1 && to.Equal(from.AddDate(0, 1, 0)) {
		return "month"
	}
	if from.Weekday() == time.Monday && to.Weekday() == time.Monday {
		return "week"
	}
	return ""
}

// top is the largest value of a column, which the bars of all of its cells are drawn to.
func top(values ...*decimal.Decimal) float64 {
	most := 0.0
	for _, v := range values {
		if v != nil {
			most = max(most, v.InexactFloat64())
		}
	}
	return most
}
