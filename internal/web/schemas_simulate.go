package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
)

// EvidenceKeeper has what schemas are tried on. Whoever asks for raw rows or for
// consented installs has told the audit log before.
type EvidenceKeeper interface {
	// RawHistogram counts raw rows.
	RawHistogram(ctx context.Context, appID int64, version int, from, to time.Time) (schema.Histogram, error)
	// ConsentedWeeks reads single installs; store.ErrNoApp.
	ConsentedWeeks(ctx context.Context, q store.EvidenceQuery) ([]store.EvidenceWeek, error)
	// JudgeSchema reads a text as publishing it would; store.ErrNoApp.
	JudgeSchema(ctx context.Context, appID int64, text []byte) (*schema.Document, schema.Report, error)
}

// PublishedHistograms has the histograms of sealed windows, which hold no single
// install: any editor may try as many drafts on them as they like.
type PublishedHistograms interface {
	PublishedHistograms(ctx context.Context, appID int64, version int, from, to time.Time) ([]schema.Histogram, error)
}

// What a schema may be tried on.
const (
	evidenceConsented = "consented" // installs that the app reported; editors: as crowds
	evidencePublished = "published" // histograms of sealed windows
	evidenceRaw       = "raw"       // counts of raw rows; operators
)

// simulated is how far back a simulation looks where nothing is said: four weeks.
const simulated = 28 * 24 * time.Hour

// trial is a schema to be tried, and what the audit log calls it.
type trial struct {
	appID    int64
	doc      *schema.Document
	object   string
	revision int // of a draft
	look
}

func (a *Admin) simulateDraft(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	t := trial{appID: appID}
	if !readRequest(w, r, &t.look) {
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
	t.doc, t.object, t.revision = d.Table, "draft "+d.ID, d.Revision
	a.simulate(w, r, who, t)
}

func (a *Admin) simulateVersion(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	n, ok := pathNumber(w, r, "version", "the number of a version", 32)
	if !ok {
		return
	}
	t := trial{appID: appID, object: "version " + itoa(n)}
	if !readRequest(w, r, &t.look) {
		return
	}
	var err error
	if t.doc, err = a.referred(r.Context(), appID, itoa(n)); err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	a.simulate(w, r, who, t)
}

// simulateDocument tries a schema that is stored nowhere.
func (a *Admin) simulateDocument(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	body, bad := readBody(w, r, maxDraft)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return
	}
	var in struct {
		Document json.RawMessage `json:"document"`
		look
	}
	err := decodeItem(body, &in)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_request", err.Error(), "")
		return
	}
	if !bytes.HasPrefix(in.Document, []byte("{")) {
		problem(w, http.StatusBadRequest, "bad_document", "want the schema to try, a JSON object", "document")
		return
	}
	doc, report, err := a.Schemas.JudgeSchema(r.Context(), appID, in.Document)
	if err == nil && !report.OK {
		err = &store.InvalidSchema{Report: report}
	}
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	a.simulate(w, r, who, trial{appID: appID, doc: doc, object: "document", look: in.look})
}

// simulate tries a schema on the evidence asked for, beside the version in force.
func (a *Admin) simulate(w http.ResponseWriter, r *http.Request, who auth.Principal, t trial) {
	if !a.allowed(w, who, &t.look) || !t.ranged(w, a.Now()) {
		return
	}
	version, current, err := a.inForce(r.Context(), t.appID)
	if err == nil && current == nil && t.Evidence != evidenceConsented {
		err = store.ErrNoVersion // nothing was decoded that a schema could be tried on
	}
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	answer := map[string]any{"evidence": t.Evidence, "version": version, "from": t.From, "to": t.To}
	detail := map[string]any{"evidence": t.Evidence, "version": version, "from": t.From, "to": t.To}
	if t.revision > 0 {
		detail["revision"] = t.revision
	}
	if !a.told(w, r, store.ActSimulate, t.appID, t.object, detail) {
		return
	}
	var e schema.Evidence
	rounded := func(s schema.Simulation) schema.Simulation { return s }
	switch t.Evidence {
	case evidenceConsented:
		if !a.mayLook(w, r) {
			return
		}
		defer a.looking.Unlock()
		a.step(r.Context(), stepReading)
		c, ok := a.consented(w, r, who, t.appID, t.doc.Currency, t.look)
		if !ok {
			return
		}
		e, answer["consented"], rounded = c.evidence, c.said, c.simulation
	default:
		a.step(r.Context(), stepReading)
		e.Histograms, err = a.histograms(r.Context(), t, version)
		if err != nil {
			a.failed(w, r, err)
			return
		}
	}
	a.step(r.Context(), stepTrying)
	s, err := schema.Simulate(t.doc, current, e)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	answer["simulation"] = rounded(s)
	if t.revision > 0 {
		w.Header().Set("ETag", etag(t.revision))
	}
	writeJSON(w, http.StatusOK, answer)
}

func (a *Admin) histograms(ctx context.Context, t trial, version int) ([]schema.Histogram, error) {
	if t.Evidence == evidencePublished {
		return a.Histograms.PublishedHistograms(ctx, t.appID, version, t.From, t.To)
	}
	h, err := a.Schemas.RawHistogram(ctx, t.appID, version, t.From, t.To)
	return []schema.Histogram{h}, err
}

// inForce reads the version in force; 0 and nil where there is none.
func (a *Admin) inForce(ctx context.Context, appID int64) (int, *schema.Document, error) {
	version, err := a.Schemas.CurrentVersion(ctx, appID)
	if err != nil || version == 0 {
		return 0, nil, err
	}
	current, err := a.referred(ctx, appID, strconv.Itoa(version))
	if errors.Is(err, store.ErrNoVersion) { // gone in between, with its app
		return 0, nil, nil
	}
	return version, current, err
}
