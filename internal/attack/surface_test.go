package attack

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// floors are the least k and b that an app ever had: sums may cross windows.
var floors = map[string][2]int{fmt.Sprint(weeklyApp): {20, 4}, fmt.Sprint(dailyApp): {10, 3}}

// groupings are the sums that the API is asked for: each name alone, and some together.
var groupings = []string{
	"", "network", "source_2", "level", "week", "month", "schema_versions", "dataset", "network,week", "source_2,week", "level,week", "network,source_2,level,week",
}

// surfaces [none below k]: every format of /v1/cohorts, rows and sums, scanned for
// counts below the floors; and the same counts in every format.
func surfaces(t *testing.T, s *httptest.Server, token string) (found []string) {
	t.Helper()
	for _, by := range groupings {
		first := ""
		for _, format := range []string{"csv", "json", "ndjson", "parquet"} {
			path := "/v1/cohorts?limit=10000&format=" + format
			if format != "json" {
				path = "/v1/cohorts?format=" + format
			}
			if by != "" {
				path += "&group=" + by
			}
			status, _, body := ask(t, s, token, http.MethodGet, path, "")
			require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
			lines := map[string]func(*testing.T, []byte) []map[string]string{
				"csv": csvLines, "json": jsonLines, "ndjson": jsonLines, "parquet": parquetLines,
			}[format](t, body)
			require.NotEmpty(t, lines, path)
			counts := ""
			for _, line := range lines {
				at := floors[line["app_id"]]
				for _, name := range slices.Concat(known[where], known[contribute]) {
					n, err := strconv.Atoi(line[name])
					if err != nil || !strings.Contains(name, "installs") && !slices.Contains([]string{"payers", "redownloads", "coarse_low", "coarse_medium", "coarse_high"}, name) {
						continue
					}
					counts += fmt.Sprint(name, n, " ")
					least := at[1]
					if name == "installs" {
						least = at[0]
					}
					if n > 0 && n < least {
						found = append(found, fmt.Sprintf("%s: %s %d of %v", path, name, n, line))
					}
				}
				counts += "\n"
			}
			if first == "" {
				first = counts
			}
			require.Equal(t, first, counts, path)
		}
	}
	return found
}

func csvLines(t *testing.T, body []byte) (out []map[string]string) {
	t.Helper()
	table, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	require.NoError(t, err)
	for _, line := range table[1:] {
		row := map[string]string{}
		for i, name := range table[0] {
			row[name] = line[i]
		}
		out = append(out, row)
	}
	return out
}

// jsonLines reads a page, or one object after the other.
func jsonLines(t *testing.T, body []byte) (out []map[string]string) {
	t.Helper()
	var page struct {
		Data []map[string]any `json:"data"`
		Next *string          `json:"next_cursor"`
	}
	rows := page.Data
	if bytes.Contains(body, []byte(`"next_cursor"`)) {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&page))
		require.Nil(t, page.Next)
		rows = page.Data
	} else {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		for {
			var row map[string]any
			err := dec.Decode(&row)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			rows = append(rows, row)
		}
	}
	for _, row := range rows {
		line := map[string]string{}
		for name, v := range row {
			if v != nil {
				line[name] = fmt.Sprint(v)
			}
		}
		out = append(out, line)
	}
	return out
}

func parquetLines(t *testing.T, body []byte) (out []map[string]string) {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	fields := file.Schema().Fields()
	for _, group := range file.RowGroups() {
		rows, buf := group.Rows(), make([]parquet.Row, 50)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				line := map[string]string{}
				for i, v := range row {
					if !v.IsNull() {
						line[fields[i].Name()] = v.String()
					}
				}
				out = append(out, line)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
		require.NoError(t, rows.Close())
	}
	return out
}
