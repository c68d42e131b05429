package store

import (
	"database/sql/driver"
	"fmt"

	"github.com/shopspring/decimal"
	sqlitedriver "modernc.org/sqlite"
)

// SQLite adds numbers that are no integers up in binary floating point. Each amount
// alone is exact, as its digits are found again; a sum of many is not. So SQLite is
// given a sum of its own, for money:
func init() {
	sqlitedriver.MustRegisterFunction(exactSum, &sqlitedriver.FunctionImpl{
		NArgs: 1, Deterministic: true,
		MakeAggregate: func(sqlitedriver.FunctionContext) (sqlitedriver.AggregateFunction, error) { return &moneySum{}, nil },
	})
}

const exactSum = "exact_sum"

// moneySum is SUM over decimals: NULLs are passed over, and of nothing it is NULL.
type moneySum struct {
	whole int64 // of amounts without decimals, which most are
	rest  decimal.Decimal
	some  bool
}

// Step implements sqlite.AggregateFunction.
func (m *moneySum) Step(_ *sqlitedriver.FunctionContext, args []driver.Value) error {
	switch v := args[0].(type) {
	case nil:
		return nil
	case int64:
		m.add(v)
	case float64:
		// The shortest digits that stand for this float are those that were written.
		if n := int64(v); float64(n) == v && n < 1<<53 && n > -1<<53 {
			m.add(n)
		} else {
			m.rest = m.rest.Add(decimal.NewFromFloat(v))
		}
	case string:
		d, err := decimal.NewFromString(v)
		if err != nil {
			return fmt.Errorf("sum of money: %w", err)
		}
		m.rest = m.rest.Add(d)
	default:
		return fmt.Errorf("sum of money: unexpected type %T", v)
	}
	m.some = true
	return nil
}

func (m *moneySum) add(n int64) {
	sum := m.whole + n
	if n > 0 && sum < m.whole || n < 0 && sum > m.whole { // beyond 64 bits
		m.rest = m.rest.Add(decimal.NewFromInt(m.whole))
		sum = n
	}
	m.whole = sum
}

// WindowInverse implements sqlite.AggregateFunction.
func (m *moneySum) WindowInverse(*sqlitedriver.FunctionContext, []driver.Value) error {
	return fmt.Errorf("%s is no window function", exactSum)
}

// WindowValue implements sqlite.AggregateFunction.
func (m *moneySum) WindowValue(*sqlitedriver.FunctionContext) (driver.Value, error) {
	if !m.some {
		return nil, nil
	}
	return m.rest.Add(decimal.NewFromInt(m.whole)).String(), nil
}

// Final implements sqlite.AggregateFunction.
func (m *moneySum) Final(*sqlitedriver.FunctionContext) {}
