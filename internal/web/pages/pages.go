// Package pages owns what people see: templates, the stylesheet, two scripts from
// others and one of ours, and how numbers and times are written. Pages are rendered on
// the server and whole without a script; nothing is fetched from another origin.
//
// It refuses data: it knows no store and no request but its headers. Who may see which
// figure is decided before a view is filled (package web), so a template can't leak what
// it was not given.
package pages

import (
	"net/http"

	"skand/internal/auth"
)

// Frame is what stands around every page.
type Frame struct {
	Title  string
	Path   string         // of the page in the navigation: "/", "/cohorts"
	Who    auth.Principal // zero: nobody is signed in
	Apps   []App          // that the reader may see; the picker has them
	App    int64          // the chosen one; 0: all, or none
	Picks  bool           // the page is about one app, so that there is a picker
	Lab    bool           // said on every page
	Now    string         // the lab's time, where it is one
	Locale Locale
	Theme  string // "light", "dark" or "" for what the system says
}

// App is an app in the picker.
type App struct {
	ID   int64
	Name string
}

// Label is the name with the id, or the id alone.
func (a App) Label() string {
	if a.Name == "" {
		return FormatID(a.ID)
	}
	return a.Name
}

// AppName is the name of the chosen app; "" where none is chosen.
func (f Frame) AppName() string {
	for _, a := range f.Apps {
		if a.ID == f.App {
			return a.Label()
		}
	}
	if f.App != 0 {
		return FormatID(f.App)
	}
	return ""
}

// NavItem is a line of the navigation.
type NavItem struct {
	Path, Name, Icon string
	need             auth.Role
}

// navigation lists every page; each reader sees those that their role opens.
var navigation = []NavItem{
	{"/", "Overview", "pulse", auth.Viewer},
	{"/cohorts", "Cohorts", "grid", auth.Viewer},
	{"/schemas", "Schemas", "cells", auth.Viewer},
}

// Nav is the navigation of the reader; none before sign-in.
func (f Frame) Nav() (items []NavItem) {
	for _, item := range navigation {
		if f.Who.May(item.need) && f.Who.Role != "" {
			items = append(items, item)
		}
	}
	return items
}

// SignedIn says whether the reader is a person who can sign out.
func (f Frame) SignedIn() bool { return f.Who.User != "" }

// FrameOf reads of a request what it says about its reader: language and theme.
func FrameOf(r *http.Request, who auth.Principal) Frame {
	f := Frame{Path: r.URL.Path, Who: who, Locale: LocaleOf(r.Header.Get("Accept-Language"))}
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "dark" || c.Value == "light") {
		f.Theme = c.Value
	}
	return f
}
