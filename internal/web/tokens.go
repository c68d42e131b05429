package web

import (
	"context"
	"errors"
	"net/http"

	"skand/internal/auth"
	"skand/internal/store"
)

// TokenKeeper ends tokens.
type TokenKeeper interface {
	// RevokeTokensNamed returns how many were in force; store.ErrNoSuchToken if no
	// token ever had the name.
	RevokeTokensNamed(ctx context.Context, name string) (int, error)
}

func (a *Admin) revokeTokens(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Name string `json:"name"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	n, err := a.Tokens.RevokeTokensNamed(r.Context(), in.Name)
	switch {
	case errors.Is(err, store.ErrNoSuchToken):
		problem(w, http.StatusNotFound, "unknown_token", "no token has this name", "name")
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, map[string]int{"revoked": n})
	}
}
