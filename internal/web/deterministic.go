package web

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
)

// consentedAt says which published table a path answers with.
var consentedAt = map[string]string{
	"/v1/deterministic":        "deterministic_cohort",
	"/v1/deterministic/events": "deterministic_event",
	"/v1/funnel":               "funnel",
	"/v1/combined":             "combined",
}

// deterministic serves the published tables of the consented side and of both sides, whole,
// in the four formats of cohorts: they hold some lines a week, so no answer has pages.
func (a *Admin) deterministic(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	name := consentedAt[r.URL.Path]
	table := store.ConsentedTables[slices.IndexFunc(store.ConsentedTables, func(t store.ConsentedTable) bool { return t.Name == name })]
	ask, ok := consentedAsked(w, r)
	if !ok {
		return
	}
	look, err := a.Reader.LookAtCohorts(r.Context(), ask.filter)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	defer func() { _ = look.Close() }() // nothing was written that could be lost
	seen, err := consentedLedger(r.Context(), look, table, ask)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	seen.headers(w.Header(), ask)
	if noneMatch(r.Header.Get("If-None-Match"), seen.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", ask.format.contentType)
	w.Header().Set("Content-Disposition", strings.Replace(ask.disposition(), "cohorts", name, 1))
	if r.Method == http.MethodHead {
		return
	}
	out := &stream{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 32<<10)
	err = writeConsented(r.Context(), look, table, ask.format.writer(buffer, seen))
	if err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		a.brokenOff(w, r, out, err)
	}
}

// brokenOff answers where nothing was written yet; else it breaks the connection, for
// half a table must not look like a whole one.
func (a *Admin) brokenOff(w http.ResponseWriter, r *http.Request, out *stream, err error) {
	if out.began {
		if r.Context().Err() == nil {
			a.Log.ErrorContext(r.Context(), "answer broken off", "path", r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	clear(w.Header())
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if errors.Is(err, errNotExact) {
		problem(w, http.StatusUnprocessableEntity, "not_exact", err.Error(), "format")
		return
	}
	a.failed(w, r, err)
}

func writeConsented(ctx context.Context, look *store.CohortLook, t store.ConsentedTable, out rowWriter) error {
	if err := out.begin(t.Columns); err != nil {
		return err
	}
	if err := look.Consented(ctx, t, out.row); err != nil {
		return err
	}
	return out.end("", func(each func(*store.Release) error) error { return look.ConsentedReleases(ctx, t, each) })
}

// consentedAsked reads app, from, to, network and format as cohorts do.
func consentedAsked(w http.ResponseWriter, r *http.Request) (*cohortAsk, bool) {
	q, ok := query(w, r, "app", "from", "to", "network", "format")
	if !ok {
		return nil, false
	}
	ask := &cohortAsk{}
	if field, err := ask.readFilter(q); err != nil {
		problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), field)
		return nil, false
	}
	return ask, ask.readFormat(w, r, q)
}

func consentedLedger(ctx context.Context, look *store.CohortLook, t store.ConsentedTable, ask *cohortAsk) (*ledger, error) {
	seen, hash := &ledger{}, sha256.New()
	f := ask.filter
	// hash.Write never fails.
	_, _ = fmt.Fprintf(hash, "%s %s %v %d %d %d %q %q\n", cohortShape, t.Name, t.Columns, f.AppID, f.From.UnixMilli(), f.To.UnixMilli(), f.NetworkID, ask.format.name)
	err := look.ConsentedReleases(ctx, t, func(r *store.Release) error {
		seen.releases++
		seen.lab = seen.lab || r.Lab
		if time.Time(r.SealedAt).After(time.Time(seen.sealedAt)) {
			seen.sealedAt = r.SealedAt
		}
		_, _ = hash.Write([]byte(r.ID + "\n"))
		return nil
	})
	seen.etag = `"` + hex.EncodeToString(hash.Sum(nil)[:12]) + `"`
	return seen, err
}
