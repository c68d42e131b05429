package attack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/internal/store"
)

// published is the published store as its readers reach it.
type published struct {
	ctx    context.Context // of the test
	db     *sql.DB
	driver string
}

func openPublished(t *testing.T, driver, source string) *published {
	t.Helper()
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &published{t.Context(), db, driver}
}

const biPassword = "correct horse battery staple"

// asBI makes the role of BI tools and connects as a login of it. Roles belong to the
// server, so they go with the test.
func asBI(t *testing.T, s *store.Store, main, public string) *published {
	t.Helper()
	at, err := url.Parse(public)
	require.NoError(t, err)
	name := strings.TrimPrefix(at.Path, "/")
	readers := store.Readers{Role: "attack_bi_" + name, Login: "attack_" + name, Password: biPassword}
	t.Cleanup(func() {
		for _, location := range []string{public, main} {
			super, err := sql.Open("postgres", location)
			require.NoError(t, err)
			for _, role := range []string{readers.Login, readers.Role} {
				_, err = super.ExecContext(context.Background(), `DROP OWNED BY "`+role+`"`)
				require.NoError(t, err)
				if location == main {
					_, err = super.ExecContext(context.Background(), `DROP ROLE "`+role+`"`)
					require.NoError(t, err)
				}
			}
			require.NoError(t, super.Close())
		}
	})
	_, err = s.GrantReaders(t.Context(), readers)
	require.NoError(t, err)
	at.User = url.UserPassword(readers.Login, readers.Password)
	return openPublished(t, "postgres", at.String())
}

// null is a cell that is NULL.
const null = "\x00"

// table is one published table, its lines in the order of their texts.
type table struct {
	columns []string
	lines   [][]string
}

// snapshot is everything that can be read at one moment.
type snapshot struct{ tables map[string]table }

// tables lists what a reader can select from, by asking the database.
func (p *published) tables(ctx context.Context, kind string) ([]string, error) {
	text := `SELECT name FROM sqlite_master WHERE type = '` + strings.ToLower(kind) + `' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%'`
	if p.driver == "postgres" {
		is := map[string]string{"table": "BASE TABLE", "view": "VIEW"}[kind]
		text = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'bi' AND table_type = '` + is + `'`
	}
	rows, err := p.query(ctx, text)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range rows.lines {
		names = append(names, r[0])
	}
	slices.Sort(names)
	return names, nil
}

// comparable is a snapshot whose money is as exact as the less exact database keeps it.
func (s *snapshot) comparable() map[string][]string {
	out := map[string][]string{}
	for name, t := range s.tables {
		lines := []string{strings.Join(t.columns, "|")}
		for _, line := range t.lines {
			cells := slices.Clone(line)
			for i, c := range t.columns {
				if d, err := decimal.NewFromString(cells[i]); err == nil && strings.HasPrefix(c, "revenue") {
					cells[i] = d.Round(6).String()
				}
				cells[i] = strings.ReplaceAll(strings.ReplaceAll(cells[i], "true", "1"), "false", "0")
			}
			lines = append(lines, strings.Join(cells, "|"))
		}
		slices.Sort(lines[1:])
		out[name] = lines
	}
	return out
}

// columns lists every table and view with its columns.
func (p *published) columns() (map[string][]string, error) {
	out := map[string][]string{}
	for _, kind := range []string{"table", "view"} {
		names, err := p.tables(p.ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			none, err := p.query(p.ctx, `SELECT * FROM `+name+` WHERE 1 = 0`)
			if err != nil {
				return nil, err
			}
			out[name] = none.columns
		}
	}
	return out, nil
}

func (p *published) snapshot(ctx context.Context) (*snapshot, error) {
	names, err := p.tables(ctx, "table")
	if err != nil {
		return nil, err
	}
	s := &snapshot{map[string]table{}}
	for _, name := range names {
		if s.tables[name], err = p.query(ctx, `SELECT * FROM `+name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// query reads an answer whole, as texts that are the same on both databases.
func (p *published) query(ctx context.Context, text string) (out table, err error) {
	rows, err := p.db.QueryContext(ctx, text)
	if err != nil {
		return out, fmt.Errorf("%s: %w", text, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if out.columns, err = rows.Columns(); err != nil {
		return out, err
	}
	cells, into := make([]any, len(out.columns)), make([]any, len(out.columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return out, err
		}
		line := make([]string, len(cells))
		for i, c := range cells {
			line[i] = spell(c)
		}
		out.lines = append(out.lines, line)
	}
	slices.SortFunc(out.lines, slices.Compare)
	return out, rows.Err()
}

func spell(v any) string {
	switch x := v.(type) {
	case nil:
		return null
	case []byte:
		return plainNumber(string(x))
	case string:
		return x
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}

// plainNumber takes the zeros off a NUMERIC.
func plainNumber(s string) string {
	if !strings.Contains(s, ".") || strings.Trim(s, "-.0123456789") != "" {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// ask makes one request and reads its answer whole.
func ask(t *testing.T, s *httptest.Server, token, method, path, body string, headers ...string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(r)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	return resp.StatusCode, resp.Header, text
}
