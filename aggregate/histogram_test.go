package aggregate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// had is n installs of network a, campaign 39, with a fine value of bitwise.
func had(n, value int) Counted {
	c := valued(n, ValueFine)
	c.Fine, c.Payer, c.RevenueMax = value, value >= 4, moneyAt("0")
	return c
}

func withSchemas(versions []Meaning, groups ...Counted) Published {
	b := Batch{Schemas: versions, Groups: groups}
	return Cut(installs, DefaultSettings(), b)
}

// binned writes bins and events: "39 0-3=20, odd=NULL".
func binned(p Published) string {
	var parts []string
	for _, v := range p.Values {
		kind := ""
		if v.Kind != BinFine {
			kind = v.Kind + " "
		}
		parts = append(parts, fmt.Sprintf("%s %s%s=%s", v.Source2, kind, v.Values, number(v.Installs)))
	}
	for _, e := range p.Events {
		parts = append(parts, fmt.Sprintf("%s %s=%s", e.Source2, e.EventName, number(e.Installs)))
	}
	return strings.Join(parts, ", ")
}

func number(n *int) string {
	if n == nil {
		return "NULL"
	}
	return fmt.Sprint(*n)
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	one := []Meaning{bitwise(1)}
	for _, c := range []struct {
		name   string
		groups []Counted
		want   string
	}{
		{"every value stands", []Counted{had(9, 0), had(8, 1), had(7, 2), had(6, 3), had(5, 5)}, "39 0=9, 39 1=8, 39 2=7, 39 3=6, 39 5=5, 39 odd=19, 39 two=13, 39 purchase=5"},
		{"a small value joins its neighbour", []Counted{had(9, 0), had(8, 1), had(4, 2), had(6, 3)}, "39 0,2=13, 39 1=8, 39 3=6, 39 odd=14, 39 two=NULL, 39 purchase=0"},
		{"a small side of the first event takes all", []Counted{had(20, 0), had(20, 2), had(4, 1)}, "39 0-3=44, 39 odd=NULL, 39 two=NULL, 39 purchase=0"},
		{"payers never join the others", []Counted{had(40, 1), had(4, 4), had(4, 5)}, "39 1=40, 39 4-7=8, 39 odd=NULL, 39 two=NULL, 39 purchase=8"},
		{"payers do not stand: no histogram", []Counted{had(40, 0), had(4, 4)}, ""},
		{"nor without fine values", []Counted{valued(40, ValueNull)}, ""},
		{"a value that no version has: all that is told of it is that it pays", []Counted{had(40, 0), had(5, 9)}, "39 0=40, 39 =5, 39 odd=0, 39 two=0, 39 purchase=0"},
	} {
		p := withSchemas(one, c.groups...)
		require.NoError(t, p.check(20, 5, p.Installs), c.name)
		require.Equal(t, c.want, binned(p), c.name)
	}
	require.Empty(t, binned(withSchemas(nil, had(40, 0))), "no schema, no histogram")
}

// A histogram is over exactly the rows of its campaign on which payers stand.
func TestHistogramIsOfItsCampaignsRows(t *testing.T) {
	t.Parallel()
	from := func(source, kind string, g ...Counted) []Counted {
		for i := range g {
			g[i].Source, g[i].IDKind = source, kind
		}
		return g
	}
	var groups []Counted
	groups = append(groups, from("139", IDSource, had(20, 0), had(5, 4))...)
	groups = append(groups, from("239", IDSource, had(20, 1), had(4, 4))...) // payers NULL
	groups = append(groups, from("339", IDSource, had(20, 3))...)
	groups = append(groups, from("39", IDCampaign, had(30, 2))...) // not the digits 39
	groups = append(groups, from("40", IDSource, had(12, 1))...)   // with 41: the network's other
	groups = append(groups, from("41", IDSource, had(12, 1))...)
	p := withSchemas([]Meaning{bitwise(1)}, groups...)
	require.NoError(t, p.check(20, 5, p.Installs))
	var got []string
	for _, v := range p.Values {
		got = append(got, fmt.Sprintf("%s/%s/%s %s=%d", v.NetworkID, v.IDKind, v.Source2, v.Values, *v.Installs))
	}
	require.Equal(t, []string{
		"a// 1=24", "a/campaign/39 2=30", "a/source/39 0=20", "a/source/39 3=20", "a/source/39 4=5",
	}, got)
	for _, e := range p.Events {
		require.NotNil(t, e.Installs)
	}
}

