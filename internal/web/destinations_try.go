package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
)

// Sender sends one delivery outside of the outbox.
type Sender interface {
	Try(ctx context.Context, r forward.Registered, dv forward.Delivery) (forward.Attempt, error)
}

// Test sends go to somebody else's server: three at once, then one in ten seconds, for
// each destination.
const (
	testEvery = 10 * time.Second
	testBurst = 3
)

// testLimits holds back test sends by destination.
type testLimits struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

func (l *testLimits) allow(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]*rate.Limiter{}
	}
	if l.by[id] == nil {
		l.by[id] = rate.NewLimiter(rate.Every(testEvery), testBurst)
	}
	return l.by[id].AllowN(now, 1)
}

// testDestination sends a sample, marked as a test, the way of every delivery. It takes
// no draft: a stored secret goes only where a definition that was applied says.
func (a *Admin) testDestination(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Kind    string `json:"kind"`
		Consent string `json:"consent"`
	}
	if r.ContentLength != 0 && !readRequest(w, r, &in) {
		return
	}
	id := r.PathValue("id")
	stored, err := a.Templates.Destination(r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNoDestination):
		problem(w, http.StatusNotFound, "unknown_destination", "there is no destination with this id", "id")
		return
	case err != nil:
		a.failed(w, r, err)
		return
	}
	if a.Sender == nil {
		problem(w, http.StatusServiceUnavailable, "nothing_is_sent", "this process sends nothing", "")
		return
	}
	d := stored.Destination
	if !(renderAsk{Kind: in.Kind, Consent: in.Consent}).valid(w, d) {
		return
	}
	if !a.tests.allow(id, a.Now()) {
		w.Header().Set("Retry-After", "10")
		problem(w, http.StatusTooManyRequests, "too_many_tests", "three tests at once and one in ten seconds are sent to a destination; wait a little", "")
		return
	}
	if in.Kind == "" {
		in.Kind = d.Kinds[0]
	}
	dv := forward.Sample(d, in.Kind, in.Consent, a.Now())
	if !a.told(w, r, store.ActDestinationTest, d.AppID, "destination "+id, map[string]any{"kind": in.Kind, "consent": dv.Consent}) {
		return
	}
	attempt, err := a.Sender.Try(r.Context(), stored, dv)
	if errors.Is(err, forward.ErrKeyMissing) {
		problem(w, http.StatusConflict, "secret_missing", oneLine(err), "secret_env")
		return
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", oneLine(err), "")
		return
	}
	a.Log.InfoContext(r.Context(), "test sent", "by", who.Name, "destination", id, "class", attempt.Class, "status", attempt.Status)
	writeJSON(w, http.StatusOK, map[string]any{
		"delivery_id": dv.ID, "kind": dv.Kind, "is_test": true, "class": attempt.Class, "status": attempt.Status,
		"reason": attempt.Reason, "answer": attempt.Answer, "duration_ms": attempt.Duration.Milliseconds(),
		"template_version": attempt.TemplateVersion,
	})
}

// oneLine is a joined error on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
