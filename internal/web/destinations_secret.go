package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
)

// SecretKeeper keeps what destinations sign with. No method gives a value back but the
// one that has just made it. All return store.ErrNoDestination.
type SecretKeeper interface {
	SecretInfos(ctx context.Context, id string) ([]store.SecretInfo, error)
	// SetSecret returns store.ErrSecretUnfit or store.ErrManySecrets where it has done
	// nothing.
	SetSecret(ctx context.Context, id string, n store.NewSecret) (store.SecretInfo, error)
	RotateSecret(ctx context.Context, id string, overlap time.Duration) (store.RotatedSecret, error)
	EndOldSecrets(ctx context.Context, id string) (int64, error)
}

func (a *Admin) secretRoutes() []route {
	return []route{
		{"GET /v1/destinations/{id}/secret", auth.Operator, a.listSecrets},
		{"PUT /v1/destinations/{id}/secret", auth.Operator, a.setSecret},
		{"DELETE /v1/destinations/{id}/secret", auth.Operator, a.endOldSecrets},
		{"POST /v1/destinations/{id}/secret:rotate", auth.Operator, a.rotateSecret},
	}
}

func (a *Admin) listSecrets(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	list, err := a.Secrets.SecretInfos(r.Context(), r.PathValue("id"))
	if a.secretFault(w, r, err) {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": list, "next_cursor": nil})
}

// setSecret is write-only: what is answered is what anybody may see later.
func (a *Admin) setSecret(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Secret  string `json:"secret"`
		Purpose string `json:"purpose"`
		Overlap string `json:"overlap"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	overlap, err := forward.ParseOverlap(in.Overlap)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "overlap")
		return
	}
	if in.Purpose == "" {
		in.Purpose = forward.PurposeSigning
	}
	done, err := a.Secrets.SetSecret(r.Context(), r.PathValue("id"), store.NewSecret{Purpose: in.Purpose, Value: in.Secret, Overlap: overlap})
	if a.secretFault(w, r, err) || !a.secretCounts(w, r) {
		return
	}
	writeJSON(w, http.StatusOK, done)
}

func (a *Admin) rotateSecret(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Overlap string `json:"overlap"`
	}
	if r.ContentLength != 0 && !readRequest(w, r, &in) {
		return
	}
	overlap, err := forward.ParseOverlap(in.Overlap)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "overlap")
		return
	}
	done, err := a.Secrets.RotateSecret(r.Context(), r.PathValue("id"), overlap)
	if a.secretFault(w, r, err) || !a.secretCounts(w, r) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusCreated, done)
}

func (a *Admin) endOldSecrets(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	n, err := a.Secrets.EndOldSecrets(r.Context(), r.PathValue("id"))
	if a.secretFault(w, r, err) || !a.secretCounts(w, r) {
		return
	}
	writeJSON(w, http.StatusOK, map[string]int64{"ended": n})
}

// secretFault answers what went wrong; false: nothing did.
func (a *Admin) secretFault(w http.ResponseWriter, r *http.Request, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, store.ErrNoDestination):
		problem(w, http.StatusNotFound, "unknown_destination", "there is no destination with this id", "id")
	case errors.Is(err, store.ErrSecretUnfit):
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "secret")
	case errors.Is(err, store.ErrManySecrets):
		problem(w, http.StatusConflict, "many_secrets", err.Error()+" (DELETE /v1/destinations/{id}/secret)", "")
	default:
		a.failed(w, r, err)
	}
	return true
}

// secretCounts lets a change count in this process at once; others take it up within
// seconds.
func (a *Admin) secretCounts(w http.ResponseWriter, r *http.Request) bool {
	if err := a.Applied(r.Context()); err != nil {
		a.failed(w, r, err)
		return false
	}
	if a.Woken != nil {
		a.Woken()
	}
	return true
}

// KeySet gives the public keys of what is signed with jws, as a JWK set.
type KeySet func(ctx context.Context) ([]byte, error)

// jwks serves the key set to anybody: keys are public, and destinations not named.
func (p *Public) jwks(w http.ResponseWriter, r *http.Request) {
	set, err := p.Keys(r.Context())
	if err != nil {
		p.Log.ErrorContext(r.Context(), "key set not read", "error", err)
		writeFault(w, http.StatusServiceUnavailable, fault{Code: "unavailable", Message: "the keys can't be read now; try again"})
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	writeJSON(w, http.StatusOK, json.RawMessage(set))
}
