package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
)

// checked is what can be said of a document that nobody has stored.
type checked struct {
	// Document is what the layout writes, where it was asked for and can be written;
	// else null, and the report's pointers go into the document as it was sent.
	Document json.RawMessage `json:"document"`
	Report   schema.Report   `json:"report"`
	// Changes are those from what it was compared with; null where one of the two is
	// no schema, or there is nothing to compare with.
	Changes []schema.Change `json:"changes"`
}

// checkDocument judges a document while somebody writes it: the table that its layout
// stands for, what is wrong with it, and what it changes. Nothing is kept.
func (a *Admin) checkDocument(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	body, bad := readBody(w, r, 2*maxDraft)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return
	}
	var in struct {
		Document json.RawMessage `json:"document"`
		// Expand writes the rows of the layout anew; those written by hand go.
		Expand  bool            `json:"expand"`
		Against json.RawMessage `json:"against"` // a document, or a reference as of diff; newest where nothing is said
	}
	if err := decodeItem(body, &in); err != nil {
		problem(w, http.StatusBadRequest, "bad_request", err.Error(), "")
		return
	}
	if !bytes.HasPrefix(in.Document, []byte("{")) {
		problem(w, http.StatusBadRequest, "bad_document", "want the schema to check, a JSON object", "document")
		return
	}
	against, err := a.against(r.Context(), appID, in.Against)
	if errors.Is(err, errReference) {
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error()+", or a document", "against")
		return
	}
	var out checked
	if err == nil {
		out, err = a.checked(r.Context(), appID, in.Document, in.Expand, against)
	}
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// against reads what a document is to be compared with; nil: nothing that is a schema.
func (a *Admin) against(ctx context.Context, appID int64, raw json.RawMessage) (*schema.Document, error) {
	name := "newest"
	switch {
	case bytes.HasPrefix(raw, []byte("{")):
		d, err := schema.Parse(raw)
		if err != nil { // somebody's draft, half finished: there is no telling what differs
			return nil, nil //nolint:nilerr // said by Changes being null
		}
		return d, nil
	case len(raw) > 0 && json.Unmarshal(raw, &name) != nil:
		return nil, errReference
	}
	d, err := a.referred(ctx, appID, name)
	if invalid := (*store.InvalidSchema)(nil); errors.As(err, &invalid) || errors.Is(err, store.ErrNoVersion) && name == "newest" {
		return nil, nil
	}
	return d, err
}

// checked judges text for the app, with its layout written out where expand says so.
func (a *Admin) checked(ctx context.Context, appID int64, text []byte, expand bool, against *schema.Document) (checked, error) {
	var out checked
	doc, report, err := a.Schemas.JudgeSchema(ctx, appID, text)
	if err != nil {
		return out, err
	}
	if doc != nil && expand && len(doc.Layout) > 0 {
		full, failed := doc.Expand()
		var parse *schema.ParseError
		switch {
		case failed == nil:
			if out.Document, err = json.Marshal(full); err != nil {
				return out, err
			}
			if doc, report, err = a.Schemas.JudgeSchema(ctx, appID, out.Document); err != nil {
				return out, err
			}
		case errors.As(failed, &parse):
			report = beside(report, parse.Findings)
		default:
			return out, failed
		}
	}
	out.Report = withLists(report)
	if doc != nil && against != nil {
		out.Changes = schema.Diff(against, doc).Changes
	}
	return out, nil
}

// beside adds findings on the layout. That rows differ from what it writes goes
// without saying where it writes none.
func beside(r schema.Report, found []schema.Finding) schema.Report {
	for _, f := range found {
		if !slices.Contains(r.Errors, f) {
			r.Errors = append(r.Errors, f)
		}
	}
	r.Warnings = slices.DeleteFunc(slices.Clone(r.Warnings), func(f schema.Finding) bool {
		return f.Code == schema.CodeLayoutDiffers || strings.HasPrefix(string(f.Code), "unused_")
	})
	r.OK = len(r.Errors) == 0
	return r
}

// withLists makes both lists lists.
func withLists(r schema.Report) schema.Report {
	if r.Errors == nil {
		r.Errors = []schema.Finding{}
	}
	if r.Warnings == nil {
		r.Warnings = []schema.Finding{}
	}
	return r
}
