package attack

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// view is a snapshot, read.
type view struct {
	t        *testing.T
	releases []*release
}

// release is a line of the public ledger with what stands under it.
type release struct {
	id, dataset, conversion, environment, kind, versions, sealed string
	app                                                          int64
	index, k, b                                                  int
	start, end                                                   time.Time
	rows                                                         []*row
	bins                                                         []*bin
	events                                                       []*event
	remainders                                                   []*remainder
}

// row is a published row; what is NULL is nil. kinds are null, unset, unmapped, fine.
type row struct {
	key, network, level            string
	campaign                       campaignKey
	from, to                       string // install_from, install_to
	installs                       int
	kinds                          [4]*int
	levels                         [3]*int
	payers, redownloads            *int
	leastRevenue, est, mostRevenue *decimal.Decimal
}

// The places of row.kinds.
const (
	kindNull = iota
	kindUnset
	kindUnmapped
	kindFine
)

// campaignKey is what one histogram is of.
type campaignKey struct{ network, idKind, source string }

type bin struct {
	campaign     campaignKey
	kind, values string
	from, to     int
	version      int // 0: several
	installs     *int
	most         *decimal.Decimal
}

type event struct {
	campaign campaignKey
	name     string
	installs *int
}

type remainder struct {
	network, measure string
	rows, installs   int
	most             *decimal.Decimal
}

// reading is one line of a table by the names of its columns.
type reading struct {
	t    *testing.T
	line []string
	at   map[string]int
}

func (r reading) text(column string) string {
	i, there := r.at[column]
	require.True(r.t, there, column)
	if r.line[i] == null {
		return ""
	}
	return r.line[i]
}

func (r reading) number(column string) *int {
	text := r.text(column)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	require.NoError(r.t, err, column)
	return &n
}

func (r reading) money(column string) *decimal.Decimal {
	text := r.text(column)
	if text == "" {
		return nil
	}
	d, err := decimal.NewFromString(text)
	require.NoError(r.t, err, column)
	return &d
}

func (r reading) time(column string) time.Time {
	at, err := time.Parse(time.RFC3339, r.text(column))
	require.NoError(r.t, err, column)
	return at
}

func (r reading) campaign() campaignKey {
	return campaignKey{r.text("network_id"), r.text("id_kind"), r.text("source_2")}
}

func (s *snapshot) each(t *testing.T, name string, read func(r reading)) {
	t.Helper()
	at := map[string]int{}
	for i, c := range s.tables[name].columns {
		at[c] = i
	}
	for _, line := range s.tables[name].lines {
		read(reading{t, line, at})
	}
}

// newView reads a snapshot.
func newView(t *testing.T, s *snapshot) *view {
	t.Helper()
	v, byID := &view{t: t}, map[string]*release{}
	s.each(t, "release", func(r reading) {
		x := &release{
			id: r.text("release_id"), dataset: r.text("dataset"), conversion: r.text("conversion_kind"), environment: r.text("environment"),
			kind: r.text("kind"), versions: r.text("schema_versions"), app: int64(*r.number("app_id")), index: *r.number("sequence_index"),
			sealed: r.text("sealed_at"), k: *r.number("k"), b: *r.number("b"), start: r.time("window_start"), end: r.time("window_end"),
		}
		byID[x.id] = x
		v.releases = append(v.releases, x)
	})
	s.each(t, "cohort", func(r reading) {
		in := byID[r.text("release_id")]
		x := &row{
			key: strings.TrimPrefix(r.text("row_id"), in.id+"/"), network: r.text("network_id"), level: r.text("level"), campaign: r.campaign(),
			from: r.text("install_from"), to: r.text("install_to"), installs: *r.number("installs"),
			kinds:  [4]*int{r.number("null_installs"), r.number("unset_installs"), r.number("unmapped_installs"), r.number("fine_installs")},
			levels: [3]*int{r.number("coarse_low"), r.number("coarse_medium"), r.number("coarse_high")},
			payers: r.number("payers"), redownloads: r.number("redownloads"),
			leastRevenue: r.money("revenue_min"), est: r.money("revenue_est"), mostRevenue: r.money("revenue_max"),
		}
		if x.campaign.source == "" {
			x.campaign = campaignKey{network: x.network}
		}
		in.rows = append(in.rows, x)
	})
	s.each(t, "cohort_value", func(r reading) {
		in, version := byID[r.text("release_id")], 0
		if n := r.number("schema_version"); n != nil {
			version = *n
		}
		in.bins = append(in.bins, &bin{
			campaign: r.campaign(), kind: r.text("kind"), values: r.text("value_list"), from: *r.number("value_from"), to: *r.number("value_to"),
			version: version, installs: r.number("installs"), most: r.money("revenue_max"),
		})
	})
	s.each(t, "cohort_event", func(r reading) {
		in := byID[r.text("release_id")]
		in.events = append(in.events, &event{r.campaign(), r.text("event_name"), r.number("installs")})
	})
	s.each(t, "cohort_remainder", func(r reading) {
		in := byID[r.text("release_id")]
		in.remainders = append(in.remainders, &remainder{
			r.text("network_id"), r.text("measure"), *r.number("rows"), *r.number("installs"), r.money("revenue_max"),
		})
	})
	slices.SortFunc(v.releases, func(a, b *release) int {
		return cmp.Or(cmp.Compare(a.dataset, b.dataset), a.end.Compare(b.end), cmp.Compare(a.id, b.id))
	})
	return v
}
