package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

var sealedWeek = WindowAt(Week, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))

// baseOf is the release that a batch was published as.
func baseOf(s Settings, b Batch) Release {
	p := Cut(installs, s, b)
	r := Open{Dataset: installs}.release(plan{window: sealedWeek, settings: s, taken: sealedWeek}, p, Digest(b.Groups), sealedWeek.End)
	if r.State == StatePrepared {
		r.State = StatePublished
	}
	return r
}

// under are the versions of a base and the one that it is to be read by.
func under(to Meaning, old ...Meaning) Decodes {
	return Decodes{Old: old, New: to, Currency: "USD"}
}

// priced is bitwise with payers at n, and as version.
func priced(version int, amount string) Meaning {
	m := bitwise(version)
	for i := range m.Values {
		if m.Values[i].Payer {
			m.Values[i].RevenueMin, m.Values[i].RevenueEst, m.Values[i].RevenueMax = money(amount), money(amount), moneyAt(amount)
		}
	}
	return m
}

// bought is n installs with a value of priced(1, amount).
func bought(n, value int, amount string, source string) Counted {
	c := had(n, value)
	c.Source = source
	if c.Payer {
		c.RevenueMin, c.RevenueEst, c.RevenueMax = money(amount), money(amount), moneyAt(amount)
	}
	return c
}

func redecode(t *testing.T, base Release, d Decodes) Release {
	t.Helper()
	again, err := Redecode(base, d, sealedWeek.End.Add(time.Hour))
	require.NoError(t, err)
	return again
}

// rowsTold writes rows of network a: "39/239 payers 5 revenue 1/2/3".
func rowsTold(rows []Row) string {
	var parts []string
	for _, r := range rows {
		parts = append(parts, fmt.Sprintf("%s payers %s revenue %s/%s/%s", strings.NewReplacer("a/", "", "/withheld", "").Replace(r.Key()), number(r.Payers),
			spelt(r.RevenueMin), spelt(r.RevenueEst), spelt(r.RevenueMax)))
	}
	return strings.Join(parts, ", ")
}

