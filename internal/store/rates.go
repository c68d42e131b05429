package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"

	"skand/internal/apply"
)

const saveRateSQL = `
INSERT INTO rate (currency, day, rate) VALUES (?, ?, ?)
ON CONFLICT (currency, day) DO UPDATE SET rate = excluded.rate`

// rates keeps the lines of a rate table that are new or other than before. What was
// converted by an old line stays as it is until it is decided again.
func (a *applier) rates(ctx context.Context, rates []apply.Rate) error {
	if len(rates) == 0 {
		return nil
	}
	added, changed := 0, 0
	for _, r := range rates {
		day, err := time.Parse(time.DateOnly, r.Date)
		if err != nil {
			return fmt.Errorf("rate of %s: %w", r.Currency, err)
		}
		var old decimal.Decimal
		err = a.t.GetContext(ctx, &old, a.t.q(`SELECT rate FROM rate WHERE currency = ? AND day = ?`), r.Currency, ms(day))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			added++
		case err != nil:
			return fmt.Errorf("rate of %s on %s: %w", r.Currency, r.Date, err)
		case old.Equal(r.Rate):
			continue
		default:
			changed++
		}
		if _, err := a.t.ExecContext(ctx, a.t.q(saveRateSQL), r.Currency, ms(day), r.Rate.String()); err != nil {
			return fmt.Errorf("rate of %s on %s: %w", r.Currency, r.Date, err)
		}
	}
	switch {
	case added+changed == 0:
		a.note("rates", "same", fmt.Sprintf("%d lines", len(rates)))
	case changed == 0:
		a.note("rates", "create", fmt.Sprintf("%d of %d lines are new", added, len(rates)))
	default:
		a.note("rates", "update", fmt.Sprintf("%d of %d lines are new, %d other than before", added, len(rates), changed))
	}
	return nil
}

func exportRates(ctx context.Context, from sqlx.QueryerContext) ([]apply.Rate, error) {
	var rows []struct {
		Currency string          `db:"currency"`
		Day      int64           `db:"day"`
		Rate     decimal.Decimal `db:"rate"`
	}
	if err := sqlx.SelectContext(ctx, from, &rows, `SELECT currency, day, rate FROM rate`); err != nil {
		return nil, fmt.Errorf("export rates: %w", err)
	}
	var out []apply.Rate
	for _, r := range rows {
		out = append(out, apply.Rate{Date: at(r.Day).UTC().Format(time.DateOnly), Currency: r.Currency, Rate: r.Rate})
	}
	slices.SortFunc(out, func(x, y apply.Rate) int {
		return cmp.Or(strings.Compare(x.Date, y.Date), strings.Compare(x.Currency, y.Currency))
	})
	return out, nil
}
