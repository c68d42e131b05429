package aggregate

import "fmt"

// check refuses to let out what is not a partition into rows of at least k. Cut
// can't give such a thing; the promise is worth a second look before it is kept.
func (p Published) check(k, b, counted int) error {
	sum := 0
	for i, r := range p.Rows {
		if r.Installs < k {
			return fmt.Errorf("row %s is below k", r.Key())
		}
		if i > 0 && p.Rows[i-1].Key() >= r.Key() {
			return fmt.Errorf("row %s is out of order or there twice", r.Key())
		}
		sum += r.Installs
	}
	if sum != p.Installs || sum+p.Carried != counted {
		return fmt.Errorf("published %d and carried %d installs are not the %d counted", sum, p.Carried, counted)
	}
	err := p.checkRemainders(b)
	if err != nil {
		return err
	}
	return p.checkValues(b)
}

// checkRemainders reads the published rows again: how many share a remainder, and
// whether it may be told of so many.
func (p Published) checkRemainders(b int) error {
	for _, r := range p.Remainders {
		among, rows := 0, sharing(p.Rows, r.Measure)[r.NetworkID]
		for _, row := range rows {
			among += row.among(r.Measure)
		}
		if len(rows) != r.Rows || !remainderStands(r.Rows, r.Installs, among-r.Installs, b) {
			return fmt.Errorf("remainder of %s of network %q can't be told", r.Measure, r.NetworkID)
		}
	}
	return nil
}

// checkValues adds up the bins of each campaign: each at least b, and together
// neither more nor less than the fine installs of the rows on which payers stand.
func (p Published) checkValues(b int) error {
	over := map[histogramKey]int{}
	for _, v := range p.Values {
		if v.Installs == nil {
			continue
		}
		if !holds(*v.Installs, b) {
			return fmt.Errorf("bin %s of campaign %q of network %q is below b", v.Values, v.Source2, v.NetworkID)
		}
		if v.Kind == BinFine {
			over[histogramKey{v.NetworkID, v.IDKind, v.Source2}] += *v.Installs
		}
	}
	if len(over) == 0 {
		return nil
	}
	for _, r := range p.Rows {
		if r.Payers != nil {
			over[campaignOf(r)] -= *r.FineInstalls
		}
	}
	for c, n := range over {
		if n != 0 {
			return fmt.Errorf("bins of campaign %q of network %q are %d installs more than its rows", c.source2, c.network, n)
		}
	}
	return nil
}
