package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"skand/aggregate"
)

var _ aggregate.ModelStore = (*Store)(nil)

// A base release is due whose window has neither this version of the model nor two
// others, and of which no redecode is on its way. They are put in order here: asked for
// in order, a database reads the whole ledger along another index.
const modelDueSQL = `
SELECT b.app_id, b.sequence_index, b.kind, b.environment, b.window_start
FROM release_ledger b JOIN app a ON a.app_id = b.app_id
WHERE ` + modelDueLine + ` AND b.modeled < ?`

// modelDueLine is what the index release_modeled is of, and no redecode that is prepared.
const modelDueLine = `b.release_kind = 'base' AND b.view = 'cohort' AND b.state = 'published' AND b.environment = 'production'
  AND b.kind IN ('install', 'reengagement') AND NOT EXISTS (SELECT 1 FROM release_ledger p
    WHERE p.app_id = b.app_id AND p.sequence_index = b.sequence_index AND p.kind = b.kind AND p.environment = b.environment
      AND p.window_start = b.window_start AND p.view = b.view AND p.release_kind = 'redecode' AND p.state = 'prepared')`

// modelDue is a dataset with the first and the last window that is due.
type modelDue struct {
	aggregate.Dataset
	first, last int64
}

func (s *Store) modelDue(ctx context.Context, version int) ([]modelDue, error) {
	var rows []struct {
		datasetRow
		Start int64 `db:"window_start"`
	}
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(modelDueSQL), version); err != nil {
		return nil, fmt.Errorf("list windows to model: %w", err)
	}
	found := map[aggregate.Dataset]modelDue{}
	for _, r := range rows {
		d, known := found[r.dataset()]
		if !known {
			d = modelDue{r.dataset(), r.Start, r.Start}
		}
		d.first, d.last = min(d.first, r.Start), max(d.last, r.Start)
		found[r.dataset()] = d
	}
	return slices.SortedFunc(maps.Values(found), func(a, b modelDue) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.SequenceIndex, b.SequenceIndex))
	}), nil
}

// Modelable implements aggregate.ModelStore.
func (s *Store) Modelable(ctx context.Context, version int, settings aggregate.ModelSettings) ([]aggregate.Modelable, error) {
	due, err := s.modelDue(ctx, version)
	if err != nil {
		return nil, err
	}
	var out []aggregate.Modelable
	for _, d := range due {
		m, err := s.modelable(ctx, d, version, settings)
		if err != nil {
			return out, fmt.Errorf("list windows to model of %s: %w", d.Dataset, err)
		}
		if len(m.Windows) > 0 {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *Store) modelable(ctx context.Context, d modelDue, version int, settings aggregate.ModelSettings) (m aggregate.Modelable, err error) {
	m = aggregate.Modelable{Dataset: d.Dataset, Lab: s.lab}
	err = s.main.in(ctx, func(t *tx) error {
		first := d.Dataset
		first.SequenceIndex = 0
		until := d.last
		if d.SequenceIndex > 0 {
			if until, err = sealedBefore(ctx, t, first, d.last); err != nil {
				return err
			}
		}
		lines, err := countLines(ctx, t, m.Dataset, version, d.first, until, max(settings.Weeks, settings.Days))
		if err != nil || len(lines) == 0 {
			return err
		}
		m.Windows = lines
		if d.SequenceIndex > 0 {
			from := aggregate.LaterReach(d.SequenceIndex, lines[0].Counts.Window)
			earlier, err := countLines(ctx, t, first, version, ms(from), until, 0)
			if err != nil {
				return err
			}
			for _, l := range earlier {
				m.First = append(m.First, l.Counts)
			}
		}
		return nil
	})
	return m, err
}

// sealedBefore is the start of the last window, no later than last, up to whose end
// everything of index 0 is sealed and published.
func sealedBefore(ctx context.Context, t *tx, first aggregate.Dataset, last int64) (int64, error) {
	const prepared = `SELECT COALESCE(MIN(window_start), ?) FROM release_ledger
		WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND view = 'cohort' AND release_kind = 'base' AND state = 'prepared'`
	var until int64
	if err := t.GetContext(ctx, &until, t.q(prepared), append([]any{last + 1}, key(first)...)...); err != nil {
		return 0, fmt.Errorf("look at what is prepared of %s: %w", first, err)
	}
	o := aggregate.Open{Dataset: first}
	if err := ledgerEnds(ctx, t, &o); err != nil {
		return 0, err
	}
	const open = `SELECT COALESCE(MIN(counted_at), ?) FROM counted_postback
		WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND sealed_in IS NULL`
	var counted int64
	if err := t.GetContext(ctx, &counted, t.q(open), append(append([]any{last + 1}, key(first)...), since(o.LastEnd))...); err != nil {
		return 0, fmt.Errorf("look at what is open of %s: %w", first, err)
	}
	return min(until, counted, last+1) - 1, nil
}

// countLines are the published lines of the counts, each window's newest, that start from
// one time to another, and so many windows before them.
func countLines(ctx context.Context, t *tx, set aggregate.Dataset, version int, from, until int64, before int) ([]aggregate.ModelableWindow, error) {
	const columns = `SELECT b.release, b.release_kind, CASE WHEN b.release_kind = 'base' AND b.modeled < ? AND ` + modelDueLine + ` THEN 1 ELSE 0 END AS due
		FROM release_ledger b WHERE b.app_id = ? AND b.sequence_index = ? AND b.kind = ? AND b.environment = ? AND b.view = 'cohort'
		AND b.state = 'published' AND b.release_kind IN ('base', 'redecode')`
	const within = columns + ` AND b.window_start >= ? AND b.window_start <= ? ORDER BY b.window_start DESC, b.release_kind DESC`
	const earlier = columns + ` AND b.window_start < ? ORDER BY b.window_start DESC, b.release_kind DESC LIMIT ?`
	type line struct {
		Release string `db:"release"`
		Kind    string `db:"release_kind"`
		Due     bool   `db:"due"`
	}
	var lines, more []line
	of := append([]any{version}, key(set)...)
	if err := t.SelectContext(ctx, &lines, t.q(within), append(of, from, until)...); err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", set, err)
	}
	if before > 0 && len(lines) > 0 { // a window has a base and at most one redecode
		if err := t.SelectContext(ctx, &more, t.q(earlier), append(of, from, 2*before)...); err != nil {
			return nil, fmt.Errorf("read the ledger of %s: %w", set, err)
		}
	}
	var out []aggregate.ModelableWindow
	for _, l := range append(lines, more...) {
		var w aggregate.ModelableWindow
		if err := json.Unmarshal([]byte(l.Release), &w.Counts); err != nil {
			return nil, fmt.Errorf("read the ledger of %s: %w", set, err)
		}
		w.Counts.State = aggregate.StatePublished
		w.Due = l.Due
		if n := len(out); n > 0 && out[n-1].Counts.Window.Start.Equal(w.Counts.Window.Start) {
			out[n-1].Due = out[n-1].Due || w.Due // the base's line says what the redecode's is due for
			continue
		}
		out = append(out, w)
	}
	slices.Reverse(out)
	return out, nil
}
