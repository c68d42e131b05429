package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"skand/aggregate"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web/pages"
)

// cohortsRead is everything that a view shows: the page and its files are both made of
// it, so they can't differ.
type cohortsRead struct {
	view     cohortsView
	app      knownApp
	networks map[string]apply.Network
	lines    []cohortLine
	weeks    []sum
	byWeek   map[string]estimate // by the day of the week's begin and the metric
	modelled bool                // something is
	sealedAt time.Time
	releases int
	lab      bool
	k, b     int
	newest   aggregate.Window // zero: nothing is sealed
	currency string
}

// cohortLine is a line of the page's table.
type cohortLine struct {
	sum
	key      string
	name     string
	note     string
	link     func(*cohortsView) // nil: it can't be drilled
	before   *int64             // installs of the span of the same length before
	modelled map[string]estimate
}

func (a *Admin) cohortsPage(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	view, apps, ok := a.cohortsView(w, r, who)
	if !ok {
		return
	}
	f := a.frameOf(r, who, "Cohorts", apps, view.app)
	if view.app == 0 {
		f.Picks = false
		a.show(w, r, who, "cohorts", f, noAppYet(f))
		return
	}
	var page pages.Cohorts
	var err error
	if view.tab == "combined" {
		page, err = a.combinedView(r.Context(), &view, f.Locale)
	} else {
		var read *cohortsRead
		if read, err = a.readCohorts(r.Context(), view, apps); err == nil {
			page = read.page(f.Locale)
		}
	}
	var wrong *spanError
	switch {
	case errors.As(err, &wrong):
		page = emptySpan(view, wrong)
	case err != nil:
		a.pageFailed(w, r, who, err)
		return
	}
	a.show(w, r, who, "cohorts", f, page)
}

// cohortsView reads the request; false means that the answer has been given.
func (a *Admin) cohortsView(w http.ResponseWriter, r *http.Request, who auth.Principal) (cohortsView, []knownApp, bool) {
	view, err := cohortsViewed(r, who)
	switch {
	case errors.Is(err, store.ErrNotGranted):
		a.refusePage(w, r, who, http.StatusForbidden, "This app is not among yours.")
		return view, nil, false
	case err != nil:
		a.refusePage(w, r, who, http.StatusBadRequest, "This page can’t be read so: "+err.Error()+".")
		return view, nil, false
	}
	apps, err := a.pageApps(r.Context(), who)
	if err != nil {
		a.pageFailed(w, r, who, err)
		return view, nil, false
	}
	if view.app == 0 && len(apps) > 0 {
		view.app = apps[0].ID
		// Rather one that there is something of.
		newest, _, err := a.Reader.Releases(r.Context(), 0, "", pageSize)
		if err != nil {
			a.pageFailed(w, r, who, err)
			return view, nil, false
		}
		for _, one := range newest {
			if slices.ContainsFunc(apps, func(k knownApp) bool { return k.ID == one.AppID }) {
				view.app = one.AppID
				break
			}
		}
	}
	return view, apps, true
}

// spanError is a span that can't be shown; it is said on the page, as people reach it by
// picking one day after the other.
type spanError struct{ says string }

func (e *spanError) Error() string { return e.says }

// readCohorts reads what the view shows: published rows, sums of them and published
// estimates, and nothing else.
func (a *Admin) readCohorts(ctx context.Context, view cohortsView, apps []knownApp) (*cohortsRead, error) {
	c := &cohortsRead{view: view, app: knownApp{App: pages.App{ID: view.app}}}
	if i := slices.IndexFunc(apps, func(k knownApp) bool { return k.ID == view.app }); i >= 0 {
		c.app = apps[i]
	}
	settings := c.app.Described.Settings()
	c.currency = settings.Currency
	var err error
	if c.networks, err = a.networkNames(ctx); err != nil {
		return nil, err
	}
	if err := c.newestWindow(ctx, a.Reader, settings.Window); err != nil {
		return nil, err
	}
	if c.newest.Start.IsZero() {
		return c, nil
	}
	if err := c.view.settle(c.newest, settings.Window); err != nil {
		return nil, &spanError{err.Error()}
	}
	if err := c.readLines(ctx, a.Reader); err != nil {
		return nil, err
	}
	if err := c.readBefore(ctx, a.Reader); err != nil {
		return nil, err
	}
	if err := c.readWeeks(ctx, a.Reader); err != nil {
		return nil, err
	}
	return c, c.readModelled(ctx, a.Reader)
}

