package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/conversion"
	"skand/skan"
)

var floodColumns = []column{
	{"hour", "bigint"}, {"class", "text"}, {"source", "text"}, {"client", "text"},
	{"framework", "text"}, {"version", "text"}, {"seen", "bigint"}, {"bound", "bigint"},
}

// The count goes on in the database, so that a restart, or a second receiver, does
// not open the bound again.
const floodTail = `ON CONFLICT (hour, class, source, client, framework, version)
	DO UPDATE SET seen = flood_bound.seen + excluded.seen
	RETURNING hour, class, source, client, framework, version, seen, bound`

// bound drops what exceeds the bound on bodies that do not verify.
func (b *batch) bound(ctx context.Context, t *tx) error {
	come := map[conversion.Flood][]int{}
	var order []conversion.Flood
	bounds := map[conversion.Flood]int64{}
	for i := range b.copies {
		v := &b.verdicts[i]
		if v.claims || !v.store {
			continue
		}
		f, bound := conversion.FloodOf(&b.copies[i], v.outcome.State)
		f.Source = plain(f.Source)
		if come[f] == nil {
			order = append(order, f)
			bounds[f] = bound
		}
		come[f] = append(come[f], i)
	}
	slices.SortFunc(order, compareFloods) // everyone locks in one order
	rows := make([][]any, len(order))
	for i, f := range order {
		rows[i] = []any{
			f.Hour, string(f.Class), f.Source, f.Client, string(f.Framework), f.Version, int64(len(come[f])), bounds[f],
		}
	}
	err := insertMany(ctx, t, "flood_bound", floodColumns, rows, floodTail, func(r *sqlx.Rows) error {
		var hour, seen, bound int64
		var class, source, client, framework, version string
		if err := r.Scan(&hour, &class, &source, &client, &framework, &version, &seen, &bound); err != nil {
			return err
		}
		copies := come[conversion.Flood{
			Hour: hour, Class: conversion.State(class), Source: source, Client: client,
			Framework: skan.Framework(framework), Version: version,
		}]
		for _, i := range copies[conversion.Kept(int64(len(copies)), seen, bound):] {
			b.verdicts[i].outcome.State = conversion.Dropped
			b.verdicts[i].store = false
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bound what does not verify: %w", err)
	}
	return nil
}

func compareFloods(f, g conversion.Flood) int {
	return cmp.Or(
		cmp.Compare(f.Hour, g.Hour), strings.Compare(string(f.Class), string(g.Class)), strings.Compare(f.Source, g.Source),
		strings.Compare(f.Client, g.Client), strings.Compare(string(f.Framework), string(g.Framework)),
		strings.Compare(f.Version, g.Version),
	)
}

// floodKept is how long the counts of floods are kept.
const floodKept = 90 * 24 * time.Hour
