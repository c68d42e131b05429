package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
)

// Deliveries is the delivery log.
type Deliveries interface {
	// Deliveries lists, newest first; store.ErrCursor for a foreign cursor.
	Deliveries(ctx context.Context, f store.DeliveryFilter, cursor string, limit int) ([]store.Delivery, string, error)
	// Delivery returns store.ErrNoDelivery; with fields it tells the audit log first.
	Delivery(ctx context.Context, id string, fields bool) (store.Delivery, error)
	// ReplayDeliveries may stop before its end: it is not Finished then, and goes on
	// under its key. It returns store.ErrReplayKey or store.ErrReplayBusy.
	ReplayDeliveries(ctx context.Context, r store.DeliveryReplay) (store.DeliveryReplayed, error)
}

// deliveryParameters are the filters of the delivery log.
var deliveryParameters = []string{
	"app", "destination", "network", "kind", "event", "state", "class", "status", "delivery_id", "dedup_key", "conversion", "q", "from", "to", "time",
}

// deliveries lists the log, or exports it whole.
func (a *Admin) deliveries(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, _, ok := paging(w, r, append([]string{"format"}, deliveryParameters...)...)
	if !ok {
		return
	}
	q := r.URL.Query()
	f, field, err := deliveryFilter(q)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), field)
		return
	}
	switch format := q.Get("format"); format {
	case "", "json":
		data, next, err := a.Deliveries.Deliveries(r.Context(), f, cursor, limit)
		answerList(a, w, r, data, next, err)
	case "csv", "ndjson":
		for _, paged := range []string{"cursor", "limit"} {
			if q.Has(paged) {
				problem(w, http.StatusBadRequest, "bad_parameter", "an export is whole; leave it out, or bound it by from and to", paged)
				return
			}
		}
		a.exportDeliveries(w, r, f, format)
	default:
		problem(w, http.StatusBadRequest, "bad_parameter", fmt.Sprintf("want json, csv or ndjson, got %q", format), "format")
	}
}

// deliveryFilter reads the filters; field names the one at fault.
func deliveryFilter(q url.Values) (f store.DeliveryFilter, field string, err error) {
	f = store.DeliveryFilter{
		DestinationID: q.Get("destination"), NetworkID: strings.ToLower(q.Get("network")), Kind: q.Get("kind"), EventName: q.Get("event"),
		State: forward.State(q.Get("state")), Class: forward.Class(q.Get("class")),
		DeliveryID: q.Get("delivery_id"), DedupKey: q.Get("dedup_key"), ConversionID: q.Get("conversion"), Query: q.Get("q"),
	}
	if s := q.Get("app"); s != "" {
		if f.AppID, err = strconv.ParseInt(s, 10, 64); err != nil || f.AppID <= 0 {
			return f, "app", fmt.Errorf("want the App Store id of an app, got %q", s)
		}
	}
	if f.State != "" && !slices.Contains(forward.States(), f.State) {
		return f, "state", errors.New("no such state of a delivery")
	}
	if f.Class != "" && !slices.Contains(deliveryClasses, f.Class) {
		return f, "class", fmt.Errorf("want one of %s", joined(deliveryClasses))
	}
	if f.Kind != "" && !slices.Contains(deliveryKinds, f.Kind) {
		return f, "kind", fmt.Errorf("want one of %s", joined(deliveryKinds))
	}
	if s := q.Get("status"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n != 0 && (n < 100 || n > 599) {
			return f, "status", fmt.Errorf("want an HTTP status, or 0 for no answer, got %q", s)
		}
		f.Status = &n
	}
	for _, e := range []struct {
		name string
		into *time.Time
	}{{"from", &f.From}, {"to", &f.To}} {
		if s := q.Get(e.name); s != "" {
			if *e.into, err = parseDay(s); err != nil {
				return f, e.name, fmt.Errorf("want a day such as 2026-11-02 or a time in RFC 3339, got %q", s)
			}
		}
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return f, "to", errors.New("want a time after from")
	}
	named := ""
	for _, name := range []string{"delivery_id", "dedup_key", "conversion", "q"} {
		if !q.Has(name) {
			continue
		}
		if named != "" {
			return f, name, fmt.Errorf("does not go with %s; give one of them", named)
		}
		named = name
	}
	return byAttempt(q, f)
}

// byAttempt reads time=attempted, and what can't be asked with it.
func byAttempt(q url.Values, f store.DeliveryFilter) (store.DeliveryFilter, string, error) {
	switch s := q.Get("time"); s {
	case "", "created":
		return f, "", nil
	case "attempted":
		f.Attempted = true
	default:
		return f, "time", fmt.Errorf("want created or attempted, got %q", s)
	}
	if f.Query != "" {
		return f, "q", errors.New("looks things up by name; it does not go with time=attempted")
	}
	return f, "", nil
}

var (
	deliveryClasses = []forward.Class{forward.ClassOK, forward.ClassRetry, forward.ClassHeld, forward.ClassRefused, forward.ClassGone, forward.ClassExpired}
	deliveryKinds   = []string{forward.KindInstall, forward.KindEvent, forward.KindModeled, forward.KindPostback, forward.KindRejected}
)

func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

// delivery shows one, with every attempt; with ?fields=true also the values that it
// carries, of which the audit log tells.
func (a *Admin) delivery(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "fields")
	if !ok {
		return
	}
	fields := q.Get("fields") == "true"
	if !fields && q.Has("fields") && q.Get("fields") != "false" {
		problem(w, http.StatusBadRequest, "bad_parameter", "want true or false", "fields")
		return
	}
	d, err := a.Deliveries.Delivery(r.Context(), r.PathValue("delivery"), fields)
	switch {
	case errors.Is(err, store.ErrNoDelivery):
		problem(w, http.StatusNotFound, "unknown_delivery", "no delivery with this id is kept", "delivery")
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, d)
	}
}
