package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"skand/conversion"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web/pages"
	"skand/schema"
	"skand/schema/format"
)

// The pages of schemas. Schemas, drafts and their history hold no figure of any install;
// what does (simulations) is asked of the API by the script, by its rules.

const (
	schemasNav   = "/schemas"
	schemaApps   = 60 // of the list
	schemaDrafts = 50
	schemaOlder  = 30 // versions of a page
)

func schemaLink(app int64, more string) string { return schemasNav + "/" + itoa(app) + more }

// schemaPageRoutes are the pages of schemas and what their forms send to.
func (a *Admin) schemaPageRoutes() []route {
	const app, draft = "/schemas/{app}", "/schemas/{app}/drafts/{draft}"
	return []route{
		{"GET /schemas", auth.Viewer, a.schemasPage},
		{"GET " + app, auth.Viewer, a.schemaHomePage},
		{"GET " + app + "/versions/{version}", auth.Viewer, a.schemaVersionPage},
		{"POST " + app + "/versions/{version}/rollback", auth.Editor, a.rollBackForm},
		{"POST " + app + "/drafts", auth.Editor, a.createDraftForm},
		{"POST " + app + "/import", auth.Editor, a.importForm},
		{"GET " + draft, auth.Viewer, a.editorPage},
		{"POST " + draft, auth.Editor, a.saveDraftForm},
		{"POST " + draft + "/publish", auth.Editor, a.publishForm},
		{"POST " + draft + "/delete", auth.Editor, a.deleteDraftForm},
	}
}

func (a *Admin) schemasPage(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q, err := pageQuery(r, "app")
	var app int64
	if err == nil {
		app, err = pageApp(q, who)
	}
	switch {
	case errors.Is(err, store.ErrNotGranted):
		a.refusePage(w, r, who, http.StatusForbidden, "This app is not among yours.")
		return
	case err != nil:
		a.refusePage(w, r, who, http.StatusBadRequest, "This page can’t be read so: "+err.Error()+".")
		return
	case app != 0:
		http.Redirect(w, r, schemaLink(app, ""), http.StatusSeeOther)
		return
	}
	apps, err := a.pageApps(r.Context(), who)
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	page := pages.Schemas{Now: a.Now().UTC(), May: who.May(auth.Editor)}
	for i, known := range apps {
		if i == schemaApps {
			page.More = len(apps) - i
			break
		}
		one, err := a.schemaApp(r.Context(), known, 3)
		if err != nil { // one app that can't be read does not hide the others
			a.Log.ErrorContext(r.Context(), "schemas of an app not read", "app", known.ID, "error", err)
			one = pages.SchemaApp{ID: known.ID, Name: known.Label(), Link: schemaLink(known.ID, ""), Broken: true}
		}
		page.Apps = append(page.Apps, one)
	}
	f := a.frameOf(r, who, "Schemas", apps, 0)
	f.Picks = false
	a.show(w, r, who, "schemas", f, page)
}

// schemaApp reads what there is of an app, with up to limit drafts.
func (a *Admin) schemaApp(ctx context.Context, known knownApp, limit int) (pages.SchemaApp, error) {
	out := pages.SchemaApp{ID: known.ID, Name: known.Label(), Link: schemaLink(known.ID, "")}
	current, err := a.Schemas.CurrentVersion(ctx, known.ID)
	if err != nil {
		return out, err
	}
	newest, err := a.Schemas.NewestVersion(ctx, known.ID)
	if err != nil {
		return out, err
	}
	now := a.Now()
	for _, n := range []int{current, newest} {
		if n == 0 || n == current && out.Live != nil {
			continue
		}
		p, err := a.Schemas.Schema(ctx, known.ID, n)
		if err != nil {
			return out, err
		}
		v := versionLine(known.ID, p.SchemaVersion)
		if n == current {
			v.Live, out.Live = true, &v
		} else {
			v.Waiting, out.Next = true, &v
		}
		out.Unsettled = cmp.Or(unsettled(p, now), out.Unsettled)
	}
	drafts, _, err := a.Schemas.Drafts(ctx, known.ID, "", limit)
	for _, d := range drafts {
		out.Drafts = append(out.Drafts, draftLine(d, newest))
	}
	return out, err
}

