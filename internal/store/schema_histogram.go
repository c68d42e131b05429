package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

const rawHistogramSQL = `
SELECT sequence_index, value_kind, fine, coarse, COUNT(*) AS installs,
  SUM(CASE WHEN ' ' || flags || ' ' LIKE '% ambiguous %' THEN 1 ELSE 0 END) AS ambiguous
FROM counted_postback
WHERE app_id = ? AND environment = ? AND kind = ? AND counted_at >= ? AND counted_at < ? AND schema_version = ? AND decoded_at IS NOT NULL
GROUP BY sequence_index, value_kind, fine, coarse ORDER BY sequence_index, value_kind, fine, coarse`

// RawHistogram counts an app's installs by value among the raw rows that one schema
// version decoded, counted from (included) to (excluded). It is for operators: no
// bin is merged or withheld, so whoever shows it has told the audit log before.
func (s *Store) RawHistogram(ctx context.Context, appID int64, version int, from, to time.Time) (schema.Histogram, error) {
	var rows []struct {
		Index     int    `db:"sequence_index"`
		Kind      string `db:"value_kind"`
		Fine      *int   `db:"fine"`
		Coarse    string `db:"coarse"`
		Installs  int64  `db:"installs"`
		Ambiguous int64  `db:"ambiguous"`
	}
	err := s.main.r.SelectContext(ctx, &rows, s.main.q(rawHistogramSQL),
		appID, string(skan.Production), string(conversion.KindInstall), ms(from), ms(to), version)
	if err != nil {
		return schema.Histogram{}, fmt.Errorf("count values of app %d: %w", appID, err)
	}
	h := schema.Histogram{AppID: appID}
	var all, ambiguous int64
	for _, r := range rows {
		bin := schema.HistogramRow{Index: r.Index, Kind: r.Kind, Installs: &r.Installs, SchemaVersion: version}
		switch {
		case r.Kind == conversion.CountFine && r.Fine != nil:
			bin.From, bin.To = *r.Fine, *r.Fine
		case r.Kind == conversion.CountCoarse:
			bin.From = slices.Index([]string{"low", "medium", "high"}, r.Coarse)
			bin.To = bin.From
		}
		h.Rows = append(h.Rows, bin)
		all, ambiguous = all+r.Installs, ambiguous+r.Ambiguous
	}
	if all > 0 {
		share := decimal.NewFromInt(ambiguous).DivRound(decimal.NewFromInt(all), 6)
		h.AmbiguousShare = &share
	}
	return h, nil
}
