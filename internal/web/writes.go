package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/jobs"
	"skand/internal/store"
)

const (
	maxRequest = 8 << 20
	maxSmall   = 64 << 10
)

func (a *Admin) runJob(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	name := r.PathValue("job")
	states, err := a.Jobs.Jobs(r.Context())
	switch {
	case err != nil:
		a.failed(w, r, err)
		return
	case !slices.ContainsFunc(states, func(s jobs.State) bool { return s.Name == name }):
		problem(w, http.StatusNotFound, "unknown_job", fmt.Sprintf("there is no job %q", name), "job")
		return
	case !a.told(w, r, store.ActJobRun, 0, "job "+name, map[string]any{}):
		return
	}
	report, err := a.Jobs.RunNow(r.Context(), name)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

func (a *Admin) apply(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q, ok := query(w, r, "dry_run")
	if !ok {
		return
	}
	dry := q.Get("dry_run") == "true"
	if !dry && q.Has("dry_run") && q.Get("dry_run") != "false" {
		problem(w, http.StatusBadRequest, "bad_parameter", "want true or false", "dry_run")
		return
	}
	body, bad := readBody(w, r, maxRequest)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return
	}
	b, err := apply.Parse(body)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_bundle", err.Error(), "")
		return
	}
	if a.Env != nil {
		b.Serving(a.Env)
	}
	changes, err := a.Keeper.Apply(r.Context(), b, who.Name, dry)
	var refused *apply.Refused
	switch {
	case errors.As(err, &refused):
		problem(w, http.StatusUnprocessableEntity, "invalid", refused.Error(), "")
		return
	case err != nil:
		a.failed(w, r, err)
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
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Name   string   `json:"name"`
		Role   string   `json:"role"`
		Scopes []string `json:"scopes"`
		Apps   []int64  `json:"apps"` // []: every app
	}
	if !readRequest(w, r, &in) {
		return
	}
	var plain string
	t, err := tokenOf(in.Role, in.Scopes)
	if err == nil {
		t.Name, t.Apps, t.CreatedBy, t.CreatedAt = in.Name, in.Apps, who.Name, a.Now()
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
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Advance string     `json:"advance,omitempty"`
		Set     *time.Time `json:"set,omitempty"`
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
	if !a.told(w, r, store.ActLabClock, 0, "clock", in) {
		return
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

// readRequest reads one small JSON object; false means that the answer has been given.
func readRequest(w http.ResponseWriter, r *http.Request, into any) bool {
	body, bad := readBody(w, r, maxSmall)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more follows it")
		}
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_request", "want one JSON object: "+err.Error(), "")
		return false
	}
	return true
}