func TestRedecode(t *testing.T) {
	t.Parallel()
	old := priced(1, "1")
	swap := func(change func(m *Meaning)) Meaning {
		m := priced(2, "1")
		change(&m)
		return m
	}
	pays := func(m *Meaning, value int, amount string) {
		v := &m.Values[value]
		v.Payer, v.RevenueMin, v.RevenueEst, v.RevenueMax = true, money(amount), money(amount), moneyAt(amount)
	}
	free := func(m *Meaning, value int) {
		v := &m.Values[value]
		v.Payer, v.RevenueMin, v.RevenueEst, v.RevenueMax = false, money("0"), money("0"), moneyAt("0")
	}
	one := []Counted{bought(20, 0, "1", "39"), bought(8, 1, "1", "39"), bought(7, 4, "1", "39"), bought(6, 5, "1", "39")}
	two := append(slices.Clone(one), bought(30, 0, "1", "40"))
	for i := range one {
		two[i].Source = "239"
	}
	two = append(two, bought(20, 0, "1", "139"), bought(5, 4, "1", "139"))
	for _, c := range []struct {
		name               string
		groups             []Counted
		to                 Meaning
		base, rows, values string
	}{
		{
			"dearer, one row", one, priced(2, "3"),
			"39 payers 13 revenue 13/13/13", "39 payers 13 revenue 39/39/39",
			"39 0=20, 39 1=8, 39 4=7, 39 5=6, 39 odd=14, 39 two=0, 39 purchase=13",
		},
		{
			"dearer, two rows: how bins spread over them is not told", two, priced(2, "3"),
			"39/139 payers 5 revenue 5/5/5, 39/239 payers 13 revenue 13/13/13, 40 payers 0 revenue 0/0/0",
			"39/139 payers 5 revenue //, 39/239 payers 13 revenue //, 40 payers 0 revenue 0/0/0",
			"39 0=40, 39 1=8, 39 4=12, 39 5=6, 40 0=30, 39 odd=14, 39 two=0, 39 purchase=18, 40 odd=0, 40 two=0, 40 purchase=0",
		},
		{
			"a value begins to pay", one, swap(func(m *Meaning) { pays(m, 1, "2") }), "39 payers 13 revenue 13/13/13",
			"39 payers 21 revenue 29/29/29", "39 0=20, 39 1=8, 39 4=7, 39 5=6, 39 odd=14, 39 two=0, 39 purchase=13",
		},
		{
			"of two rows only the campaign that had it loses payers", two, swap(func(m *Meaning) { pays(m, 1, "2") }), "",
			"39/139 payers NULL revenue //, 39/239 payers NULL revenue //, 40 payers 0 revenue 0/0/0",
			"39 0=40, 39 1=8, 39 4=12, 39 5=6, 40 0=30, 39 odd=14, 39 two=0, 39 purchase=18, 40 odd=0, 40 two=0, 40 purchase=0",
		},
		{
			"nobody pays any more, on any row", two, swap(func(m *Meaning) { free(m, 4); free(m, 5) }), "",
			"39/139 payers 0 revenue 0/0/0, 39/239 payers 0 revenue 0/0/0, 40 payers 0 revenue 0/0/0", "",
		},
		{
			"everybody pays, on every row", two, swap(func(m *Meaning) { pays(m, 0, "1"); pays(m, 1, "1") }), "",
			"39/139 payers 25 revenue //, 39/239 payers 41 revenue //, 40 payers 30 revenue 30/30/30", "",
		},
		{
			"a value without a row says nothing", one, swap(func(m *Meaning) { m.Values = slices.Delete(m.Values, 5, 6) }), "",
			"39 payers 7 revenue 7/7/7", "39 0=20, 39 1=8, 39 4=7, 39 5=6, 39 odd=8, 39 two=0, 39 purchase=7",
		},
		{
			"a bin crosses the line between payers and others", append(slices.Clone(one[:3]), bought(4, 5, "1", "39")),
			swap(func(m *Meaning) { free(m, 4) }), "39 payers 11 revenue 11/11/11", "39 payers NULL revenue //",
			"39 0=20, 39 1=8, 39 4-7=11, 39 odd=NULL, 39 two=NULL, 39 purchase=11",
		},
		{
			"an open band", one, swap(func(m *Meaning) { m.Values[4].RevenueMax = nil }), "", "39 payers 13 revenue 13/13/", "",
		},
		{
			"other events, payers as they were", one,
			swap(func(m *Meaning) {
				m.Events = []string{"new", "odd"}
				m.Values[0].Events = []EventMeaning{{Name: "new", CountMin: 1}}
			}), "",
			"39 payers 13 revenue 13/13/13", "39 0=20, 39 1=8, 39 4=7, 39 5=6, 39 new=20, 39 odd=14",
		},
		{
			"the cap cuts another value", one, swap(func(m *Meaning) { m.Values[5].Clamped = true }), "",
			"39 payers 13 revenue 13/13/13", "39 0=20, 39 1=8, 39 4=7, 39 5=6, 39 clamped 5=6, 39 odd=14, 39 two=0, 39 purchase=13",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			base := baseOf(DefaultSettings(), Batch{Schemas: []Meaning{old}, Groups: c.groups})
			before := asJSON(t, base)
			if c.base != "" {
				require.Equal(t, c.base, rowsTold(base.Rows))
			}
			again := redecode(t, base, under(c.to, old))
			require.Equal(t, c.rows, rowsTold(again.Rows))
			if c.values != "" {
				require.Equal(t, c.values, binned(Published{Values: again.Values, Events: again.Events}))
			}
			for _, v := range again.Values {
				require.Equal(t, 2, v.SchemaVersion)
			}
			require.Equal(t, before, asJSON(t, base), "the base stays")
			require.Equal(t, "525463029.0.install.production.2026-11-02.week.cohort.redecode.0", again.ID)
			require.Equal(t, []int{2}, again.SchemaVersions)
			require.Equal(t, again.SchemaVersions, again.Rows[0].SchemaVersions)
			require.Equal(t, StatePrepared, again.State)
		})
	}
}

// Old meanings fall together where the new one reads them alike.
func TestRedecodeOfSeveralVersions(t *testing.T) {
	t.Parallel()
	first, second := bitwise(1), bitwise(2)
	second.Values[1].Events[0].Name = "odd2"
	second.Events = []string{"odd2", "odd", "two", "purchase"}
	as := func(version int, c Counted) Counted { c.SchemaVersion = version; return c }
	old := []Meaning{first, second}
	for groups, want := range map[string][]Counted{
		"39 0=30, 39 1=30, 39 1=9, 39 odd=39, 39 two=0, 39 purchase=0": {as(1, had(9, 1)), as(2, had(30, 1)), as(2, had(30, 0))},
		"39 0-3=61, 39 odd=NULL, 39 two=NULL, 39 purchase=0":           {as(1, had(1, 1)), as(2, had(30, 1)), as(2, had(30, 0))},
	} {
		base := baseOf(DefaultSettings(), Batch{Schemas: old, Groups: want})
		again := redecode(t, base, under(bitwise(3), old...))
		require.Equal(t, groups, binned(Published{Values: again.Values, Events: again.Events}))
		require.Equal(t, 3, again.Values[0].SchemaVersion)
		require.Equal(t, rowsTold(base.Rows), rowsTold(again.Rows))
	}
}

