package web

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"skand/aggregate"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/jobs"
	"skand/internal/web/pages"
)

const (
	defaultK     = 20 // of apps that say nothing
	arrivalRows  = 12
	arrivalParts = 5 // of the chart; what is less joins "others"
)

// arrivalWords name what the tables of arrivals hold.
var arrivalWords = map[string]map[string][2]string{
	"verdict": {
		"valid": {"Verified", ""}, "development": {"Development", "signed by a development key"}, "invalid": {"Not verified", "no key signed it"},
		"malformed": {"Malformed", "no postback of Apple’s"}, "unsupported": {"Unsupported", "a version or key that is not known yet"},
	},
	"framework": {"skadnetwork": {"SKAdNetwork", ""}, "adattributionkit": {"AdAttributionKit", ""}, "": {"Unknown", ""}},
	"source":    {"developer": {"From Apple", "copies to your app’s endpoint"}, "network": {"Network’s URL", ""}, "relay": {"Relayed", "by a network or vendor"}},
}

// arrivals fills what came over time.
func (o *overviewer) arrivals(ctx context.Context) error {
	in := o.site().Arrivals
	if in == nil {
		return nil
	}
	today := o.now.Truncate(24 * time.Hour)
	from := today.AddDate(0, 0, 1-o.ask.days)
	verdicts, err := in.Arrivals(ctx, "verdict", o.ids, from, today)
	if err != nil {
		return err
	}
	o.daily = make([]float64, o.ask.days)
	for _, one := range verdicts {
		bad := 1
		if one.Name == "valid" || one.Name == "development" {
			bad = 0
			if day := int(one.Day.Sub(from).Hours() / 24); day >= 0 && day < len(o.daily) {
				o.daily[day] += float64(one.N)
			}
		}
		switch {
		case one.Day.Equal(today):
			o.today[bad] += one.N
		case one.Day.Equal(today.AddDate(0, 0, -1)):
			o.before[bad] += one.N
		}
		o.arrived = true
	}
	all := verdicts
	if o.ask.by != "verdict" {
		if all, err = in.Arrivals(ctx, o.ask.by, o.ids, from, today); err != nil {
			return err
		}
	}
	names, err := o.networkNames(ctx)
	if err != nil {
		return err
	}
	p := &o.page.Arrivals
	p.K = o.k
	for day := from; !day.After(today); day = day.AddDate(0, 0, 1) {
		p.Days = append(p.Days, day)
	}
	for _, n := range arrivalNames {
		if n.key == o.ask.by {
			p.By = n.heading
		}
		p.Choices = append(p.Choices, pages.Choice{Name: n.name, On: n.key == o.ask.by, Link: o.ask.link(func(a *overviewAsk) { a.by = n.key })})
	}
	for _, n := range arrivalSpans {
		p.Spans = append(p.Spans, pages.Choice{Name: o.locale.Int(int64(n)) + " days", On: n == o.ask.days, Link: o.ask.link(func(a *overviewAsk) { a.days = n })})
	}
	counts := map[string][]int64{}
	var total int64
	for _, one := range all {
		if counts[one.Name] == nil {
			counts[one.Name] = make([]int64, len(p.Days))
		}
		counts[one.Name][int(one.Day.Sub(from).Hours()/24)] += one.N
		total += one.N
	}
	rows := o.arrivalOrder(counts)
	for _, name := range rows {
		p.Rows = append(p.Rows, o.arrivalRow(o.named(name, names), name, counts[name], total))
	}
	if o.exact {
		p.Chart = o.arrivalChart(p.Days, p.Rows, rows, counts)
	}
	return nil
}

// named gives a name of the store in the words of the page, with a note.
func (o *overviewer) named(name string, networks map[string]apply.Network) [2]string {
	if words, ok := arrivalWords[o.ask.by][name]; ok {
		return words
	}
	switch o.ask.by {
	case "network":
		if n := networks[name]; n.Name != "" {
			return [2]string{n.Name, name}
		}
	case "version":
		framework, version, _ := strings.Cut(name, " ")
		if words, ok := arrivalWords["framework"][framework]; ok && version != "" {
			return [2]string{words[0] + " " + version, ""}
		}
	}
	return [2]string{cmp.Or(name, "Unknown"), ""}
}

const othersName = "\x00others"

