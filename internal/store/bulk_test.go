package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// What strangers write reaches the table byte for byte, on both databases.
func TestInsertManyKeepsEveryByte(t *testing.T) {
	cols := []column{{"n", "bigint"}, {"s", "text"}, {"b", "bytea"}, {"yes", "boolean"}, {"money", "numeric"}}
	hostile := []string{
		"", "NULL", "null", `"`, `\`, `\\`, `a"b\c`, "{1,2}", ",", "a b", " ", "\n\t\r", "é☃🙂", `\x41`, "$1", "'; DROP TABLE postback; --", `"",""`,
	}
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		ctx := t.Context()
		blob, exact := "BLOB", "TEXT"
		if s.main.dialect == postgres {
			blob, exact = "BYTEA", "NUMERIC"
		}
		_, err := s.main.w.ExecContext(ctx, fmt.Sprintf(`CREATE TABLE bulk_test (n BIGINT, s TEXT, b %s, yes BOOLEAN, money %s)`, blob, exact))
		require.NoError(t, err)
		var rows [][]any
		for i, h := range hostile {
			rows = append(rows, []any{int64(i), h, []byte(h), i%2 == 0, "12345678901234567890.01"})
		}
		rows = append(rows, []any{int64(-1 << 63), "nulls", nil, false, nil}, []any{nil, "n", []byte(nil), false, "0"})
		for range 2 { // the second time with the prepared statement
			require.NoError(t, s.main.in(ctx, func(t *tx) error { return insertMany(ctx, t, "bulk_test", cols, rows, "", nil) }))
		}
		for i, h := range hostile {
			var same int
			text := `SELECT COUNT(*) FROM bulk_test WHERE n = ? AND s = ? AND b = ? AND yes = ? AND money = ` + money(s.main.dialect)
			require.NoError(t, s.main.w.GetContext(ctx, &same, s.main.q(text), i, h, []byte(h), i%2 == 0, "12345678901234567890.01"))
			require.Equal(t, 2, same, "%q", h)
		}
		require.Equal(t, []string{"2"}, dump(t, s.main, `SELECT COUNT(*) FROM bulk_test WHERE b IS NULL AND money IS NULL AND n = ?`, int64(-1<<63)))
		require.Equal(t, []string{"2"}, dump(t, s.main, `SELECT COUNT(*) FROM bulk_test WHERE n IS NULL AND s = 'n' AND money IS NOT NULL`))
	})
}

func money(d dialect) string {
	if d == postgres {
		return "CAST(? AS NUMERIC)"
	}
	return "?"
}

func TestArrayOfNamesAWrongColumn(t *testing.T) {
	t.Parallel()
	for kind, bad := range map[string]any{"bigint": "1", "text": int64(1), "bytea": "x", "boolean": nil, "numeric": int64(1)} {
		_, err := arrayOf(column{"c", kind}, [][]any{{bad}}, 0)
		require.ErrorContains(t, err, "column c", kind)
	}
	empty, err := arrayOf(column{"c", "text"}, nil, 0)
	require.NoError(t, err)
	require.Equal(t, "{}", empty)
}
