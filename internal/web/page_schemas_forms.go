package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web/pages"
	"skand/schema/format"
)

// What the forms of the pages of schemas send. They do what the API does, through the
// same methods, and answer with a page: also for who has no script.

const dayTime = "2006-01-02T15:04" // of <input type="datetime-local">, read as UTC

// starter is a schema to begin from.
type starter struct{ key, name, document string }

var starters = []starter{
	{"bands", "Revenue bands", `{"layout":{"kind":"bands","event":{"name":"purchase"},"edges":["0.01","2","5","10","20","50","100"],` +
		`"coarse":[{"window":0,"event":{"name":"purchase"},"revenue":["0.01","10"]}]}}`},
	{"bits", "Bits: which events happened", `{"layout":{"kind":"bits","events":[{"name":"registration"},{"name":"tutorial"},{"name":"purchase","revenue_min":"0.01"}]}}`},
	{"funnel", "Funnel: how far people got", `{"layout":{"kind":"funnel","steps":[{"name":"registration"},{"name":"tutorial","implies_lower":true},{"name":"subscription"}]}}`},
	{"counts", "Counts: how often", `{"layout":{"kind":"counts","event":{"name":"ad_watched"},"thresholds":[1,3,5,10,20]}}`},
	{"retention", "Retention: who comes back", `{"layout":{"kind":"retention","days":2,"coarse":[{"window":0,"days":[1,2]},{"window":1,"days":[3,6]},{"window":2,"days":[14,28]}]}}`},
	{"fields", "Bit fields: a little of several", `{"layout":{"kind":"fields","fields":[{"bits":[0,0],"flags":[{"name":"registration"}]},` +
		`{"bits":[1,3],"bands":{"event":{"name":"purchase"},"edges":["0.01","2","5","10","20","50","100"]}}]}}`},
	{"empty", "Nothing: every cell by hand", `{"windows":[{"index":0,"fine":[{"value":0,"events":[]}]},{"index":1},{"index":2}]}`},
}

// startedFrom is the document of a starter for an app, with its table written out.
func (a *Admin) startedFrom(r *http.Request, known knownApp, key string) (json.RawMessage, error) {
	for _, s := range starters {
		if s.key != key {
			continue
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(s.document), &members); err != nil {
			return nil, fmt.Errorf("starter %s: %w", key, err)
		}
		members["app_id"], members["currency"] = known.ID, known.Described.Settings().Currency
		members["name"] = strings.SplitN(s.name, ":", 2)[0]
		if members["windows"] == nil {
			members["windows"] = []any{map[string]any{"index": 0}, map[string]any{"index": 1}, map[string]any{"index": 2}}
		}
		text, err := json.Marshal(members)
		if err != nil {
			return nil, fmt.Errorf("starter %s: %w", key, err)
		}
		c, err := a.checked(r.Context(), known.ID, text, true, nil)
		if err == nil && c.Document != nil {
			text = c.Document
		}
		return text, err
	}
	return nil, errReference
}

func (a *Admin) createDraftForm(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, ok := a.pagePath(w, r, who)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSmall)
	from, note := r.PostFormValue("from"), r.PostFormValue("note")
	n := store.NewDraft{Note: note}
	var err error
	if number, bad := strconv.Atoi(from); from == "newest" || bad == nil {
		if from == "newest" {
			number, err = a.Schemas.NewestVersion(r.Context(), known.ID)
		}
		var p store.Published
		if err == nil {
			p, err = a.Schemas.Schema(r.Context(), known.ID, number)
		}
		n.Document = p.Document
		if from != "newest" {
			n.BasedOn = &number
		}
	} else {
		n.Document, err = a.startedFrom(r, known, from)
	}
	if err == nil && !fits(note) {
		err = errNote
	}
	var d store.Draft
	if err == nil {
		d, err = a.Schemas.CreateDraft(r.Context(), known.ID, n)
	}
	if err != nil {
		a.formFailed(w, r, who, known, apps, err)
		return
	}
	http.Redirect(w, r, schemaLink(known.ID, "/drafts/"+d.ID), http.StatusSeeOther)
}

var errNote = fmt.Errorf("want a note of up to %d characters", maxNote)

func fits(note string) bool { return fitsNote(discarded{}, note, "note") }

