package web

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"skand/aggregate"
	"skand/internal/auth"
	"skand/internal/store"
)

// modeledAsk is what a reader asked of the model.
type modeledAsk struct {
	cohortAsk
	name          string // of the file
	pick          store.ModeledPick
	level, period string // of roll-ups; "": rows
	columns       []store.Column
	stream        func(ctx context.Context, look *store.CohortLook, skip, limit int, each func([]any) error) error
	from          func(ctx context.Context, look *store.CohortLook, each func(*store.Release) error) error
}

var modelMetrics = []string{aggregate.MetricNamePayers, aggregate.MetricNameRevenue, aggregate.MetricNameEvent}

// modeled serves modelled numbers: of published rows, or of the roll-ups that were
// published beside them. It adds nothing up, for bounds do not add.
func (a *Admin) modeled(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app", "from", "to", "dataset", "level", "network", "group", "metric", "event", "format", "cursor", "limit")
	if !ok {
		return
	}
	ask := &modeledAsk{name: "modeled"}
	ask.cursor, ask.skips = q.Get("cursor"), true
	for _, read := range []func(url.Values) (string, error){ask.readFilter, ask.readPick, ask.readGroup, ask.readRollup} {
		if field, err := read(q); err != nil {
			badParameter(w, field, err)
			return
		}
	}
	if ask.readFormat(w, r, q) && ask.readsPage(w, q) {
		a.answerModeled(w, r, ask)
	}
}

// modelChecks serves the back-tests that were published beside modelled numbers.
func (a *Admin) modelChecks(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "app", "from", "to", "dataset", "level", "metric", "event", "format", "cursor", "limit")
	if !ok {
		return
	}
	ask := &modeledAsk{name: "model-check", columns: store.ModelCheckTable()}
	ask.cursor, ask.skips = q.Get("cursor"), true
	level := q.Get("level")
	if known := []string{"cell", "campaign", "network"}; level != "" && !slices.Contains(known, level) {
		badParameter(w, "level", fmt.Errorf("want one of %s, got %q", strings.Join(known, ", "), level))
		return
	}
	q.Del("level")
	for _, read := range []func(url.Values) (string, error){ask.readFilter, ask.readPick} {
		if field, err := read(q); err != nil {
			badParameter(w, field, err)
			return
		}
	}
	ask.filter.Level = level
	ask.stream = func(ctx context.Context, look *store.CohortLook, skip, limit int, each func([]any) error) error {
		return look.ModelChecks(ctx, ask.pick, skip, limit, each)
	}
	ask.from = func(ctx context.Context, look *store.CohortLook, each func(*store.Release) error) error {
		return look.ModelReleases(ctx, each)
	}
	if ask.readFormat(w, r, q) && ask.readsPage(w, q) {
		a.answerModeled(w, r, ask)
	}
}

func (ask *modeledAsk) readPick(q url.Values) (field string, err error) {
	ask.pick = store.ModeledPick{Metric: q.Get("metric"), EventName: q.Get("event")}
	switch {
	case q.Has("metric") && !slices.Contains(modelMetrics, ask.pick.Metric):
		return "metric", fmt.Errorf("want one of %s, got %q", strings.Join(modelMetrics, ", "), ask.pick.Metric)
	case strings.ContainsRune(ask.pick.EventName, 0) || q.Has("event") && ask.pick.EventName == "":
		return "event", fmt.Errorf("want the name of an event, got %q", ask.pick.EventName)
	case q.Has("event") && q.Has("metric") && ask.pick.Metric != aggregate.MetricNameEvent:
		return "event", fmt.Errorf("has no number of metric %s; leave one of them out", ask.pick.Metric)
	}
	return "", nil
}

