package aggregate

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func TestKindsMerge(t *testing.T) {
	t.Parallel()
	const n = -1 // NULL
	for _, c := range []struct {
		name      string
		b         int
		in, shown kinds
	}{
		{"all stand", 5, kinds{5, 5, 0, 10, 20}, kinds{5, 5, 0, 10, 20}},
		{"a small kind joins null", 5, kinds{8, 2, 0, 10, 20}, kinds{10, n, 0, 10, 20}},
		{"a small kind makes null", 5, kinds{0, 2, 4, 10, 20}, kinds{6, n, n, 10, 20}},
		{"null is still small: the next in order", 5, kinds{0, 2, 0, 10, 20}, kinds{12, n, 0, n, 20}},
		{"an empty kind is not taken", 5, kinds{3, 0, 0, 0, 22}, kinds{25, 0, 0, 0, n}},
		{"one each would be solved", 3, kinds{0, 1, 1, 1, 17}, kinds{20, n, n, n, n}},
		{"b-1 each would be solved", 3, kinds{0, 2, 2, 0, 16}, kinds{20, n, n, 0, n}},
		{"in between stands", 3, kinds{0, 1, 2, 0, 17}, kinds{3, n, n, 0, 17}},
		{"all but a few", 5, kinds{0, 0, 0, 1, 24}, kinds{25, 0, 0, n, n}},
	} {
		shown, stands := c.in.merge(c.b)
		for i, ok := range stands {
			if !ok {
				require.Zero(t, shown[i], c.name)
				shown[i] = n
			}
		}
		require.Equal(t, c.shown, shown, c.name)
	}
}

func TestLevelsMerge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in     levels
		stands [3]bool
	}{
		{levels{0, 0, 0}, [3]bool{true, true, true}},
		{levels{5, 5, 5}, [3]bool{true, true, true}},
		{levels{5, 0, 9}, [3]bool{true, true, true}},
		{levels{5, 4, 1}, [3]bool{true, false, false}},
		{levels{0, 1, 9}, [3]bool{true, false, false}},
		{levels{9, 1, 0}, [3]bool{}}, // high is empty, so the merged pair is one install
		{levels{1, 9, 9}, [3]bool{}},
	} {
		require.Equal(t, c.stands, c.in.merge(5), "%v", c.in)
	}
}

func money(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func moneyAt(s string) *decimal.Decimal { d := money(s); return &d }

func payers(n int) Counted {
	return Counted{
		N: n, NetworkID: "a", IDKind: IDSource, Source: "39", Kind: ValueFine, Payer: true, SchemaVersion: 1,
		RevenueMin: money("1.10"), RevenueEst: money("1.55"), RevenueMax: moneyAt("2.00"),
	}
}

func valued(n int, kind string) Counted {
	return Counted{N: n, NetworkID: "a", IDKind: IDSource, Source: "39", Kind: kind, SchemaVersion: 1}
}

var installs = Dataset{AppID: 525463029, Kind: KindInstall, Environment: EnvProduction}

func cutOne(t *testing.T, d Dataset, s Settings, b Batch) Row {
	t.Helper()
	p := Cut(d, s, b)
	require.Len(t, p.Rows, 1)
	require.NoError(t, p.check(s.K, s.B, b.Installs()))
	return p.Rows[0]
}

func TestPayersAndRevenue(t *testing.T) {
	t.Parallel()
	exact, banded := DefaultSettings(), DefaultSettings()
	banded.Revenue = RevenueBanded
	openBand := payers(6)
	openBand.RevenueMax = nil
	for _, c := range []struct {
		name                  string
		settings              Settings
		batch                 Batch
		payers, min, est, max string // "" is NULL
	}{
		{"stands", exact, Batch{Groups: []Counted{payers(6), valued(20, ValueFine)}}, "6", "6.6", "9.3", "12"},
		{"none paid", exact, Batch{Groups: []Counted{valued(20, ValueFine)}}, "0", "0", "0", "0"},
		{"all paid", exact, Batch{Groups: []Counted{payers(20)}}, "20", "22", "31", "40"},
		{"b-1 paid", exact, Batch{Groups: []Counted{payers(4), valued(20, ValueFine)}}, "", "", "", ""},
		{"all but b-1 paid", exact, Batch{Groups: []Counted{payers(20), valued(4, ValueFine)}}, "", "", "", ""},
		{"fine does not stand", exact, Batch{Groups: []Counted{payers(20), valued(4, ValueNull)}}, "", "", "", ""},
		{"a version without upper bound", exact, Batch{OpenRevenue: true, Groups: []Counted{valued(20, ValueFine)}}, "0", "0", "0", ""},
		{"an open band that no version declared", exact, Batch{Groups: []Counted{openBand, valued(20, ValueFine)}}, "6", "6.6", "9.3", ""},
		{"banded", banded, Batch{Groups: []Counted{payers(6), valued(20, ValueFine)}}, "6", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			row := cutOne(t, installs, c.settings, c.batch)
			got := []string{"", spelt(row.RevenueMin), spelt(row.RevenueEst), spelt(row.RevenueMax)}
			if row.Payers != nil {
				got[0] = decimal.NewFromInt(int64(*row.Payers)).String()
			}
			require.Equal(t, []string{c.payers, c.min, c.est, c.max}, got)
		})
	}
}

func spelt(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// An unreadable kind or level is a value without meaning, not a lost install.
func TestUnknownValuesAreUnmapped(t *testing.T) {
	t.Parallel()
	row := cutOne(t, installs, DefaultSettings(), Batch{Groups: []Counted{valued(10, "strange"), valued(10, ValueCoarse)}})
	require.Equal(t, 20, *row.UnmappedInstalls)
}

func TestQualifiersCarryOnlyInstalls(t *testing.T) {
	t.Parallel()
	d := installs
	d.Kind = KindQualifier
	row := cutOne(t, d, DefaultSettings(), Batch{Groups: []Counted{valued(30, ValueNull)}})
	require.Equal(t, Row{
		Level: LevelWithheld, NetworkID: "a", IDKind: IDSource, Source2: "39", Installs: 30, SchemaVersions: []int{1},
	}, row)
}

func TestSchemaVersionsNeedB(t *testing.T) {
	t.Parallel()
	late := valued(4, ValueFine)
	late.SchemaVersion = 2
	unread := valued(9, ValueNull)
	unread.SchemaVersion = 0
	p := Cut(installs, DefaultSettings(), Batch{Groups: []Counted{valued(30, ValueFine), late, unread}})
	require.Equal(t, []int{1}, p.SchemaVersions)
	late.N = 5
	p = Cut(installs, DefaultSettings(), Batch{Groups: []Counted{valued(30, ValueFine), late, unread}})
	require.Equal(t, []int{1, 2}, p.SchemaVersions)
	require.Equal(t, []int{1, 2}, p.Rows[0].SchemaVersions)
}