// arrivalOrder puts rows in order, and what is beyond the page's length together. Of
// figures that the reader may not see the order would tell, so it goes by levels then.
func (o *overviewer) arrivalOrder(counts map[string][]int64) []string {
	weight := func(name string) int64 {
		var n int64
		for _, v := range counts[name] {
			n += v
		}
		if !o.exact {
			return int64(o.quantity(n).Level)
		}
		return n
	}
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a, b)) })
	if len(names) <= arrivalRows {
		return names
	}
	rest := make([]int64, o.ask.days)
	for _, name := range names[arrivalRows-1:] {
		for i, n := range counts[name] {
			rest[i] += n
		}
		delete(counts, name)
	}
	counts[othersName] = rest
	return append(names[:arrivalRows-1], othersName)
}

func (o *overviewer) arrivalRow(words [2]string, name string, days []int64, all int64) pages.ArrivalRow {
	row := pages.ArrivalRow{Name: words[0], Note: words[1]}
	if name == othersName {
		row.Name = "Others"
	}
	var total int64
	most := slices.Max(days)
	for _, n := range days {
		row.Cells = append(row.Cells, o.quantity(n).WithBar(most))
		total += n
	}
	row.Total, row.Today = o.quantity(total), o.quantity(days[len(days)-1])
	if o.exact && all > 0 {
		row.Share = o.locale.Percent(float64(total) / float64(all))
	}
	if o.ask.by == "verdict" && (name == "invalid" || name == "malformed" || name == "unsupported") {
		row.Tone = "watch"
	}
	return row
}

func (o *overviewer) arrivalChart(days []time.Time, rows []pages.ArrivalRow, names []string, counts map[string][]int64) *pages.Chart {
	c := &pages.Chart{
		ID: "arrivals", Label: "Copies of postbacks by day; the table below says the same", Kind: pages.ChartStacked,
		Step: 24 * 3600, Group: o.locale.Group, Decimal: o.locale.Decimal,
	}
	for _, d := range days {
		c.Times = append(c.Times, d.Unix())
	}
	var rest []*float64
	for i, name := range names {
		values := make([]*float64, len(days))
		for j, n := range counts[name] {
			v := float64(n)
			values[j] = &v
		}
		if i < arrivalParts {
			c.Series = append(c.Series, pages.Series{Name: rows[i].Name, Values: values})
			continue
		}
		if rest == nil {
			rest = values
			c.Series = append(c.Series, pages.Series{Name: "Others", Values: rest})
			continue
		}
		for j := range rest {
			*rest[j] += *values[j]
		}
	}
	if len(c.Series) == 0 {
		return nil
	}
	return c
}

// jobWords say what jobs do, for who did not write them.
var jobWords = map[string]string{
	"decode": "reads conversion values", "seal": "publishes windows that are over", "model": "estimates what is withheld",
	"health": "counts arrivals and deliveries", "retention": "deletes old copies", "partitions": "makes room for coming days",
}

// lateBy is how long after its time a job may be before somebody should look.
const lateBy = 15 * time.Minute

func (o *overviewer) jobs(ctx context.Context) error {
	if o.Jobs == nil {
		return nil
	}
	states, err := o.Jobs.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, s := range states {
		line := pages.JobLine{Name: s.Name, What: jobWords[s.Name], Schedule: s.Spec, Last: known(s.Succeeded), Next: known(s.Next)}
		line.Late = lateJob(s, o.now)
		o.page.Jobs = append(o.page.Jobs, line)
	}
	return nil
}

// lateJob: it should have run well since, and did not.
func lateJob(s jobs.State, now time.Time) bool {
	schedule, err := jobs.ParseSchedule(s.Spec)
	if err != nil { // it runs when somebody asks for it
		return false
	}
	if s.Succeeded.IsZero() {
		return !s.Started.IsZero()
	}
	return now.After(schedule.Next(s.Succeeded).Add(lateBy))
}

// endpoint is the next step of who has just begun.
func (o *overviewer) endpoint() {
	e := &o.page.Endpoint
	e.URL = strings.TrimRight(o.site().PublicURL, "/")
	if u, err := url.Parse(e.URL); err == nil && e.URL != "" {
		ip := net.ParseIP(u.Hostname())
		e.Local = u.Scheme != "https" || u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified())
	}
	e.CanCheck = o.who.May(auth.Operator) && o.site().Check != nil
	e.New = !o.arrived && !o.sealed.any && !slices.Contains(o.page.Broken, "What arrived")
}

// nextSeal is when the next figures come, and of which window.
func nextSeal(s aggregate.Settings, now time.Time) (time.Time, aggregate.Window) {
	w := aggregate.WindowAt(s.Window, now)
	if before := aggregate.WindowAt(s.Window, w.Start.Add(-time.Millisecond)); now.Before(before.End.Add(s.SealDelay)) {
		w = before
	}
	return w.End.Add(s.SealDelay), w
}