func TestEventsAreSumsOfBins(t *testing.T) {
	t.Parallel()
	m := bitwise(1)
	three := 3
	m.Values[1].Events[0] = EventMeaning{Name: "odd", CountMin: 2, CountMax: &three}
	m.Values[3].Events[0] = EventMeaning{Name: "odd", CountMin: 4, CountMax: moreThan(4)}
	p := withSchemas([]Meaning{m}, had(9, 0), had(8, 1), had(7, 3), had(6, 4), had(5, 6))
	require.Equal(t, "39 0=9, 39 1=8, 39 3=7, 39 4=6, 39 6=5, 39 odd=15, 39 two=12, 39 purchase=11", binned(p))
	require.Equal(t, "44 51.5 59", occurred(p.Events[0]))
	require.Equal(t, "12 12 open", occurred(p.Events[1]))

	// One bin of two values: by its size and what they allow, not by who had which.
	p = withSchemas([]Meaning{m}, had(9, 0), had(20, 1), had(4, 3))
	require.Equal(t, "39 0=9, 39 1,3=24, 39 odd=24, 39 two=NULL, 39 purchase=0", binned(p))
	require.Equal(t, "48 84 120", occurred(p.Events[0]))
	require.Equal(t, "0 0 0", occurred(p.Events[2]))
	require.Nil(t, p.Events[1].CountMin)
}

func moreThan(n int) *int { n++; return &n }

func occurred(e EventCount) string {
	most := "open"
	if e.CountMax != nil {
		most = e.CountMax.String()
	}
	return e.CountMin.String() + " " + e.CountEst.String() + " " + most
}

func TestRevenueOfBins(t *testing.T) {
	t.Parallel()
	m := bitwise(1)
	m.Values[5].RevenueMin, m.Values[5].RevenueEst, m.Values[5].RevenueMax = money("10"), money("15"), moneyAt("20")
	m.Values[6].RevenueMax, m.Values[7].RevenueMin = nil, money("0.5")
	p := withSchemas([]Meaning{m}, had(40, 0), had(6, 5), had(5, 4))
	require.Equal(t, []string{"0 0 0", "5 10 15", "60 90 120"}, revenues(p.Values))
	p = withSchemas([]Meaning{m}, had(40, 0), had(4, 5), had(6, 4))
	require.Equal(t, "39 0=40, 39 4-7=10, 39 odd=NULL, 39 two=NULL, 39 purchase=10", binned(p))
	require.Equal(t, []string{"0 0 0", "5 52.5 "}, revenues(p.Values), "least, mean, and one of its values is open")
	m.Values[6].RevenueMax = moneyAt("3")
	p = withSchemas([]Meaning{m}, had(40, 0), had(4, 5), had(6, 4))
	require.Equal(t, "5 52.5 200", revenues(p.Values)[1])
}

func revenues(values []ValueBin) []string {
	var out []string
	for _, v := range values {
		out = append(out, spelt(v.RevenueMin)+" "+spelt(v.RevenueEst)+" "+spelt(v.RevenueMax))
	}
	return out
}

func TestClamped(t *testing.T) {
	t.Parallel()
	m := bitwise(1)
	m.Values[6].Clamped, m.Values[7].Clamped = true, true
	p := withSchemas([]Meaning{m}, had(40, 0), had(5, 4), had(6, 6))
	require.Equal(t, "39 0=40, 39 4=5, 39 6=6, 39 clamped 6-7=6, 39 odd=0, 39 two=6, 39 purchase=11", binned(p))
	require.Nil(t, p.Values[3].RevenueMin, "the fine bins have it")
	p = withSchemas([]Meaning{m}, had(40, 0), had(5, 4), had(4, 6))
	require.Equal(t, "39 0=40, 39 4,6=9, 39 clamped 6-7=NULL, 39 odd=0, 39 two=NULL, 39 purchase=9", binned(p))
}

func TestAmbiguousShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ambiguous, installs int
		want                string
	}{
		{0, 30, "0"}, {4, 30, ""}, {5, 30, "0.15"}, {25, 30, "0.85"}, {26, 30, ""}, {30, 30, "1"},
		{5, 1000, "0"}, {995, 1000, "1"}, {24, 1000, "0"}, {25, 1000, "0.05"}, {500, 1001, "0.5"}, {0, 0, ""},
	} {
		require.Equal(t, c.want, spelt(ambiguousShare(c.ambiguous, c.installs, 5)), "%d of %d", c.ambiguous, c.installs)
	}
	unsure := had(10, 1)
	unsure.Ambiguous = true
	p := withSchemas([]Meaning{bitwise(1)}, had(30, 0), unsure)
	for _, e := range p.Events {
		require.True(t, decimal.New(25, -2).Equal(*e.AmbiguousShare))
	}
}

