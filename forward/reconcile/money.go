package reconcile

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

var (
	plainNumber   = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`)
	groupedNumber = regexp.MustCompile(`^-?[0-9]{1,3}(,[0-9]{3}){1,5}(\.[0-9]{1,9})?$`)
)

// readMoney reads an amount exactly. Commas may stand between thousands; a comma
// before the cents is refused, for 1,234 would then be two amounts.
func readMoney(text string) (decimal.Decimal, error) {
	digits := text
	if groupedNumber.MatchString(digits) {
		digits = strings.ReplaceAll(digits, ",", "")
	}
	if !plainNumber.MatchString(digits) {
		return decimal.Decimal{}, fmt.Errorf("%q is no amount; write it as 1234.50, without a currency sign", clip(text))
	}
	return decimal.NewFromString(digits)
}

// readCount reads a whole number. Reports write 12.00 too; what has a fraction was
// shared between ads by a model and is no count.
func readCount(text string) (int64, error) {
	digits := text
	if groupedNumber.MatchString(digits) {
		digits = strings.ReplaceAll(digits, ",", "")
	}
	if whole, rest, found := strings.Cut(digits, "."); found && rest != "" {
		if strings.Trim(rest, "0") != "" && plainNumber.MatchString(digits) {
			return 0, fmt.Errorf("%q is no whole number; counts shared between ads can't be compared, take the report by conversion", clip(text))
		}
		if strings.Trim(rest, "0") == "" {
			digits = whole
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > maxCount {
		return 0, errors.New(strconv.Quote(clip(text)) + " is no count; write a whole number from 0 to " + strconv.FormatInt(maxCount, 10))
	}
	return n, nil
}
