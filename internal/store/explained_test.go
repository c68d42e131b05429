package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// explained hears the plan of every statement that PostgreSQL runs for a store: the
// plan that was used, by the statement as it was prepared, and not one that an
// EXPLAIN beside it would have chosen.
type explained struct {
	mu    sync.Mutex
	plans []ranPlan
	err   error // of a plan that could not be read
}

// ranPlan is what auto_explain tells of one statement.
type ranPlan struct {
	Text string   `json:"Query Text"`
	Root planNode `json:"Plan"`
	raw  string
}

type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Alias    string     `json:"Alias"`
	Index    string     `json:"Index Name"`
	Cond     string     `json:"Index Cond"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Filtered float64    `json:"Rows Removed by Filter"`
	Children []planNode `json:"Plans"`
}

// each visits the node and everything below it.
func (n *planNode) each(visit func(*planNode)) {
	visit(n)
	for i := range n.Children {
		n.Children[i].each(visit)
	}
}

// read is how many rows a scan looked at, whether it gave them on or not.
func (n *planNode) read() float64 { return (n.Rows + n.Filtered) * max(n.Loops, 1) }

// explain gives the store connections whose statements are heard, with a
// plan_cache_mode.
func explain(t *testing.T, s *Store, location, mode string) *explained {
	t.Helper()
	u, err := url.Parse(location)
	require.NoError(t, err)
	q := u.Query()
	for name, value := range map[string]string{
		"session_preload_libraries":     "auto_explain",
		"auto_explain.log_min_duration": "0",
		"auto_explain.log_level":        "notice", // to the client
		"auto_explain.log_format":       "json",
		"auto_explain.log_analyze":      "on",
		"auto_explain.log_timing":       "off",
		"plan_cache_mode":               mode,
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	connector, err := pq.NewConnector(u.String())
	require.NoError(t, err)
	x := &explained{}
	heard := pq.ConnectorWithNoticeHandler(connector, x.hear)
	pool := sqlx.NewDb(sql.OpenDB(heard), string(postgres))
	require.NoError(t, s.main.close())
	s.main = &db{dialect: postgres, w: pool, r: pool, looks: newLooks(heard)}
	err = pool.PingContext(t.Context())
	if err != nil && strings.Contains(err.Error(), "auto_explain") {
		t.Skipf("this PostgreSQL comes without auto_explain (its contrib package): %v", err)
	}
	require.NoError(t, err)
	return x
}

var planStart = regexp.MustCompile(`^duration: [0-9.]+ ms  plan:\n`)

func (x *explained) hear(notice *pq.Error) {
	start := planStart.FindString(notice.Message)
	if start == "" {
		return
	}
	p := ranPlan{raw: notice.Message[len(start):]}
	err := json.Unmarshal([]byte(p.raw), &p)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.plans = append(x.plans, p)
	x.err = errors.Join(x.err, err)
}

// take returns what was heard since it was called last.
func (x *explained) take() ([]ranPlan, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	plans, err := x.plans, x.err
	x.plans, x.err = nil, nil
	return plans, err
}

func (x *explained) forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.plans = nil
}
