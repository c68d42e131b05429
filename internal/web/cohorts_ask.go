package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/aggregate"
	"skand/internal/store"
)

const (
	cohortPage    = 1_000
	maxCohortPage = 10_000
	maxCohortRows = 1_000_000_000
)

// cohortAsk is what a reader asked for.
type cohortAsk struct {
	filter store.CohortFilter
	group  store.CohortGroup // nil: rows
	format *cohortFormat
	cursor string
	after  *store.CohortPlace // of rows
	skip   int                // of sums
	skips  bool               // pages are counted, and are no places of rows
	limit  int                // 0: all

	modeled *store.Estimates // beside rows or sums; nil: none
}

// cohortsAsked reads a request; false means that the answer has been given.
func cohortsAsked(w http.ResponseWriter, r *http.Request) (*cohortAsk, bool) {
	q, ok := query(w, r, "app", "from", "to", "dataset", "level", "network", "group", "format", "cursor", "limit", "modeled", "events")
	if !ok {
		return nil, false
	}
	ask := &cohortAsk{cursor: q.Get("cursor")}
	for _, read := range []func(url.Values) (string, error){ask.readFilter, ask.readGroup, ask.readModeled} {
		if field, err := read(q); err != nil {
			badParameter(w, field, err)
			return nil, false
		}
	}
	if !ask.readFormat(w, r, q) {
		return nil, false
	}
	if !ask.readsPage(w, q) {
		return nil, false
	}
	return ask, true
}

// readFormat reads format and Accept; false means that the answer has been given.
func (ask *cohortAsk) readFormat(w http.ResponseWriter, r *http.Request, q url.Values) bool {
	ask.format = cohortFormatNamed(q.Get("format"))
	switch {
	case ask.format == nil && q.Has("format"):
		problem(w, http.StatusBadRequest, "bad_parameter",
			fmt.Sprintf("want one of %s, got %q", strings.Join(cohortFormatNames(), ", "), q.Get("format")), "format")
		return false
	case ask.format == nil:
		w.Header().Set("Vary", "Accept")
		if ask.format = acceptedFormat(r.Header.Values("Accept")); ask.format == nil {
			problem(w, http.StatusNotAcceptable, "not_acceptable",
				"this comes as "+strings.Join(cohortFormatNames(), ", ")+"; accept one of their types, or name it in format=", "Accept")
			return false
		}
	}
	return true
}

// readsPage reads cursor and limit; false means that the answer has been given.
func (ask *cohortAsk) readsPage(w http.ResponseWriter, q url.Values) bool {
	if field, err := ask.readPage(q); err != nil {
		code := "bad_parameter"
		if ask.format.paged && field == "cursor" {
			code = "bad_cursor"
		}
		problem(w, http.StatusBadRequest, code, err.Error(), field)
		return false
	}
	return true
}

// readFilter reads the filters; field names the one at fault.
func (ask *cohortAsk) readFilter(q url.Values) (field string, err error) {
	f := &ask.filter
	if s := q.Get("app"); s != "" {
		if f.AppID, err = strconv.ParseInt(s, 10, 64); err != nil || f.AppID <= 0 {
			return "app", fmt.Errorf("want the App Store id of an app, got %q", s)
		}
	}
	for _, e := range []struct {
		name string
		into *time.Time
	}{{"from", &f.From}, {"to", &f.To}} {
		if s := q.Get(e.name); s != "" {
			if *e.into, err = parseDay(s); err != nil {
				return e.name, fmt.Errorf("want a day such as 2026-11-02 or a time in RFC 3339, got %q", s)
			}
		}
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return "to", fmt.Errorf("want a time after from, as windows that begin at %q are no longer in it", q.Get("to"))
	}
	f.Level, f.NetworkID = q.Get("level"), strings.ToLower(q.Get("network"))
	if f.Level != "" && !slices.Contains(levels, f.Level) {
		return "level", fmt.Errorf("want one of %s, got %q", strings.Join(levels, ", "), f.Level)
	}
	if strings.ContainsRune(f.NetworkID, 0) {
		return "network", fmt.Errorf("want the id of a network, got %q", f.NetworkID)
	}
	if s := q.Get("dataset"); s != "" {
		if err := readDataset(s, f); err != nil {
			return "dataset", err
		}
	}
	return "", nil
}

var levels = []string{
	aggregate.LevelNetwork, aggregate.LevelSrc2, aggregate.LevelSrc3, aggregate.LevelSrc4,
	aggregate.LevelWithheld, aggregate.LevelOther, aggregate.LevelTotal,
}

func parseDay(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// readDataset reads "install", "0.install", "0.install.production" or, as the ledger
// writes a dataset, "525463029.0.install.production".
func readDataset(s string, f *store.CohortFilter) error {
	parts := strings.Split(s, ".")
	if len(parts) == 4 {
		app, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil || app <= 0 || f.AppID != 0 && f.AppID != app {
			return fmt.Errorf("want the app of app= before INDEX.KIND.ENVIRONMENT, or none, got %q", s)
		}
		f.AppID, parts = app, parts[1:]
	}
	for _, part := range parts {
		switch {
		case f.Index == nil && slices.Contains([]string{"0", "1", "2"}, part):
			n := int(part[0] - '0')
			f.Index = &n
		case f.Kind == "" && slices.Contains([]string{"install", "reengagement", "qualifier"}, part):
			f.Kind = part
		case f.Environment == "" && slices.Contains([]string{"production", "development"}, part):
			f.Environment = part
		default:
			return fmt.Errorf("want INDEX.KIND.ENVIRONMENT or a part of it, as in 0.install.production, got %q", s)
		}
	}
	return nil
}

// readGroup reads "network,week".
func (ask *cohortAsk) readGroup(q url.Values) (field string, err error) {
	if !q.Has("group") {
		return "", nil
	}
	ask.skips = true
	known := store.CohortDimensions()
	for _, name := range strings.Split(q.Get("group"), ",") {
		switch {
		case !slices.Contains(known, name):
			return "group", fmt.Errorf("want names of %s, with commas between them, got %q", strings.Join(known, ", "), name)
		case slices.Contains(ask.group, name):
			return "group", fmt.Errorf("%s is there twice; give it once", name)
		}
		ask.group = append(ask.group, name)
	}
	return "", nil
}

// readPage reads cursor and limit, which mean what the format makes of them.
func (ask *cohortAsk) readPage(q url.Values) (field string, err error) {
	most := maxCohortRows
	if ask.format.paged {
		ask.limit, most = cohortPage, maxCohortPage
	}
	if q.Has("limit") {
		n, err := strconv.Atoi(q.Get("limit"))
		if err != nil || n < 1 || n > most {
			return "limit", fmt.Errorf("want a number of rows from 1 to %d, got %q", most, q.Get("limit"))
		}
		ask.limit = n
	}
	switch {
	case ask.cursor == "":
		return "", nil
	case !ask.format.paged:
		return "cursor", fmt.Errorf("only json has pages; %s has all rows in one answer, so leave it out", ask.format.name)
	case !ask.skips:
		if ask.after, err = store.ParseCohortPlace(ask.cursor); err != nil {
			return "cursor", fmt.Errorf("this cursor is not one of this list; begin without one")
		}
	}
	return "", nil
}
