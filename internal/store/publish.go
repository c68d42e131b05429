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
	"github.com/shopspring/decimal"

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

// stamp is a published time: a timestamp on PostgreSQL, ISO 8601 text on SQLite
// (which sorts as time does).
func (d *db) stamp(t time.Time) any {
	if d.dialect == postgres {
		return t.UTC()
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
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
		for _, row := range r.Rows {
			if err := insertCohort(ctx, t, s.pub, r, row); err != nil {
				return err
			}
		}
		return nil
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

// Cohort is one published row as readers see it. Withheld is nil, never 0.
type Cohort struct {
	ReleaseID      string           `db:"release_id" json:"release_id"`
	RowID          string           `db:"row_id" json:"row_id"`
	AppID          int64            `db:"app_id" json:"app_id"`
	SequenceIndex  int              `db:"sequence_index" json:"sequence_index"`
	ConversionKind string           `db:"conversion_kind" json:"conversion_kind"`
	Environment    string           `db:"environment" json:"environment"`
	WindowStart    Stamp            `db:"window_start" json:"window_start"`
	WindowEnd      Stamp            `db:"window_end" json:"window_end"`
	InstallFrom    Stamp            `db:"install_from" json:"install_from"`
	InstallTo      Stamp            `db:"install_to" json:"install_to"`
	NetworkID      *string          `db:"network_id" json:"network_id"`
	IDKind         *string          `db:"id_kind" json:"id_kind"`
	Source2        *string          `db:"source_2" json:"source_2"`
	Source3        *string          `db:"source_3" json:"source_3"`
	Source4        *string          `db:"source_4" json:"source_4"`
	Level          string           `db:"level" json:"level"`
	Installs       int64            `db:"installs" json:"installs"`
	Null           *int64           `db:"null_installs" json:"null_installs"`
	Unset          *int64           `db:"unset_installs" json:"unset_installs"`
	Unmapped       *int64           `db:"unmapped_installs" json:"unmapped_installs"`
	CoarseLow      *int64           `db:"coarse_low" json:"coarse_low"`
	CoarseMedium   *int64           `db:"coarse_medium" json:"coarse_medium"`
	CoarseHigh     *int64           `db:"coarse_high" json:"coarse_high"`
	Fine           *int64           `db:"fine_installs" json:"fine_installs"`
	Payers         *int64           `db:"payers" json:"payers"`
	RevenueMin     *decimal.Decimal `db:"revenue_min" json:"revenue_min"`
	RevenueEst     *decimal.Decimal `db:"revenue_est" json:"revenue_est"`
	RevenueMax     *decimal.Decimal `db:"revenue_max" json:"revenue_max"`
	Currency       string           `db:"currency" json:"currency"`
	Redownloads    *int64           `db:"redownloads" json:"redownloads"`
	SchemaVersions string           `db:"schema_versions" json:"schema_versions"`
}

// CohortFilter selects published rows; zero members select everything.
type CohortFilter struct {
	AppID       int64
	From, To    time.Time // of window_start, To excluded
	Index       *int
	Kind        string
	Environment string
	Level       string
	NetworkID   string
}

// Cohorts streams published rows in the order of window, release and row. It reads
// the published store and nothing else.
func (s *Store) Cohorts(ctx context.Context, f CohortFilter, each func(*Cohort) error) error {
	where, args := f.where(s.pub)
	text := `SELECT release_id, row_id, app_id, sequence_index, conversion_kind, environment, window_start, window_end,
		install_from, install_to, network_id, id_kind, source_2, source_3, source_4, level, installs, null_installs,
		unset_installs, unmapped_installs, coarse_low, coarse_medium, coarse_high, fine_installs, payers,
		revenue_min, revenue_est, revenue_max, currency, redownloads, schema_versions
		FROM ` + s.pub.table("cohort") + where +
		` ORDER BY window_start, ` + s.pub.byBytes("release_id") + `, ` + s.pub.byBytes("row_id")
	rows, err := s.pub.r.QueryxContext(ctx, s.pub.q(text), args...)
	if err != nil {
		return fmt.Errorf("query cohorts: %w", err)
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	for rows.Next() {
		var c Cohort
		if err := rows.StructScan(&c); err != nil {
			return fmt.Errorf("read cohort: %w", err)
		}
		if err := each(&c); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read cohorts: %w", err)
	}
	return nil
}

func (f CohortFilter) where(d *db) (string, []any) {
	var parts []string
	var args []any
	add := func(cond string, v any) {
		parts = append(parts, cond)
		args = append(args, v)
	}
	if f.AppID != 0 {
		add("app_id = ?", f.AppID)
	}
	if !f.From.IsZero() {
		add("window_start >= ?", d.stamp(f.From))
	}
	if !f.To.IsZero() {
		add("window_start < ?", d.stamp(f.To))
	}
	if f.Index != nil {
		add("sequence_index = ?", *f.Index)
	}
	for _, e := range []struct{ column, value string }{
		{"conversion_kind", f.Kind}, {"environment", f.Environment}, {"level", f.Level}, {"network_id", f.NetworkID},
	} {
		if e.value != "" {
			add(e.column+" = ?", e.value)
		}
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}