// discarded is an answer that nobody gets: the form says it in its own way.
type discarded struct{}

func (discarded) Header() http.Header         { return http.Header{} }
func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) WriteHeader(int)             {}

// formFailed says on the app's page why a form did nothing.
func (a *Admin) formFailed(w http.ResponseWriter, r *http.Request, who auth.Principal, known knownApp, apps []knownApp, err error) {
	notice := noticeOf(err)
	if notice == nil {
		a.pageFailed(w, r, who, err)
		return
	}
	page, err := a.schemaHome(r.Context(), who, known, "")
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	page.Notice = notice
	a.show(w, r, who, "schemas_app", a.schemaFrame(r, who, "Schemas", apps, known.ID), page)
}

// noticeOf says why something was not done; nil where that is our own fault.
func noticeOf(err error) *pages.Notice {
	var stale *store.StaleDraft
	var invalid *store.InvalidSchema
	var same *store.SameVersion
	var bad *store.BadEffective
	says := func(text string, items ...pages.Place) *pages.Notice {
		return &pages.Notice{Tone: "alert", Says: text, Items: items}
	}
	switch {
	case errors.As(err, &stale):
		return says("Not saved: " + stale.Error() + ".")
	case errors.As(err, &invalid):
		return says("Not done: "+invalid.Error()+".", places(invalid.Report.Errors)...)
	case errors.As(err, &same):
		return says("Nothing to publish: " + same.Error() + ".")
	case errors.As(err, &bad):
		return says("Not published: " + bad.Error() + ".")
	case errors.Is(err, store.ErrNoDraft):
		return says("This draft is not there (any more).")
	case errors.Is(err, store.ErrNoVersion):
		return says("There is no such version.")
	case errors.Is(err, format.ErrUnknown), errors.Is(err, errForm), errors.Is(err, errNote):
		return says("Not done: " + err.Error() + ".")
	case errors.Is(err, errReference):
		return says("Not done: choose what to begin from.")
	}
	return nil
}

var errForm = errors.New("the form can't be read; fill it in again")

func (a *Admin) importForm(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, ok := a.pagePath(w, r, who)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxDraft+maxSmall)
	file, err := uploaded(r, known.ID)
	var d store.Draft
	if err == nil {
		d, err = a.Schemas.CreateDraft(r.Context(), known.ID, store.NewDraft{Document: file.Document, Note: "from a file of " + formatLabel(file.Format)})
	}
	if err != nil {
		a.formFailed(w, r, who, known, apps, err)
		return
	}
	page, err := a.schemaHome(r.Context(), who, known, "")
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	page.Imported = &pages.SchemaImport{Format: formatLabel(file.Format), Link: schemaLink(known.ID, "/drafts/"+d.ID)}
	for _, l := range file.Lost {
		page.Imported.Lost = append(page.Imported.Lost, pages.Place{Where: l.Pointer, Says: l.Message})
	}
	a.show(w, r, who, "schemas_app", a.schemaFrame(r, who, "Schemas", apps, known.ID), page)
}

func uploaded(r *http.Request, app int64) (schemaFile, error) {
	f, _, err := r.FormFile("file")
	if err != nil {
		return schemaFile{}, fmt.Errorf("%w: want a file of up to 1 MiB", errForm)
	}
	body, err := io.ReadAll(f)
	if err != nil {
		return schemaFile{}, fmt.Errorf("%w: %w", errForm, err)
	}
	if err := f.Close(); err != nil {
		return schemaFile{}, fmt.Errorf("%w: %w", errForm, err)
	}
	return imported(r.FormValue("format"), body, app)
}

// ofForm reads a draft and the revision that a form was filled in on.
func (a *Admin) ofForm(w http.ResponseWriter, r *http.Request, who auth.Principal) (known knownApp, apps []knownApp, d store.Draft, m store.Match, ok bool) {
	if known, apps, ok = a.pagePath(w, r, who); !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 3*maxDraft) // a document as a form sends it
	n, bad := strconv.Atoi(r.PostFormValue("revision"))
	d, err := a.Schemas.Draft(r.Context(), known.ID, r.PathValue("draft"))
	if err == nil && bad != nil {
		err = errForm
	}
	if err != nil {
		a.formFailed(w, r, who, known, apps, err)
		return known, apps, d, m, false
	}
	return known, apps, d, store.Match{Revisions: []int{n}}, true
}

