package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
)

// HealthReader tells how well destinations are sent to.
type HealthReader interface {
	// Health returns store.ErrNoDestination for one that is not there.
	Health(ctx context.Context, ask store.HealthAsk) ([]forward.Health, error)
	Alerts(ctx context.Context, bounds forward.Thresholds) ([]forward.Alert, error)
	NetworkHealth(ctx context.Context, f store.CohortFilter, each func([]any) error) error
}

const (
	healthSpan    = 24 * time.Hour
	maxHealthSpan = 400 * 24 * time.Hour
	maxHourly     = 92 * 24 * time.Hour
)

// healthAsked reads from, to and step; false means that the answer has been given.
func (a *Admin) healthAsked(w http.ResponseWriter, r *http.Request, known ...string) (ask store.HealthAsk, q url.Values, ok bool) {
	if q, ok = query(w, r, append(known, "from", "to", "step")...); !ok {
		return ask, q, false
	}
	bad := func(field, detail string) (store.HealthAsk, url.Values, bool) {
		problem(w, http.StatusBadRequest, "bad_parameter", detail, field)
		return ask, q, false
	}
	ask.To = a.Now()
	for _, e := range []struct {
		name string
		into *time.Time
	}{{"from", &ask.From}, {"to", &ask.To}} {
		if s := q.Get(e.name); s != "" {
			t, err := parseDay(s)
			if err != nil {
				return bad(e.name, fmt.Sprintf("want a day such as 2026-11-02 or a time in RFC 3339, got %q", s))
			}
			*e.into = t
		}
	}
	if ask.From.IsZero() {
		ask.From = ask.To.Add(-healthSpan)
	}
	switch s := q.Get("step"); s {
	case "":
	case "hour":
		ask.Step = time.Hour
	case "day":
		ask.Step = 24 * time.Hour
	default:
		return bad("step", fmt.Sprintf("want hour or day, got %q", s))
	}
	switch span := ask.To.Sub(ask.From); {
	case span <= 0:
		return bad("to", "want a time after from")
	case span > maxHealthSpan:
		return bad("from", "want at most 400 days")
	case ask.Step == time.Hour && span > maxHourly:
		return bad("step", "by the hour at most 92 days; want day")
	}
	return ask, q, true
}

func (a *Admin) destinationHealth(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	ask, _, ok := a.healthAsked(w, r)
	if !ok {
		return
	}
	ask.DestinationID = r.PathValue("destination")
	all, err := a.Health.Health(r.Context(), ask)
	switch {
	case errors.Is(err, store.ErrNoDestination):
		problem(w, http.StatusNotFound, "unknown_destination", "no destination has this id", "destination")
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, all[0])
	}
}

func (a *Admin) allHealth(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	ask, q, ok := a.healthAsked(w, r, "app")
	if !ok {
		return
	}
	if s := q.Get("app"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 {
			problem(w, http.StatusBadRequest, "bad_parameter", "want the App Store id of an app", "app")
			return
		}
		ask.AppID = n
	}
	all, err := a.Health.Health(r.Context(), ask)
	answerList(a, w, r, all, "", err)
}

func (a *Admin) alerts(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	all, err := a.Health.Alerts(r.Context(), a.Thresholds)
	answerList(a, w, r, all, "", err)
}

// networkHealth serves the published health of networks, in the formats of cohorts.
func (a *Admin) networkHealth(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	ask, ok := consentedAsked(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", ask.format.contentType)
	if r.Method == http.MethodHead {
		return
	}
	out := &stream{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 32<<10)
	rows := ask.format.writer(buffer, &ledger{})
	err := rows.begin(store.NetworkHealthTable)
	if err == nil {
		err = a.Health.NetworkHealth(r.Context(), ask.filter, rows.row)
	}
	if err == nil {
		err = rows.end("", func(func(*store.Release) error) error { return nil })
	}
	if err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		a.brokenOff(w, r, out, err)
	}
}
