package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"skand/internal/vault"
)

const resealBatch = 500

// Reseal seals with the first master key what another one sealed, in small
// transactions, so that the others can be thrown away. It returns how many values
// it has sealed anew; run again it goes on where it was stopped.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	total := 0
	for _, c := range sealedColumns {
		for {
			n, err := s.resealSome(ctx, c)
			total += n
			if err != nil {
				return total, fmt.Errorf("reseal %s.%s: %w", c.table, c.column, err)
			}
			if n < resealBatch {
				break
			}
		}
	}
	return total, nil
}

func (s *Store) resealSome(ctx context.Context, c sealedColumn) (n int, err error) {
	key := strings.Join(c.key, ", ")
	look := fmt.Sprintf(`SELECT %s, %s AS sealed FROM %s WHERE %s LIKE 'v1.%%' AND %s NOT LIKE ? LIMIT ?`,
		key, c.column, c.table, c.column, c.column)
	// Only if it is still what was read: another process may have changed it since.
	put := fmt.Sprintf(`UPDATE %s SET %s = ? WHERE %s = ? AND %s = ?`, c.table, c.column, strings.Join(c.key, " = ? AND "), c.column)
	err = s.main.in(ctx, func(t *tx) error {
		found, err := rowSlices(ctx, t, look, sealedBy(s.vault.SealsWith()), resealBatch)
		if err != nil {
			return err
		}
		n = len(found)
		for _, one := range found {
			old := asText(one[len(c.key)])
			fresh, err := s.sealAnew(c.kind, old)
			if err != nil {
				return err
			}
			args := append([]any{fresh}, one[:len(c.key)]...)
			if _, err := t.ExecContext(ctx, t.q(put), append(args, old)...); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (s *Store) sealAnew(kind, old string) (string, error) {
	plain, err := s.vault.Open(kind, old)
	if errors.Is(err, vault.ErrShape) {
		plain, err = []byte(old), nil // a plain answer of a version that sealed none, which began like a sealed one
	}
	if err != nil {
		return "", err
	}
	return s.vault.Seal(kind, plain)
}

func asText(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	text, _ := v.(string)
	return text
}

// rowSlices reads rows whose columns are known only at run time.
func rowSlices(ctx context.Context, t *tx, text string, args ...any) ([][]any, error) {
	rows, err := t.QueryxContext(ctx, t.q(text), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	var found [][]any
	for rows.Next() {
		one, err := rows.SliceScan()
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}
