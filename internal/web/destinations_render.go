package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
)

// TemplateKeeper keeps destinations' definitions, and what was sent by them.
type TemplateKeeper interface {
	// Destination returns store.ErrNoDestination where there is none.
	Destination(ctx context.Context, id string) (forward.Registered, error)
	// Carried are the newest deliveries with their values, which may be a person's.
	Carried(ctx context.Context, f store.DeliveryFilter, limit int) ([]forward.Delivery, error)
	AllowPrivate(ctx context.Context) ([]netip.Prefix, error)
	DestinationVersions(ctx context.Context, id, cursor string, limit int) ([]store.DestinationVersion, string, error)
	// DestinationVersion and RollBackDestination return store.ErrNoDestination or
	// store.ErrNoDestinationVersion; the second also an *apply.Refused.
	DestinationVersion(ctx context.Context, id string, version int) (store.DestinationVersion, error)
	RollBackDestination(ctx context.Context, id string, version int) (store.DestinationVersion, bool, error)
}

const (
	newestShown = 5
	maxShown    = 20
)

// renderAsk is what a dry run is asked for.
type renderAsk struct {
	Definition *forward.Destination `json:"definition"` // a draft; absent: what is stored
	Delivery   string               `json:"delivery"`   // one delivery of the destination
	Newest     int                  `json:"newest"`     // its newest deliveries
	Sample     bool                 `json:"sample"`     // deliveries made up for each kind
	Kind       string               `json:"kind"`
	Consent    string               `json:"consent"` // of samples: authorized, denied; absent: both
}