func versionLine(app int64, v store.SchemaVersion) pages.SchemaVersion {
	var named struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(v.Document, &named) // a version without a name has a number
	return pages.SchemaVersion{
		Number: v.Version, Name: named.Name, Link: schemaLink(app, fmt.Sprintf("/versions/%d", v.Version)), From: v.EffectiveFrom,
		Published: v.PublishedAt, By: v.PublishedBy, Why: v.Why, CopyOf: v.RolledBackFrom,
	}
}

func draftLine(d store.Draft, newest int) pages.SchemaDraft {
	return pages.SchemaDraft{
		ID: d.ID, Link: schemaLink(d.AppID, "/drafts/"+d.ID), Note: d.Note, By: d.UpdatedBy, Updated: d.UpdatedAt,
		BasedOn: d.BasedOn, Revision: d.Revision, Behind: d.BasedOn != 0 && d.BasedOn < newest,
	}
}

// unsettled says until when a version leaves anything ambiguous; "" where nothing is.
func unsettled(p store.Published, now time.Time) string {
	var last time.Time
	for _, e := range p.Effects {
		if e.AmbiguousTo.After(last) {
			last = e.AmbiguousTo
		}
	}
	if len(p.Effects) == 0 || !now.Before(last) {
		return ""
	}
	return "some values are ambiguous until " + pages.Day(last)
}

var effectNames = map[string]string{
	conversion.EffectLegacy: "SKAdNetwork 1 to 3", conversion.EffectWindow: "Window %d", conversion.EffectReengagement: "Re-engagement, window %d",
}

// effectLines say of each window what is certain, and how it stands now.
func effectLines(effects []conversion.Effect, now time.Time) []pages.SchemaEffect {
	var out []pages.SchemaEffect
	for _, e := range effects {
		line := pages.SchemaEffect{What: effectNames[e.Postbacks], OldUntil: e.OldUntil, Clear: e.AmbiguousTo, Sure: e.RetryPossibleUntil}
		if e.Postbacks != conversion.EffectLegacy {
			line.What = fmt.Sprintf(line.What, e.Index)
		}
		switch {
		case !now.After(e.OldUntil):
			line.State = "still the old version"
		case now.Before(e.AmbiguousTo):
			line.State, line.Tone = "ambiguous", "watch"
		case now.Before(e.RetryPossibleUntil):
			line.State, line.Tone = "new, unless a late retry", "good"
		default:
			line.State, line.Tone = "new", "good"
		}
		out = append(out, line)
	}
	return out
}

// pagePath reads the app of a page's path and finds what is known of it; false means
// that the answer has been given.
func (a *Admin) pagePath(w http.ResponseWriter, r *http.Request, who auth.Principal) (knownApp, []knownApp, bool) {
	id, err := strconv.ParseInt(r.PathValue("app"), 10, 64)
	if err != nil || id <= 0 {
		a.refusePage(w, r, who, http.StatusNotFound, "")
		return knownApp{}, nil, false
	}
	apps, err := a.pageApps(r.Context(), who)
	if err != nil {
		a.pageFailed(w, r, who, err)
		return knownApp{}, nil, false
	}
	i := slices.IndexFunc(apps, func(k knownApp) bool { return k.ID == id })
	if i < 0 {
		a.refusePage(w, r, who, http.StatusNotFound, "Nobody has described the app "+itoa(id)+" here.")
		return knownApp{}, nil, false
	}
	return apps[i], apps, true
}

// schemaFrame is the frame of a page below the list.
func (a *Admin) schemaFrame(r *http.Request, who auth.Principal, title string, apps []knownApp, app int64) pages.Frame {
	f := a.frameOf(r, who, title, apps, app)
	f.Path = schemasNav
	return f
}

