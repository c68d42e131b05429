package aggregate

import "github.com/shopspring/decimal"

// payersStand reports whether the number of payers among the fine installs of a
// row may be published, where the fine kind stands: 0 or at least b who paid, and
// 0 or at least b who did not.
func payersStand(fineInstalls, payers, b int) bool {
	return holds(payers, b) && holds(fineInstalls-payers, b)
}

// revenue sums the amounts of payers, each clamped at the schema's cap before it
// came here, so that one of them moves a sum by the cap at most.
type revenue struct {
	min, est, max decimal.Decimal
	open          bool // some payer's band has no upper end
}

func (r *revenue) add(c *Counted) {
	n := decimal.NewFromInt(int64(c.N))
	r.min = r.min.Add(c.RevenueMin.Mul(n))
	r.est = r.est.Add(c.RevenueEst.Mul(n))
	if c.RevenueMax == nil {
		r.open = true
		return
	}
	r.max = r.max.Add(c.RevenueMax.Mul(n))
}
