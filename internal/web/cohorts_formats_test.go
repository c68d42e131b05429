package web_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/internal/store"
	"skand/internal/store/storetest"
	"skand/internal/web"
)

// onBoth runs a test with each database behind the admin listener.
func onBoth(t *testing.T, test func(t *testing.T, b *testBundle, s *store.Store)) {
	t.Helper()
	t.Parallel()
	for name, place := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return storetest.New(t) }, "postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), store.Options{Main: place(t), Published: place(t), Lab: store.Lab, Clock: clock.NewManual(monday)})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			test(t, setup(t, func(_ *web.Public, a *web.Admin) { a.Reader = s }), s)
		})
	}
}

// month publishes five weeks of two networks, one of which has a name that a
// spreadsheet would run, with amounts that binary floating point has not.
func month(t *testing.T, s *store.Store) {
	t.Helper()
	for week := range 5 {
		var rows []aggregate.Row
		for i, network := range []string{"a.skadnetwork", "=cmd|' /c calc'!a1", "b,\"<&>.net"} {
			for source := range 4 {
				row := aggregate.Row{
					Level: aggregate.LevelSrc2, NetworkID: network, IDKind: aggregate.IDSource,
					Source2: fmt.Sprintf("%02d", source), Installs: 1<<33 + week, FineInstalls: known(20), Payers: known(5),
					RevenueMin: amount("0.1"), RevenueEst: amount("123456.789012345"), RevenueMax: amount("999999999999"),
				}
				if (source+i)%2 == 0 {
					row.Payers, row.RevenueMin, row.RevenueEst, row.RevenueMax = nil, nil, nil, nil
				}
				rows = append(rows, row)
			}
		}
		require.NoError(t, s.Publish(t.Context(), weekOf(week, rows...)))
	}
}

func weekOf(week int, rows ...aggregate.Row) aggregate.Release {
	at := monday.Truncate(24*time.Hour).AddDate(0, 0, 7*week)
	settings := aggregate.DefaultSettings()
	settings.Currency = "USD"
	return aggregate.Release{
		ID: fmt.Sprint("7.", week), Dataset: aggregate.Dataset{AppID: 7, Kind: "install", Environment: "production"},
		Kind: aggregate.ReleaseBase, K: 20, B: 5, Settings: settings, Window: aggregate.WindowAt(aggregate.Week, at),
		WindowStart: at, SealedAt: at.AddDate(0, 0, 7), SchemaVersions: []int{1, 2}, Lab: true, Rows: rows,
	}
}

func known[T any](v T) *T { return &v }

func amount(s string) *decimal.Decimal { return known(decimal.RequireFromString(s)) }

// answers is one question in every format, as cells: NULL is "".
func answers(t *testing.T, b *testBundle, query string) (table [][]string, page string) {
	t.Helper()
	ask := func(format, kind string) answer {
		a := b.ask("GET", "/v1/cohorts?limit=10000&format="+format+"&"+query, "viewer", "")
		require.Equal(t, 200, a.status, a.body)
		require.Equal(t, kind, a.header.Get("Content-Type"))
		return a
	}
	table, err := csv.NewReader(strings.NewReader(ask("csv", "text/csv; charset=utf-8").body)).ReadAll()
	require.NoError(t, err)
	for _, row := range table {
		for i := range row {
			row[i] = strings.TrimPrefix(row[i], "'")
		}
	}
	whole := ask("json", "application/json")
	page = whole.body
	var data struct {
		Data []json.RawMessage `json:"data"`
		Next *string           `json:"next_cursor"`
	}
	require.NoError(t, json.Unmarshal([]byte(whole.body), &data))
	require.Nil(t, data.Next)
	require.Len(t, table, 1+len(data.Data))
	lines := strings.SplitAfter(ask("ndjson", "application/x-ndjson").body, "\n")
	require.Len(t, lines, len(table), "a line each, and none after the last")
	for i, raw := range data.Data {
		require.Equal(t, string(raw)+"\n", lines[i])
		require.Equal(t, table[1+i], members(t, raw, table[0]))
	}
	require.Equal(t, table, columns(t, ask("parquet", "application/vnd.apache.parquet").body))
	return table, page
}