func TestRedecodeOfRemainders(t *testing.T) {
	t.Parallel()
	again := func(c Counted) Counted { c.Redownload = true; return c }
	var groups []Counted
	for _, source := range []string{"1039", "1139", "1239", "1339"} { // payers NULL on each, their sum told
		groups = append(groups, bought(20, 0, "1", source), bought(3, 4, "1", source), again(bought(3, 1, "1", source)))
	}
	b := Batch{KnowsRedownloads: true, Schemas: []Meaning{priced(1, "1")}, Groups: groups}
	base := baseOf(DefaultSettings(), b)
	told := func(r Release) string {
		var parts []string
		for _, x := range r.Remainders {
			parts = append(parts, fmt.Sprintf("%s %d of %d rows, %s", x.Measure, x.Installs, x.Rows, spelt(x.RevenueEst)))
		}
		return strings.Join(parts, "; ")
	}
	require.Equal(t, "payers 12 of 4 rows, 12; redownloads 12 of 4 rows, ", told(base))
	dearer, paying, eventful := priced(2, "3"), priced(2, "1"), priced(2, "1")
	require.Equal(t, "payers 12 of 4 rows, ; redownloads 12 of 4 rows, ", told(redecode(t, base, under(dearer, b.Schemas...))))
	paying.Values[2].Payer = true // had by nobody; but of these rows that is not told
	require.Equal(t, "redownloads 12 of 4 rows, ", told(redecode(t, base, under(paying, b.Schemas...))))
	eventful.Events = []string{"odd"}
	_, err := Redecode(base, under(eventful, b.Schemas...), sealedWeek.End)
	var refused *RedecodeRefused
	require.ErrorAs(t, err, &refused)
	require.Equal(t, RefusedSame, refused.Reason, "there are no bins, so no events, and the rest is untouched")
}

func TestRedecodeBanded(t *testing.T) {
	t.Parallel()
	s := DefaultSettings()
	s.Revenue = RevenueBanded
	base := baseOf(s, Batch{Schemas: []Meaning{priced(1, "1")}, Groups: []Counted{bought(30, 0, "1", "39"), bought(6, 4, "1", "39")}})
	free := priced(2, "3")
	require.Equal(t, "39 payers 6 revenue //", rowsTold(redecode(t, base, under(free, priced(1, "1"))).Rows))
	free.Values[4].Payer = false
	again := redecode(t, base, under(free, priced(1, "1")))
	require.Equal(t, "39 payers 0 revenue //", rowsTold(again.Rows), "never on rows")
	require.Equal(t, "18", spelt(again.Values[1].RevenueEst))
}

func TestRedecodeKeepsTheAmbiguousShare(t *testing.T) {
	t.Parallel()
	unsure := had(10, 1)
	unsure.Ambiguous = true
	base := baseOf(DefaultSettings(), Batch{Schemas: []Meaning{bitwise(1)}, Groups: []Counted{had(30, 0), unsure}})
	to := bitwise(2)
	to.Events = append(to.Events, "more")
	events := redecode(t, base, under(to, bitwise(1))).Events
	require.Len(t, events, 4)
	for _, e := range events {
		require.True(t, decimal.New(25, -2).Equal(*e.AmbiguousShare))
	}
}

