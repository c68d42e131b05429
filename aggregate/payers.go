package aggregate

import "github.com/shopspring/decimal"

// bothHold reports whether n contributors among the installs that could be may be
// published, where their kind stands: 0 or at least b who are (payers among fine
// installs, redownloads among all), and 0 or at least b who are not.
func bothHold(among, n, b int) bool {
	return holds(n, b) && holds(among-n, b)
}

// revenue sums the amounts of payers, each clamped at the schema's cap before it
// came here, so that one of them moves a sum by the cap at most.
type revenue struct {
	min, est, max decimal.Decimal // max without open bands: where there may be some, it is not published
}

func (r *revenue) add(c *Counted) {
	n := decimal.NewFromInt(int64(c.N))
	r.min = r.min.Add(c.RevenueMin.Mul(n))
	r.est = r.est.Add(c.RevenueEst.Mul(n))
	if c.RevenueMax != nil {
		r.max = r.max.Add(c.RevenueMax.Mul(n))
	}
}

func (r *revenue) join(o revenue) {
	r.min, r.est, r.max = r.min.Add(o.min), r.est.Add(o.est), r.max.Add(o.max)
}
