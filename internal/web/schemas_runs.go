package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"skand/internal/auth"
)

// A simulation may take longer than anybody wants to look at a page. Whoever asks with
// "Prefer: respond-async" (RFC 7240) is told where the answer will be, may go away, come
// back to it, or call it off. The handler that runs is the same as without.
//
// Runs are in the memory of this process and their asker's alone: what an operator saw
// is no editor's to find. A restart forgets them.
const (
	runsEach = 3              // that go on at once, for one person
	runsKept = 200            // finished ones
	runKept  = 24 * time.Hour // for so long
)

// The steps of a run, as pages show them.
const (
	stepWaiting = "waiting"
	stepReading = "reading"
	stepTrying  = "trying"
)

// The states of a run.
const (
	runRunning   = "running"
	runDone      = "done"
	runFailed    = "failed"
	runCancelled = "cancelled"
)

type runs struct {
	mu  sync.Mutex
	all []*run // oldest first
}

type run struct {
	ID       string          `json:"id"`
	Of       string          `json:"of"` // draft:ID, version:N, document or suggestion
	State    string          `json:"state"`
	Step     string          `json:"step"` // what is being done, or was when it ended
	Started  time.Time       `json:"started_at"`
	Finished *time.Time      `json:"finished_at"`
	Status   int             `json:"status,omitempty"` // of the answer
	Revision string          `json:"revision,omitempty"`
	Asked    json.RawMessage `json:"asked,omitempty"`
	Answer   json.RawMessage `json:"answer,omitempty"` // as the request itself would have got it; not in lists

	app    int64
	owner  string
	role   auth.Role // who has lost it since gets no answer that took it
	cancel context.CancelFunc
}

type runKey struct{}

// step says what a run is at; without a run nobody listens.
func (a *Admin) step(ctx context.Context, what string) {
	if one, ok := ctx.Value(runKey{}).(*run); ok {
		a.runs.mu.Lock()
		defer a.runs.mu.Unlock()
		one.Step = what
	}
}

func inBackground(ctx context.Context) bool { return ctx.Value(runKey{}) != nil }

// orInBackground serves a handler, or begins a run of it for who prefers that.
func (a *Admin) orInBackground(serve func(http.ResponseWriter, *http.Request, auth.Principal)) func(http.ResponseWriter, *http.Request, auth.Principal) {
	return func(w http.ResponseWriter, r *http.Request, who auth.Principal) {
		if !slices.ContainsFunc(strings.Split(r.Header.Get("Prefer"), ","), func(s string) bool { return strings.TrimSpace(s) == "respond-async" }) {
			serve(w, r, who)
			return
		}
		appID, ok := pathApp(w, r)
		if !ok {
			return
		}
		body, bad := readBody(w, r, maxDraft)
		if bad != nil {
			problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
			return
		}
		one := &run{ID: uuid.NewString(), Of: runOf(r), State: runRunning, Step: stepWaiting, Started: a.Now().UTC(), app: appID, owner: who.ID, role: who.Role}
		if len(body) <= maxSmall && json.Valid(body) {
			one.Asked = body
		}
		// The asker's rights go along; that they went away does not end it.
		ctx := context.WithValue(context.WithoutCancel(r.Context()), runKey{}, one)
		ctx, one.cancel = context.WithCancel(ctx)
		if !a.runs.begin(one, a.Now()) {
			one.cancel()
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusTooManyRequests, "busy", "three of your simulations are running; wait for one, or call one off", "")
			return
		}
		again := r.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		again.ContentLength = int64(len(body))
		go a.carryOut(one, again, who, serve)
		w.Header().Set("Location", runsPath(appID)+"/"+one.ID)
		w.Header().Set("Preference-Applied", "respond-async")
		writeJSON(w, http.StatusAccepted, a.runs.shown(one, false))
	}
}

func runsPath(app int64) string { return "/v1/apps/" + itoa(app) + "/schemas/runs" }

