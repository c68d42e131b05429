package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/jobs"
	"skand/internal/store"
)

const (
	pageSize   = 100
	maxPage    = 1000
	maxRequest = 8 << 20
	maxSmall   = 64 << 10
)

// list is a page: {"data":[…],"next_cursor":null}.
func list[T any](w http.ResponseWriter, data []T, next string) {
	page := struct {
		Data []T     `json:"data"`
		Next *string `json:"next_cursor"`
	}{Data: data}
	if page.Data == nil {
		page.Data = []T{}
	}
	if next != "" {
		page.Next = &next
	}
	writeJSON(w, http.StatusOK, page)
}

// paging reads cursor, limit and app; false means that the answer has been given.
func paging(w http.ResponseWriter, r *http.Request, known ...string) (cursor string, limit int, appID int64, ok bool) {
	q := r.URL.Query()
	if name := unknownQuery(q, append(known, "cursor", "limit", "app")...); name != "" {
		problem(w, http.StatusBadRequest, "unknown_parameter", "no such filter here", name)
		return "", 0, 0, false
	}
	limit = pageSize
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPage {
			problem(w, http.StatusBadRequest, "bad_parameter", "want a number from 1 to 1000", "limit")
			return "", 0, 0, false
		}
		limit = n
	}
	if s := q.Get("app"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 {
			problem(w, http.StatusBadRequest, "bad_parameter", "want the App Store id of an app", "app")
			return "", 0, 0, false
		}
		appID = n
	}
	return q.Get("cursor"), limit, appID, true
}

func answerList[T any](a *Admin, w http.ResponseWriter, r *http.Request, data []T, next string, err error) {
	switch {
	case errors.Is(err, store.ErrCursor):
		problem(w, http.StatusBadRequest, "bad_cursor", "this cursor is not one of this list; begin without one", "cursor")
	case err != nil:
		a.failed(w, r, err)
	default:
		list(w, data, next)
	}
}

func (a *Admin) releases(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, appID, ok := paging(w, r)
	if !ok {
		return
	}
	data, next, err := a.Reader.Releases(r.Context(), appID, cursor, limit)
	answerList(a, w, r, data, next, err)
}

func (a *Admin) definitions(kind string) func(http.ResponseWriter, *http.Request, auth.Principal) {
	return func(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
		cursor, limit, _, ok := paging(w, r)
		if !ok {
			return
		}
		data, next, err := a.Reader.Definitions(r.Context(), kind, cursor, limit)
		answerList(a, w, r, data, next, err)
	}
}

func (a *Admin) schemas(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	appID, err := strconv.ParseInt(r.PathValue("app"), 10, 64)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", "want the App Store id of an app", "app")
		return
	}
	data, err := a.Reader.Schemas(r.Context(), appID)
	answerList(a, w, r, data, "", err)
}

func (a *Admin) postbacks(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	cursor, limit, appID, ok := paging(w, r, "state")
	if !ok {
		return
	}
	f := store.PostbackFilter{AppID: appID, State: r.URL.Query().Get("state")}
	data, next, err := a.Reader.Postbacks(r.Context(), f, cursor, limit)
	// Looking at raw rows leaves a trace.
	a.Log.InfoContext(r.Context(), "raw postbacks read", "by", who.Name, "app", appID, "rows", len(data))
	answerList(a, w, r, data, next, err)
}

func (a *Admin) deliveries(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, appID, ok := paging(w, r, "destination", "state")
	if !ok {
		return
	}
	f := store.DeliveryFilter{AppID: appID, DestinationID: r.URL.Query().Get("destination")}
	if s := r.URL.Query().Get("state"); s != "" {
		if !slices.Contains(forward.States(), forward.State(s)) {
			problem(w, http.StatusBadRequest, "bad_parameter", "no such state of a delivery", "state")
			return
		}
		f.State = forward.State(s)
	}
	data, next, err := a.Reader.Deliveries(r.Context(), f, cursor, limit)
	answerList(a, w, r, data, next, err)
}

func (a *Admin) status(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	c, err := a.Reader.Counts(r.Context())
	if err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, c)
}

