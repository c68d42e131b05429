package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"skand/internal/auth"
	"skand/internal/store"
)

// problemDetails is RFC 9457.
type problemDetails struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
}

func problem(w http.ResponseWriter, status int, code, detail, field string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// A caller who went away needs no answer.
	_ = json.NewEncoder(w).Encode(problemDetails{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code, Field: field,
	})
}

// problemWith is problem with members of its own beside those of every problem.
func problemWith(w http.ResponseWriter, status int, code, detail, field string, more map[string]any) {
	more["type"], more["title"], more["status"] = "about:blank", http.StatusText(status), status
	more["detail"], more["code"] = detail, code
	if field != "" {
		more["field"] = field
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(more) // a caller who went away needs no answer
}

// refuse answers a request whose token opens nothing.
func (a *Admin) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, auth.ErrNoToken) || errors.Is(err, auth.ErrBadToken) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="skand"`)
		problem(w, http.StatusUnauthorized, "unauthorized", err.Error(), "")
		return
	}
	a.failed(w, r, err)
}

// failed answers what is our own fault: the reason goes to the log, never out, for
// it may name what a reader must not know.
func (a *Admin) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotGranted) { // the guard should have known
		problem(w, http.StatusForbidden, "forbidden_app", store.ErrNotGranted.Error(), "")
		return
	}
	a.Log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	problem(w, http.StatusServiceUnavailable, "unavailable", "the store can't answer now; the log says why", "")
}
