package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"skand/aggregate"
	"skand/schema"
)

const ledgerLineSQL = `SELECT state, release FROM release_ledger WHERE release_id = ?`

// Base implements aggregate.RedecodeStore.
func (s *Store) Base(ctx context.Context, releaseID string) (aggregate.Release, error) {
	if !fitsText(releaseID) {
		return aggregate.Release{}, aggregate.NoSuchRelease(releaseID)
	}
	var line struct {
		State   string `db:"state"`
		Release string `db:"release"`
	}
	err := getRow(ctx, s.main.r, &line, ledgerLineSQL, releaseID)
	if errors.Is(err, sql.ErrNoRows) {
		return aggregate.Release{}, aggregate.NoSuchRelease(releaseID)
	}
	if err != nil {
		return aggregate.Release{}, fmt.Errorf("read release %s of the ledger: %w", releaseID, err)
	}
	var r aggregate.Release
	if err := json.Unmarshal([]byte(line.Release), &r); err != nil {
		return r, fmt.Errorf("read release %s of the ledger: %w", releaseID, err)
	}
	r.State = line.State
	if r.State != aggregate.StatePublished || r.Kind != aggregate.ReleaseBase || r.View != aggregate.ViewCohort {
		return r, nil // a line that is refused needs nothing of what it published
	}
	return r, s.readPublished(ctx, &r)
}

// Decodes implements aggregate.RedecodeStore. Which versions may have decoded the base
// is asked of the same function that the seal asks.
func (s *Store) Decodes(ctx context.Context, base aggregate.Release, version int) (aggregate.Decodes, error) {
	var d aggregate.Decodes
	versions, err := schemaVersions(ctx, s.main.r, base.Dataset.AppID)
	if err != nil {
		return d, err
	}
	var to *schema.Document
	for _, v := range versions {
		m := aggregate.MeaningOf(v.Version, v.Document, base.Dataset)
		if v.Version == version {
			to, d.New = v.Document, m
		}
		if mayHaveDecoded(v, base.Window.End) && len(m.Values) > 0 {
			d.Old = append(d.Old, m)
		}
	}
	if to == nil {
		return d, aggregate.NoSuchVersion(base.ID, version)
	}
	d.Currency = to.Currency
	return d, nil
}

// PrepareRedecode implements aggregate.RedecodeStore.
func (s *Store) PrepareRedecode(ctx context.Context, r aggregate.Release) error {
	return s.main.in(ctx, func(t *tx) error {
		if err := insertRelease(ctx, t, r); err != nil {
			return err
		}
		if err := s.enqueueRelease(ctx, t, r); err != nil {
			return err
		}
		return audit(ctx, t, actor(ctx, "redecode"), s.clock.Now(), act{
			ActRedecode, r.Dataset.AppID, "release " + r.ID, map[string]any{"schema_versions": r.SchemaVersions},
		})
	})
}