// members are the values of an object in the order of names, each of which it has.
func members(t *testing.T, raw json.RawMessage, names []string) []string {
	t.Helper()
	var row map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&row))
	require.Len(t, row, len(names))
	out := make([]string, len(names))
	for i, name := range names {
		v, there := row[name]
		require.True(t, there, name)
		if strings.HasPrefix(name, "revenue") && !strings.HasSuffix(name, "_rows") && v != nil {
			require.IsType(t, "", v, "money is a string")
		}
		if v != nil {
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}

// columns reads a Parquet file by what its schema says.
func columns(t *testing.T, body string) [][]string {
	t.Helper()
	file, err := parquet.OpenFile(strings.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	fields := file.Schema().Fields()
	table := [][]string{make([]string, len(fields))}
	for i, f := range fields {
		table[0][i] = f.Name()
		require.True(t, f.Optional())
	}
	for _, group := range file.RowGroups() {
		rows, buf := group.Rows(), make([]parquet.Row, 7)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				cells := make([]string, len(row))
				for i, v := range row {
					require.Equal(t, i, v.Column())
					cells[i] = parquetCell(t, fields[i], v)
				}
				table = append(table, cells)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
		require.NoError(t, rows.Close())
	}
	return table
}

func parquetCell(t *testing.T, f parquet.Field, v parquet.Value) string {
	t.Helper()
	kind := f.Type().LogicalType()
	switch text := kind.String(); {
	case v.IsNull():
		return ""
	case strings.HasPrefix(text, "DECIMAL"):
		require.Equal(t, "DECIMAL(38,9)", strings.ReplaceAll(text, " ", ""))
		require.Len(t, v.ByteArray(), 16)
		units := new(big.Int).SetBytes(v.ByteArray())
		if units.Bit(127) == 1 {
			units.Sub(units, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return decimal.NewFromBigInt(units, -9).String()
	case strings.HasPrefix(text, "TIMESTAMP"):
		require.Equal(t, "TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)", text)
		return time.UnixMilli(v.Int64()).UTC().Format(time.RFC3339)
	case strings.HasPrefix(text, "INT"):
		return fmt.Sprint(v.Int64())
	default:
		require.Equal(t, "STRING", text)
		return string(v.ByteArray())
	}
}

// TestCohortsAreTheSameInEveryFormat: JSON, NDJSON, CSV, Parquet and SQL, rows and
// sums, on both databases.
func TestCohortsAreTheSameInEveryFormat(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		month(t, s)
		var rows [][]string
		require.NoError(t, s.Cohorts(t.Context(), store.CohortFilter{}, func(c *store.Cohort) error {
			rows = append(rows, c.Cells())
			return nil
		}))
		table, page := answers(t, b, "app=7")
		require.Equal(t, append([][]string{store.CohortColumns()}, rows...), table)
		require.Len(t, rows, 60)
		require.Equal(t, 5, strings.Count(page, `"sealed_at"`))
		_, page, _ = strings.Cut(page, `"next_cursor":null,`)
		require.Contains(t, page, `"releases":[`+"\n"+`{"release_id":"7.0","app_id":7,"dataset":"7.0.install.production","kind":"base",`+
			`"window_start":"2026-11-02T00:00:00Z","window_end":"2026-11-09T00:00:00Z","k":20,"b":5,"schema_versions":"1,2",`+
			`"model_version":0,"lab":true,"sealed_at":"2026-11-09T00:00:00Z"}`)

		sums, _ := answers(t, b, "group=month,network")
		require.Equal(t, []string{
			"7", "0", "install", "production", "=cmd|' /c calc'!a1", "2026-11-01T00:00:00Z", "USD", "20", "171798691880", "", "20",
		}, sums[1][:11])
		at := func(name string) string { return sums[1][indexOf(t, sums[0], name)] }
		require.Equal(t, "50 10 1 10 1234567.89012345 9999999999990 10", strings.Join([]string{
			at("payers"), at("payers_withheld_rows"), at("revenue_min"), at("revenue_min_withheld_rows"), at("revenue_est"),
			at("revenue_max"), at("revenue_max_withheld_rows"),
		}, " "), "10 of the 20 rows tell")
		none, _ := answers(t, b, "app=8&group=week")
		require.Len(t, none, 1)
	})
}

func indexOf(t *testing.T, names []string, name string) int {
	t.Helper()
	for i, n := range names {
		if n == name {
			return i
		}
	}
	require.Fail(t, "no column", name)
	return -1
}

// TestCohortsRefuseToRound: what Parquet can't hold exactly is not written.
func TestCohortsRefuseToRound(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		row := aggregate.Row{Level: aggregate.LevelTotal, Installs: 20, RevenueMin: amount("0.0000000001")}
		require.NoError(t, s.Publish(t.Context(), weekOf(0, row)))
		a := b.ask("GET", "/v1/cohorts?format=parquet", "viewer", "")
		require.Equal(t, "422 not_exact", fmt.Sprint(a.status, " ", a.at(t, "code")))
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
		require.Empty(t, a.header.Get("ETag"))
		require.Contains(t, b.ask("GET", "/v1/cohorts?format=csv", "viewer", "").body, ",0.0000000001,")
	})
}
