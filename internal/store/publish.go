package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// table gives a published table its schema: bi on PostgreSQL.
func (d *db) table(name string) string {
	if d.dialect == postgres {
		return "bi." + name
	}
	return name
}

// byBytes orders a text column as SQLite and the ledger do, whatever the language
// of a PostgreSQL database: the same rows have one order everywhere.
func (d *db) byBytes(column string) string {
	if d.dialect == postgres {
		return column + ` COLLATE "C"`
	}
	return column
}

// publishedTime is how a published time is written as text.
const publishedTime = "2006-01-02T15:04:05Z"

// stamp is a published time: a timestamp on PostgreSQL, ISO 8601 text on SQLite
// (which sorts as time does).
func (d *db) stamp(t time.Time) any {
	if d.dialect == postgres {
		return t.UTC()
	}
	return t.UTC().Format(publishedTime)
}

const insertPublicReleaseSQL = `
INSERT INTO %s (release_id, app_id, dataset, sequence_index, conversion_kind, environment, kind, state,
  window_start, window_end, k, b, schema_versions, model_version, lab, sealed_at)
VALUES (:release_id, :app_id, :dataset, :sequence_index, :conversion_kind, :environment, :kind, :state,
  :window_start, :window_end, :k, :b, :schema_versions, :model_version, :lab, :sealed_at)
ON CONFLICT DO NOTHING RETURNING release_id`

const insertCohortSQL = `
INSERT INTO %s (release_id, row_id, app_id, sequence_index, conversion_kind, environment, window_start, window_end,
  install_from, install_to, network_id, id_kind, source_2, source_3, source_4, level, installs,
  null_installs, unset_installs, unmapped_installs, coarse_low, coarse_medium, coarse_high, fine_installs,
  payers, revenue_min, revenue_est, revenue_max, currency, redownloads, schema_versions)
VALUES (:release_id, :row_id, :app_id, :sequence_index, :conversion_kind, :environment, :window_start, :window_end,
  :install_from, :install_to, :network_id, :id_kind, :source_2, :source_3, :source_4, :level, :installs,
  :null_installs, :unset_installs, :unmapped_installs, :coarse_low, :coarse_medium, :coarse_high, :fine_installs,
  :payers, :revenue_min, :revenue_est, :revenue_max, :currency, :redownloads, :schema_versions)`

// Publish implements aggregate.PublishedStore.
func (s *Store) Publish(ctx context.Context, r aggregate.Release) error {
	return s.pub.in(ctx, func(t *tx) error {
		fresh, err := insertPublicRelease(ctx, t, s.pub, r)
		if err != nil || !fresh {
			return err
		}
		if r.Kind == aggregate.ReleaseModel {
			return insertModel(ctx, t, s.pub, r)
		}
		switch r.View {
		case aggregate.ViewCombined:
			return insertCombined(ctx, t, s.pub, r)
		case aggregate.ViewDeterministic:
			return errors.Join(insertDeterministic(ctx, t, s.pub, r), insertFunnels(ctx, t, s.pub, r))
		}
		for _, row := range r.Rows {
			if err := insertCohort(ctx, t, s.pub, r, row); err != nil {
				return err
			}
		}
		if err := insertFunnels(ctx, t, s.pub, r); err != nil {
			return err
		}
		if err := insertMeasures(ctx, t, s.pub, r); err != nil {
			return err
		}
		return packRelease(ctx, t, s.pub, r.ID)
	})
}

func insertPublicRelease(ctx context.Context, t *tx, d *db, r aggregate.Release) (bool, error) {
	text, args, err := sqlx.Named(fmt.Sprintf(insertPublicReleaseSQL, d.table("release")), map[string]any{
		"release_id": r.ID, "app_id": r.Dataset.AppID, "dataset": r.Dataset.String(),
		"sequence_index": r.Dataset.SequenceIndex, "conversion_kind": r.Dataset.Kind,
		"environment": r.Dataset.Environment, "kind": r.Kind, "state": aggregate.StatePublished,
		"window_start": d.stamp(r.WindowStart), "window_end": d.stamp(r.Window.End), "k": r.K, "b": r.B,
		"schema_versions": versionList(r.SchemaVersions), "model_version": r.ModelVersion, "lab": r.Lab,
		"sealed_at": d.stamp(r.SealedAt),
	})
	if err != nil {
		return false, fmt.Errorf("publish %s: %w", r.ID, err)
	}
	var id string
	err = t.GetContext(ctx, &id, t.q(text), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("publish %s: %w", r.ID, err)
	}
	return true, nil
}

func insertCohort(ctx context.Context, t *tx, d *db, r aggregate.Release, row aggregate.Row) error {
	from, to := aggregate.InstallBounds(r.Dataset.SequenceIndex, row.IDKind,
		aggregate.Window{Start: r.WindowStart, End: r.Window.End})
	_, err := sqlx.NamedExecContext(ctx, t, fmt.Sprintf(insertCohortSQL, d.table("cohort")), map[string]any{
		"release_id": r.ID, "row_id": r.ID + "/" + row.Key(), "app_id": r.Dataset.AppID,
		"sequence_index": r.Dataset.SequenceIndex, "conversion_kind": r.Dataset.Kind,
		"environment": r.Dataset.Environment, "window_start": d.stamp(r.WindowStart), "window_end": d.stamp(r.Window.End),
		"install_from": d.stamp(from), "install_to": d.stamp(to), "network_id": null(row.NetworkID),
		"id_kind": null(row.IDKind), "source_2": null(row.Source2), "source_3": null(row.Source3),
		"source_4": null(row.Source4), "level": row.Level, "installs": row.Installs,
		"null_installs": row.NullInstalls, "unset_installs": row.UnsetInstalls, "unmapped_installs": row.UnmappedInstalls,
		"coarse_low": row.CoarseLow, "coarse_medium": row.CoarseMedium, "coarse_high": row.CoarseHigh,
		"fine_installs": row.FineInstalls, "payers": row.Payers,
		"revenue_min": row.RevenueMin, "revenue_est": row.RevenueEst, "revenue_max": row.RevenueMax,
		"currency": r.Settings.Currency, "redownloads": row.Redownloads, "schema_versions": versionList(row.SchemaVersions),
	})
	if err != nil {
		return fmt.Errorf("publish row %s: %w", row.Key(), err)
	}
	return nil
}

func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func versionList(versions []int) string {
	parts := make([]string, len(versions))
	for i, v := range versions {
		parts[i] = strconv.Itoa(v)
	}
	return strings.Join(parts, ",")
}
