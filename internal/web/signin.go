package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web/pages"
)

// openRoute is a path that anybody may ask for. There are few, and a test holds the list.
type openRoute struct {
	pattern string
	serve   http.HandlerFunc
}

// openRoutes are those of signing in, and what its page needs.
func (a *Admin) openRoutes() []openRoute {
	static := openRoute{"GET /static/", pages.Static}
	if a.Sessions == nil {
		return []openRoute{static}
	}
	return []openRoute{
		static,
		{"GET /sign-in", a.signInPage},
		{"POST /sign-in", a.signIn},
		{"POST /sign-out", a.signOut},
		{"GET /sign-in/oidc", a.signInElsewhere},
		{"GET /sign-in/callback", a.signedInElsewhere},
	}
}

// who is the caller: by the token that the request bears, or else by the session of its
// cookie. A request that bears a token is judged by that alone.
func (a *Admin) who(r *http.Request) (auth.Principal, error) {
	header := r.Header.Get("Authorization")
	if header == "" && a.Sessions != nil {
		if secret := a.cookieOf(r, ofSession); secret != "" {
			who, err := a.Sessions.Known(r.Context(), secret)
			if errors.Is(err, auth.ErrNoSession) {
				err = auth.ErrNoToken
			}
			return who, err
		}
	}
	return a.Auth.Authenticate(r.Context(), auth.Bearer(header))
}

// acting says for the audit log who does what is done under the context.
func acting(ctx context.Context, who auth.Principal) context.Context {
	return store.ActingAs(ctx, store.Actor{Who: who.Name, Role: string(who.Role)})
}

// from is where an attempt comes from.
func (a *Admin) from(r *http.Request) auth.From {
	return auth.From{Client: client(r, a.Trusted), Agent: r.UserAgent()}
}

const barredText = "signing in over plain http works on this machine only: put TLS in front, and set admin_url (and trusted_proxies)"

// toSignIn is an answer that nobody may keep, not even the browser's history.
func (a *Admin) toSignIn(w http.ResponseWriter, r *http.Request, status int, page SignInPage) {
	w.Header().Set("Cache-Control", "no-store")
	if page.Next = ownPath(page.Next); page.Next == "/" {
		page.Next = ""
	}
	if a.OpenID != nil {
		page.Providers = []SignInProvider{{Name: a.OpenID.Name, URL: a.OpenID.path(page.Next)}}
	}
	if a.wayOf(r) == wayBarred {
		status, page.Error, page.Providers = http.StatusForbidden, barredText, nil
	}
	a.pages().SignIn(w, r, status, page)
}

func (a *Admin) signInPage(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if who, err := a.who(r); err == nil && who.User != "" {
		http.Redirect(w, r, ownPath(next), http.StatusSeeOther)
		return
	}
	a.toSignIn(w, r, http.StatusOK, SignInPage{Next: next})
}

// maxForm is more than any form of signing in holds.
const maxForm = 16 << 10

// signIn takes the form. Whatever is wrong with what was typed, the answer is the same.
func (a *Admin) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		a.toSignIn(w, r, http.StatusBadRequest, SignInPage{Error: "the form can't be read; send it again"})
		return
	}
	form := SignInPage{Email: r.PostForm.Get("email"), Next: r.PostForm.Get("next")}
	if a.wayOf(r) == wayBarred {
		a.toSignIn(w, r, http.StatusForbidden, form)
		return
	}
	secret, _, err := a.Sessions.SignIn(r.Context(), form.Email, r.PostForm.Get("password"), a.from(r))
	if err != nil {
		status, text := a.signInFault(w, r, err)
		form.Error = text
		a.toSignIn(w, r, status, form)
		return
	}
	a.begun(w, r, secret, form.Next)
}

// begun hands the browser its session and sends it on. One that it had before ends:
// nobody is left signed in as somebody whom the browser has forgotten.
func (a *Admin) begun(w http.ResponseWriter, r *http.Request, secret, next string) {
	if old := a.cookieOf(r, ofSession); old != "" {
		if who, err := a.Sessions.Known(r.Context(), old); err == nil {
			if err := a.Sessions.SignOut(acting(r.Context(), who), who); err != nil && !errors.Is(err, auth.ErrNoSession) {
				a.Log.WarnContext(r.Context(), "session before this one not ended", "error", err)
			}
		}
	}
	a.setCookie(w, r, ofSession, secret, a.Sessions.Lifetime.Absolute)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, ownPath(next), http.StatusSeeOther)
}

// signInFault words why somebody is not signed in, and says when to try again.
func (a *Admin) signInFault(w http.ResponseWriter, r *http.Request, err error) (status int, text string) {
	var many *auth.TooMany
	switch {
	case errors.Is(err, auth.ErrWrongPassword):
		return http.StatusUnauthorized, auth.ErrWrongPassword.Error()
	case errors.As(err, &many):
		w.Header().Set("Retry-After", strconv.Itoa(auth.Seconds(many.After)))
		return http.StatusTooManyRequests, many.Error()
	case errors.Is(err, auth.ErrBusy):
		w.Header().Set("Retry-After", "2")
		return http.StatusServiceUnavailable, auth.ErrBusy.Error()
	}
	a.Log.ErrorContext(r.Context(), "sign-in failed", "error", err)
	return http.StatusServiceUnavailable, "nobody can be signed in now; the log says why"
}

func (a *Admin) signOut(w http.ResponseWriter, r *http.Request) {
	if secret := a.cookieOf(r, ofSession); secret != "" {
		who, err := a.Sessions.Known(r.Context(), secret)
		if err == nil {
			err = a.Sessions.SignOut(acting(r.Context(), who), who)
		}
		if err != nil && !errors.Is(err, auth.ErrNoSession) {
			// A session that may go on must not look ended.
			a.Log.ErrorContext(r.Context(), "sign-out failed", "error", err)
			a.pages().Refused(w, r, auth.Principal{}, http.StatusServiceUnavailable, "the session could not be ended; try again")
			return
		}
		a.setCookie(w, r, ofSession, "", 0)
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
