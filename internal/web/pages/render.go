package pages

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Policy is the Content-Security-Policy of every page: what is not of this origin is not
// fetched, no script and no style stands within a page, and no other site frames one.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// view is what a template is given.
type view struct {
	Frame
	Main any
}

// names of the pages' templates, each a file beside layout.html.
var templateNames = []string{"overview", "cohorts", "schemas", "schemas_app", "editor", "signin", "error"}

// bound are the templates by name and locale: each is parsed when it is first asked for.
var bound sync.Map

type bindKey struct {
	name   string
	locale Locale
}

func templateFor(name string, l Locale) (*template.Template, error) {
	key := bindKey{name, l}
	if t, ok := bound.Load(key); ok {
		return t.(*template.Template), nil //nolint:errcheck // only templates are stored
	}
	t, err := template.New("layout.html").Funcs(functions(l)).
		ParseFS(files, "templates/layout.html", "templates/*parts.html", "templates/icons.html", "templates/"+name+".html")
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	kept, _ := bound.LoadOrStore(key, t)
	return kept.(*template.Template), nil //nolint:errcheck // likewise
}

// functions are what templates may call.
func functions(l Locale) template.FuncMap {
	return template.FuncMap{
		"asset": Asset, "int": l.whole, "money": l.Money, "percent": l.Percent, "length": l.Length,
		"id": FormatID, "day": Day, "shortDay": ShortDay, "clock": Clock, "span": Span, "ago": Ago,
		"iso":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"args": args,
	}
}

// whole writes a whole number of any of the types that views have.
func (l Locale) whole(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return l.Int(int64(n)), nil
	case int64:
		return l.Int(n), nil
	}
	return "", fmt.Errorf("%T is no whole number", n)
}

// args puts named values together for a template within a template.
func args(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("args: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// buffers are used again; a page is some tens of kilobytes.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Write renders a page into memory, then writes it: what fails halfway is an error and
// not half a page. A failed write is nobody's news.
func Write(w http.ResponseWriter, r *http.Request, status int, name string, f Frame, main any) error {
	t, err := templateFor(name, f.Locale)
	if err != nil {
		return err
	}
	buf, ok := buffers.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	defer buffers.Put(buf)
	buf.Reset()
	if err := t.Execute(buf, view{f, main}); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding, Accept-Language, Cookie")
	body := buf.Bytes()
	if acceptsGzip(r) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // into memory
		_ = z.Close()
		h.Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who went away needs no page
	}
	return nil
}

// SignIn is the sign-in page.
type SignIn struct {
	Error     string
	Email     string
	Next      string // where to go then
	Providers []Provider
}

// Provider is another way to sign in.
type Provider struct{ Name, URL string }

// WriteSignIn writes the sign-in page.
func WriteSignIn(w http.ResponseWriter, r *http.Request, status int, f Frame, in SignIn) error {
	f.Title, f.Path = "Sign in", ""
	return Write(w, r, status, "signin", f, in)
}

// Refusal is an error page.
type Refusal struct {
	Status       int
	What, Detail string
	Do           string
	Link, Name   string // where to go from here
}

var refusals = map[int]Refusal{
	http.StatusUnauthorized:        {What: "Please sign in", Do: "Your session may have ended.", Link: "/sign-in", Name: "Sign in"},
	http.StatusForbidden:           {What: "This is not open to you", Do: "An admin can give you a higher role, or another app.", Link: "/", Name: "Go to the overview"},
	http.StatusNotFound:            {What: "There is no page here", Do: "The link may be old, or mistyped.", Link: "/", Name: "Go to the overview"},
	http.StatusBadRequest:          {What: "This link can’t be read", Do: "Part of its address is not what this page knows.", Link: "/", Name: "Go to the overview"},
	http.StatusServiceUnavailable:  {What: "The store does not answer", Do: "Nothing is lost: postbacks that are not kept are sent again by Apple. Try again in a minute.", Link: "", Name: ""},
	http.StatusInternalServerError: {What: "Something went wrong here", Do: "The log of this server says what. Try again; if it stays, tell whoever runs it.", Link: "/", Name: "Go to the overview"},
}

// WriteRefusal writes an error page. What can't be rendered is said in plain text.
func WriteRefusal(w http.ResponseWriter, r *http.Request, status int, f Frame, detail string) {
	e, ok := refusals[status]
	if !ok {
		e = Refusal{What: http.StatusText(status), Link: "/", Name: "Go to the overview"}
	}
	e.Status, e.Detail = status, detail
	if f.Who.Role == "" && e.Link == "/" {
		e.Link, e.Name = "/sign-in", "Sign in"
	}
	f.Title = cmp.Or(e.What, http.StatusText(status))
	if err := Write(w, r, status, "error", f, e); err != nil {
		http.Error(w, e.What, status)
	}
}
