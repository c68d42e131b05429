package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web/pages"
	"skand/schema"
)

// editorData is what the editor's script begins with.
type editorData struct {
	App      int64           `json:"app"`
	Currency string          `json:"currency"` // the app's
	Group    string          `json:"group"`
	Decimal  string          `json:"decimal"`
	May      bool            `json:"may"` // save, publish
	Raw      bool            `json:"raw"` // simulate on raw rows
	Draft    *store.Draft    `json:"draft,omitempty"`
	Version  int             `json:"version,omitempty"` // of a version that is looked at
	Document json.RawMessage `json:"document"`
	Report   schema.Report   `json:"report"`
	Changes  []schema.Change `json:"changes"`
	Live     int             `json:"live"`   // the version in force; 0: none
	Newest   int             `json:"newest"` // the version that a draft is compared with
	Formats  []pages.Option  `json:"formats"`
	Now      int64           `json:"now"` // milliseconds: a lab has a clock of its own
}

func (a *Admin) editorPage(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, ok := a.pagePath(w, r, who)
	if !ok {
		return
	}
	d, err := a.Schemas.Draft(r.Context(), known.ID, r.PathValue("draft"))
	if errors.Is(err, store.ErrNoDraft) {
		a.refusePage(w, r, who, http.StatusNotFound, "This draft is not there (any more): somebody deleted it, or the link is mistyped.")
		return
	}
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	a.showDraft(w, r, who, known, apps, d, nil)
}

// showDraft writes the editor; notice answers a form.
func (a *Admin) showDraft(w http.ResponseWriter, r *http.Request, who auth.Principal, known knownApp, apps []knownApp, d store.Draft, notice *pages.Notice) {
	page, err := a.editorOf(r.Context(), who, known, d.Document)
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	data := page.Data.(*editorData) //nolint:errcheck // editorOf made it
	line := draftLine(d, data.Newest)
	page.Draft, page.Notice = &line, notice
	page.Title = cmp.Or(page.Title, d.Note, "Draft")
	page.Exports = exportLinks(known.ID, "draft:"+d.ID)
	// The report of the store also knows of versions published in between.
	page.Errors, page.Warnings = places(d.Report.Errors), places(d.Report.Warnings)
	data.Report, data.Draft = withLists(*d.Report), &d
	d.Document, d.Report = nil, nil
	f := a.schemaFrame(r, who, page.Title, apps, known.ID)
	data.Group, data.Decimal = f.Locale.Group, f.Locale.Decimal
	a.show(w, r, who, "editor", f, page)
}

func (a *Admin) schemaVersionPage(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	known, apps, ok := a.pagePath(w, r, who)
	if !ok {
		return
	}
	n, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || n <= 0 || n > maxVersion {
		a.refusePage(w, r, who, http.StatusNotFound, "")
		return
	}
	a.showVersion(w, r, who, known, apps, n, nil)
}

func (a *Admin) showVersion(w http.ResponseWriter, r *http.Request, who auth.Principal, known knownApp, apps []knownApp, n int, notice *pages.Notice) {
	v, err := a.Schemas.Schema(r.Context(), known.ID, n)
	if errors.Is(err, store.ErrNoVersion) {
		a.refusePage(w, r, who, http.StatusNotFound, fmt.Sprintf("No version %d of this schema was published.", n))
		return
	}
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	page, err := a.editorOf(r.Context(), who, known, v.Document)
	if err != nil {
		a.pageFailed(w, r, who, err)
		return
	}
	data := page.Data.(*editorData) //nolint:errcheck // editorOf made it
	line := versionLine(known.ID, v.SchemaVersion)
	line.Live = n == data.Live
	page.Version, page.Notice, page.Title = &line, notice, fmt.Sprintf("Version %d", n)
	page.Effects, page.Exports = effectLines(v.Effects, page.Now), exportLinks(known.ID, strconv.Itoa(n))
	page.May, data.Version, data.May = who.May(auth.Editor) && n != data.Newest, n, false
	if page.Against = n - 1; page.Against > 0 { // what it brought
		if page.Changes, data.Changes, err = a.broughtBy(r.Context(), known.ID, n); err != nil {
			a.pageFailed(w, r, who, err)
			return
		}
	}
	f := a.schemaFrame(r, who, page.Title, apps, known.ID)
	data.Group, data.Decimal = f.Locale.Group, f.Locale.Decimal
	a.show(w, r, who, "editor", f, page)
}

