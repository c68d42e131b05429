package web

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/store"
)

// CohortReader knows what is published, and nothing finer.
type CohortReader interface {
	// LookAtCohorts opens one moment of the published store; the caller closes it.
	LookAtCohorts(ctx context.Context, f store.CohortFilter) (*store.CohortLook, error)
}

// cohorts serves published rows, or sums of them, in four formats that hold the
// same columns and the same numbers: what is withheld is null, an empty cell, NULL.
// All stream: an answer of any length takes the memory of a few rows.
func (a *Admin) cohorts(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	ask, ok := cohortsAsked(w, r)
	if !ok {
		return
	}
	look, err := a.Reader.LookAtCohorts(r.Context(), ask.filter)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	defer func() { _ = look.Close() }() // nothing was written that could be lost
	seen, err := ledgerOf(r.Context(), look, ask)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	if ask.skip, err = seen.skip(ask); err != nil {
		problem(w, http.StatusBadRequest, "bad_cursor", "this cursor is not one of this list, or the list has grown since; begin without one", "cursor")
		return
	}
	seen.headers(w.Header(), ask)
	if noneMatch(r.Header.Get("If-None-Match"), seen.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", ask.format.contentType)
	w.Header().Set("Content-Disposition", ask.disposition())
	if r.Method == http.MethodHead {
		return
	}
	out := &stream{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 32<<10)
	err = ask.write(r.Context(), look, seen, ask.format.writer(buffer, seen))
	if err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		a.brokenOff(w, r, out, err)
	}
}

// rowWriter writes one format.
type rowWriter interface {
	begin(table []store.Column) error
	row(values []any) error
	// end closes the answer; next is the cursor of the next page, or "".
	end(next string, releases func(each func(*store.Release) error) error) error
}

// write streams one answer.
func (ask *cohortAsk) write(ctx context.Context, look *store.CohortLook, seen *ledger, out rowWriter) error {
	if err := out.begin(ask.table()); err != nil {
		return err
	}
	limit := ask.limit
	if ask.format.paged {
		limit++ // one more says that there is a next page
	}
	var n int
	var last store.CohortPlace
	var upto *store.CohortPlace
	each := func(row []any) error {
		if n++; n > ask.limit && ask.format.paged {
			upto = &last
			return nil
		}
		if ask.group == nil && n == ask.limit {
			last = store.PlaceOf(row)
		}
		return out.row(row)
	}
	if err := ask.rows(ctx, look, limit, each); err != nil {
		return err
	}
	next := ""
	switch {
	case upto != nil && ask.group != nil:
		next, upto = seen.cursor(ask.skip+ask.limit), nil // every page of sums is from all releases
	case upto != nil:
		next = upto.String()
	}
	return out.end(next, func(each func(*store.Release) error) error {
		return ask.releases(ctx, look, ask.after, upto, each)
	})
}

// stream is an answer that may take as long as its reader goes on reading: the
// server's deadline for a whole answer becomes one for each part of it.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	began   bool
}

const partTimeout = 30 * time.Second

// Write implements io.Writer.
func (s *stream) Write(p []byte) (int, error) {
	s.began = true
	// Deadlines of connections are the operating system's time, in the lab too.
	err := s.control.SetWriteDeadline(clock.Real{}.Now().Add(partTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.w.Write(p)
}

// disposition names the file that a browser would save.
func (ask *cohortAsk) disposition() string {
	name := "cohorts"
	if ask.filter.AppID != 0 {
		name += "-" + strconv.FormatInt(ask.filter.AppID, 10)
	}
	for _, t := range []time.Time{ask.filter.From, ask.filter.To} {
		if !t.IsZero() {
			name += "-" + t.UTC().Format(time.DateOnly)
		}
	}
	kind := "attachment"
	if ask.format.paged {
		kind = "inline"
	}
	return kind + `; filename="` + name + "." + ask.format.name + `"`
}
