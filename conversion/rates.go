package conversion

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// Rate is how many units of a currency one unit of the table's base is worth on a
// day. The base is whatever the table's source takes (the ECB's is EUR); it cancels,
// and stands in the table itself with the rate 1.
type Rate struct {
	Currency string    // ISO 4217
	Day      time.Time // midnight UTC
	Rate     decimal.Decimal
}

// Rates is a table of dated rates. It is imported, never fetched: what an amount was
// worth must not depend on whom this server could reach.
type Rates struct {
	byCurrency map[string][]Rate // by day
}

// rateAge is how old a rate may be: banks publish none on weekends and holidays, and
// none has pauses of more than a week.
const rateAge = 7

// conversionDigits beyond the currency's smallest coin are kept, so that a sum of
// converted amounts is not off by what rounding took from each.
const conversionDigits = 4

// NewRates of any part of a table, in any order. Lines that are no rates (not above
// 0) are left out; the later of two lines of one currency and day counts.
func NewRates(lines []Rate) Rates {
	t := Rates{byCurrency: map[string][]Rate{}}
	for _, r := range lines {
		if r.Rate.IsPositive() {
			t.byCurrency[r.Currency] = append(t.byCurrency[r.Currency], r)
		}
	}
	for _, of := range t.byCurrency {
		slices.SortStableFunc(of, func(a, b Rate) int { return cmp.Compare(dayOf(a.Day), dayOf(b.Day)) })
	}
	return t
}

// Convert an amount of a time: amount × rate(to) / rate(from), by the latest line of
// each currency on or before the time's UTC day, at most seven days old. Computed
// exactly, then rounded once, half to even, to four digits beyond the smallest coin
// of the target (0.123456 USD, 12.3457 JPY). False where a line is missing or a code
// is unknown: the amount then stays in its own currency. An amount that needs no
// conversion is returned as it is.
func (t Rates) Convert(amount decimal.Decimal, from, to string, at time.Time) (decimal.Decimal, bool) {
	if from == to {
		return amount, true
	}
	digits, known := schema.CurrencyMinorUnits(to)
	divisor, okFrom := t.on(from, at)
	factor, okTo := t.on(to, at)
	if !known || !okFrom || !okTo {
		return decimal.Decimal{}, false
	}
	return divideHalfEven(amount.Mul(factor), divisor, int32(digits)+conversionDigits), true
}

// on is the rate of a currency for the day of a time.
func (t Rates) on(currency string, at time.Time) (decimal.Decimal, bool) {
	day, lines := dayOf(at), t.byCurrency[currency]
	for _, r := range slices.Backward(lines) {
		switch d := dayOf(r.Day); {
		case d > day:
			continue
		case day-d > rateAge:
			return decimal.Decimal{}, false
		}
		return r.Rate, true
	}
	return decimal.Decimal{}, false
}

// dayOf counts UTC days since 1970, also before.
func dayOf(t time.Time) int64 {
	const day = 24 * 60 * 60
	s := t.Unix()
	if s < 0 {
		s -= day - 1
	}
	return s / day
}

// divideHalfEven is a / b for b > 0, rounded once: rounding a quotient that was
// rounded before can end on the wrong side of a half.
func divideHalfEven(a, b decimal.Decimal, digits int32) decimal.Decimal {
	step := decimal.New(1, -digits)
	quotient, rest := a.QuoRem(b, digits) // towards zero; rest has a's sign
	twice := rest.Abs().Mul(decimal.NewFromInt(2)).Cmp(b.Mul(step))
	odd := quotient.Shift(digits).BigInt().Bit(0) == 1
	if twice > 0 || twice == 0 && odd {
		if a.IsNegative() {
			return quotient.Sub(step)
		}
		return quotient.Add(step)
	}
	return quotient
}
