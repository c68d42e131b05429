package forward

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func bought() map[string]string {
	return map[string]string{
		"event_name": "purchase", "campaign_id": "c39", "country": "DE", "revenue": "10.00", "currency": "USD",
		"revenue_converted": "9.41", "att_status": "denied", "limit_ad_tracking": "true", "is_test": "false", "count": "1",
		"network_id": "n", "idfa": "I", "sk_conversion_value": "27", "sk_did_win": "true",
	}
}

func TestFilterParts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		f    Filter
		want bool
	}{
		{"empty", Filter{}, true},
		{"campaign", Filter{Campaigns: []string{"c1", "c39"}}, true},
		{"another campaign", Filter{Campaigns: []string{"c3"}}, false},
		{"country in either case", Filter{Countries: []string{"at", "de"}}, true},
		{"another country", Filter{Countries: []string{"AT"}}, false},
		{"least, inclusive", Filter{MinRevenue: "9.41"}, true},
		{"below the least, exactly", Filter{MinRevenue: "9.410000001"}, false},
		{"most, inclusive", Filter{MaxRevenue: "9.41"}, true},
		{"above the most", Filter{MaxRevenue: "9.4"}, false},
		{"between", Filter{MinRevenue: "9", MaxRevenue: "10"}, true},
		{"all parts", Filter{Campaigns: []string{"c39"}, Countries: []string{"DE"}, MinRevenue: "1", Where: `event_name == "purchase"`}, true},
		{"one part of them fails", Filter{Campaigns: []string{"c39"}, Countries: []string{"DE"}, MinRevenue: "1", Where: `count > 1`}, false},
		{"a fault lets nothing through", Filter{Where: `)`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.f.passes(Conversion{Fields: bought()}))
			if c.f.Where != "" || c.f.MinRevenue+c.f.MaxRevenue != "" || len(c.f.Campaigns)+len(c.f.Countries) > 0 {
				require.False(t, c.f.passes(Conversion{}), "what it looks at is not there")
			}
		})
	}
	var none *Filter
	require.True(t, none.passes(Conversion{}))
}

// TestFilterMoneyIsExact: as floats these would be one.
func TestFilterMoneyIsExact(t *testing.T) {
	t.Parallel()
	f := Filter{MinRevenue: "100000000000000.000000002"}
	require.False(t, f.worth("100000000000000.000000001"))
	require.True(t, f.worth("100000000000000.000000002"))
	require.False(t, (&Filter{MinRevenue: "1"}).worth("1e99"), "no exponents")
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`country in ["DE", "AT"] and revenue_converted > 5`: true,
		`country in ["DE"] and revenue_converted > 9.41`:    false,
		`country not in ["US"]`:                             true,
		`event_name startsWith "pur"`:                       true,
		`lower(country) == "de" && len(campaign_id) == 3`:   true,
		`not is_test`:          true,
		`!(limit_ad_tracking)`: false,
		`campaign_id == ""`:    false,
		`click_id == ""`:       true,  // text that is missing is empty
		`revenue_min > 1`:      false, // a number that is missing is above nothing,
		`revenue_min <= 1`:     false, // nor below anything,
		`revenue_min == 0`:     false, // nor zero
		`revenue_min > 1 or event_name == "purchase"`: true,
		`revenue * 2 >= 20 ? country == "DE" : false`: true,
		`count == 1`:                                   true,
		`sk_conversion_value in [27, 28]`:              true,
		`sk_did_win and round(revenue_converted) == 9`: true,
		`is_modeled`:                                   false,
	} {
		p, err := compilePredicate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, p.holds(bought()), text)
	}
}

func TestWhereFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`contry == "DE"`:                  `at column 1: contry is no macro; the nearest is country`,
		`country == "DE" and reve`:        `at column 21: reve is no macro; the nearest is `,
		`idfa != ""`:                      `idfa identifies a person`,
		`attempt > 1`:                     `attempt is not known before there is a delivery`,
		`sk_payload != ""`:                `use the members that were read from it`,
		`country`:                         `bool`,
		`country > 5`:                     `mismatched types`,
		`revenue == "5"`:                  `mismatched types`,
		`country matches "^(a+)+$"`:       `"matches" cannot stand here`,
		`count in 1..1000000000`:          `".." cannot stand here`,
		`count ** 9 > 1`:                  `"**" cannot stand here`,
		`count % 0 == 1`:                  `"%" cannot stand here`,
		`all([1], # > count)`:             `cannot be`,
		`repeat(country, 999) == country`: `repeat cannot be called here; there are abs`,
		`now().Year() > 2000`:             `cannot be`,
		`country.x == "a"`:                `cannot be read here`,
		`country[0] == "a"`:               `cannot be read here`,
		`{"a": country} == nil`:           `cannot be read here`,
		`let x = country; x == "DE"`:      `x is no macro`,
		`country == nil`:                  `cannot be read here`,
		`$env == country`:                 `$env is no macro`,
		`country == "DE" and (`:           `at column`,
		`true`:                            `names no macro`,
		``:                                `at column`,
		strings.Repeat("(", 900):          `at column`,
		strings.Repeat("x", maxWhere+1):   `at most 2000`,
		strings.Repeat("is_test and ", 150) + "is_test": `at most 200`,
	} {
		_, err := compilePredicate(text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n", "one line")
	}
	var faults []string
	(&Filter{
		Campaigns: []string{""}, Countries: []string{"Germany"}, MinRevenue: "5", MaxRevenue: "4", Where: "contry",
	}).check(func(field, _ string, _ ...any) { faults = append(faults, field) })
	require.Equal(t, []string{"filter.campaigns", "filter.countries", "filter.max_revenue", "filter.where"}, faults)
	faults = nil
	(&Filter{MinRevenue: "1e9", MaxRevenue: "x"}).check(func(field, _ string, _ ...any) { faults = append(faults, field) })
	require.Equal(t, []string{"filter.min_revenue", "filter.max_revenue"}, faults)
}

func TestPredicatesAreCompiledOnce(t *testing.T) {
	t.Parallel()
	var m predicateMemory
	first := m.of(`count > 1`)
	require.NotNil(t, first)
	require.Same(t, first, m.of(`count > 1`))
	require.Nil(t, m.of(`count >`))
	for range maxPredicates + 1 {
		m.of(strings.Repeat(" ", len(m.kept)) + `count > 1`)
	}
	require.LessOrEqual(t, len(m.kept), maxPredicates)
}

// FuzzWhere: whatever is written and whatever a conversion holds, a predicate answers,
// the same each time, and never panics.
func FuzzWhere(f *testing.F) {
	for _, seed := range []string{
		`country in ["DE"] and revenue_converted > 5`, `not (is_test or count/0 > 1)`, `len(event_name) > -1 ? true : false`,
		`round(revenue)==1`, `abs(revenue-count) < 1e300*1e300`, `country contains "\x00"`, `"a" in country`, `+-+-count<1`, `country == "a" + "b"`,
		`1 < count < 2`, `if is_test {true} else {false}`, "country == `x`", `[[country]] == [["DE"]]`, `int(country) > 1`,
	} {
		f.Add(seed, "DE", "9.99")
	}
	f.Fuzz(func(t *testing.T, text, value, number string) {
		p, err := compilePredicate(text)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		fields := map[string]string{"country": value, "event_name": value, "revenue": number, "count": number, "is_test": value}
		require.Equal(t, p.holds(fields), p.holds(fields))
		p.holds(nil)
	})
}

func BenchmarkWhere(b *testing.B) {
	f := &Filter{Where: `country in ["DE", "AT"] and revenue_converted > 5`}
	c := Conversion{Fields: bought()}
	for b.Loop() {
		if !f.passes(c) {
			b.Fatal("it holds")
		}
	}
}
