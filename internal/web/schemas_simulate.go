package web

import (
	"net/http"
	"strconv"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
)

// simulated is how far back a simulation looks where nothing is said: four weeks.
const simulated = 28 * 24 * time.Hour

// simulateDraft tries a draft on the raw rows that the version in force decoded. A
// draft that maps one value alone tells how many installs had it, so this takes the
// role that may see raw rows, and leaves the same trace.
func (a *Admin) simulateDraft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	in := struct {
		From *time.Time `json:"from"`
		To   *time.Time `json:"to"`
	}{}
	if !readRequest(w, r, &in) {
		return
	}
	to := a.Now()
	if in.To != nil {
		to = *in.To
	}
	from := to.Add(-simulated)
	if in.From != nil {
		from = *in.From
	}
	if !from.Before(to) {
		problem(w, http.StatusUnprocessableEntity, "invalid", "want a time before to", "from")
		return
	}
	d, err := a.Schemas.Draft(r.Context(), appID, r.PathValue("draft"))
	if err == nil && !d.Report.OK {
		err = &store.InvalidSchema{Report: *d.Report}
	}
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	version, err := a.Schemas.CurrentVersion(r.Context(), appID)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	// Where there is no version yet, nothing was decoded that a draft could be tried on.
	current, err := a.referred(r.Context(), appID, strconv.Itoa(version))
	if err != nil {
		if version == 0 {
			err = store.ErrNoVersion
		}
		a.schemaFailed(w, r, err)
		return
	}
	if !a.told(w, r, store.ActSimulate, appID, "draft "+d.ID, map[string]any{"revision": d.Revision, "from": from, "to": to, "version": version}) {
		return
	}
	h, err := a.Schemas.RawHistogram(r.Context(), appID, version, from, to)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	s, err := schema.Simulate(d.Table, current, schema.Evidence{Histograms: []schema.Histogram{h}})
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	w.Header().Set("ETag", etag(d.Revision))
	writeJSON(w, http.StatusOK, map[string]any{"version": version, "from": from, "to": to, "simulation": s})
}
