package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"skand/conversion"
	"skand/internal/auth"
	"skand/internal/store"
)

const (
	pageSize = 100
	maxPage  = 1000
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

// paging reads cursor, limit and, where known names it, app; false means that the
// answer has been given.
func paging(w http.ResponseWriter, r *http.Request, known ...string) (cursor string, limit int, appID int64, ok bool) {
	q, ok := query(w, r, append(known, "cursor", "limit")...)
	if !ok {
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
	cursor, limit, appID, ok := paging(w, r, "app")
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

// keptStates are those of raw copies that are kept; what was dropped is not.
var keptStates = []conversion.State{
	conversion.Accepted, conversion.Duplicate, conversion.Conflict, conversion.Quarantined, conversion.Unsupported,
}

func (a *Admin) postbacks(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	cursor, limit, appID, ok := paging(w, r, "app", "state")
	if !ok {
		return
	}
	f := store.PostbackFilter{AppID: appID, State: r.URL.Query().Get("state")}
	if f.State != "" && !slices.Contains(keptStates, conversion.State(f.State)) {
		problem(w, http.StatusBadRequest, "bad_parameter", "no such state of a postback", "state")
		return
	}
	// Looking at raw rows leaves a trace, and comes after it.
	if !a.told(w, r, store.ActPostbacksRead, appID, "postbacks", map[string]any{"state": f.State, "limit": limit, "cursor": cursor}) {
		return
	}
	data, next, err := a.Reader.Postbacks(r.Context(), f, cursor, limit)
	a.Log.InfoContext(r.Context(), "raw postbacks read", "by", who.Name, "app", appID, "rows", len(data))
	answerList(a, w, r, data, next, err)
}

func (a *Admin) status(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
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
	if _, ok := query(w, r); !ok {
		return
	}
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
