package store

import (
	"context"
	"fmt"
	"time"

	"skand/conversion"
	"skand/internal/apply"
	"skand/schema"
)

// SchemaPreview is what a publication would do.
type SchemaPreview struct {
	Version       int                 `json:"version"` // the number that it would get
	EffectiveFrom time.Time           `json:"effective_from"`
	Effects       []conversion.Effect `json:"effects"`
	Against       int                 `json:"against"` // the newest version; 0: there is none
	Changes       []schema.Change     `json:"changes"` // from that version
	Warnings      []schema.Finding    `json:"warnings"`
}

// PreviewDraft tells what PublishDraft would do now, and does nothing. It returns the
// same errors.
func (s *Store) PreviewDraft(ctx context.Context, appID int64, id string, match Match, from *time.Time) (SchemaPreview, error) {
	var out SchemaPreview
	err := s.main.in(ctx, func(t *tx) error {
		app, err := readApp(ctx, t, appID, "")
		if err != nil {
			return err
		}
		d, err := readDraft(ctx, t, app, id, "")
		switch {
		case err != nil:
			return err
		case !match.fits(d.Revision):
			return &StaleDraft{d}
		case !d.Report.OK:
			return &InvalidSchema{*d.Report}
		}
		out, err = preview(ctx, t, newVersion{appID: appID, document: d.Table, from: from}, s.clock.Now())
		out.Warnings = d.Report.Warnings
		return err
	})
	return out, err
}

// PreviewRollBack tells what RollBack would do now, and does nothing. It returns the
// same errors.
func (s *Store) PreviewRollBack(ctx context.Context, appID int64, version int, from *time.Time) (SchemaPreview, error) {
	var out SchemaPreview
	err := s.main.in(ctx, func(t *tx) error {
		app, err := readApp(ctx, t, appID, "")
		if err != nil {
			return err
		}
		doc, err := rollBackDocument(ctx, t, app, version)
		if err != nil {
			return err
		}
		out, err = preview(ctx, t, newVersion{appID: appID, document: doc, from: from}, s.clock.Now())
		return err
	})
	return out, err
}

// rollBackDocument reads a version that is to be published once more.
func rollBackDocument(ctx context.Context, from reader, app *apply.App, version int) (*schema.Document, error) {
	old, err := readVersion(ctx, from, app.AppID, version)
	if err != nil {
		return nil, err
	}
	doc, err := schema.Parse(old.Document)
	if err != nil {
		return nil, fmt.Errorf("read version %d of app %d: %w", version, app.AppID, err)
	}
	if found := app.Misfits(doc); len(found) > 0 {
		return nil, &InvalidSchema{schema.Report{Errors: found, Warnings: []schema.Finding{}}}
	}
	return doc, nil
}

// preview is publish without its writes.
func preview(ctx context.Context, t *tx, n newVersion, now time.Time) (SchemaPreview, error) {
	versions, err := schemaVersions(ctx, t, n.appID)
	if err != nil {
		return SchemaPreview{}, err
	}
	from, err := effectiveFrom(versions, n, now)
	if err != nil {
		return SchemaPreview{}, err
	}
	p := SchemaPreview{
		Version: 1, EffectiveFrom: from, Changes: []schema.Change{}, Warnings: []schema.Finding{},
		Effects: conversion.Effects(versions, conversion.SchemaVersion{EffectiveFrom: from, Document: n.document}),
	}
	if len(versions) > 0 {
		newest := versions[len(versions)-1]
		p.Against, p.Version = newest.Version, newest.Version+1
		p.Changes = schema.Diff(newest.Document, n.document).Changes
	}
	return p, nil
}
