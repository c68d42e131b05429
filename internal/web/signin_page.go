package web

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"skand/internal/auth"
)

// SignInPage is what the page says; Next and the URLs are paths of our own.
type SignInPage struct {
	Error, Email, Next string
	Providers          []SignInProvider
}

// SignInProvider is a way to sign in elsewhere.
type SignInProvider struct{ Name, URL string }

// PageRenderer writes what browsers show.
type PageRenderer interface {
	// SignIn writes the sign-in page: with 200, or with 401, 403, 429 or 503 and an Error.
	SignIn(w http.ResponseWriter, r *http.Request, status int, page SignInPage)
	// Refused writes an error page: 401, 403, 404, 500 or 503. who is the zero Principal
	// where nobody is signed in.
	Refused(w http.ResponseWriter, r *http.Request, who auth.Principal, status int, detail string)
}

// pages is the renderer, or a bare one where the listener has none.
func (a *Admin) pages() PageRenderer {
	if a.Pages == nil {
		return bare{}
	}
	return a.Pages
}

// bare renders without style: everything works and nothing is nice.
type bare struct{}

var barePage = template.Must(template.New("page").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>skand</title>
{{if .Refused}}<h1>{{.Title}}</h1><p>{{.Refused}}</p>{{else}}<h1>Sign in</h1>{{with .Error}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="/sign-in"><input type="hidden" name="next" value="{{.Next}}">
<p><label>E-mail <input name="email" type="email" autocomplete="username" required value="{{.Email}}"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Sign in</button></p></form>{{range .Providers}}<p><a href="{{.URL}}">{{.Name}}</a></p>{{end}}{{end}}</html>`))

func (bare) SignIn(w http.ResponseWriter, _ *http.Request, status int, page SignInPage) {
	writeBare(w, status, struct {
		SignInPage
		Title, Refused string
	}{SignInPage: page})
}

func (bare) Refused(w http.ResponseWriter, _ *http.Request, _ auth.Principal, status int, detail string) {
	writeBare(w, status, struct {
		SignInPage
		Title, Refused string
	}{Title: http.StatusText(status), Refused: detail})
}

func writeBare(w http.ResponseWriter, status int, data any) {
	var out bytes.Buffer
	_ = barePage.Execute(&out, data) // into memory, of fields that the template has
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a caller who went away needs no page
}

// isPage reports whether a pattern is for people: everything but the API and metrics.
func isPage(pattern string) bool {
	_, path, _ := strings.Cut(pattern, " ")
	return !strings.HasPrefix(path, "/v1/") && path != "/metrics" && path != "/openapi.json"
}

// sendToSignIn sends a browser to the sign-in page, and from there back to where it
// was. What it posted is not sent on.
func sendToSignIn(w http.ResponseWriter, r *http.Request) {
	here := r.URL.RequestURI()
	fragment := r.Header.Get("HX-Request") == "true"
	if fragment { // the page that a fragment was to go into
		here = "/"
		if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil {
			here = u.RequestURI()
		}
	}
	if !fragment && r.Method != http.MethodGet && r.Method != http.MethodHead {
		here = "/"
	}
	to := "/sign-in"
	if here = ownPath(here); here != "/" {
		to += "?next=" + url.QueryEscape(here)
	}
	if fragment {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// ownPath is a path and query of ours, or "/" for all else: //host, \\host and schemes
// lead away, and so does what browsers make of control characters.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" ||
		!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") ||
		strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/sign-") || len(next) > 2000 {
		return "/"
	}
	return u.RequestURI()
}
