package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web/pages"
)

const (
	sealedWeeks = 12 // of the small lines
	listedApps  = 24
)

// sealedFigures are those of the newest sealed windows, which every reader may see.
type sealedFigures struct {
	any        bool
	window     string
	same       bool // all apps have the same newest window
	installs   int64
	nulls      int64
	nullsLeast bool
	nullsNone  bool // withheld in all of it
	weekly     []float64
	byWeek     map[time.Time]int64
}

// appLines fills how each app stands.
func (o *overviewer) appLines(ctx context.Context) error {
	copies := map[int64]store.LastCopy{}
	if in := o.site().Arrivals; in != nil {
		all, err := in.LastCopies(ctx, o.ids)
		if err != nil {
			return err
		}
		for _, c := range all {
			copies[c.AppID] = c
			o.arrived = true
		}
	}
	o.sealed.byWeek, o.sealed.same = map[time.Time]int64{}, true
	list := o.chosen
	if len(list) > listedApps {
		o.page.More = len(list) - listedApps
		list = list[:listedApps]
	}
	for _, app := range list {
		line, err := o.appLine(ctx, app, copies[app.ID])
		if err != nil {
			return fmt.Errorf("app %d: %w", app.ID, err)
		}
		o.page.Apps = append(o.page.Apps, line)
	}
	o.sealed.weekly = weekly(o.sealed.byWeek)
	return nil
}

// weekly are the values of weeks in their order, with zeros where there is none.
func weekly(byWeek map[time.Time]int64) (out []float64) {
	var first, last time.Time
	for week := range byWeek {
		if first.IsZero() || week.Before(first) {
			first = week
		}
		if week.After(last) {
			last = week
		}
	}
	for week := first; len(byWeek) > 0 && !week.After(last); week = week.AddDate(0, 0, 7) {
		out = append(out, float64(byWeek[week]))
	}
	return out
}

func (o *overviewer) appLine(ctx context.Context, app knownApp, last store.LastCopy) (pages.AppLine, error) {
	line := pages.AppLine{App: app.App, Installs: "–", Nulls: "–"}
	line.Copies, line.CopiesTone, line.CopiesNote = o.copies(last)
	settings := app.Described.Settings()
	at, window := nextSeal(settings, o.now)
	line.NextSeal, line.NextWindow = &at, pages.Span(window.Start, window.End)
	newest, err := o.newestRelease(ctx, app.ID)
	if err != nil || newest == nil {
		return line, err
	}
	start, end := time.Time(newest.WindowStart), time.Time(newest.WindowEnd)
	line.Window, line.Link = pages.Span(start, end), fmt.Sprintf("/cohorts?app=%d", app.ID)
	sealed := time.Time(newest.SealedAt)
	line.SealedAt = &sealed
	index := 0
	filter := store.CohortFilter{AppID: app.ID, Index: &index, Kind: "install", Environment: "production", From: end.AddDate(0, 0, -7*sealedWeeks)}
	look, err := o.Reader.LookAtCohorts(ctx, filter)
	if err != nil {
		return line, err
	}
	defer func() { _ = look.Close() }() // it has only read
	byWeek := map[time.Time]int64{}
	weeks, err := sumsOf(ctx, look, store.CohortGroup{"week"})
	if err != nil {
		return line, err
	}
	for _, s := range weeks {
		byWeek[s.week] += s.installs
		o.sealed.byWeek[s.week] += s.installs
	}
	line.Spark = pages.NewSpark("Installs in "+o.locale.Int(int64(len(byWeek)))+" weeks", weekly(byWeek))
	return line, o.newestWindow(ctx, filter, start, end, &line)
}

// newestWindow fills the figures of the newest sealed window.
func (o *overviewer) newestWindow(ctx context.Context, f store.CohortFilter, start, end time.Time, line *pages.AppLine) error {
	f.From, f.To = start, end
	look, err := o.Reader.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	sums, err := sumsOf(ctx, look, store.CohortGroup{"dataset"})
	if err != nil {
		return err
	}
	var installs, nulls, rows, without int64
	for _, s := range sums {
		installs, rows = installs+s.installs, rows+s.rows
		m := s.measures["null_installs"]
		nulls, without = nulls+m.number(), without+m.withheld
	}
	if rows == 0 { // nothing reached k
		line.Installs, line.Nulls = "carried on", "–"
		return nil
	}
	line.Installs = o.locale.Int(installs)
	if without == rows {
		line.Nulls = "withheld"
	} else {
		line.Nulls, line.NullsLeast = o.locale.Percent(float64(nulls)/float64(installs)), without > 0
	}
	s := &o.sealed
	if s.any && s.window != line.Window {
		s.same = false
	}
	s.any, s.window = true, line.Window
	s.installs, s.nulls, s.nullsLeast = s.installs+installs, s.nulls+nulls, s.nullsLeast || without > 0
	s.nullsNone = without == rows && (s.nullsNone || s.installs == installs)
	return nil
}

