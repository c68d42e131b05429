package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/aggregate"
	"skand/internal/auth"
	"skand/internal/store"
)

// cohortsView is what the page of cohorts is asked for: all of it is in its address, so
// that a link opens the same view again.
type cohortsView struct {
	app      int64
	from, to time.Time // windows that begin in [from, to)
	fixed    bool      // the span was chosen, and is not the newest window
	dataset  string
	index    int
	kind     string
	env      string
	level    string // network, campaign, row; "": by how deep one has drilled
	network  string
	source   string // digits, or "c" and a campaign id of SKAdNetwork 1 to 3
	measure  string
	sort     string
	up       bool
	tab      string // "", combined
}

var cohortsParameters = []string{"app", "from", "until", "dataset", "level", "network", "source", "measure", "sort", "tab", "format"}

const (
	levelNetwork  = "network"
	levelCampaign = "campaign"
	levelRow      = "row"

	defaultDataset = "0.install.production"
	maxCohortSpan  = 800 * 24 * time.Hour
)

var pageDatasets = []struct{ value, name string }{
	{"0.install.production", "Installs"},
	{"1.install.production", "Installs, second window"}, {"2.install.production", "Installs, third window"},
	{"0.reengagement.production", "Re-engagements"}, {"0.qualifier.production", "Qualifiers"}, {"0.install.development", "Development installs"},
}

var sortable = []string{"name", "installs", "change", "null", "payers", "payers_modelled", "revenue", "revenue_modelled"}

func cohortsViewed(r *http.Request, who auth.Principal) (v cohortsView, err error) {
	q, err := pageQuery(r, cohortsParameters...)
	if err != nil {
		return v, err
	}
	if v.app, err = pageApp(q, who); err != nil {
		return v, err
	}
	if err := v.readSpan(q); err != nil {
		return v, err
	}
	v.dataset = defaultDataset
	if s := q.Get("dataset"); s != "" {
		v.dataset = s
	}
	f := store.CohortFilter{AppID: v.app}
	if err := readDataset(v.dataset, &f); err != nil || f.Index == nil || f.Kind == "" || f.Environment == "" || strings.Count(v.dataset, ".") != 2 {
		return v, fmt.Errorf("%q is no dataset", v.dataset)
	}
	v.index, v.kind, v.env = *f.Index, f.Kind, f.Environment
	v.network, v.source = strings.ToLower(q.Get("network")), q.Get("source")
	if v.source != "" && v.network == "" {
		return v, errors.New("digits are of a network")
	}
	for _, e := range []struct {
		name  string
		into  *string
		known []string
	}{
		{"level", &v.level, []string{levelNetwork, levelCampaign, levelRow}}, {"measure", &v.measure, []string{"installs", "payers", "revenue"}},
		{"tab", &v.tab, []string{"combined"}},
	} {
		if *e.into = q.Get(e.name); *e.into != "" && !slices.Contains(e.known, *e.into) {
			return v, fmt.Errorf("%s is one of %s, not %q", e.name, strings.Join(e.known, ", "), *e.into)
		}
	}
	if v.network != "" && v.level == levelNetwork || v.source != "" && v.level != "" {
		v.level = "" // it was drilled deeper than that
	}
	sort, down := strings.CutPrefix(q.Get("sort"), "-")
	if sort != "" && !slices.Contains(sortable, sort) {
		return v, fmt.Errorf("there is no column %q to sort by", sort)
	}
	v.sort, v.up = sort, !down
	return v, nil
}

// readSpan reads from and until; until is the last day of it, as people say it.
func (v *cohortsView) readSpan(q url.Values) error {
	for _, e := range []struct {
		name string
		into *time.Time
		plus int
	}{{"from", &v.from, 0}, {"until", &v.to, 1}} {
		s := q.Get(e.name)
		if s == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, s)
		if err != nil || day.Year() < 2000 || day.Year() > 2200 {
			return fmt.Errorf("%s is a day such as 2026-11-02, not %q", e.name, s)
		}
		*e.into, v.fixed = day.AddDate(0, 0, e.plus), true
	}
	return nil
}

// settle fills what was not chosen: the newest sealed window, on either side of what was.
func (v *cohortsView) settle(newest aggregate.Window, kind aggregate.WindowKind) error {
	switch {
	case !v.fixed:
		v.from, v.to = newest.Start, newest.End
	case v.from.IsZero():
		v.from = aggregate.WindowAt(kind, v.to.Add(-time.Millisecond)).Start
	case v.to.IsZero():
		v.to = newest.End
		if !v.from.Before(v.to) {
			v.to = aggregate.WindowAt(kind, v.from).End
		}
	}
	if !v.from.Before(v.to) {
		return errors.New("the last day comes before the first")
	}
	if v.to.Sub(v.from) > maxCohortSpan {
		return errors.New("at most 800 days at once")
	}
	return nil
}

// at is the level that is shown.
func (v cohortsView) at() string {
	switch {
	case v.source != "":
		return levelRow
	case v.level != "":
		return v.level
	case v.network != "":
		return levelCampaign
	}
	return levelNetwork
}

func (v cohortsView) filter() store.CohortFilter {
	return store.CohortFilter{AppID: v.app, Index: &v.index, Kind: v.kind, Environment: v.env, From: v.from, To: v.to, NetworkID: v.network}
}

// values are the view as a query, without what is as it would be anyway.
func (v cohortsView) values() url.Values {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != "" && value != usual {
			q.Set(name, value)
		}
	}
	if v.app != 0 {
		q.Set("app", strconv.FormatInt(v.app, 10))
	}
	if v.fixed {
		q.Set("from", v.from.Format(time.DateOnly))
		q.Set("until", v.to.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	set("dataset", v.dataset, defaultDataset)
	set("level", v.level, "")
	set("network", v.network, "")
	set("source", v.source, "")
	set("measure", v.measure, "")
	set("tab", v.tab, "")
	if v.sort != "" {
		q.Set("sort", map[bool]string{true: "", false: "-"}[v.up]+v.sort)
	}
	return q
}

// link is the address of the view with something changed.
func (v cohortsView) link(change func(*cohortsView)) string {
	change(&v)
	return "/cohorts?" + v.values().Encode()
}
