package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMoneyKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "0.0": "0", "3.00": "3", "0.1": "0.1", "10": "10", "100.50": "100.5", "35e-1": "3.5", "1E2": "100",
		"999999999999.999999999": "999999999999.999999999", "0.000000001": "0.000000001", "0e9": "0",
	} {
		d, err := ParseMoney(in)
		require.NoError(t, err, in)
		require.Equal(t, want, d.String())
		again, err := ParseMoney(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again, "one representation for %s", in)
	}
}

func TestParseMoneyRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "-1", "-0", "+1", "1,5", "1.", ".5", "01", "0x10", "1_000", "NaN", "Inf", "1e99", "1e999999999", "1e-99", " 1", "1 ",
		"1000000000000", "0.0000000001", "11111111111111111111111111111111111111111",
	} {
		_, err := ParseMoney(in)
		require.Error(t, err, in)
	}
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	for code, digits := range map[string]int{"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4, "XAF": 0, "ZWG": 2} {
		n, ok := CurrencyMinorUnits(code)
		require.True(t, ok, code)
		require.Equal(t, digits, n, code)
	}
	for _, code := range []string{"", "usd", "US", "USDT", "XXX", "XTS", "XAU", "DEM", "USD 2"} {
		require.False(t, CurrencyKnown(code), code)
	}
	require.Len(t, currencies(), 166)
}