// newestRelease is the newest base release of the app's installs; nil: none.
func (o *overviewer) newestRelease(ctx context.Context, app int64) (*store.Release, error) {
	list, _, err := o.Reader.Releases(ctx, app, "", 60)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r store.Release) bool {
		return strings.HasSuffix(r.Dataset, ".0.install.production") && r.Kind == "base"
	})
	if i < 0 {
		return nil, nil
	}
	return &list[i], nil
}

// copies words when Apple's copies came last. Who sees no exact figures is told the day.
func (o *overviewer) copies(last store.LastCopy) (words, tone, note string) {
	say := func(t time.Time) string {
		if o.exact {
			return pages.Ago(t, o.now)
		}
		switch days := int(o.now.Truncate(24*time.Hour).Sub(t.Truncate(24*time.Hour)).Hours() / 24); days {
		case 0:
			return "today"
		case 1:
			return "yesterday"
		default:
			return fmt.Sprintf("%d days ago", days)
		}
	}
	if last.Developer == nil {
		if last.Any != nil {
			note = "only networks’ copies, " + say(*last.Any)
		}
		return "none yet", "watch", note
	}
	days := o.now.Truncate(24 * time.Hour).Sub(last.Developer.Truncate(24 * time.Hour))
	switch {
	case days <= 24*time.Hour:
		tone = "good"
	case days <= 72*time.Hour:
		tone = "watch"
	default:
		tone = "alert"
	}
	return say(*last.Developer), tone, ""
}

// deliveries fills how what goes out fares.
func (o *overviewer) deliveries(ctx context.Context) error {
	states, err := o.standings(ctx)
	if err != nil {
		return err
	}
	if !o.who.May(auth.Operator) {
		for _, s := range states {
			if s.State == forward.DestinationDisabled || s.State == forward.DestinationPaused || s.State == forward.DestinationOpen {
				o.page.Out.Stopped++
			}
		}
		return o.publishedHealth(ctx)
	}
	o.page.Out.Exact = true
	all, err := o.Health.Health(ctx, store.HealthAsk{AppID: o.ask.app, From: o.now.Add(-24 * time.Hour), To: o.now})
	if err != nil {
		return err
	}
	for _, h := range all {
		if !o.who.MayApp(h.AppID) {
			continue
		}
		o.health = append(o.health, h)
		line := pages.DeliveryLine{Name: h.DestinationID, Note: h.NetworkID, Rate: "–", Response: "–", Eligible: o.locale.Int(h.Figures.Eligible)}
		line.State, line.StateTone = "active", "good"
		if s, ok := states[h.DestinationID]; ok {
			line.State, line.StateTone = stateWords(s)
		}
		if h.Figures.DeliveryRate != nil {
			line.Rate = o.locale.Percent(*h.Figures.DeliveryRate)
		}
		if h.Figures.Response != nil {
			line.Response = o.locale.Length(time.Duration(h.Figures.Response.P50) * time.Millisecond)
		}
		line.Waiting = o.locale.Int(h.Queue.Pending + h.Queue.Held)
		o.page.Out.Lines = append(o.page.Out.Lines, line)
	}
	return nil
}

func stateWords(s *store.DestinationStanding) (words, tone string) {
	switch s.State {
	case forward.DestinationOpen:
		return "failing", "alert"
	case forward.DestinationPaused:
		return "paused", "alert"
	case forward.DestinationDisabled:
		return "disabled", "alert"
	}
	if s.State == "active" {
		return "active", "good"
	}
	return string(s.State), ""
}

func (o *overviewer) standings(ctx context.Context) (map[string]*store.DestinationStanding, error) {
	out := map[string]*store.DestinationStanding{}
	for cursor := ""; ; {
		list, next, err := o.Reader.Definitions(ctx, "destination", cursor, maxPage)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			out[d.ID] = d.DestinationStanding
		}
		if cursor = next; next == "" {
			return out, nil
		}
	}
}

// publishedHealth is what is published of how well networks were told.
func (o *overviewer) publishedHealth(ctx context.Context) error {
	column := map[string]int{}
	for i, c := range store.NetworkHealthTable {
		column[c.Name] = i
	}
	var newest time.Time
	lines := map[time.Time][]pages.DeliveryLine{}
	for _, app := range o.chosen {
		err := o.Health.NetworkHealth(ctx, store.CohortFilter{AppID: app.ID, From: o.now.AddDate(0, 0, -28)}, func(row []any) error {
			week, _ := row[column["week_start"]].(store.Stamp)
			network, _ := row[column["network_id"]].(string)
			line := pages.DeliveryLine{Name: network, RateTone: "withheld", Response: "–"}
			if len(o.chosen) > 1 {
				line.Note = app.Label()
			}
			if rate, ok := row[column["delivery_rate"]].(int64); ok {
				line.Rate, line.RateTone = "about "+o.locale.Percent(float64(rate)/100), ""
			}
			if p50, ok := row[column["response_p50"]].(string); ok {
				line.Response = p50
			}
			at := time.Time(week)
			if at.After(newest) {
				newest = at
			}
			lines[at] = append(lines[at], line)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if o.page.Out.Lines = lines[newest]; !newest.IsZero() {
		o.page.Out.Week = pages.Span(newest, newest.AddDate(0, 0, 7))
	}
	return nil
}