// broughtBy compares a version with the one before it.
func (a *Admin) broughtBy(ctx context.Context, app int64, n int) ([]string, []schema.Change, error) {
	before, err := a.referred(ctx, app, strconv.Itoa(n-1))
	if err != nil {
		return nil, nil, err
	}
	after, err := a.referred(ctx, app, strconv.Itoa(n))
	if err != nil {
		return nil, nil, err
	}
	d := schema.Diff(before, after)
	return d.Words(), d.Changes, nil
}

// editorOf fills what a draft and a version share.
func (a *Admin) editorOf(ctx context.Context, who auth.Principal, known knownApp, text json.RawMessage) (pages.SchemaEditor, error) {
	page := pages.SchemaEditor{App: known.ID, AppLink: schemaLink(known.ID, ""), May: who.May(auth.Editor), Now: a.Now().UTC()}
	data := &editorData{
		App: known.ID, Currency: known.Described.Settings().Currency, May: page.May, Raw: who.May(auth.Operator),
		Document: text, Formats: formatOptions(), Now: page.Now.UnixMilli(),
	}
	page.Data = data
	var err error
	if data.Live, err = a.Schemas.CurrentVersion(ctx, known.ID); err != nil {
		return page, err
	}
	if data.Newest, err = a.Schemas.NewestVersion(ctx, known.ID); err != nil {
		return page, err
	}
	page.Against = data.Newest
	against, err := a.against(ctx, known.ID, nil)
	if err != nil {
		return page, err
	}
	c, err := a.checked(ctx, known.ID, text, false, against)
	if err != nil {
		return page, err
	}
	data.Report, data.Changes = c.Report, c.Changes
	page.Errors, page.Warnings = places(c.Report.Errors), places(c.Report.Warnings)
	page.Changes = schema.Difference{Changes: c.Changes}.Words()
	var pretty bytes.Buffer
	if json.Indent(&pretty, text, "", "  ") == nil {
		page.Document = pretty.String()
	} else {
		page.Document = string(text)
	}
	doc, _, err := a.Schemas.JudgeSchema(ctx, known.ID, text)
	if err != nil || doc == nil { // not a schema yet: its text and what is wrong stand
		return page, err
	}
	page.Title = doc.Name
	page.Values, page.Windows = valueCells(doc), windowLines(doc)
	return page, nil
}

// valueCells are the 64 values, eight a row.
func valueCells(d *schema.Document) [][]pages.SchemaCell {
	cells := make([][]pages.SchemaCell, 8)
	i := slices.IndexFunc(d.Windows, func(w schema.Window) bool { return w.Index == 0 })
	for v := range 64 {
		c := pages.SchemaCell{Value: v, Kind: "free"}
		if i >= 0 {
			w := d.Windows[i]
			at := slices.IndexFunc(w.Fine, func(r schema.Row) bool { return r.Value == v })
			switch {
			case at >= 0:
				c.Kind, c.Words = "mapped", w.Fine[at].Words(d.Currency)
			case slices.ContainsFunc(w.Reserved, func(r [2]int) bool { return v >= r[0] && v <= r[1] }):
				c.Kind, c.Words = "reserved", "reserved"
			}
		}
		cells[v/8] = append(cells[v/8], c)
	}
	return cells
}

var windowNames = []string{"Window 0: days 0 to 2", "Window 1: days 3 to 7", "Window 2: days 8 to 35"}

func windowLines(d *schema.Document) []pages.SchemaWindow {
	var out []pages.SchemaWindow
	for _, w := range d.Windows {
		if w.Index < 0 || w.Index >= len(windowNames) {
			continue
		}
		line := pages.SchemaWindow{Name: windowNames[w.Index]}
		for _, level := range []string{"low", "medium", "high"} {
			says := "not mapped"
			if l, ok := w.Coarse[level]; ok {
				says = l.Words(d.Currency)
			}
			line.Levels = append(line.Levels, pages.Place{Where: level, Says: says})
		}
		if w.Lock != nil {
			line.Lock = w.Lock.Words()
		}
		out = append(out, line)
	}
	return out
}