// newestWindow finds the newest sealed window of the dataset.
func (c *cohortsRead) newestWindow(ctx context.Context, from CohortReader, kind aggregate.WindowKind) error {
	f := c.view.filter()
	f.From, f.To, f.NetworkID = time.Time{}, time.Time{}, ""
	look, err := from.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	return look.Releases(ctx, nil, nil, func(r *store.Release) error {
		if end := time.Time(r.WindowEnd); end.After(c.newest.End) {
			c.newest = aggregate.Window{Start: time.Time(r.WindowStart), End: end}
			c.k, c.b = r.K, r.B
		}
		return nil
	})
}

// readLines reads the table's lines, and which releases they are from.
func (c *cohortsRead) readLines(ctx context.Context, from CohortReader) error {
	look, err := from.LookAtCohorts(ctx, c.view.filter())
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	err = look.Releases(ctx, nil, nil, func(r *store.Release) error {
		c.releases++
		c.lab = c.lab || r.Lab
		if at := time.Time(r.SealedAt); at.After(c.sealedAt) {
			c.sealedAt = at
		}
		c.k, c.b = max(c.k, r.K), max(c.b, r.B)
		return nil
	})
	if err != nil {
		return err
	}
	sums, err := c.sums(ctx, look)
	if err != nil {
		return err
	}
	for _, s := range sums {
		c.lines = append(c.lines, c.line(s))
	}
	return nil
}

// sums are the lines of the level that is shown.
func (c *cohortsRead) sums(ctx context.Context, look *store.CohortLook) ([]sum, error) {
	switch c.view.at() {
	case levelNetwork:
		return sumsOf(ctx, look, store.CohortGroup{"network"})
	case levelCampaign:
		return sumsOf(ctx, look, store.CohortGroup{"network", "source_2"})
	}
	rows, err := rowsOf(ctx, look, func(s sum) bool { return c.view.source == "" || sourceOf(s) == c.view.source })
	return merged(rows, rowKey), err
}

// readBefore reads the installs of the span of the same length before this one.
func (c *cohortsRead) readBefore(ctx context.Context, from CohortReader) error {
	if c.view.at() == levelRow { // the cut is another one in each window
		return nil
	}
	f := c.view.filter()
	f.From, f.To = c.view.from.Add(-c.view.to.Sub(c.view.from)), c.view.from
	look, err := from.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	sums, err := c.sums(ctx, look)
	if err != nil {
		return err
	}
	before := map[string]int64{}
	for _, s := range sums {
		before[lineKey(c.view.at(), s)] += s.installs
	}
	for i := range c.lines {
		if n, ok := before[c.lines[i].key]; ok {
			c.lines[i].before = &n
		}
	}
	return nil
}

// chartWeeks are how many weeks a chart shows at least, so that a week has company.
const chartWeeks = 12

func (c *cohortsRead) chartFrom() time.Time {
	from := c.view.to.AddDate(0, 0, -7*chartWeeks)
	if c.view.from.Before(from) {
		return c.view.from
	}
	return from
}