func (a *Admin) schemaHomePage(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q, err := pageQuery(r, "before", "published")
	if err != nil {
		a.refusePage(w, r, who, http.StatusBadRequest, "This page can’t be read so: "+err.Error()+".")
		return
	}
	known, apps, ok := a.pagePath(w, r, who)
	if !ok {
		return
	}
	page, err := a.schemaHome(r.Context(), who, known, q.Get("before"))
	switch {
	case errors.Is(err, store.ErrCursor):
		a.refusePage(w, r, who, http.StatusBadRequest, "There are no versions before that.")
		return
	case err != nil:
		a.pageFailed(w, r, who, err)
		return
	}
	if n := q.Get("published"); n != "" && len(page.Versions) > 0 && n == strconv.Itoa(page.Versions[0].Number) {
		page.Notice = &pages.Notice{Tone: "good", Says: "Version " + n + " is published."}
	}
	a.show(w, r, who, "schemas_app", a.schemaFrame(r, who, "Schemas", apps, known.ID), page)
}

func (a *Admin) schemaHome(ctx context.Context, who auth.Principal, known knownApp, before string) (pages.SchemaHome, error) {
	page := pages.SchemaHome{Now: a.Now().UTC(), May: who.May(auth.Editor)}
	var err error
	if page.App, err = a.schemaApp(ctx, known, schemaDrafts); err != nil {
		return page, err
	}
	versions, next, err := a.Schemas.Schemas(ctx, known.ID, before, schemaOlder)
	if err != nil {
		return page, err
	}
	for _, v := range versions {
		line := versionLine(known.ID, v)
		if live := page.App.Live; live != nil {
			line.Live, line.Waiting = v.Version == live.Number, v.Version > live.Number
		}
		page.Versions = append(page.Versions, line)
	}
	if next != "" {
		page.Older = page.App.Link + "?before=" + next
	}
	newest := cmp.Or(page.App.Next, page.App.Live)
	if newest != nil {
		p, err := a.Schemas.Schema(ctx, known.ID, newest.Number)
		if err != nil {
			return page, err
		}
		if slices.ContainsFunc(p.Effects, func(e conversion.Effect) bool { return page.Now.Before(e.RetryPossibleUntil) }) {
			page.Of, page.Effects = newest.Number, effectLines(p.Effects, page.Now)
		}
		page.Exports = exportLinks(known.ID, strconv.Itoa(page.App.Live.Number))
		page.Starts = append(page.Starts, pages.Option{Value: "newest", Name: fmt.Sprintf("Version %d, as it is", newest.Number)})
	}
	for _, s := range starters {
		page.Starts = append(page.Starts, pages.Option{Value: s.key, Name: s.name})
	}
	page.Formats = formatOptions()
	return page, nil
}

func formatOptions() []pages.Option {
	out := []pages.Option{{Name: "Tell from the file"}}
	for _, name := range formatNames() {
		out = append(out, pages.Option{Value: name, Name: formatLabel(name)})
	}
	return out
}

// formatLabels are what their vendors are called.
var formatLabels = map[string]string{
	nativeFormat: "skand", "adjust-v3": "Adjust (SKAN 3)", "adjust-v4": "Adjust (SKAN 4)", "airbridge": "Airbridge", "branch": "Branch",
	"csv": "CSV", "google-ads": "Google Ads", "meta": "Meta",
}

func formatLabel(name string) string { return cmp.Or(formatLabels[name], name) }

func exportLinks(app int64, of string) []pages.Choice {
	var out []pages.Choice
	for _, name := range append([]string{nativeFormat}, format.Names()...) {
		out = append(out, pages.Choice{Name: formatLabel(name), Link: fmt.Sprintf("/v1/apps/%d/schemas/export?format=%s&of=%s", app, name, of)})
	}
	return out
}

// places say findings, in the words of the report.
func places(found []schema.Finding) []pages.Place {
	var out []pages.Place
	for _, f := range found {
		out = append(out, pages.Place{Where: f.Pointer, Says: f.Message, Code: string(f.Code)})
	}
	return out
}