// Installs keep the version that decoded them, however late they are published.
func TestHistogramOfSeveralVersions(t *testing.T) {
	t.Parallel()
	old, current := bitwise(1), bitwise(2)
	current.Values[1].Events[0].Name = "odd2"
	current.Events = []string{"odd2", "odd", "two", "purchase"}
	under := func(version int, c Counted) Counted { c.SchemaVersion = version; return c }
	both := []Meaning{old, current}
	for _, c := range []struct {
		name   string
		groups []Counted
		want   string
	}{
		{"what they read alike is one value", []Counted{under(1, had(4, 0)), under(2, had(30, 0))}, "39 0=34, 39 odd2=0, 39 odd=0, 39 two=0, 39 purchase=0"},
		{"what they read otherwise is two", []Counted{under(1, had(9, 1)), under(2, had(30, 1))}, "39 1=30, 39 1=9, 39 odd2=30, 39 odd=9, 39 two=0, 39 purchase=0"},
		{"one install of the old meaning: one bin", []Counted{under(1, had(1, 1)), under(2, had(30, 1)), under(2, had(30, 0))}, "39 2:0-3;1:1=61, 39 odd2=NULL, 39 odd=NULL, 39 two=NULL, 39 purchase=0"},
		{"none of it: the new meaning alone", []Counted{under(2, had(30, 1)), under(2, had(30, 0))}, "39 0=30, 39 1=30, 39 odd2=30, 39 odd=0, 39 two=0, 39 purchase=0"},
	} {
		p := withSchemas(both, c.groups...)
		require.NoError(t, p.check(20, 5, p.Installs))
		require.Equal(t, c.want, binned(p), c.name)
	}
	p := withSchemas(both, under(1, had(9, 1)), under(2, had(30, 1)), under(1, had(30, 0)))
	require.Equal(t, []int{2, 2, 1}, []int{p.Values[0].SchemaVersion, p.Values[1].SchemaVersion, p.Values[2].SchemaVersion})
	require.Equal(t, 0, withSchemas(both, under(1, had(1, 1)), under(2, had(30, 0))).Values[0].SchemaVersion, "several")

	// An event that only an older version has is listed where it can be told.
	gone := bitwise(2)
	gone.Events = gone.Events[1:]
	for i := range gone.Values {
		if gone.Values[i].event("odd") != nil {
			gone.Values[i].Events = gone.Values[i].Events[1:]
		}
	}
	require.Equal(t, "39 1=30, 39 two=0, 39 purchase=0", binned(withSchemas([]Meaning{old, gone}, under(2, had(30, 1)))))
	require.Equal(t, "39 1=30, 39 two=0, 39 purchase=0, 39 odd=30", binned(withSchemas([]Meaning{old, gone}, under(1, had(30, 1)))))
}

func TestCheckRefusesMeasures(t *testing.T) {
	t.Parallel()
	p := withSchemas([]Meaning{bitwise(1)}, had(40, 0), had(6, 5), had(5, 4))
	require.NoError(t, p.check(20, 5, 51))
	require.ErrorContains(t, p.check(20, 6, 51), "below b")
	p.Values = p.Values[1:]
	require.ErrorContains(t, p.check(20, 5, 51), "more than its rows")
	p = withSchemas(nil, append(paid("a", "10", 4), paid("b", "10", 2)...)...)
	require.NoError(t, p.check(20, 5, 40))
	p.Remainders[0].Installs++
	require.ErrorContains(t, p.check(20, 5, 40), "can't be told")
	p.Remainders[0].Installs--
	p.Remainders[0].Rows++
	require.ErrorContains(t, p.check(20, 5, 40), "can't be told")
}

// The example of docs/privacy.md.
func TestDocumentedHistogram(t *testing.T) {
	t.Parallel()
	m := Meaning{Version: 1, Events: []string{"level", "share"}}
	for i := range 5 {
		v := ValueMeaning{Value: i, Payer: i == 4, RevenueMax: moneyAt("0")}
		for j, name := range m.Events {
			if i < 4 && i>>j&1 == 1 {
				v.Events = append(v.Events, EventMeaning{Name: name, CountMin: 1})
			}
		}
		m.Values = append(m.Values, v)
	}
	for _, c := range []struct {
		n    [5]int
		want string
	}{
		{[5]int{20, 9, 8, 6, 7}, "39 0=20, 39 1=9, 39 2=8, 39 3=6, 39 4=7, 39 level=15, 39 share=14"},
		{[5]int{20, 9, 3, 6, 7}, "39 0,2=23, 39 1=9, 39 3=6, 39 4=7, 39 level=15, 39 share=NULL"},
		{[5]int{20, 2, 8, 1, 7}, "39 0-3=31, 39 4=7, 39 level=NULL, 39 share=NULL"},
		{[5]int{20, 9, 8, 6, 3}, ""},
	} {
		var groups []Counted
		for value, n := range c.n {
			groups = append(groups, had(n, value))
		}
		require.Equal(t, c.want, binned(withSchemas([]Meaning{m}, groups...)))
	}
}
