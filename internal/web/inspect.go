package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/skan"
)

// Inspector tells of one postback everything that is kept. Both return
// store.ErrNoPostback for what is not there, or of an app that is not granted.
type Inspector interface {
	InspectPostback(ctx context.Context, ref store.PostbackRef) (store.Inspection, error)
	InspectIdentity(ctx context.Context, id skan.Identity) (store.Inspection, error)
}

func (a *Admin) inspectRoutes() []route {
	return []route{
		{"POST /v1/postbacks:inspect", auth.Operator, a.inspectPasted},
		{"GET /v1/postbacks/{id}", auth.Operator, a.inspectKept},
	}
}

// Looks at single postbacks: thirty at once, then five in a second, for each caller.
// Whoever pastes chooses the version, and a P-192 check of 1.0 or 2.0 costs the receiver's
// processors 20 to 40 times a P-256 one.
const (
	inspectRate  = 5
	inspectBurst = 30
	maxInspect   = 64 << 10 // what the receiver takes by default
)

// inspectLimits holds back looks by caller; tokens and accounts are few.
type inspectLimits struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

func (l *inspectLimits) allow(caller string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]*rate.Limiter{}
	}
	if l.by[caller] == nil {
		l.by[caller] = rate.NewLimiter(inspectRate, inspectBurst)
	}
	return l.by[caller].AllowN(now, 1)
}

// unhurried answers who looks too often; false means that it has.
func (a *Admin) unhurried(w http.ResponseWriter, who auth.Principal) bool {
	if a.inspected.allow(who.ID, a.Now()) {
		return true
	}
	w.Header().Set("Retry-After", "1")
	problem(w, http.StatusTooManyRequests, "too_many_looks", "thirty postbacks at once and five in a second are looked at for you; wait a little", "")
	return false
}

// inspectPasted explains a body that somebody pasted. Nothing of it is kept, and nothing
// is counted: it is not an arrival.
func (a *Admin) inspectPasted(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q, ok := query(w, r, "relayed")
	if !ok {
		return
	}
	relayed, err := strconv.ParseBool(orFalse(q.Get("relayed")))
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", "want true or false", "relayed")
		return
	}
	body, bad := readBody(w, r, maxInspect)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return
	}
	if !a.unhurried(w, who) {
		return
	}
	// It may be one that is kept, and then the answer tells of raw rows.
	if !a.told(w, r, store.ActPostbackInspect, 0, "pasted postback", map[string]any{"bytes": len(body)}) {
		return
	}
	v, err := a.pasted(r.Context(), body, relayed)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}

func orFalse(s string) string {
	if s == "" {
		return "false"
	}
	return s
}

// inspectKept tells of a postback that is kept: of a copy by its id, app and time, as
// lists give them, or of an identity by Apple's id, app and network.
func (a *Admin) inspectKept(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	ask, ok := readInspectAsk(w, r)
	if !ok || !a.unhurried(w, who) {
		return
	}
	// Looking at raw rows leaves a trace, and comes after it.
	if !a.told(w, r, store.ActPostbacksRead, ask.app, "postback "+ask.id, ask.detail()) {
		return
	}
	v, err := a.kept(r.Context(), ask)
	switch {
	case errors.Is(err, store.ErrNoPostback):
		problem(w, http.StatusNotFound, "not_found", "no such postback of this app is kept; raw copies go with the app's raw_retention", "id")
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, v)
	}
}