// jobView is a job as the list shows it; a time that is not known is null.
type jobView struct {
	Job       string     `json:"job"`
	Schedule  string     `json:"schedule"`
	Next      *time.Time `json:"next"`
	Started   *time.Time `json:"last_started"`
	Succeeded *time.Time `json:"last_succeeded"`
}

func (a *Admin) listJobs(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	states, err := a.Jobs.Jobs(r.Context())
	views := make([]jobView, 0, len(states))
	for _, s := range states {
		views = append(views, jobView{s.Name, s.Spec, known(s.Next), known(s.Started), known(s.Succeeded)})
	}
	answerList(a, w, r, views, "", err)
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a *Admin) runJob(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	report, err := a.Jobs.RunNow(r.Context(), r.PathValue("job"))
	switch {
	case errors.Is(err, jobs.ErrUnknownJob):
		problem(w, http.StatusNotFound, "unknown_job", err.Error(), "job")
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, report)
	}
}

func (a *Admin) apply(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if name := unknownQuery(r.URL.Query(), "dry_run"); name != "" {
		problem(w, http.StatusBadRequest, "unknown_parameter", "only dry_run is known here", name)
		return
	}
	body, ok := readBody(w, r, maxRequest)
	if !ok {
		return
	}
	b, err := apply.Parse(body)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_bundle", err.Error(), "")
		return
	}
	if err := b.Check(nil); err != nil && b.Forward != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	dry := r.URL.Query().Get("dry_run") == "true"
	changes, err := a.Keeper.Apply(r.Context(), b, who.Name, dry)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	if !dry {
		a.Log.InfoContext(r.Context(), "configuration applied", "by", who.Name, "changes", len(changes))
		if err := a.Applied(r.Context()); err != nil {
			a.failed(w, r, err)
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"changes": changes, "dry_run": dry})
}

func (a *Admin) createToken(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	var in struct {
		Name   string   `json:"name"`
		Role   string   `json:"role"`
		Scopes []string `json:"scopes"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	var plain string
	t, err := tokenOf(in.Role, in.Scopes)
	if err == nil {
		t.Name, t.CreatedBy, t.CreatedAt = in.Name, who.Name, a.Now()
		plain, t, err = auth.New(t)
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	if err := a.Keeper.CreateToken(r.Context(), t); err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"id": t.ID, "token": plain})
}

func tokenOf(role string, scopes []string) (t auth.Token, err error) {
	if t.Role, err = auth.ParseRole(role); err != nil {
		return t, err
	}
	t.Scopes, err = auth.ParseScopes(strings.Join(scopes, ","))
	return t, err
}

func (a *Admin) moveClock(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if a.Lab == nil {
		problem(w, http.StatusNotFound, "not_a_lab", "only a server started with --lab has a clock to move", "")
		return
	}
	var in struct {
		Advance string     `json:"advance"`
		Set     *time.Time `json:"set"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	var advance time.Duration
	var set time.Time
	switch {
	case (in.Advance == "") == (in.Set == nil):
		problem(w, http.StatusBadRequest, "bad_request", `give "advance" (a duration such as 25h) or "set" (a time), one of them`, "advance")
		return
	case in.Set != nil:
		set = *in.Set
	default:
		d, err := time.ParseDuration(in.Advance)
		if err != nil || d <= 0 {
			problem(w, http.StatusBadRequest, "bad_request", "want a duration above zero such as 25h or 90m", "advance")
			return
		}
		advance = d
	}
	now, reports, err := a.Lab.Move(r.Context(), advance, set)
	if err != nil {
		problem(w, http.StatusConflict, "clock_not_moved", err.Error(), "set")
		return
	}
	if reports == nil {
		reports = []jobs.Report{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"now": now, "jobs": reports})
}

// readRequest reads a small JSON object; false means that the answer has been given.
func readRequest(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSmall))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err != nil && !errors.Is(err, io.EOF) {
		problem(w, http.StatusBadRequest, "bad_request", "want one JSON object: "+err.Error(), "")
		return false
	}
	return true
}
