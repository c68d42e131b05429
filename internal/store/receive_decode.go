package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"skand/conversion"
	"skand/skan"
)

// freshSchemas is how long the receiver believes what it knows of an app's schemas.
// It need not be the newest: a version that took effect since can't have been on the
// phone behind an arrival before a day has passed (conversion.Bind). Only the very
// first version counts for what came before it, and undecodeEarly sees to that.
const (
	freshSchemas = time.Minute
	maxSchemas   = 1024 // apps to remember
)

// schemaMemory remembers the published versions of the apps that postbacks name.
type schemaMemory struct {
	mu   sync.Mutex
	apps map[int64]rememberedSchemas
}

type rememberedSchemas struct {
	versions []conversion.SchemaVersion
	read     time.Time
}

func (m *schemaMemory) get(appID int64, now time.Time) ([]conversion.SchemaVersion, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.apps[appID]
	age := now.Sub(r.read)
	if !ok || age < 0 || age > freshSchemas {
		return nil, false
	}
	return r.versions, true
}

func (m *schemaMemory) put(appID int64, versions []conversion.SchemaVersion, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.apps == nil || len(m.apps) >= maxSchemas {
		m.apps = map[int64]rememberedSchemas{}
	}
	m.apps[appID] = rememberedSchemas{versions, now}
}

// decodesAtReceipt says for which copies the receiver need not leave the decoding to
// its job: the row is written once instead of twice. Not for archives, whose
// arrivals may lie anywhere, not for what a development key signed, whose version
// is the one of this very moment, and not for what was relayed: how late that may be
// is a setting of the relay's, which the job reads as it is.
func decodesAtReceipt(c *conversion.Copy) bool {
	return c.Result.Verdict == skan.Valid && !c.Archived && !c.Replayed && c.Source != conversion.Relay
}

// schemasOf reads the schemas of the apps that a batch names. An app whose schemas
// can't be read now is left out: its rows wait for the job.
func (s *Store) schemasOf(ctx context.Context, copies []conversion.Copy, now time.Time) map[int64][]conversion.SchemaVersion {
	found := map[int64][]conversion.SchemaVersion{}
	for i := range copies {
		c := &copies[i]
		id := c.AppID()
		if _, known := found[id]; known || !decodesAtReceipt(c) {
			continue
		}
		versions, ok := s.schemas.get(id, now)
		if !ok {
			var err error
			versions, err = schemaVersions(ctx, s.main.r, id)
			if err != nil {
				continue
			}
			s.schemas.put(id, versions, now)
		}
		found[id] = versions
	}
	return found
}

// pendingOf is the row of an identity as the decoding job would find it.
func pendingOf(k identityKey, h *held) *conversion.Pending {
	p := h.copy.Result.Postback
	idKind, id := conversion.Identifier(p)
	return &conversion.Pending{
		AppID: k.appID, Environment: k.environment, Identity: []byte(k.hash), FirstSeen: at(h.seen), CopyID: h.copy.ID,
		Framework: p.Framework, Version: p.Version, Index: p.SequenceIndex, Kind: conversion.KindOf(p), IDKind: idKind,
		SourceID: id, Fine: h.values.Fine, Coarse: h.values.Coarse, ReceivedAt: h.copy.ReceivedAt,
		Source: h.source, NetworkID: p.NetworkKey(),
	}
}

// decodedNow gives the last columns of a counted row, from decoded_at on.
func (b *batch) decodedNow(k identityKey, h *held) []any {
	versions, known := b.schemas[k.appID]
	if !known || !decodesAtReceipt(h.copy) {
		return []any{nil, "", "", "", int64(0), false, "0", "0", nil, nil, nil, nil}
	}
	d := conversion.Decode(pendingOf(k, h), versions, b.now)
	var most any // an open band: there is none
	if d.RevenueMax != nil {
		most = d.RevenueMax.String()
	}
	return []any{
		ms(d.DecodedAt), d.ValueKind, string(d.State), strings.Join(d.Flags, " "), int64(d.SchemaVersion), d.Payer,
		d.RevenueMin.String(), d.RevenueEst.String(), most, ms(d.Launch.Point), ms(d.Launch.From), ms(d.Launch.To),
	}
}

// justPublished is longer than a receiver can go on without knowing of a first
// version: what it remembers, and its longest commit.
const justPublished = 10 * time.Minute

// UndecodeEarly implements conversion.DecodeStore.
func (s *Store) UndecodeEarly(ctx context.Context) error {
	return s.main.in(ctx, func(t *tx) error {
		var apps []int64
		const text = `SELECT app_id FROM schema_version WHERE version = 1 AND published_at > ? ORDER BY app_id`
		err := t.SelectContext(ctx, &apps, t.q(text), ms(s.clock.Now().Add(-justPublished)))
		if err != nil {
			return fmt.Errorf("list new schemas: %w", err)
		}
		for _, id := range apps {
			if _, err := t.ExecContext(ctx, t.q(undecodeSQL), id); err != nil {
				return fmt.Errorf("decode early postbacks of app %d: %w", id, err)
			}
		}
		return nil
	})
}
