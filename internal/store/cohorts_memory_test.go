package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/internal/store"
	"skand/internal/web"
)

// everybody may see what viewers see.
type everybody struct{}

func (everybody) Authenticate(context.Context, string) (auth.Principal, error) {
	return auth.Principal{Role: auth.Viewer}, nil
}

// gauge is a reader that keeps nothing, and looks now and then how much the one who
// writes to it holds.
type gauge struct {
	header http.Header
	status int
	every  int // looks at one write of so many
	writes int
	bytes  int64
	peak   int64
	last   []byte // the end of what was written
}

// lastKept holds more than what stands behind the rows of a page of JSON.
const lastKept = 256 << 10

func (g *gauge) Header() http.Header    { return g.header }
func (g *gauge) WriteHeader(status int) { g.status = status }

func (g *gauge) Write(p []byte) (int, error) {
	if g.writes%g.every == 0 {
		g.peak = max(g.peak, held())
	}
	g.writes++
	g.bytes += int64(len(p))
	if len(g.last)+len(p) > cap(g.last) {
		g.last = append(g.last[:0], g.last[len(g.last)/2:]...)
	}
	g.last = append(g.last, p[max(0, len(p)-lastKept/2):]...)
	return len(p), nil
}

// held is what is reachable on the heap.
func held() int64 {
	runtime.GC() // what pools keep goes with the second
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCohortsStreamInConstantMemory: an answer ten times as long takes no more memory
// while it is written, in any format. Not parallel, for it measures the whole process.
func TestCohortsStreamInConstantMemory(t *testing.T) {
	if store.Raced {
		t.Skip("with the race detector memory is another; make test runs it again without")
	}
	type ask struct {
		format string
		rows   int // and ten times as many
	}
	for _, on := range []struct {
		name  string
		place func() string
		asks  []ask
	}{
		{"sqlite", func() string { return "sqlite:" + t.TempDir() }, []ask{{"csv", 30_000}, {"parquet", 30_000}, {"ndjson", 10_000}, {"json", 10_000}}},
		{"postgres", func() string { return pgtest.URL(t) }, []ask{{"csv", 30_000}}}, // what differs is how rows are read
	} {
		t.Run(on.name, func(t *testing.T) {
			s, err := store.Open(t.Context(), store.Options{
				Main: on.place(), Lab: store.Lab, Clock: clock.NewManual(firstDay),
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.SeedPublished(t.Context(), 1, 300_000/rowsOfDay))
			admin := (&web.Admin{Reader: s, Auth: everybody{}, Log: slog.New(slog.DiscardHandler)}).Handler()
			for _, a := range on.asks {
				t.Run(a.format, func(t *testing.T) {
					before := held()
					small, large := stream(t, admin, a.format, a.rows), stream(t, admin, a.format, 10*a.rows)
					t.Logf("%d rows: %d KiB more than before while %d KiB were written; %d rows: %d KiB, %d KiB", a.rows,
						(small.peak-before)>>10, small.bytes>>10, 10*a.rows, (large.peak-before)>>10, large.bytes>>10)
					require.Greater(t, large.bytes, 9*small.bytes)
					require.LessOrEqual(t, float64(large.peak), 1.5*float64(small.peak))
					require.LessOrEqual(t, large.peak, before+mostHeld[a.format])
				})
			}
		})
	}
}

// A release of the published store here is one of a day.
const rowsOfDay = 100

var firstDay = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// mostHeld is what an answer may hold in all beside the process itself: a row of text,
// buffers, a page of JSON with its releases; of Parquet a group of 20,000 rows.
var mostHeld = map[string]int64{"csv": 2 << 20, "ndjson": 2 << 20, "json": 2 << 20, "parquet": 16 << 20}

// stream asks for so many rows: in one answer, or of JSON page by page.
func stream(t *testing.T, admin http.Handler, format string, rows int) *gauge {
	t.Helper()
	g := &gauge{every: 128, last: make([]byte, 0, lastKept)}
	if format == "parquet" {
		g.every = 2 // a column of a group is one write or two
	}
	target := "/v1/cohorts?app=1&format=" + format + "&to=" + firstDay.AddDate(0, 0, rows/rowsOfDay).Format(time.DateOnly)
	if format == "json" {
		target += "&limit=5000"
	}
	for cursor, pages := "", 1; ; pages++ {
		g.header, g.status = http.Header{}, http.StatusOK
		admin.ServeHTTP(g, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target+cursor, nil))
		require.Equal(t, http.StatusOK, g.status, string(g.last))
		require.Equal(t, strconv.Itoa(rows/rowsOfDay), g.header.Get("Skand-Releases"))
		if format != "json" {
			return g
		}
		next := nextCursor(t, g.last)
		if next == "" {
			require.Equal(t, rows/5000, pages)
			return g
		}
		cursor = "&cursor=" + next
	}
}

// nextCursor is read from the end of a page of JSON.
func nextCursor(t *testing.T, end []byte) string {
	t.Helper()
	var page struct {
		Next *string `json:"next_cursor"`
	}
	at := bytes.LastIndex(end, []byte(`"next_cursor":`))
	require.GreaterOrEqual(t, at, 0)
	require.NoError(t, json.Unmarshal(append([]byte("{"), end[at:]...), &page))
	if page.Next == nil {
		return ""
	}
	return *page.Next
}