func (a *Admin) saveDraftForm(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, d, m, ok := a.ofForm(w, r, who)
	if !ok {
		return
	}
	text := json.RawMessage(strings.TrimSpace(r.PostFormValue("document")))
	var err error
	if !json.Valid(text) || text[0] != '{' {
		err = fmt.Errorf("%w: the document is no JSON object", errForm)
	} else {
		_, err = a.Schemas.SaveDraft(r.Context(), known.ID, d.ID, m, text, nil)
	}
	if err == nil {
		http.Redirect(w, r, schemaLink(known.ID, "/drafts/"+d.ID), http.StatusSeeOther)
		return
	}
	a.draftFailed(w, r, who, known, apps, d, text, err)
}

// draftFailed says in the editor why something was not done. What was typed stays, on
// top of what it was typed on.
func (a *Admin) draftFailed(w http.ResponseWriter, r *http.Request, who auth.Principal, known knownApp, apps []knownApp, d store.Draft, typed json.RawMessage, err error) {
	notice := noticeOf(err)
	if notice == nil {
		a.pageFailed(w, r, who, err)
		return
	}
	if len(typed) > 0 {
		notice.Says += " What you typed stands below; the stored draft is as it was."
		notice.Items = append(notice.Items, pages.Place{Code: "typed", Says: string(typed)})
	}
	a.showDraft(w, r, who, known, apps, d, notice)
}

// formWhen reads when a version is to take effect; nil is now.
func formWhen(r *http.Request) (*time.Time, error) {
	s := r.PostFormValue("when")
	if s == "" {
		return nil, nil
	}
	t, err := time.Parse(dayTime, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the time is to be as in 2026-11-09T00:00, in UTC", errForm)
	}
	return &t, nil
}

func (a *Admin) publishForm(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, d, m, ok := a.ofForm(w, r, who)
	if !ok {
		return
	}
	when, err := formWhen(r)
	if err == nil && !fits(r.PostFormValue("why")) {
		err = errNote
	}
	var p store.Published
	if err == nil {
		p, err = a.Schemas.PublishDraft(r.Context(), known.ID, d.ID, m, store.Publication{EffectiveFrom: when, Why: r.PostFormValue("why")})
	}
	if err != nil {
		a.draftFailed(w, r, who, known, apps, d, nil, err)
		return
	}
	a.Log.InfoContext(r.Context(), "schema published", "by", who.Name, "app", known.ID, "version", p.Version)
	http.Redirect(w, r, schemaLink(known.ID, fmt.Sprintf("?published=%d", p.Version)), http.StatusSeeOther)
}

func (a *Admin) rollBackForm(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, ok := a.pagePath(w, r, who)
	if !ok {
		return
	}
	n, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || n <= 0 || n > maxVersion {
		a.refusePage(w, r, who, http.StatusNotFound, "")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSmall)
	when, err := formWhen(r)
	if err == nil && !fits(r.PostFormValue("why")) {
		err = errNote
	}
	var p store.Published
	if err == nil {
		p, err = a.Schemas.RollBack(r.Context(), known.ID, n, store.Publication{EffectiveFrom: when, Why: r.PostFormValue("why")})
	}
	if err == nil {
		a.Log.InfoContext(r.Context(), "schema rolled back", "by", who.Name, "app", known.ID, "version", p.Version)
		http.Redirect(w, r, schemaLink(known.ID, fmt.Sprintf("?published=%d", p.Version)), http.StatusSeeOther)
		return
	}
	notice := noticeOf(err)
	if notice == nil {
		a.pageFailed(w, r, who, err)
		return
	}
	a.showVersion(w, r, who, known, apps, n, notice)
}

func (a *Admin) deleteDraftForm(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, d, m, ok := a.ofForm(w, r, who)
	if !ok {
		return
	}
	if err := a.Schemas.DeleteDraft(r.Context(), known.ID, d.ID, m); err != nil {
		a.draftFailed(w, r, who, known, apps, d, nil, err)
		return
	}
	http.Redirect(w, r, schemaLink(known.ID, ""), http.StatusSeeOther)
}