func runOf(r *http.Request) string {
	switch {
	case r.PathValue("draft") != "":
		return "draft:" + r.PathValue("draft")
	case r.PathValue("version") != "":
		return "version:" + r.PathValue("version")
	case strings.HasSuffix(r.URL.Path, ":suggest"):
		return "suggestion"
	}
	return "document"
}

// carryOut runs the handler and keeps its answer. A handler that panics ends its run
// and nothing else.
func (a *Admin) carryOut(one *run, r *http.Request, who auth.Principal, serve func(http.ResponseWriter, *http.Request, auth.Principal)) {
	defer one.cancel()
	answer := &kept{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil {
			a.Log.ErrorContext(r.Context(), "run failed", "path", r.URL.Path, "panic", p)
			answer = &kept{header: http.Header{}}
			problem(answer, http.StatusInternalServerError, "unavailable", "something went wrong here; the log says what", "")
		}
		a.runs.end(one, answer, a.Now().UTC())
	}()
	serve(answer, r, who)
}

// kept is an answer that nobody waits for.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) { k.status = cmp.Or(k.status, status) }

func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

// begin keeps a run, and forgets old ones; false: its asker has enough of them.
func (s *runs) begin(one *run, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	running, finished := 0, 0
	for _, other := range s.all {
		if other.State == runRunning && other.owner == one.owner {
			running++
		}
		if other.Finished != nil {
			finished++
		}
	}
	if running >= runsEach {
		return false
	}
	s.all = slices.DeleteFunc(s.all, func(other *run) bool {
		old := other.Finished != nil && (finished > runsKept || now.Sub(*other.Finished) > runKept)
		if old {
			finished--
		}
		return old
	})
	s.all = append(s.all, one)
	return true
}

func (s *runs) end(one *run, answer *kept, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.State == runCancelled { // called off: nobody wants what came of it
		return
	}
	one.Finished, one.Status, one.State = &now, answer.status, runDone
	if answer.status >= http.StatusBadRequest || answer.status == 0 {
		one.State = runFailed
	}
	one.Answer = bytes.Clone(bytes.TrimSpace(answer.body.Bytes()))
	one.Revision = strings.Trim(answer.header.Get("ETag"), `"`)
}

// shown is a copy for an answer.
func (s *runs) shown(one *run, whole bool) run {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := *one
	if !whole {
		out.Answer = nil
	}
	return out
}

// mine finds the runs that who asked for, the newest first; id "" is all of them.
func (s *runs) mine(who auth.Principal, app int64, id string) []*run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*run
	for _, one := range slices.Backward(s.all) {
		if one.owner == who.ID && who.May(one.role) && one.app == app && (id == "" || one.ID == id) {
			out = append(out, one)
		}
	}
	return out
}

func (a *Admin) listRuns(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	data := []run{}
	for _, one := range a.runs.mine(who, appID, "") {
		data = append(data, a.runs.shown(one, false))
	}
	list(w, data, "")
}

// ofRun finds the run that a request is about; false means that the answer has been
// given.
func (a *Admin) ofRun(w http.ResponseWriter, r *http.Request, who auth.Principal) (*run, bool) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return nil, false
	}
	found := a.runs.mine(who, appID, r.PathValue("run"))
	if len(found) == 0 {
		problem(w, http.StatusNotFound, "unknown_run", "there is no such simulation of yours (any more); ask again", "run")
		return nil, false
	}
	return found[0], true
}

func (a *Admin) showRun(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if one, ok := a.ofRun(w, r, who); ok {
		writeJSON(w, http.StatusOK, a.runs.shown(one, true))
	}
}

// cancelRun calls a run off. What is being read stops; a calculation that has begun is
// brought to its end and thrown away.
func (a *Admin) cancelRun(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	one, ok := a.ofRun(w, r, who)
	if !ok {
		return
	}
	now := a.Now().UTC()
	a.runs.mu.Lock()
	if one.State == runRunning {
		one.State, one.Finished = runCancelled, &now
	}
	a.runs.mu.Unlock()
	one.cancel()
	writeJSON(w, http.StatusOK, a.runs.shown(one, false))
}
