package web

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/forward/reconcile"
	"skand/internal/auth"
	"skand/internal/store"
)

// Reconciler keeps what networks report of themselves, and compares it with ours. All of
// it is consented people's conversions, counted exactly: it is for operators alone.
type Reconciler interface {
	// PutReconciliations keeps all uploads or none. It returns store.ErrNoApp, or a
	// *reconcile.Refused.
	PutReconciliations(ctx context.Context, uploads []reconcile.Upload, dry bool) ([]store.ReconciliationKept, error)
	// Reconciliation returns store.ErrNoReconciliation where the day was not reported.
	Reconciliation(ctx context.Context, appID int64, network, day string, revision int64) (store.Reconciliation, []store.Reconciliation, error)
	Reconciliations(ctx context.Context, f store.ReconciliationFilter, cursor string, limit int) ([]store.Reconciliation, string, error)
	Discrepancies(ctx context.Context, appID int64, network string, from, to time.Time) ([]reconcile.Report, error)
}

// putReconciliation takes a day as JSON or CSV, or without a day in the path a CSV
// whose lines name their days.
func (a *Admin) putReconciliation(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app", "currency", "time_zone", "source", "dry_run")
	if !ok {
		return
	}
	dry := q.Get("dry_run") == "true"
	if !dry && q.Has("dry_run") && q.Get("dry_run") != "false" {
		problem(w, http.StatusBadRequest, "bad_parameter", "want true or false", "dry_run")
		return
	}
	network, err := reconcile.CheckNetwork(r.PathValue("network"))
	if day := r.PathValue("day"); err == nil && day != "" {
		_, err = reconcile.ParseDay(day, "day")
	}
	if err != nil {
		a.refuseUpload(w, r, err)
		return
	}
	body, bad := readBody(w, r, reconcile.MaxBytes)
	if bad != nil {
		problem(w, bad.status, bad.fault.Code, bad.fault.Message, "")
		return
	}
	var uploads []reconcile.Upload
	var warnings []string
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // what can't be read is taken for JSON
	switch day := r.PathValue("day"); {
	case kind == "text/csv" || day == "" && kind != "application/json":
		var appID int64
		if appID, ok = appParameter(w, q.Get("app")); !ok {
			return
		}
		uploads, warnings, err = reconcile.ParseFile(body, reconcile.Defaults{
			AppID: appID, NetworkID: network, Day: day, TimeZone: q.Get("time_zone"), Currency: q.Get("currency"), Source: q.Get("source"),
		})
	case day == "":
		problem(w, http.StatusUnsupportedMediaType, "bad_request", "several days at once are sent as text/csv; JSON has its day in the path", "Content-Type")
		return
	default:
		for _, name := range []string{"app", "currency", "time_zone", "source"} {
			if q.Has(name) {
				problem(w, http.StatusBadRequest, "unknown_parameter", "a JSON body says this itself; the parameter is for text/csv", name)
				return
			}
		}
		var u reconcile.Upload
		u, warnings, err = reconcile.ParseBody(body, network, day)
		uploads = []reconcile.Upload{u}
	}
	if err != nil {
		a.refuseUpload(w, r, err)
		return
	}
	kept, err := a.Reconcile.PutReconciliations(r.Context(), uploads, dry)
	if err != nil {
		a.refuseUpload(w, r, err)
		return
	}
	if warnings == nil {
		warnings = []string{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"network_id": network, "days": kept, "warnings": warnings, "dry_run": dry})
}

// refuseUpload answers what was not kept, with every line that is wrong.
func (a *Admin) refuseUpload(w http.ResponseWriter, r *http.Request, err error) {
	var refused *reconcile.Refused
	switch {
	case errors.As(err, &refused):
		problemWith(w, http.StatusUnprocessableEntity, "invalid", "nothing was kept: "+refused.Error(), refused.Problems[0].Field,
			map[string]any{"problems": refused.Problems})
	case errors.Is(err, store.ErrNoApp):
		problem(w, http.StatusNotFound, "not_found", "no such app is described", "app_id")
	case errors.Is(err, store.ErrNoReconciliation):
		problem(w, http.StatusNotFound, "not_found", "the network has not reported this day, or not in this revision", "day")
	default:
		a.failed(w, r, err)
	}
}

