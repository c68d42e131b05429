package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// readPublished reads back what a release published, for the ledger keeps its line
// only. A release never changes, so the tables need not be read at one moment.
func (s *Store) readPublished(ctx context.Context, r *aggregate.Release) error {
	for _, read := range []func(context.Context, *aggregate.Release) error{
		s.readRows, s.readRemainders, s.readValues, s.readEvents,
	} {
		if err := read(ctx, r); err != nil {
			return fmt.Errorf("read back release %s: %w", r.ID, err)
		}
	}
	installs := 0
	for _, row := range r.Rows {
		installs += row.Installs
	}
	if installs != r.Installs {
		return fmt.Errorf("release %s has %d installs in the published store and %d in the ledger; is it the store that belongs to it?",
			r.ID, installs, r.Installs)
	}
	return nil
}

func (s *Store) selectOf(ctx context.Context, into any, columns, table, releaseID string) error {
	text := `SELECT ` + columns + ` FROM ` + s.pub.table(table) + ` WHERE release_id = ?`
	if err := s.pub.r.SelectContext(ctx, into, s.pub.q(text), releaseID); err != nil {
		return fmt.Errorf("read %s: %w", table, err)
	}
	return nil
}

// nullText is a column that may be NULL, which the domain writes as "".
type nullText struct{ sql.NullString }

type publishedRow struct {
	Network      nullText         `db:"network_id"`
	IDKind       nullText         `db:"id_kind"`
	Source2      nullText         `db:"source_2"`
	Source3      nullText         `db:"source_3"`
	Source4      nullText         `db:"source_4"`
	Level        string           `db:"level"`
	Installs     int              `db:"installs"`
	Null         *int             `db:"null_installs"`
	Unset        *int             `db:"unset_installs"`
	Unmapped     *int             `db:"unmapped_installs"`
	CoarseLow    *int             `db:"coarse_low"`
	CoarseMedium *int             `db:"coarse_medium"`
	CoarseHigh   *int             `db:"coarse_high"`
	Fine         *int             `db:"fine_installs"`
	Payers       *int             `db:"payers"`
	RevenueMin   *decimal.Decimal `db:"revenue_min"`
	RevenueEst   *decimal.Decimal `db:"revenue_est"`
	RevenueMax   *decimal.Decimal `db:"revenue_max"`
	Redownloads  *int             `db:"redownloads"`
	Versions     string           `db:"schema_versions"`
}

const publishedRowColumns = `network_id, id_kind, source_2, source_3, source_4, level, installs, null_installs, unset_installs,
	unmapped_installs, coarse_low, coarse_medium, coarse_high, fine_installs, payers, revenue_min, revenue_est, revenue_max,
	redownloads, schema_versions`

func (s *Store) readRows(ctx context.Context, r *aggregate.Release) error {
	var rows []publishedRow
	if err := s.selectOf(ctx, &rows, publishedRowColumns, "cohort", r.ID); err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("the published store does not have it; is it the store that belongs to this one?")
	}
	for _, p := range rows {
		versions, err := parseVersionList(p.Versions)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, aggregate.Row{
			Level: p.Level, NetworkID: p.Network.String, IDKind: p.IDKind.String,
			Source2: p.Source2.String, Source3: p.Source3.String, Source4: p.Source4.String,
			Installs: p.Installs, NullInstalls: p.Null, UnsetInstalls: p.Unset, UnmappedInstalls: p.Unmapped,
			CoarseLow: p.CoarseLow, CoarseMedium: p.CoarseMedium, CoarseHigh: p.CoarseHigh, FineInstalls: p.Fine,
			Payers: p.Payers, RevenueMin: p.RevenueMin, RevenueEst: p.RevenueEst, RevenueMax: p.RevenueMax,
			Redownloads: p.Redownloads, SchemaVersions: versions,
		})
	}
	slices.SortFunc(r.Rows, func(a, b aggregate.Row) int { return strings.Compare(a.Key(), b.Key()) })
	return nil
}

