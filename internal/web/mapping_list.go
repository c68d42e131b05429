package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"skand/conversion"
	"skand/internal/store"
	"skand/schema/format"
)

// historyLine is a version that is or was in force.
type historyLine struct {
	Version       int       `json:"version"`
	EffectiveFrom time.Time `json:"effective_from"`
	AdoptedBy     time.Time `json:"adopted_by"`
	PublishedAt   time.Time `json:"published_at"`
	URL           string    `json:"url"`
}

// historyPage is a page of the store's list.
type historyPage struct {
	versions []store.Mapping
	more     bool
}

// serveHistory lists the versions, newest first, each with the address of its
// document in the format that was asked for.
func (m *Mappings) serveHistory(w http.ResponseWriter, r *http.Request, appID int64) {
	cursor, limit, _, ok := paging(w, r, "format")
	if !ok {
		return
	}
	as, _, ok := mappingAsked(w, r.URL.Query())
	if !ok {
		return
	}
	before := 0
	if cursor != "" {
		n, err := strconv.Atoi(cursor)
		if err != nil || n < 1 || n > maxVersion {
			problem(w, http.StatusBadRequest, "bad_cursor", "this cursor is not one of this list; begin without one", "cursor")
			return
		}
		before = n
	}
	key := fmt.Sprintf("history/%d/%d/%d", appID, before, limit)
	page, err := shared(r.Context(), m, key, func(ctx context.Context) (historyPage, error) {
		versions, more, err := m.from.MappingHistory(ctx, appID, m.now(), before, limit)
		return historyPage{versions, more}, err
	})
	if err == nil && len(page.versions) == 0 {
		err = store.ErrNoMapping
	}
	if err != nil {
		m.refuse(w, r, err)
		return
	}
	m.answer(w, r, historyOf(page, appID, as), page.versions[0])
}

func historyOf(page historyPage, appID int64, as string) any {
	out := struct {
		Data []historyLine `json:"data"`
		Next *string       `json:"next_cursor"`
	}{}
	for _, v := range page.versions {
		q := url.Values{"version": {strconv.Itoa(v.Version)}}
		if as != nativeFormat {
			q.Set("format", as)
		}
		out.Data = append(out.Data, historyLine{
			Version: v.Version, EffectiveFrom: v.EffectiveFrom, AdoptedBy: conversion.AdoptedBy(v.EffectiveFrom), PublishedAt: v.PublishedAt,
			URL: fmt.Sprintf("/v1/apps/%d/schema?%s", appID, q.Encode()),
		})
	}
	if page.more {
		next := strconv.Itoa(page.versions[len(page.versions)-1].Version)
		out.Next = &next
	}
	return out
}

// serveLost lists what Skand-Lost counts.
func (m *Mappings) serveLost(w http.ResponseWriter, r *http.Request, appID int64) {
	q, ok := query(w, r, "format", "version")
	if !ok {
		return
	}
	as, version, ok := mappingAsked(w, q)
	if !ok {
		return
	}
	got, err := m.fetch(r.Context(), appID, version, as)
	if err != nil {
		m.refuse(w, r, err)
		return
	}
	lost := append([]format.Loss{}, got.lost...) // [] where nothing is
	m.answer(w, r, map[string]any{"version": got.Version, "format": as, "lost": lost}, got.Mapping)
}

// answer writes a small JSON value that holds as long as the mapping in force.
func (m *Mappings) answer(w http.ResponseWriter, r *http.Request, v any, newest store.Mapping) {
	body, err := json.Marshal(v)
	if err != nil {
		m.refuse(w, r, err)
		return
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", "application/json")
	serveFresh(w, r, body, etagOf(strconv.Itoa(newest.Version), body), modified(newest), freshFor(m.now(), newest.Next))
}
