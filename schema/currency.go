package schema

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// currencies.txt holds the alphabetic codes of ISO 4217 that money can be paid in,
// each with its minor units. Metals, funds without minor units and test codes are
// left out; codes withdrawn in 2025 and 2026 stay, for older documents.
//
//go:embed currencies.txt
var currencyText string

var currencies = sync.OnceValue(func() map[string]int {
	m := map[string]int{}
	for line := range strings.Lines(currencyText) {
		code, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(digits)
		if ok && err == nil {
			m[code] = n
		}
	}
	return m
})

// CurrencyKnown reports whether code is a currency of ISO 4217, upper case.
func CurrencyKnown(code string) bool {
	_, ok := CurrencyMinorUnits(code)
	return ok
}

// CurrencyMinorUnits gives the decimals of a currency's smallest coin: 2 for USD,
// 0 for JPY; false for an unknown code.
func CurrencyMinorUnits(code string) (int, bool) {
	n, ok := currencies()[code]
	return n, ok
}
