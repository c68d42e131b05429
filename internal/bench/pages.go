package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/jobs"
	"skand/internal/store"
	"skand/internal/web"
)

const (
	maxPageP50   = 150 * time.Millisecond
	maxPageBytes = 100 << 10
)

// pages measures what a reader waits for each page, on the store that the cohort rows are
// measured on, and how many bytes it is, packed.
func (b *bench) pages(ctx context.Context) (err error) {
	d, err := b.disk(ctx, sqlite, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	s, err := d.stocked(ctx, "pages", longAgo)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.publishYears(ctx, min(b.sizes.CohortApps, 4), b.sizes.CohortRows); err != nil {
		return err
	}
	if err := s.packed(ctx); err != nil {
		return err
	}
	now := clock.NewManual(longAgo.AddDate(0, 0, 7*cohortWeeks))
	plain, token, err := auth.New(auth.Token{Name: "bench", Role: auth.Operator, CreatedAt: now.Now(), CreatedBy: "bench"})
	if err != nil {
		return err
	}
	if err := s.CreateToken(ctx, token); err != nil {
		return err
	}
	described := &apply.Bundle{}
	for i := range min(b.sizes.CohortApps, 4) {
		described.Apps = append(described.Apps, apply.App{AppID: int64(firstApp + i), Name: fmt.Sprint("App ", i)})
	}
	if _, err := s.Apply(ctx, described, "bench", false); err != nil {
		return err
	}
	admin := pageServer(s.Store, now)
	for _, p := range []struct{ name, path string }{
		{"overview", "/"},
		{"cohorts", fmt.Sprintf("/cohorts?app=%d", firstApp)},
		{"campaigns", fmt.Sprintf("/cohorts?app=%d&level=campaign&from=%s&until=%s", firstApp, now.Now().AddDate(0, 0, -84).Format(time.DateOnly), now.Now().AddDate(0, 0, -1).Format(time.DateOnly))},
	} {
		var took, share []float64
		var size int
		for range b.sizes.Rounds * 4 {
			began := stopwatch()
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, p.path, nil)
			r.Header.Set("Authorization", "Bearer "+plain)
			r.Header.Set("Accept-Encoding", "gzip")
			admin.ServeHTTP(w, r)
			seconds := stopwatch().Sub(began).Seconds()
			if w.Code != http.StatusOK {
				return fmt.Errorf("page %s: answer %d", p.name, w.Code)
			}
			size = w.Body.Len()
			if z, err := gzip.NewReader(w.Body); err != nil {
				return fmt.Errorf("page %s: %w", p.name, err)
			} else if _, err := io.Copy(io.Discard, z); err != nil {
				return fmt.Errorf("page %s: %w", p.name, err)
			}
			took, share = append(took, seconds), append(share, seconds/maxPageP50.Seconds())
		}
		slices.Sort(took)
		b.report.add("pages."+p.name, share, millis(median(took)), millis(maxPageP50.Seconds()))
		b.report.add("pages."+p.name+".bytes", []float64{float64(size) / maxPageBytes}, fmt.Sprintf("%.1f KiB", float64(size)/1024), fmt.Sprintf("%d KiB", maxPageBytes>>10))
	}
	return nil
}

// stopwatch is the real time; now is the clock of the pages here.
func stopwatch() time.Time { return now() }

// pageServer is the admin listener as far as pages need it.
func pageServer(s *store.Store, now clock.Clock) http.Handler {
	log := slog.New(slog.DiscardHandler)
	return (&web.Admin{
		Reader: s, Health: s, Thresholds: forward.DefaultThresholds(), Now: now.Now, Log: log, Auth: &auth.Authenticator{Store: s, Clock: now},
		Jobs: jobs.NewRunner(jobs.Options{Clock: now, Leases: s, Log: s, Logger: log}), Metrics: http.NotFoundHandler(), Site: &web.Site{Arrivals: s},
	}).Handler()
}
