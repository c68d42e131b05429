package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
)

// AccountKeeper keeps the people who sign in.
type AccountKeeper interface {
	Accounts(ctx context.Context, cursor string, limit int) ([]auth.Account, string, error)
	// AccountByID returns auth.ErrNoAccount where there is none.
	AccountByID(ctx context.Context, id string) (auth.Account, error)
	// CreateAccount returns store.ErrEmailTaken.
	CreateAccount(ctx context.Context, a auth.Account) error
	// ChangeAccount returns auth.ErrNoAccount, a *store.StaleAccount or store.ErrLastAdmin.
	ChangeAccount(ctx context.Context, id string, m store.Match, c store.AccountChange) (auth.Account, error)
	SetPassword(ctx context.Context, id, hash string) (auth.Account, error)
	Sessions(ctx context.Context, account string, l auth.Lifetime) ([]auth.Session, error)
	// EndSession returns auth.ErrNoSession where the account has none of the id.
	EndSession(ctx context.Context, a auth.Account, id string) error
	EndSessions(ctx context.Context, a auth.Account, keep string) (int64, error)
}

// meRoutes are everybody's own.
func (a *Admin) meRoutes() []route {
	if a.Sessions == nil {
		return nil
	}
	return []route{
		{"GET /v1/me", auth.Viewer, a.me},
		{"PUT /v1/me", auth.Viewer, a.changeMyPassword},
		{"GET /v1/me/sessions", auth.Viewer, a.mySessions},
		{"DELETE /v1/me/sessions", auth.Viewer, a.endMySessions},
		{"DELETE /v1/me/sessions/{session}", auth.Viewer, a.endMySession},
	}
}

// apps is a grant as JSON has it: an empty list is every app.
func appsOf(apps []int64) []int64 {
	if apps == nil {
		return []int64{}
	}
	return apps
}

// meView is the caller, a person or a token.
type meView struct {
	Kind    string       `json:"kind"` // user, token
	ID      string       `json:"id"`
	Name    string       `json:"name"` // of a person the e-mail address
	Role    auth.Role    `json:"role"`
	Apps    []int64      `json:"apps"` // []: every app
	Scopes  []auth.Scope `json:"scopes,omitempty"`
	Session string       `json:"session,omitempty"`
}

func (a *Admin) me(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	view := meView{Kind: "token", ID: who.ID, Name: who.Name, Role: who.Role, Apps: appsOf(who.Apps), Scopes: who.Scopes, Session: who.Session}
	if who.User != "" {
		view.Kind = "user"
	}
	writeJSON(w, http.StatusOK, view)
}

// person lets people through and no token: a token has no password and no session.
func person(w http.ResponseWriter, who auth.Principal) bool {
	if who.User == "" {
		problem(w, http.StatusForbidden, "not_a_person", "this is for people who are signed in; a token has no password and no sessions", "")
		return false
	}
	return true
}

func (a *Admin) changeMyPassword(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok || !person(w, who) {
		return
	}
	var in struct {
		Current string `json:"current_password"`
		New     string `json:"new_password"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	secret, err := a.Sessions.ChangePassword(r.Context(), who, in.Current, in.New, a.from(r))
	var bad *auth.BadPassword
	switch {
	case errors.As(err, &bad):
		problem(w, http.StatusUnprocessableEntity, "invalid", bad.Error(), "new_password")
	case errors.Is(err, auth.ErrWrongPassword):
		problem(w, http.StatusUnprocessableEntity, "wrong_password", "is not your password", "current_password")
	case err != nil:
		status, text := a.signInFault(w, r, err)
		problem(w, status, "not_changed", text, "")
	default:
		a.setCookie(w, r, ofSession, secret, a.Sessions.Lifetime.Absolute)
		w.WriteHeader(http.StatusNoContent)
	}
}

// sessionView is a session for its owner.
type sessionView struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	EndsAt    time.Time `json:"ends_at"` // unless it is used before; at the latest after sessions.lifetime
	Method    string    `json:"method"`
	Client    string    `json:"client"`
	Agent     string    `json:"agent"`
}

func (a *Admin) mySessions(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok || !person(w, who) {
		return
	}
	all, err := a.Accounts.Sessions(r.Context(), who.User, a.Sessions.Lifetime)
	views := make([]sessionView, 0, len(all))
	for _, s := range all {
		ends := s.SeenAt.Add(a.Sessions.Lifetime.Idle)
		if last := s.CreatedAt.Add(a.Sessions.Lifetime.Absolute); last.Before(ends) {
			ends = last
		}
		views = append(views, sessionView{s.ID, s.ID == who.Session, s.CreatedAt, s.SeenAt, ends, s.Method, s.Client, s.Agent})
	}
	answerList(a, w, r, views, "", err)
}

// endMySessions ends all but the one that asks.
func (a *Admin) endMySessions(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok || !person(w, who) {
		return
	}
	n, err := a.Accounts.EndSessions(r.Context(), auth.Account{ID: who.User, Email: who.Name}, who.Session)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int64{"ended": n})
}

func (a *Admin) endMySession(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok || !person(w, who) {
		return
	}
	err := a.Accounts.EndSession(r.Context(), auth.Account{ID: who.User, Email: who.Name}, r.PathValue("session"))
	switch {
	case errors.Is(err, auth.ErrNoSession):
		problem(w, http.StatusNotFound, "unknown_session", "you have no session of this id (any more)", "session")
	case err != nil:
		a.failed(w, r, err)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
