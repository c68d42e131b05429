package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"skand/internal/auth"
)

// OpenID is the provider that people may sign in at.
type OpenID struct {
	Name     string // for people
	Provider *auth.Provider
	Rules    auth.OpenID // of who is let in
}

func (*OpenID) path(next string) string {
	if next == "" {
		return "/sign-in/oidc"
	}
	return "/sign-in/oidc?next=" + url.QueryEscape(next)
}

// callback is where the provider sends people back to; it is registered there.
func (a *Admin) callback(r *http.Request) string {
	base := strings.TrimSuffix(a.SelfURL, "/")
	if base == "" {
		base = "https://" + r.Host
		if a.wayOf(r) == wayPlain {
			base = "http://" + r.Host
		}
	}
	return base + "/sign-in/callback"
}

// flowLasts is how long a browser keeps what a sign-in at the provider began with.
const flowLasts = 10 * time.Minute

const elsewhereText = "signing in at the provider did not work; try again, or ask your administrator: the log says why"

// signInElsewhere sends the browser to the provider. What it has to bring back is in a
// cookie of its own and nowhere here: strangers who begin and never end cost nothing.
func (a *Admin) signInElsewhere(w http.ResponseWriter, r *http.Request) {
	next := ownPath(r.URL.Query().Get("next"))
	switch {
	case a.OpenID == nil:
		a.pages().Refused(w, r, auth.Principal{}, http.StatusNotFound, "no provider is configured (oidc.issuer)")
		return
	case a.wayOf(r) == wayBarred:
		a.toSignIn(w, r, http.StatusForbidden, SignInPage{Next: next})
		return
	}
	to, flow, err := a.OpenID.Provider.Begin(r.Context(), a.callback(r), next)
	if err != nil {
		a.Log.ErrorContext(r.Context(), "sign-in at the provider not begun", "error", err)
		a.toSignIn(w, r, http.StatusServiceUnavailable, SignInPage{Next: next, Error: "the provider does not answer; try again in a moment"})
		return
	}
	raw, err := json.Marshal(flow)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.setCookie(w, r, ofFlow, base64.RawURLEncoding.EncodeToString(raw), flowLasts)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// providerCode is what an error of a provider looks like (RFC 6749 4.1.2.1); other text
// would be somebody else's words on our page.
var providerCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// signedInElsewhere takes what the provider sent back.
func (a *Admin) signedInElsewhere(w http.ResponseWriter, r *http.Request) {
	if a.OpenID == nil {
		a.pages().Refused(w, r, auth.Principal{}, http.StatusNotFound, "no provider is configured (oidc.issuer)")
		return
	}
	var flow auth.Flow
	raw, err := base64.RawURLEncoding.DecodeString(a.cookieOf(r, ofFlow))
	if err == nil {
		_ = json.Unmarshal(raw, &flow) // what can't be read has no state, and is refused for it
	}
	if a.cookieName(r, ofFlow) != "" {
		a.setCookie(w, r, ofFlow, "", 0) // once
	}
	q := r.URL.Query()
	if code := q.Get("error"); code != "" {
		if !providerCode.MatchString(code) {
			code = "an error"
		}
		a.toSignIn(w, r, http.StatusForbidden, SignInPage{Next: flow.Next, Error: "the provider says " + code})
		return
	}
	if err := a.Sessions.Attempt(r.Context(), a.from(r)); err != nil {
		status, text := a.signInFault(w, r, err)
		a.toSignIn(w, r, status, SignInPage{Next: flow.Next, Error: text})
		return
	}
	who, err := a.OpenID.Provider.Finish(r.Context(), flow, a.callback(r), q.Get("state"), q.Get("code"))
	secret := ""
	if errors.Is(err, auth.ErrRefused) {
		if told := a.Sessions.Refused(r.Context(), a.from(r)); told != nil {
			err = told
		}
	} else if err == nil {
		secret, _, err = a.Sessions.SignInAs(r.Context(), who, a.OpenID.Rules, a.from(r))
	}
	switch {
	case errors.Is(err, auth.ErrRefused):
		a.Log.WarnContext(r.Context(), "sign-in at the provider refused", "error", err)
		a.toSignIn(w, r, http.StatusForbidden, SignInPage{Next: flow.Next, Error: elsewhereText})
	case err != nil:
		a.Log.ErrorContext(r.Context(), "sign-in at the provider failed", "error", err)
		a.toSignIn(w, r, http.StatusServiceUnavailable, SignInPage{Next: flow.Next, Error: elsewhereText})
	default:
		a.begun(w, r, secret, flow.Next)
	}
}