func TestRedecodeRefuses(t *testing.T) {
	t.Parallel()
	groups := []Counted{had(30, 0), had(6, 4)}
	for i := range groups[1:] {
		c := &groups[i+1]
		c.RevenueMin, c.RevenueEst, c.RevenueMax = money("1"), money("2"), moneyAt("3")
	}
	to := priced(2, "9")
	for reason, change := range map[string]func(r *Release, d *Decodes){
		RefusedNotBase + " redecode": func(r *Release, _ *Decodes) { r.Kind = ReleaseRedecode },
		RefusedNotBase + " model":    func(r *Release, _ *Decodes) { r.Kind = ReleaseModel },
		RefusedNotBase + " view":     func(r *Release, _ *Decodes) { r.View = "country" },
		RefusedCarried:               func(r *Release, _ *Decodes) { r.State = StateCarried },
		RefusedNotPublished:          func(r *Release, _ *Decodes) { r.State = StatePrepared },
		RefusedCurrency:              func(_ *Release, d *Decodes) { d.Currency = "EUR" },
		RefusedSame:                  func(_ *Release, d *Decodes) { d.New = bitwise(2) },
		RefusedSame + " version":     func(_ *Release, d *Decodes) { d.New = bitwise(1) },
		// The versions are not those that it was published with.
		RefusedUnexplained + " amounts": func(_ *Release, d *Decodes) { d.Old[0] = priced(1, "7") },
		RefusedUnexplained + " number":  func(_ *Release, d *Decodes) { d.Old[0].Version = 4 },
		RefusedUnexplained + " none":    func(_ *Release, d *Decodes) { d.Old = nil },
		RefusedUnexplained + " events":  func(_ *Release, d *Decodes) { d.Old[0].Events = nil },
		RefusedUnexplained + " bins":    func(r *Release, _ *Decodes) { r.Values = r.Values[1:] },
		RefusedUnexplained + " list":    func(r *Release, _ *Decodes) { r.Values[0].Values = "9-3" },
		RefusedUnexplained + " name":    func(r *Release, _ *Decodes) { r.Values[0].Values = "x:3" },
		RefusedUnexplained + " size":    func(r *Release, _ *Decodes) { r.Values[0].Installs = nil },
	} {
		r, d := baseOf(DefaultSettings(), Batch{Schemas: []Meaning{bitwise(1)}, Groups: groups}), under(to, bitwise(1))
		require.NotEmpty(t, redecode(t, r, d).Values)
		change(&r, &d)
		again, err := Redecode(r, d, sealedWeek.End)
		var refused *RedecodeRefused
		require.True(t, errors.As(err, &refused), "%s: %v", reason, err)
		require.Equal(t, strings.Fields(reason)[0], refused.Reason, err.Error())
		require.Contains(t, err.Error(), "release "+r.ID+" can't be decoded again: ")
		require.Zero(t, again.ID)
	}
}

// What no version explained is a bin of its own, of which nobody can say who pays.
func TestRedecodeOfStrays(t *testing.T) {
	t.Parallel()
	base := baseOf(DefaultSettings(), Batch{Schemas: []Meaning{bitwise(1)}, Groups: []Counted{had(40, 0), had(5, 9)}})
	to := bitwise(2)
	to.Values[0].Events = []EventMeaning{{Name: "odd", CountMin: 1}}
	again := redecode(t, base, under(to, bitwise(1)))
	require.Equal(t, "39 0=40, 39 =5, 39 odd=40, 39 two=0, 39 purchase=0", binned(Published{Values: again.Values, Events: again.Events}))
	require.Equal(t, "39 payers 5 revenue 0/0/0", rowsTold(again.Rows))
	to.Values[0].Payer = true
	require.Equal(t, "39 payers NULL revenue //", rowsTold(redecode(t, base, under(to, bitwise(1))).Rows))
}

// The second look finds what the first must not let through.
func TestCheckRedecode(t *testing.T) {
	t.Parallel()
	two := 2
	base := baseOf(DefaultSettings(), Batch{Schemas: []Meaning{priced(1, "1")}, Groups: []Counted{bought(30, 0, "1", "39"), bought(6, 4, "1", "39")}})
	for want, spoil := range map[string]func(r *Release){
		"is not that of its base":         func(r *Release) { r.Rows[0].Installs++ },
		"payers of row a/39/withheld can": func(r *Release) { r.Rows[0].Payers = &two },
		"revenue without payers":          func(r *Release) { r.Rows[0].Payers = nil },
		"bins are not those of its base":  func(r *Release) { r.Values = r.Values[1:] },
		"line clamped":                    func(r *Release) { r.Values = append(r.Values, ValueBin{Kind: BinClamped, Installs: &two}) },
		"event odd of campaign":           func(r *Release) { r.Events[0].Installs = &two },
	} {
		again := redecode(t, base, under(priced(2, "3"), priced(1, "1")))
		require.NoError(t, again.checkRedecode(base))
		spoil(&again)
		require.ErrorContains(t, again.checkRedecode(base), want)
	}
}