// readRollup decides between rows and roll-ups.
func (ask *modeledAsk) readRollup(url.Values) (field string, err error) {
	if ask.group == nil {
		ask.columns = store.ModeledTable()
		ask.stream = func(ctx context.Context, look *store.CohortLook, skip, limit int, each func([]any) error) error {
			return look.Modeled(ctx, ask.pick, skip, limit, each)
		}
		ask.from = func(ctx context.Context, look *store.CohortLook, each func(*store.Release) error) error {
			return look.ModelReleases(ctx, each)
		}
		return "", nil
	}
	if ask.level, ask.period, err = ask.group.RollupLevel(); err != nil {
		return "group", fmt.Errorf("%w: %w", errDoesNotAdd, err)
	}
	switch {
	case ask.filter.Level != "":
		return "level", fmt.Errorf("%w: roll-ups have the level of their group; leave it out", errDoesNotAdd)
	case ask.filter.NetworkID != "" && ask.level == aggregate.RollupApp:
		return "network", fmt.Errorf("%w: the roll-ups of one network are with group=network; add it", errDoesNotAdd)
	}
	ask.columns = store.RollupTable()
	ask.stream = func(ctx context.Context, look *store.CohortLook, skip, limit int, each func([]any) error) error {
		return look.Rollups(ctx, ask.level, ask.period, ask.pick, skip, limit, each)
	}
	ask.from = func(ctx context.Context, look *store.CohortLook, each func(*store.Release) error) error {
		return look.RollupReleases(ctx, ask.level, ask.period, ask.pick, each)
	}
	return "", nil
}

// answerModeled streams an answer as cohorts are streamed.
func (a *Admin) answerModeled(w http.ResponseWriter, r *http.Request, ask *modeledAsk) {
	look, err := a.Reader.LookAtCohorts(r.Context(), ask.filter)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	defer func() { _ = look.Close() }() // nothing was written that could be lost
	seen, err := ask.ledger(r.Context(), look)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	if ask.skip, err = seen.skip(&ask.cohortAsk); err != nil {
		problem(w, http.StatusBadRequest, "bad_cursor", "this cursor is not one of this list, or the list has grown since; begin without one", "cursor")
		return
	}
	seen.headers(w.Header(), &ask.cohortAsk)
	if noneMatch(r.Header.Get("If-None-Match"), seen.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", ask.format.contentType)
	w.Header().Set("Content-Disposition", strings.Replace(ask.disposition(), "cohorts", ask.name, 1))
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

func (ask *modeledAsk) write(ctx context.Context, look *store.CohortLook, seen *ledger, out rowWriter) error {
	if err := out.begin(ask.columns); err != nil {
		return err
	}
	limit, n := ask.limit, 0
	if ask.format.paged {
		limit++ // one more says that there is a next page
	}
	err := ask.stream(ctx, look, ask.skip, limit, func(row []any) error {
		if n++; n > ask.limit && ask.format.paged {
			return nil
		}
		return out.row(row)
	})
	if err != nil {
		return err
	}
	next := ""
	if ask.format.paged && n > ask.limit {
		next = seen.cursor(ask.skip + ask.limit)
	}
	return out.end(next, func(each func(*store.Release) error) error { return ask.from(ctx, look, each) })
}

// ledger reads the releases of the model that the answer is from, and names it.
func (ask *modeledAsk) ledger(ctx context.Context, look *store.CohortLook) (*ledger, error) {
	seen, hash := &ledger{}, sha256.New()
	f := ask.filter
	index := -1
	if f.Index != nil {
		index = *f.Index
	}
	// hash.Write never fails.
	_, _ = fmt.Fprintf(hash, "%s %s %v %d %d %d %d %q %q %q %q %q %v\n", cohortShape, ask.name, ask.columns, f.AppID, f.From.UnixMilli(), f.To.UnixMilli(),
		index, f.Kind, f.Environment, f.Level, f.NetworkID, []string(ask.group), ask.pick)
	err := ask.from(ctx, look, func(r *store.Release) error {
		seen.releases++
		seen.lab = seen.lab || r.Lab
		if time.Time(r.SealedAt).After(time.Time(seen.sealedAt)) {
			seen.sealedAt = r.SealedAt
		}
		_, _ = hash.Write([]byte(r.ID + "\n"))
		return nil
	})
	seen.name(hash.Sum(nil), &ask.cohortAsk)
	return seen, err
}
