package forward

import (
	"regexp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

var countryCode = regexp.MustCompile(`^[A-Za-z]{2}$`)

// passes reports whether every part of the filter agrees. A part that looks at a value
// which the conversion does not have does not pass it. It looks at what we know, not at
// what is sent: revenue counts in a filter also where it is not sent.
func (f *Filter) passes(c Conversion) bool {
	if f == nil {
		return true
	}
	if len(f.Campaigns) > 0 && !slices.Contains(f.Campaigns, c.Fields["campaign_id"]) {
		return false
	}
	if len(f.Countries) > 0 && !slices.ContainsFunc(f.Countries, func(code string) bool {
		return strings.EqualFold(code, c.Fields["country"])
	}) {
		return false
	}
	if !f.worth(c.Fields["revenue_converted"]) {
		return false
	}
	return f.Where == "" || predicates.of(f.Where).holds(c.Fields)
}

// worth compares exactly; both bounds are inclusive.
func (f *Filter) worth(amount string) bool {
	if f.MinRevenue == "" && f.MaxRevenue == "" {
		return true
	}
	v, err := parseAmount(amount)
	if err != nil {
		return false
	}
	if least, err := parseAmount(f.MinRevenue); f.MinRevenue != "" && (err != nil || v.LessThan(least)) {
		return false
	}
	if most, err := parseAmount(f.MaxRevenue); f.MaxRevenue != "" && (err != nil || v.GreaterThan(most)) {
		return false
	}
	return true
}

var plainAmount = regexp.MustCompile(`^-?\d{1,15}(\.\d{1,9})?$`)

// parseAmount reads what stores and operators write; no exponents, whose expansion
// would have no bound.
func parseAmount(text string) (decimal.Decimal, error) {
	if !plainAmount.MatchString(text) {
		return decimal.Decimal{}, errNoAmount
	}
	return decimal.NewFromString(text)
}

const maxListed = 1000 // campaigns, or countries

func (f *Filter) check(fault faulting) {
	if f == nil {
		return
	}
	if len(f.Campaigns) > maxListed {
		fault("filter.campaigns", "lists %d; at most %d can stand here", len(f.Campaigns), maxListed)
	}
	for _, id := range f.Campaigns {
		if id == "" {
			fault("filter.campaigns", "has an empty campaign_id, which no conversion has; remove it")
		}
	}
	for _, code := range f.Countries {
		if !countryCode.MatchString(code) {
			fault("filter.countries", "%q is no ISO 3166-1 alpha-2 code; write two letters, such as DE", code)
		}
	}
	least, okLeast := f.checkAmount("filter.min_revenue", f.MinRevenue, fault)
	most, okMost := f.checkAmount("filter.max_revenue", f.MaxRevenue, fault)
	if okLeast && okMost && most.LessThan(least) {
		fault("filter.max_revenue", "is %s, below min_revenue %s, so nothing would pass", f.MaxRevenue, f.MinRevenue)
	}
	if f.Where == "" {
		return
	}
	if _, err := compilePredicate(f.Where); err != nil {
		fault("filter.where", "%v", err)
	}
}

func (f *Filter) checkAmount(field, text string, fault faulting) (decimal.Decimal, bool) {
	if text == "" {
		return decimal.Decimal{}, false
	}
	v, err := parseAmount(text)
	if err != nil {
		fault(field, "%q is no amount; write a decimal in the app's currency, such as 4.99", text)
	}
	return v, err == nil
}
