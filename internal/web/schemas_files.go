package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
	"skand/schema/format"
)

// schemaFile is a file that was read, or is to be written.
type schemaFile struct {
	Format   string          `json:"format"`
	Document json.RawMessage `json:"document,omitempty"`
	Lost     []format.Loss   `json:"lost"`
}

// importSchema reads a file in one of the formats into a document. Nothing is kept.
func (a *Admin) importSchema(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, appID, ok := ofDraft(w, r, "format")
	if !ok {
		return
	}
	body, bad := readBody(w, r, maxDraft)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return
	}
	file, err := imported(q.Get("format"), body, appID)
	switch {
	case errors.Is(err, format.ErrUnknown):
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), "format")
	case err != nil:
		a.schemaFailed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, file)
	}
}

// imported reads a file; name "" is for the file to tell. The error wraps
// format.ErrUnknown or is a *store.InvalidSchema.
func imported(name string, body []byte, appID int64) (schemaFile, error) {
	if name == "" {
		name = formatOf(body)
	}
	out := schemaFile{Format: name, Lost: []format.Loss{}}
	var d *schema.Document
	var lost []format.Loss
	var err error
	switch name {
	case "":
		return out, fmt.Errorf("%w: the file is none that is known; name its format, one of %s", format.ErrUnknown, strings.Join(formatNames(), ", "))
	case nativeFormat:
		d, err = schema.Parse(body)
	default:
		d, lost, err = format.Import(name, body, appID)
	}
	var parse *schema.ParseError
	if errors.As(err, &parse) {
		return out, &store.InvalidSchema{Report: withLists(schema.Report{Errors: parse.Findings})}
	}
	if err != nil {
		return out, err
	}
	out.Lost = append(out.Lost, lost...)
	out.Document, err = json.Marshal(d)
	return out, err
}

// formatOf tells a file's format by the members that only one of them has; "" where
// none fits. Google and Adjust are told from what stands below their first member.
func formatOf(body []byte) string {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case bytes.HasPrefix(body, []byte("[")):
		return "adjust-v4"
	case !bytes.HasPrefix(body, []byte("{")):
		if head, _, _ := bytes.Cut(body, []byte("\n")); bytes.Contains(head, []byte("window")) && bytes.Contains(head, []byte(",")) {
			return "csv"
		}
		return ""
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return ""
	}
	for _, one := range [][2]string{
		{"windows", nativeFormat}, {"layout", nativeFormat}, {"schema", "google-ads"}, {"fine_grained_conversion_value_mappings", "google-ads"},
		{"fineGrainedConversionValueMappings", "google-ads"}, {"conversion_values", "adjust-v3"}, {"postbacks", "airbridge"}, {"mapping", "branch"}, {"data", "meta"},
	} {
		if _, ok := members[one[0]]; ok {
			return one[1]
		}
	}
	return ""
}

// exportSchema writes a version or a draft in one of the formats: the file, or with
// as=report what the file can't say.
func (a *Admin) exportSchema(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, appID, ok := ofDraft(w, r, "of", "format", "as")
	if !ok {
		return
	}
	name := q.Get("format")
	if !slices.Contains(formatNames(), name) {
		problem(w, http.StatusBadRequest, "bad_parameter", "want one of "+strings.Join(formatNames(), ", "), "format")
		return
	}
	if as := q.Get("as"); as != "" && as != "file" && as != "report" {
		problem(w, http.StatusBadRequest, "bad_parameter", "want file or report", "as")
		return
	}
	d, about, err := a.exported(r.Context(), appID, q.Get("of"))
	switch {
	case errors.Is(err, errReference):
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), "of")
		return
	case err != nil:
		a.schemaFailed(w, r, err)
		return
	}
	body, kind, lost, err := written(name, d, about)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	if q.Get("as") == "report" {
		writeJSON(w, http.StatusOK, map[string]any{"format": name, "lost": lost, "warnings": append([]schema.Finding{}, format.Lint(name, d)...)})
		return
	}
	ending := ".json"
	if strings.HasPrefix(kind, "text/csv") {
		ending = ".csv"
	}
	of := strings.NewReplacer("draft:", "draft-", `"`, "").Replace(q.Get("of"))
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="schema-%d-%s.%s%s"`, appID, of, name, ending))
	_, _ = w.Write(body) // a reader who went away needs no file
}

// exported reads what is to be written, and what the formats say about it.
func (a *Admin) exported(ctx context.Context, appID int64, of string) (*schema.Document, format.About, error) {
	d, err := a.referred(ctx, appID, of)
	if err != nil {
		return nil, format.About{}, err
	}
	var about format.About
	if n, err := strconv.Atoi(of); err == nil {
		v, err := a.Schemas.Schema(ctx, appID, n)
		if err != nil {
			return nil, about, err
		}
		about = format.About{Version: n, Updated: v.EffectiveFrom}
	}
	return d, about, nil
}

func written(name string, d *schema.Document, about format.About) (body []byte, kind string, lost []format.Loss, err error) {
	if name == nativeFormat {
		body, err = json.MarshalIndent(d, "", "  ")
		return append(body, '\n'), "application/json", []format.Loss{}, err
	}
	body, lost, err = format.Export(name, d, about)
	return body, format.ContentType(name), append([]format.Loss{}, lost...), err
}
