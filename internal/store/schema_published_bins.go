package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
	"skand/schema"
)

// histogramBins adds the bins. Whether one reads right under a version does not hang
// on the release: schema_version says it of every bin.
func (l *CohortLook) histogramBins(ctx context.Context, p *publishedHistogram) error {
	w := l.f.whereRelease(l.d)
	w.and("sequence_index = 0") // later postbacks have no fine value
	w.decodedLast(l.d, l.f.AppID)
	text := `SELECT value_list, COALESCE(schema_version, 0), CAST(SUM(installs) AS BIGINT) FROM ` + l.d.table("cohort_value") + `
		WHERE kind = '` + aggregate.BinFine + `' AND release_id IN (SELECT release_id FROM ` + l.d.table("release") + w.String() + `) GROUP BY 1, 2`
	bins := int64(0)
	err := l.query(ctx, text, w.args, func(rows *sqlx.Rows) error {
		var (
			list    string
			version int
			n       int64
		)
		if err := rows.Scan(&list, &version, &n); err != nil {
			return fmt.Errorf("read bin: %w", err)
		}
		bins += n
		if version != p.version || list == "" { // "": values that no version explains
			p.counts[publishedBin{kind: schema.KindOtherVersion}] += n
			return nil
		}
		r, err := schema.FineBin(list)
		if err != nil {
			return fmt.Errorf("bin of version %d: %w", version, err)
		}
		p.counts[publishedBin{kind: schema.KindFine, from: r.From, to: r.To, values: list}] += n
		return nil
	})
	if err != nil {
		return err
	}
	if bins > p.fine {
		return fmt.Errorf("bins hold %d installs, but rows have a fine value on %d", bins, p.fine)
	}
	p.counts[publishedBin{kind: schema.KindUnpublished}] += p.fine - bins
	return nil
}

// histogram is the sums, in an order that is theirs alone.
func (p *publishedHistogram) histogram(appID int64) (schema.Histogram, error) {
	h := schema.Histogram{AppID: appID, NullHoldsWithheld: true, Rows: []schema.HistogramRow{}}
	add := func(b publishedBin, n *int64, withheld int) error {
		r := schema.HistogramRow{Kind: b.kind, From: b.from, To: b.to}
		if b.values != "" {
			var err error
			if r, err = schema.FineBin(b.values); err != nil {
				return err
			}
		}
		r.Index, r.Installs, r.Withheld = b.index, n, withheld
		if b.kind != schema.KindOtherVersion && b.kind != schema.KindUnpublished {
			r.SchemaVersion = p.version
		}
		h.Rows = append(h.Rows, r)
		return nil
	}
	for _, b := range sortedBins(p.counts) {
		if n := p.counts[b]; n > 0 || b.kind != schema.KindUnpublished && b.kind != schema.KindOtherVersion {
			if err := add(b, &n, 0); err != nil {
				return h, err
			}
		}
	}
	for _, b := range sortedBins(p.withheld) {
		if err := add(b, nil, p.withheld[b]); err != nil {
			return h, err
		}
	}
	return h, nil
}

func sortedBins[V any](m map[publishedBin]V) []publishedBin {
	out := make([]publishedBin, 0, len(m))
	for b := range m {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b publishedBin) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.kind, b.kind), cmp.Compare(a.from, b.from),
			cmp.Compare(a.to, b.to), cmp.Compare(a.values, b.values))
	})
	return out
}

func valueOr0(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
