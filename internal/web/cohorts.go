package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/aggregate"
	"skand/internal/auth"
	"skand/internal/store"
)

// cohorts serves published rows as JSON, NDJSON or CSV, streamed. All formats hold
// the same columns and the same numbers; withheld is null or an empty cell.
func (a *Admin) cohorts(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app", "from", "to", "dataset", "level", "network", "format")
	if !ok {
		return
	}
	f, field, err := cohortFilter(q.Get)
	if err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), field)
		return
	}
	var out rowWriter
	switch q.Get("format") {
	case "", "json":
		out = &jsonRows{w: w}
	case "ndjson":
		out = &ndjsonRows{w: w}
	case "csv":
		out = &csvRows{w: w, csv: csv.NewWriter(w)}
	default:
		problem(w, http.StatusBadRequest, "bad_parameter", "want json, csv or ndjson", "format")
		return
	}
	began := false
	err = a.Reader.Cohorts(r.Context(), f, func(c *store.Cohort) error {
		if !began {
			began = true
			if err := out.begin(); err != nil {
				return err
			}
		}
		return out.row(c)
	})
	switch {
	case err != nil && !began:
		a.failed(w, r, err)
		return
	case err != nil:
		// Half a table must not look like a whole one: break the connection.
		a.Log.ErrorContext(r.Context(), "cohorts broken off", "error", err)
		panic(http.ErrAbortHandler)
	case !began:
		err = out.begin()
	}
	if err == nil {
		err = out.end()
	}
	if err != nil {
		a.Log.DebugContext(r.Context(), "cohorts not written", "error", err)
	}
}

// cohortFilter reads the filters; field names the one at fault.
func cohortFilter(get func(string) string) (f store.CohortFilter, field string, err error) {
	if s := get("app"); s != "" {
		if f.AppID, err = strconv.ParseInt(s, 10, 64); err != nil || f.AppID <= 0 {
			return f, "app", fmt.Errorf("want the App Store id of an app, got %q", s)
		}
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if s := get(name); s != "" {
			if *into, err = parseDay(s); err != nil {
				return f, name, fmt.Errorf("want a day such as 2026-11-02 or a time in RFC 3339, got %q", s)
			}
		}
	}
	f.Level, f.NetworkID = get("level"), strings.ToLower(get("network"))
	if f.Level != "" && !slices.Contains(levels, f.Level) {
		return f, "level", fmt.Errorf("want one of %s, got %q", strings.Join(levels, ", "), f.Level)
	}
	if s := get("dataset"); s != "" {
		if err := readDataset(s, &f); err != nil {
			return f, "dataset", err
		}
	}
	return f, "", nil
}

var levels = []string{
	aggregate.LevelNetwork, aggregate.LevelSrc2, aggregate.LevelSrc3, aggregate.LevelSrc4,
	aggregate.LevelWithheld, aggregate.LevelOther, aggregate.LevelTotal,
}

func parseDay(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

type rowWriter interface {
	begin() error
	row(c *store.Cohort) error
	end() error
}

type jsonRows struct {
	w http.ResponseWriter
	n int
}

func (j *jsonRows) begin() error {
	j.w.Header().Set("Content-Type", "application/json")
	_, err := j.w.Write([]byte(`{"data":[`))
	return err
}

func (j *jsonRows) row(c *store.Cohort) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	sep := []byte("\n")
	if j.n > 0 {
		sep = []byte(",\n")
	}
	j.n++
	_, err = j.w.Write(append(sep, b...))
	return err
}

func (j *jsonRows) end() error {
	_, err := j.w.Write([]byte("\n],\"next_cursor\":null}\n"))
	return err
}

type ndjsonRows struct{ w http.ResponseWriter }

func (n *ndjsonRows) begin() error {
	n.w.Header().Set("Content-Type", "application/x-ndjson")
	return nil
}

func (n *ndjsonRows) row(c *store.Cohort) error { return json.NewEncoder(n.w).Encode(c) }
func (n *ndjsonRows) end() error                { return nil }

type csvRows struct {
	w   http.ResponseWriter
	csv *csv.Writer
}

func (c *csvRows) begin() error {
	c.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	c.w.Header().Set("Content-Disposition", `attachment; filename="cohorts.csv"`)
	return c.csv.Write(store.CohortColumns())
}

func (c *csvRows) row(r *store.Cohort) error { return c.csv.Write(r.Cells()) }

func (c *csvRows) end() error {
	c.csv.Flush()
	return c.csv.Error()
}

// readDataset reads "install", "0.install" or "0.install.production", as datasets
// are written in release ids.
func readDataset(s string, f *store.CohortFilter) error {
	for _, part := range strings.Split(s, ".") {
		switch {
		case f.Index == nil && slices.Contains([]string{"0", "1", "2"}, part):
			n := int(part[0] - '0')
			f.Index = &n
		case f.Kind == "" && slices.Contains([]string{"install", "reengagement", "qualifier"}, part):
			f.Kind = part
		case f.Environment == "" && slices.Contains([]string{"production", "development"}, part):
			f.Environment = part
		default:
			return fmt.Errorf("want INDEX.KIND.ENVIRONMENT or a part of it, as in 0.install.production, got %q", s)
		}
	}
	return nil
}