// renderView is a request as it would be sent.
type renderView struct {
	Source     string            `json:"source"` // delivery, sample
	DeliveryID string            `json:"delivery_id"`
	Kind       string            `json:"kind"`
	Consent    string            `json:"consent,omitempty"`
	Method     string            `json:"method,omitempty"`
	URL        string            `json:"url,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	Error      string            `json:"error,omitempty"` // why nothing would be sent
}

// renderDestination shows what would be sent, and sends nothing.
func (a *Admin) renderDestination(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var ask renderAsk
	if r.ContentLength != 0 && !readRequest(w, r, &ask) {
		return
	}
	id := r.PathValue("id")
	d, version, ok := a.definitionOf(w, r, id, ask.Definition)
	if !ok || !ask.valid(w, d) {
		return
	}
	// What is shown may be a person's: the look comes after its trace.
	told := map[string]any{"draft": ask.Definition != nil, "delivery": ask.Delivery, "newest": ask.Newest, "sample": ask.Sample}
	if !a.told(w, r, store.ActDestinationRender, d.AppID, "destination "+id, told) {
		return
	}
	rows, ok := a.rowsToShow(w, r, id, d, ask)
	if !ok {
		return
	}
	program, err := forward.Compile(d)
	if err != nil { // stored by an earlier version
		problem(w, http.StatusUnprocessableEntity, "invalid", oneLine(err), "definition")
		return
	}
	views := make([]renderView, 0, len(rows))
	for _, dv := range rows {
		views = append(views, show(d, program, dv))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"destination": id, "template_version": version, "draft": ask.Definition != nil,
		"warnings": orNone(d.Warnings()), "requests": views,
	})
}

// definitionOf is the draft, judged as apply would, or what is stored. A draft may be of
// a destination that is not there yet.
func (a *Admin) definitionOf(w http.ResponseWriter, r *http.Request, id string, draft *forward.Destination) (d forward.Destination, version int, ok bool) {
	stored, err := a.Templates.Destination(r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNoDestination) && draft == nil:
		problem(w, http.StatusNotFound, "unknown_destination", "there is no destination with this id; send a definition to try one", "id")
		return d, 0, false
	case err != nil && !errors.Is(err, store.ErrNoDestination):
		a.failed(w, r, err)
		return d, 0, false
	case draft == nil:
		return stored.Destination, stored.TemplateVersion, true
	case draft.ID != id || err == nil && draft.AppID != stored.Destination.AppID:
		problem(w, http.StatusUnprocessableEntity, "invalid", "its id and app_id must be those of the destination", "definition")
		return d, 0, false
	}
	allow, err := a.Templates.AllowPrivate(r.Context())
	if err != nil {
		a.failed(w, r, err)
		return d, 0, false
	}
	if err := draft.Validate(allow); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", oneLine(err), "definition")
		return d, 0, false
	}
	return *draft, stored.TemplateVersion, true
}

func (ask renderAsk) valid(w http.ResponseWriter, d forward.Destination) bool {
	bad := func(field, format string, args ...any) bool {
		problem(w, http.StatusUnprocessableEntity, "invalid", fmt.Sprintf(format, args...), field)
		return false
	}
	switch {
	case ask.Newest < 0 || ask.Newest > maxShown:
		return bad("newest", "must be between 1 and %d", maxShown)
	case ask.Delivery != "" && (ask.Newest > 0 || ask.Sample), ask.Newest > 0 && ask.Sample:
		return bad("delivery", "give one of delivery, newest and sample")
	case ask.Kind != "" && !slices.Contains(d.Kinds, ask.Kind):
		return bad("kind", "the destination takes %v", d.Kinds)
	case ask.Consent != "" && ask.Consent != "authorized" && ask.Consent != "denied":
		return bad("consent", "must be authorized or denied")
	}
	return true
}

// rowsToShow are real deliveries, or samples where they are asked for or nothing else
// is there.
func (a *Admin) rowsToShow(w http.ResponseWriter, r *http.Request, id string, d forward.Destination, ask renderAsk) (rows []forward.Delivery, ok bool) {
	if !ask.Sample {
		f := store.DeliveryFilter{AppID: d.AppID, DestinationID: id, Kind: ask.Kind, DeliveryID: ask.Delivery}
		limit := ask.Newest
		if limit == 0 {
			limit = newestShown
		}
		rows, err := a.Templates.Carried(r.Context(), f, limit)
		switch {
		case err != nil:
			a.failed(w, r, err)
			return nil, false
		case ask.Delivery != "" && len(rows) == 0:
			problem(w, http.StatusNotFound, "unknown_delivery", "the destination has no such delivery", "delivery")
			return nil, false
		case len(rows) > 0:
			return rows, true
		}
	}
	return samples(d, ask.Kind, ask.Consent, a.Now()), true
}

// samples are made up for each kind that the destination takes, in each state of consent.
func samples(d forward.Destination, kind, consent string, now time.Time) (rows []forward.Delivery) {
	kinds, states := d.Kinds, []string{"authorized", "denied"}
	if kind != "" {
		kinds = []string{kind}
	}
	if consent != "" {
		states = []string{consent}
	}
	for _, kind := range kinds {
		for _, state := range states {
			dv := forward.Sample(d, kind, state, now)
			if dv.Consent == "" && state != states[0] {
				continue // of what is nobody's there is one
			}
			rows = append(rows, dv)
		}
	}
	return rows
}

func show(d forward.Destination, program *forward.Program, dv forward.Delivery) renderView {
	v := renderView{Source: "delivery", DeliveryID: dv.ID, Kind: dv.Kind, Consent: dv.Consent}
	if dv.DedupKey == "sample/"+dv.Kind {
		v.Source = "sample"
	}
	if v.Source == "delivery" && len(dv.Fields) == 0 {
		v.Error = "its values are kept no longer"
		return v
	}
	rendered, err := program.Render(dv)
	if err != nil {
		v.Error = err.Error()
		return v
	}
	rendered = forward.Show(d, dv.ID, rendered)
	v.Method, v.URL, v.Body = rendered.Method, rendered.URL, string(rendered.Body)
	v.Headers = make(map[string]string, len(rendered.Header))
	for name := range rendered.Header {
		v.Headers[name] = rendered.Header.Get(name)
	}
	return v
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
