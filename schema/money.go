package schema

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
)

// An exponent is part of JSON's number grammar; two digits of it keep a short
// text from standing for an amount of a million digits.
var moneyText = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$`)

const (
	maxMoneyText = 40
	maxDecimals  = 9
)

var maxMoney = decimal.New(1, 12)

// ParseMoney reads an amount by its digits: "3", "3.50" and "35e-1" are amounts,
// "-1", "1,5" and "1e99" are not. Amounts are below 10^12 and have at most nine
// decimals; equal amounts come back in the same representation.
func ParseMoney(s string) (decimal.Decimal, error) {
	if strings.HasPrefix(s, "-") {
		return decimal.Decimal{}, errors.New("is negative; write an amount of 0 or more")
	}
	if len(s) > maxMoneyText || !moneyText.MatchString(s) {
		return decimal.Decimal{}, errors.New(`is not an amount; write decimal digits such as "3.50"`)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("is not an amount: %w", err)
	}
	if d.GreaterThanOrEqual(maxMoney) {
		return decimal.Decimal{}, errors.New("is too large; amounts are below 1000000000000")
	}
	// String drops trailing zeros, so 3.00 and 3 become the same.
	d, err = decimal.NewFromString(d.String())
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("is not an amount: %w", err)
	}
	if d.Exponent() < -maxDecimals {
		return decimal.Decimal{}, fmt.Errorf("has more than %d decimals", maxDecimals)
	}
	return d, nil
}
