package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"skand/internal/auth"
	"skand/internal/store"
)

const (
	maxDraft = 1 << 20 // four times what a schema may take: too long is for the report to say
	maxNote  = 1000    // characters of a note, and of a why
)

// etag is a draft's revision as HTTP names it.
func etag(revision int) string { return `"` + strconv.Itoa(revision) + `"` }

var strongTag = regexp.MustCompile(`^"([1-9][0-9]{0,8})"$`)

// ifMatch reads the revisions that a write may meet; false means that the answer has
// been given. A write without one would undo what it has not seen.
func ifMatch(w http.ResponseWriter, r *http.Request) (store.Match, bool) {
	lines := r.Header.Values("If-Match")
	if len(lines) == 0 {
		ifMatchRequired(w)
		return store.Match{}, false
	}
	var m store.Match
	for tag := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			m.Any = true
			continue
		}
		// Any other tag, such as a weak one, is of no revision: it never matches.
		if found := strongTag.FindStringSubmatch(tag); found != nil {
			n, err := strconv.Atoi(found[1])
			if err == nil {
				m.Revisions = append(m.Revisions, n)
			}
		}
	}
	return m, true
}

func ifMatchRequired(w http.ResponseWriter) {
	problem(w, http.StatusPreconditionRequired, "if_match_required",
		`send the ETag that you read, as in If-Match: "3", so that nobody's change is lost`, "If-Match")
}

// readDocument reads the body of a draft: any JSON object, for an unfinished schema
// is worth keeping too. False means that the answer has been given.
func readDocument(w http.ResponseWriter, r *http.Request) (json.RawMessage, bool) {
	body, bad := readBody(w, r, maxDraft)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return nil, false
	}
	body = bytes.TrimSpace(body)
	if !utf8.Valid(body) || !json.Valid(body) || body[0] != '{' {
		problem(w, http.StatusBadRequest, "bad_document", "want one JSON object in UTF-8; nothing was kept", "")
		return nil, false
	}
	return body, true
}

// fitsNote answers a text that is no note; name is its member or parameter.
func fitsNote(w http.ResponseWriter, text, name string) bool {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || utf8.RuneCountInString(text) > maxNote {
		problem(w, http.StatusUnprocessableEntity, "invalid", fmt.Sprintf("want up to %d characters of text", maxNote), name)
		return false
	}
	return true
}

// ofDraft reads what every route of one draft takes.
func ofDraft(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, int64, bool) {
	q, ok := query(w, r, known...)
	if !ok {
		return nil, 0, false
	}
	appID, ok := pathApp(w, r)
	return q, appID, ok
}

func (a *Admin) answerDraft(w http.ResponseWriter, r *http.Request, status int, d store.Draft, err error) {
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	w.Header().Set("ETag", etag(d.Revision))
	if status == http.StatusCreated {
		w.Header().Set("Location", fmt.Sprintf("/v1/apps/%d/schemas/drafts/%s", d.AppID, d.ID))
	}
	writeJSON(w, status, d)
}

func (a *Admin) listDrafts(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, _, ok := paging(w, r)
	if !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	data, next, err := a.Schemas.Drafts(r.Context(), appID, cursor, limit)
	answerList(a, w, r, data, next, err)
}

func (a *Admin) createDraft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, appID, ok := ofDraft(w, r, "note", "based_on")
	if !ok || !fitsNote(w, q.Get("note"), "note") {
		return
	}
	n := store.NewDraft{Note: q.Get("note")}
	if s := q.Get("based_on"); s != "" {
		v, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			problem(w, http.StatusBadRequest, "bad_parameter", "want the number of a version, or 0 for none", "based_on")
			return
		}
		based := int(v)
		n.BasedOn = &based
	}
	if n.Document, ok = readDocument(w, r); !ok {
		return
	}
	d, err := a.Schemas.CreateDraft(r.Context(), appID, n)
	a.answerDraft(w, r, http.StatusCreated, d, err)
}

func (a *Admin) draft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	d, err := a.Schemas.Draft(r.Context(), appID, r.PathValue("draft"))
	a.answerDraft(w, r, http.StatusOK, d, err)
}

func (a *Admin) saveDraft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, appID, ok := ofDraft(w, r, "note")
	if !ok || !fitsNote(w, q.Get("note"), "note") {
		return
	}
	m, ok := ifMatch(w, r)
	if !ok {
		return
	}
	var note *string
	if q.Has("note") {
		text := q.Get("note")
		note = &text
	}
	doc, ok := readDocument(w, r)
	if !ok {
		return
	}
	d, err := a.Schemas.SaveDraft(r.Context(), appID, r.PathValue("draft"), m, doc, note)
	a.answerDraft(w, r, http.StatusOK, d, err)
}

func (a *Admin) deleteDraft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	m, ok := ifMatch(w, r)
	if !ok {
		return
	}
	err := a.Schemas.DeleteDraft(r.Context(), appID, r.PathValue("draft"), m)
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// validateDraft answers the report on the draft as it is stored.
func (a *Admin) validateDraft(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	d, err := a.Schemas.Draft(r.Context(), appID, r.PathValue("draft"))
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	w.Header().Set("ETag", etag(d.Revision))
	writeJSON(w, http.StatusOK, d.Report)
}
