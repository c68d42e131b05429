package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// packedKeys are the columns of a part's names, in their order.
var packedKeys = [packedNames]string{"network_id", "id_kind", "source_2", "level", "schema_versions", "currency"}

// packRelease packs the rows of a release as they stand there: on SQLite amounts have
// lost what is beyond 15 digits, and a sum is one of published rows.
func packRelease(ctx context.Context, t *tx, d *db, releaseID string) error {
	text := `SELECT ` + strings.Join(packedKeys[:], ", ") + `, installs, ` + strings.Join(columnNames(measures), ", ") +
		` FROM ` + d.table("cohort") + ` WHERE release_id = ? ORDER BY ` + d.byBytes("row_id")
	rows, err := t.QueryxContext(ctx, t.q(text), releaseID)
	if err != nil {
		return fmt.Errorf("pack %s: %w", releaseID, err)
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	var p packer
	for rows.Next() {
		if err := p.row(rows); err != nil {
			return fmt.Errorf("pack %s: %w", releaseID, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("pack %s: %w", releaseID, err)
	}
	_, err = t.ExecContext(ctx, t.q(`INSERT INTO `+d.table("cohort_packed")+` (release_id, packed) VALUES (?, ?) ON CONFLICT DO NOTHING`),
		releaseID, pack(append([]string{""}, p.names...), p.parts))
	if err != nil {
		return fmt.Errorf("pack %s: %w", releaseID, err)
	}
	return nil
}

// packer adds rows up.
type packer struct {
	names []string // from place 1
	place map[string]int
	parts []packedPart
	part  map[[packedNames]int]int
}

func (p *packer) row(rows *sqlx.Rows) error {
	var keys [packedNames]sql.NullString
	var one packedPart
	var numbers [packedMeasures]sql.NullInt64
	var amounts [packedMeasures]decimal.NullDecimal
	into := make([]any, 0, packedNames+1+packedMeasures)
	for i := range keys {
		into = append(into, &keys[i])
	}
	into = append(into, &one.installs)
	for i, m := range measures {
		if m.Type == Money {
			into = append(into, &amounts[i])
		} else {
			into = append(into, &numbers[i])
		}
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	for i, key := range keys {
		if key.Valid {
			one.names[i] = p.at(key.String)
		}
	}
	one.rows = 1
	for i := range one.sums {
		if amounts[i].Valid {
			one.show(i, amounts[i].Decimal)
		}
		if numbers[i].Valid {
			one.sums[i] = packedSum{shown: 1, n: numbers[i].Int64}
		}
	}
	p.add(&one)
	return nil
}

func (p *packer) at(name string) int {
	at, ok := p.place[name]
	if !ok {
		if p.place == nil {
			p.place = map[string]int{}
		}
		p.names = append(p.names, name)
		at = len(p.names)
		p.place[name] = at
	}
	return at
}

func (p *packer) add(one *packedPart) {
	i, ok := p.part[one.names]
	if !ok {
		if p.part == nil {
			p.part = map[[packedNames]int]int{}
		}
		p.part[one.names] = len(p.parts)
		p.parts = append(p.parts, *one)
		return
	}
	p.parts[i].add(&one.packedSums)
}

// packMissing packs what an earlier version published.
func (s *Store) packMissing(ctx context.Context) error {
	release := s.pub.table("release")
	var missing []string
	err := s.pub.r.SelectContext(ctx, &missing, `SELECT release_id FROM `+release+` r WHERE `+ofPostbacks+` AND kind <> 'model'
		AND NOT EXISTS (SELECT 1 FROM `+s.pub.table("cohort_packed")+` p WHERE p.release_id = r.release_id)`)
	if err != nil {
		return fmt.Errorf("look for releases that are not packed: %w", err)
	}
	for _, id := range missing {
		err := s.pub.in(ctx, func(t *tx) error { return packRelease(ctx, t, s.pub, id) })
		if err != nil {
			return err
		}
	}
	return nil
}