// parseVersionList is the opposite of versionList.
func parseVersionList(list string) ([]int, error) {
	versions := []int{}
	if list == "" {
		return versions, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("schema_versions: %w", err)
		}
		versions = append(versions, n)
	}
	return versions, nil
}

func (s *Store) readRemainders(ctx context.Context, r *aggregate.Release) error {
	var lines []struct {
		Network    nullText         `db:"network_id"`
		Measure    string           `db:"measure"`
		Rows       int              `db:"rows"`
		Installs   int              `db:"installs"`
		RevenueMin *decimal.Decimal `db:"revenue_min"`
		RevenueEst *decimal.Decimal `db:"revenue_est"`
		RevenueMax *decimal.Decimal `db:"revenue_max"`
	}
	err := s.selectOf(ctx, &lines, `network_id, measure, rows, installs, revenue_min, revenue_est, revenue_max`, "cohort_remainder", r.ID)
	for _, p := range lines {
		r.Remainders = append(r.Remainders, aggregate.Remainder{
			NetworkID: p.Network.String, Measure: p.Measure, Rows: p.Rows, Installs: p.Installs,
			RevenueMin: p.RevenueMin, RevenueEst: p.RevenueEst, RevenueMax: p.RevenueMax,
		})
	}
	slices.SortFunc(r.Remainders, func(a, b aggregate.Remainder) int {
		return strings.Compare(a.Measure+"/"+a.NetworkID, b.Measure+"/"+b.NetworkID)
	})
	return err
}

func (s *Store) readValues(ctx context.Context, r *aggregate.Release) error {
	var lines []struct {
		Network    nullText         `db:"network_id"`
		IDKind     nullText         `db:"id_kind"`
		Source2    nullText         `db:"source_2"`
		Kind       string           `db:"kind"`
		From       int              `db:"value_from"`
		To         int              `db:"value_to"`
		Values     string           `db:"value_list"`
		Version    int              `db:"version"`
		Installs   *int             `db:"installs"`
		RevenueMin *decimal.Decimal `db:"revenue_min"`
		RevenueEst *decimal.Decimal `db:"revenue_est"`
		RevenueMax *decimal.Decimal `db:"revenue_max"`
	}
	err := s.selectOf(ctx, &lines, `network_id, id_kind, source_2, kind, value_from, value_to, value_list,
		COALESCE(schema_version, 0) AS version, installs, revenue_min, revenue_est, revenue_max`, "cohort_value", r.ID)
	for _, p := range lines {
		r.Values = append(r.Values, aggregate.ValueBin{
			NetworkID: p.Network.String, IDKind: p.IDKind.String, Source2: p.Source2.String,
			Kind: p.Kind, From: p.From, To: p.To, Values: p.Values, SchemaVersion: p.Version, Installs: p.Installs,
			RevenueMin: p.RevenueMin, RevenueEst: p.RevenueEst, RevenueMax: p.RevenueMax,
		})
	}
	return err
}

func (s *Store) readEvents(ctx context.Context, r *aggregate.Release) error {
	var lines []struct {
		Network  nullText         `db:"network_id"`
		IDKind   nullText         `db:"id_kind"`
		Source2  nullText         `db:"source_2"`
		Name     string           `db:"event_name"`
		Installs *int             `db:"installs"`
		CountMin *decimal.Decimal `db:"count_min"`
		CountEst *decimal.Decimal `db:"count_est"`
		CountMax *decimal.Decimal `db:"count_max"`
		Share    *decimal.Decimal `db:"ambiguous_share"`
	}
	err := s.selectOf(ctx, &lines, `network_id, id_kind, source_2, event_name, installs, count_min, count_est, count_max, ambiguous_share`,
		"cohort_event", r.ID)
	for _, p := range lines {
		r.Events = append(r.Events, aggregate.EventCount{
			NetworkID: p.Network.String, IDKind: p.IDKind.String, Source2: p.Source2.String, EventName: p.Name,
			Installs: p.Installs, CountMin: p.CountMin, CountEst: p.CountEst, CountMax: p.CountMax, AmbiguousShare: p.Share,
		})
	}
	return err
}
