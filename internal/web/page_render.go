package web

import (
	"log/slog"
	"net/http"
	"time"

	"skand/internal/auth"
	"skand/internal/web/pages"
)

// renderer writes the pages that belong to no route of their own.
type renderer struct {
	site *Site
	now  func() time.Time
	log  *slog.Logger
}

// NewPages gives the sign-in page and the error pages as people see them.
func NewPages(site *Site, now func() time.Time, log *slog.Logger) PageRenderer {
	return &renderer{site, now, log}
}

func (p *renderer) frame(r *http.Request, who auth.Principal) pages.Frame {
	f := pages.FrameOf(r, who)
	f.Path, f.Lab = "", p.site != nil && p.site.Lab
	if f.Lab {
		f.Now = pages.Clock(p.now())
	}
	return f
}

// SignIn implements PageRenderer.
func (p *renderer) SignIn(w http.ResponseWriter, r *http.Request, status int, page SignInPage) {
	in := pages.SignIn{Error: page.Error, Email: page.Email, Next: page.Next}
	for _, one := range page.Providers {
		in.Providers = append(in.Providers, pages.Provider(one))
	}
	if err := pages.WriteSignIn(w, r, status, p.frame(r, auth.Principal{}), in); err != nil {
		p.log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "error", err)
		http.Error(w, "the page could not be rendered; the log says why", http.StatusInternalServerError)
	}
}

// Refused implements PageRenderer.
func (p *renderer) Refused(w http.ResponseWriter, r *http.Request, who auth.Principal, status int, detail string) {
	pages.WriteRefusal(w, r, status, p.frame(r, who), detail)
}
