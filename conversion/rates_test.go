package conversion_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
)

func rate(currency, day, value string) conversion.Rate {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return conversion.Rate{Currency: currency, Day: d, Rate: decimal.RequireFromString(value)}
}

// ecb is a table with the base EUR, as the European Central Bank publishes it: none
// on weekends (14, 15 and 21, 22 November 2026).
func ecb() conversion.Rates {
	return conversion.NewRates([]conversion.Rate{
		rate("EUR", "2026-11-20", "1"), rate("EUR", "2026-11-13", "1"),
		rate("USD", "2026-11-20", "1.2"), rate("USD", "2026-11-13", "1.1"), rate("USD", "2026-11-19", "1.15"),
		rate("JPY", "2026-11-20", "180"), rate("JPY", "2026-11-13", "176"),
		rate("KWD", "2026-11-20", "0.36"), rate("GBP", "2026-11-20", "0"), rate("XXX", "2026-11-20", "2"),
	})
}

func TestConvert(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ amount, from, to, at, want string }{
		"through the base":               {"12", "USD", "JPY", "2026-11-20T10:00:00Z", "1800"},
		"to the base":                    {"9.99", "USD", "EUR", "2026-11-20T23:59:59Z", "8.325"},
		"from the base":                  {"1.23456789", "EUR", "USD", "2026-11-20T00:00:00Z", "1.481481"},
		"the same needs no table":        {"9.999999999", "SEK", "SEK", "1999-01-01T00:00:00Z", "9.999999999"},
		"the day is UTC's":               {"12", "USD", "EUR", "2026-11-20T00:30:00+02:00", "10.434783"}, // still the 19th
		"the weekend takes Friday's":     {"12", "USD", "EUR", "2026-11-22T10:00:00Z", "10"},
		"each its latest":                {"11", "USD", "JPY", "2026-11-19T23:00:00Z", "1683.4783"}, // 1.15 of the 19th, 176 of the 13th
		"seven days old":                 {"12", "USD", "EUR", "2026-11-27T23:59:59Z", "10"},
		"eight days old":                 {"12", "USD", "EUR", "2026-11-28T00:00:00Z", ""},
		"before the table begins":        {"12", "USD", "EUR", "2026-11-12T23:59:59Z", ""},
		"a refund":                       {"-9.99", "USD", "EUR", "2026-11-20T10:00:00Z", "-8.325"},
		"nothing":                        {"0", "USD", "JPY", "2026-11-20T10:00:00Z", "0"},
		"unknown source":                 {"1", "SEK", "EUR", "2026-11-20T10:00:00Z", ""},
		"unknown target":                 {"1", "EUR", "SEK", "2026-11-20T10:00:00Z", ""},
		"a target that is no money":      {"1", "EUR", "XXX", "2026-11-20T10:00:00Z", ""},
		"a rate of nothing is none":      {"1", "GBP", "EUR", "2026-11-20T10:00:00Z", ""},
		"three digits of coins, four on": {"1", "EUR", "KWD", "2026-11-20T10:00:00Z", "0.36"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, c.at)
			require.NoError(t, err)
			got, ok := ecb().Convert(decimal.RequireFromString(c.amount), c.from, c.to, at)
			require.Equal(t, c.want != "", ok)
			if ok {
				require.Equal(t, c.want, got.String())
			}
		})
	}
}

// TestConvertRoundsOnceHalfToEven at the sixth digit of dollars.
func TestConvertRoundsOnceHalfToEven(t *testing.T) {
	t.Parallel()
	table := conversion.NewRates([]conversion.Rate{
		rate("EUR", "2026-11-16", "1"), rate("USD", "2026-11-16", "1"), rate("CHF", "2026-11-16", "3"),
	})
	for amount, want := range map[string]string{
		"0.0000005": "0", "0.0000015": "0.000002", "0.0000025": "0.000002", "0.0000035": "0.000004",
		"-0.0000005": "0", "-0.0000015": "-0.000002", "-0.0000025": "-0.000002", "0.00000250000001": "0.000003",
	} {
		got, ok := table.Convert(decimal.RequireFromString(amount), "EUR", "USD", noon)
		require.True(t, ok)
		require.Equal(t, want, got.String(), amount)
	}
	// 0.0000014999…9 rounded first to 16 digits would be a half, and go up.
	got, ok := table.Convert(decimal.RequireFromString("0.0000044999999999999999"), "CHF", "USD", noon)
	require.True(t, ok)
	require.Equal(t, "0.000001", got.String())
}

// TestConvertIsExact: the answer is never further from the fraction than half a step,
// by arithmetic on fractions; and the base of the table is of no account.
func TestConvertIsExact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 3))
	codes := map[string]int32{"USD": 2, "JPY": 0, "KWD": 3}
	for range 3000 {
		draw := func(digits int32) decimal.Decimal {
			return decimal.New(1+rng.Int64N(1_000_000_000), -digits)
		}
		from, to := "EUR", []string{"USD", "JPY", "KWD"}[rng.IntN(3)]
		amount, a, b := draw(4).Sub(draw(4)), draw(6), draw(7)
		day := rate("EUR", "2026-11-16", "1").Day
		table := func(base decimal.Decimal) conversion.Rates {
			return conversion.NewRates([]conversion.Rate{{from, day, a.Mul(base)}, {to, day, b.Mul(base)}})
		}
		got, ok := table(decimal.NewFromInt(1)).Convert(amount, from, to, noon)
		require.True(t, ok)
		other, ok := table(draw(3)).Convert(amount, from, to, noon)
		require.True(t, ok)
		require.Equal(t, got.String(), other.String())

		exact := new(big.Rat).Mul(amount.Rat(), new(big.Rat).Quo(b.Rat(), a.Rat()))
		off := new(big.Rat).Abs(new(big.Rat).Sub(exact, got.Rat()))
		half := decimal.New(5, -(codes[to] + 4 + 1)).Rat()
		require.LessOrEqual(t, off.Cmp(half), 0, "%s %s at %s/%s", amount, from, b, a)
		require.GreaterOrEqual(t, got.Exponent(), -(codes[to] + 4))
	}
}

// TestRatesFindTheLatestLine against a search through all lines.
func TestRatesFindTheLatestLine(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 4))
	start := rate("EUR", "1969-12-20", "1").Day // days before 1970 count too
	for range 500 {
		var lines []conversion.Rate
		byDay := map[int]int64{}
		for range rng.IntN(8) {
			d, v := rng.IntN(30), 1+rng.Int64N(1000)
			byDay[d] = v
			lines = append(lines, conversion.Rate{Currency: "USD", Day: start.AddDate(0, 0, d), Rate: decimal.NewFromInt(v)})
		}
		for d := range 30 {
			lines = append(lines, conversion.Rate{Currency: "EUR", Day: start.AddDate(0, 0, d), Rate: decimal.NewFromInt(1)})
		}
		table := conversion.NewRates(lines)
		for d := range 30 {
			want := ""
			for age := range 8 {
				if v, ok := byDay[d-age]; ok {
					want = fmt.Sprint(v)
					break
				}
			}
			at := start.AddDate(0, 0, d).Add(time.Duration(rng.Int64N(int64(day))))
			got, ok := table.Convert(decimal.NewFromInt(1), "EUR", "USD", at)
			require.Equal(t, want != "", ok)
			if ok {
				require.Equal(t, want, got.String())
			}
		}
	}
}