// readWeeks reads the chart: what the lines add up to, week by week.
func (c *cohortsRead) readWeeks(ctx context.Context, from CohortReader) error {
	f := c.view.filter()
	f.From = c.chartFrom()
	look, err := from.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	group := store.CohortGroup{"week"}
	if c.view.source != "" {
		group = store.CohortGroup{"network", "source_2", "week"}
	}
	weeks, err := sumsOf(ctx, look, group)
	if err != nil {
		return err
	}
	weeks = slices.DeleteFunc(weeks, func(s sum) bool { return c.view.source != "" && sourceOf(s) != c.view.source })
	c.weeks = merged(weeks, func(s sum) string { return s.week.Format(time.DateOnly) })
	slices.SortFunc(c.weeks, func(a, b sum) int { return a.week.Compare(b.week) })
	return nil
}

// sourceOf is how a campaign is called in addresses: "39", or "c7" of SKAdNetwork 1 to
// 3; "" where no digits are told.
func sourceOf(s sum) string {
	if s.source2 == nil {
		return ""
	}
	if s.idKind != nil && *s.idKind == "campaign" {
		return "c" + *s.source2
	}
	return *s.source2
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// lineKey is what a line is told apart by at a level.
func lineKey(level string, s sum) string {
	switch level {
	case levelNetwork:
		return value(s.network)
	case levelCampaign:
		return value(s.network) + "/" + sourceOf(s)
	}
	return rowKey(s)
}

// rowKey is where a published row stands, whatever its window: rows of one place are
// added up over windows.
func rowKey(s sum) string {
	return fmt.Sprintf("%s/%s/%s/%s/%s", value(s.network), sourceOf(s), value(s.source3), value(s.source4), value(s.level))
}

// line is a line with its name and where it leads to.
func (c *cohortsRead) line(s sum) cohortLine {
	out := cohortLine{sum: s, key: lineKey(c.view.at(), s)}
	network, known := value(s.network), c.networks[value(s.network)]
	out.name = cmp.Or(known.Name, network)
	if known.Name != "" {
		out.note = network
	}
	if s.network == nil {
		out.name, out.note = "Other networks", "each too small to be told apart"
		if c.view.at() == levelRow && value(s.level) == "total" {
			out.name, out.note = "The whole app", "no network is large enough to be told apart"
		}
		return out
	}
	if c.view.at() == levelNetwork {
		out.link = func(v *cohortsView) { v.network, v.level = network, "" }
		return out
	}
	if c.view.network == "" {
		out.note = out.name
	} else {
		out.note = ""
	}
	out.name = c.campaignName(s, &out)
	if c.view.at() == levelCampaign && sourceOf(s) != "" {
		source := sourceOf(s)
		out.link = func(v *cohortsView) { v.network, v.source, v.level = network, source, "" }
	}
	return out
}

// campaignName is the digits in their places, as "39", "239" or "5239", and the name that
// the network's map gives them.
func (c *cohortsRead) campaignName(s sum, line *cohortLine) string {
	switch value(s.level) {
	case "withheld":
		return "Digits withheld"
	case "network", "other":
		return "Other campaigns"
	}
	source := sourceOf(s)
	if source == "" {
		return "Digits withheld, or too small"
	}
	name := cmp.Or(value(s.source4), value(s.source3), source)
	for _, mapped := range c.networks[value(s.network)].Campaigns {
		if mapped.Source == name && mapped.CampaignName != "" && campaignOn(mapped, c.view.from) {
			if line.note != "" {
				line.note += ", "
			}
			line.note += mapped.CampaignName
			break
		}
	}
	if cut, ok := cutCampaign(source); ok && name == source {
		return "campaign " + cut
	}
	return name
}

func cutCampaign(source string) (string, bool) {
	if len(source) > 1 && source[0] == 'c' {
		return source[1:], true
	}
	return "", false
}

// campaignOn reports whether the map's line holds on a day.
func campaignOn(m apply.Campaign, day time.Time) bool {
	on := day.Format(time.DateOnly)
	return (m.From == nil || *m.From <= on) && (m.To == nil || on < *m.To)
}
