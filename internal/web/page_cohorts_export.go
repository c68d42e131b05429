package web

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"skand/internal/auth"
	"skand/internal/store"
)

// cohortsExport writes the table of a view as a file: the same lines in the same order,
// all of them, with the digits as they are published.
func (a *Admin) cohortsExport(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	view, apps, ok := a.cohortsView(w, r, who)
	if !ok {
		return
	}
	format := cohortFormatNamed(r.URL.Query().Get("format"))
	if format == nil || format.paged || view.app == 0 {
		a.refusePage(w, r, who, http.StatusBadRequest, "A file is of one app, as csv, ndjson or parquet.")
		return
	}
	read, err := a.readCohorts(r.Context(), view, apps)
	var wrong *spanError
	switch {
	case errors.As(err, &wrong):
		a.refusePage(w, r, who, http.StatusBadRequest, "This span can’t be shown: "+wrong.says+".")
		return
	case err != nil:
		a.pageFailed(w, r, who, err)
		return
	}
	read.sortLines()
	w.Header().Set("Content-Type", format.contentType)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="cohorts-%d-%s-%s-%s.%s"`, view.app, read.view.at(),
		read.view.from.Format(time.DateOnly), read.view.to.AddDate(0, 0, -1).Format(time.DateOnly), format.name))
	if r.Method == http.MethodHead {
		return
	}
	seen := &ledger{releases: read.releases, sealedAt: store.Stamp(read.sealedAt), lab: read.lab}
	out := &stream{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 32<<10)
	rows := format.writer(buffer, seen)
	err = rows.begin(read.table())
	for i := 0; err == nil && i < len(read.lines); i++ {
		err = rows.row(read.cellsOf(read.lines[i]))
	}
	if err == nil {
		err = rows.end("", func(func(*store.Release) error) error { return nil })
	}
	if err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		a.brokenOff(w, r, out, err)
	}
}

// table are the columns of the file: as /v1/cohorts names them, and the estimates.
func (c *cohortsRead) table() []store.Column {
	table := []store.Column{
		{Name: "app_id", Type: store.Number}, {Name: "sequence_index", Type: store.Number}, {Name: "conversion_kind", Type: store.Text}, {Name: "environment", Type: store.Text},
		{Name: "network_id", Type: store.Text}, {Name: "id_kind", Type: store.Text}, {Name: "source_2", Type: store.Text},
		{Name: "source_3", Type: store.Text}, {Name: "source_4", Type: store.Text}, {Name: "level", Type: store.Text},
		{Name: "name", Type: store.Text}, {Name: "currency", Type: store.Text}, {Name: "rows", Type: store.Number}, {Name: "installs", Type: store.Number}, {Name: "installs_before", Type: store.Number},
	}
	for _, name := range pageMeasures {
		kind := store.Number
		if name == "revenue_min" || name == "revenue_est" || name == "revenue_max" {
			kind = store.Money
		}
		table = append(table, store.Column{Name: name, Type: kind}, store.Column{Name: name + "_withheld_rows", Type: store.Number})
	}
	for _, metric := range []string{"payers", "revenue"} {
		for _, what := range []string{"modelled", "modelled_low", "modelled_high"} {
			table = append(table, store.Column{Name: metric + "_" + what, Type: store.Money})
		}
	}
	return table
}

func (c *cohortsRead) cellsOf(line cohortLine) []any {
	text := func(s *string) any {
		if s == nil {
			return nil
		}
		return *s
	}
	var before any
	if line.before != nil {
		before = *line.before
	}
	cells := []any{
		c.view.app, int64(c.view.index), c.view.kind, c.view.env, text(line.network), text(line.idKind), text(line.source2),
		text(line.source3), text(line.source4), text(line.level), line.name, line.currency, line.rows, line.installs, before,
	}
	for _, name := range pageMeasures {
		m := line.measures[name]
		var v any
		switch {
		case m.sum == nil:
		case name == "revenue_min" || name == "revenue_est" || name == "revenue_max":
			v = *m.sum
		default:
			v = m.sum.IntPart()
		}
		cells = append(cells, v, m.withheld)
	}
	number := func(d *decimal.Decimal) any {
		if d == nil {
			return nil
		}
		return *d
	}
	for _, metric := range []string{"payers", "revenue"} {
		e := line.modelled[metric]
		cells = append(cells, number(e.sum), number(e.low), number(e.high))
	}
	return cells
}