func appParameter(w http.ResponseWriter, text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		problem(w, http.StatusBadRequest, "bad_parameter", "want the App Store id of an app", "app")
		return 0, false
	}
	return n, true
}

func (a *Admin) reconciliation(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app", "revision")
	if !ok {
		return
	}
	appID, ok := appParameter(w, q.Get("app"))
	if !ok {
		return
	}
	var revision int64
	if text := q.Get("revision"); text != "" {
		var err error
		if revision, err = strconv.ParseInt(text, 10, 64); err != nil || revision < 1 {
			problem(w, http.StatusBadRequest, "bad_parameter", "want a number from 1", "revision")
			return
		}
	}
	network, err := reconcile.CheckNetwork(r.PathValue("network"))
	if err != nil {
		a.refuseUpload(w, r, err)
		return
	}
	one, history, err := a.Reconcile.Reconciliation(r.Context(), appID, network, r.PathValue("day"), revision)
	if err != nil {
		a.refuseUpload(w, r, err)
		return
	}
	if one.Rows == nil {
		one.Rows = []reconcile.Row{}
	}
	writeJSON(w, http.StatusOK, struct {
		store.Reconciliation
		Rows    []reconcile.Row        `json:"rows"`
		History []store.Reconciliation `json:"history"`
	}{one, one.Rows, history})
}

func (a *Admin) reconciliations(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, appID, ok := paging(w, r, "app", "network", "from", "to")
	if !ok {
		return
	}
	q := r.URL.Query()
	f := store.ReconciliationFilter{AppID: appID, NetworkID: strings.ToLower(q.Get("network"))}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if text := q.Get(name); text != "" {
			day, err := reconcile.ParseDay(text, name)
			if err != nil {
				problem(w, http.StatusBadRequest, "bad_parameter", "want a day such as 2026-11-02; to is excluded", name)
				return
			}
			*into = day
		}
	}
	data, next, err := a.Reconcile.Reconciliations(r.Context(), f, cursor, limit)
	answerList(a, w, r, data, next, err)
}

// Harmless makes a stranger's text safe for a spreadsheet, as every table of ours does.
func Harmless(s string) string { return harmless(s) }

func (a *Admin) discrepancies(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app", "network", "from", "to", "group", "format")
	if !ok {
		return
	}
	appID, ok := appParameter(w, q.Get("app"))
	if !ok {
		return
	}
	from, wrongFrom := reconcile.ParseDay(q.Get("from"), "from")
	to, wrongTo := reconcile.ParseDay(q.Get("to"), "to")
	by := []string{reconcile.ByDay, reconcile.ByEvent, reconcile.ByCampaign}
	if text := q.Get("group"); text != "" {
		by = strings.Split(text, ",")
	}
	switch {
	case wrongFrom != nil:
		problem(w, http.StatusBadRequest, "bad_parameter", "want a day such as 2026-11-02", "from")
		return
	case wrongTo != nil:
		problem(w, http.StatusBadRequest, "bad_parameter", "want a day such as 2026-11-09; it is excluded", "to")
		return
	case !slices.Contains([]string{"", "json", "csv"}, q.Get("format")):
		problem(w, http.StatusBadRequest, "bad_parameter", "want json or csv", "format")
		return
	}
	if err := reconcile.CheckSpan(from, to); err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), "to")
		return
	}
	if err := reconcile.CheckGroup(by); err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), "group")
		return
	}
	// Months of a large app take longer than an answer may; without it, it may be cut off.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	reports, err := a.Reconcile.Discrepancies(r.Context(), appID, strings.ToLower(q.Get("network")), from, to)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	v := reconcile.Table(reports, by)
	w.Header().Set("Cache-Control", "no-store")
	if q.Get("format") == "csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		if err := v.WriteCSV(w, harmless); err != nil {
			a.Log.DebugContext(r.Context(), "a caller went away", "path", r.URL.Path, "error", err)
		}
		return
	}
	writeJSON(w, http.StatusOK, v)
}
