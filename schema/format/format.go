// Package format owns the seven forms in which networks and vendors exchange
// conversion-value mappings: it reads each into a schema document and writes each
// from one, and lists exactly what was lost on the way.
//
// It refuses to guess: what a form cannot say is left out and named, never bent
// into something near it. It refuses I/O, clocks and currency conversion; amounts
// go from digits to digits and are never binary floating point.
package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/schema"
)

// Loss is one thing that did not come over. On import the pointer goes into the
// file that was read (for csv: /LINE/COLUMN, the header being line 1), on export
// into the document; "" is the whole.
type Loss struct {
	Pointer string `json:"pointer"` // JSON pointer, RFC 6901
	Message string `json:"message"` // one line: what was lost and why
}

// About is what a mapping says about itself and a document does not know.
type About struct {
	Version int       // of the published schema; no vendor's form has a place for it yet
	Updated time.Time // of the last change: adjust-v3, branch; zero: left out
}

// ErrUnknown marks the name of a format that there is not.
var ErrUnknown = errors.New("unknown format")

// maxBytes bounds a file; a real one has a few ten thousand bytes.
const maxBytes = 1 << 20

// form is one format: read hands rows to the builder, write prints the rows of a
// tidied document, lint finds what its networks do not take.
type form struct {
	name        string
	contentType string
	read        func(b *builder, body []byte)
	write       func(x *export) ([]byte, error)
	lint        func(d *schema.Document) []schema.Finding
	// networkNames: the one name of an event in it is the partner's.
	networkNames bool
}

const typeJSON = "application/json"

var forms = []form{
	{"adjust-v3", typeJSON, fromJSON(readAdjust3), writeAdjust3, nil, true},
	{"adjust-v4", typeJSON, fromJSON(readAdjust4), writeAdjust4, nil, true},
	{"airbridge", typeJSON, fromJSON(readAirbridge), writeAirbridge, nil, false},
	{"branch", typeJSON, fromJSON(readBranch), writeBranch, nil, true},
	{"csv", "text/csv; charset=utf-8", readCSV, writeCSV, nil, false},
	{"google-ads", typeJSON, fromJSON(readGoogle), writeGoogle, lintGoogle, true},
	{"meta", typeJSON, fromJSON(readMeta), writeMeta, lintMeta, true},
}

// Names lists the formats, sorted.
func Names() []string {
	names := make([]string, 0, len(forms))
	for _, f := range forms {
		names = append(names, f.name)
	}
	return names
}

func find(name string) (form, error) {
	i := slices.IndexFunc(forms, func(f form) bool { return f.name == name })
	if i < 0 {
		return form{}, fmt.Errorf("%w %q; use one of %s", ErrUnknown, name, strings.Join(Names(), ", "))
	}
	return forms[i], nil
}

// ContentType is the media type of a format; "" for an unknown one.
func ContentType(name string) string {
	f, err := find(name)
	if err != nil {
		return ""
	}
	return f.contentType
}

// Import reads a mapping. The document is for appID, or for the app that the file
// names when appID is 0. The error wraps ErrUnknown, or a *schema.ParseError with
// every reason why the file is not of the format: bad syntax, wrong types, members
// or values that stand twice. Members that the format does not have, and meanings
// that a document does not have, are losses.
func Import(name string, body []byte, appID int64) (*schema.Document, []Loss, error) {
	f, err := find(name)
	if err != nil {
		return nil, nil, fmt.Errorf("import schema: %w", err)
	}
	if len(body) > maxBytes {
		return nil, nil, fmt.Errorf("import %s: %w", name, &schema.ParseError{Findings: []schema.Finding{{
			Code:    schema.CodeTooLarge,
			Message: fmt.Sprintf("the file has %d bytes; at most %d are read", len(body), maxBytes),
		}}})
	}
	raw, losses, err := f.document(body, appID)
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", name, err)
	}
	// Through Parse, so that what is imported here is read again everywhere.
	text, err := raw.Canonical()
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", name, err)
	}
	d, err := schema.Parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: the document that it makes: %w", name, err)
	}
	return d, losses, nil
}

func (f form) document(body []byte, appID int64) (*schema.Document, []Loss, error) {
	b := &builder{reader: &reader{}, doc: &schema.Document{}}
	f.read(b, body)
	d := b.finish(appID)
	if len(b.findings) > 0 {
		return nil, nil, &schema.ParseError{Findings: b.findings}
	}
	return d, b.allLosses(), nil
}

// Export writes a document. What is lost is measured, not declared: the written
// text is read back and compared, so no losses means that Import gives an equal
// document. The error wraps ErrUnknown; any document that Parse accepts is written,
// however little of it the format holds.
func Export(name string, d *schema.Document, about About) ([]byte, []Loss, error) {
	f, err := find(name)
	if err != nil {
		return nil, nil, fmt.Errorf("export schema: %w", err)
	}
	x := newExport(d, about, f.networkNames)
	body, err := f.write(x)
	if err != nil {
		return nil, nil, fmt.Errorf("export %s: %w", name, err)
	}
	back, _, err := f.document(body, d.AppID)
	if err != nil {
		return nil, nil, fmt.Errorf("export %s: the text cannot be read back: %w", name, err)
	}
	return body, compare(f.name, x, d, back), nil
}

// Lint finds what a format can hold but its networks do not take
// (format_event_limit); nothing where no limit is documented, or for an unknown
// format.
func Lint(name string, d *schema.Document) []schema.Finding {
	f, err := find(name)
	if err != nil || f.lint == nil {
		return nil
	}
	return f.lint(d)
}
