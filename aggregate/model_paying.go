package aggregate

import "skand/aggregate/model"

// paying is what published rows tell of the payers among their fine installs: also the
// rows of which only bounds or a sum are known. Without those, whose payers are few, all
// that is hidden would be taken for too much.
type paying struct {
	mixture
	share float64 // of the app's fine installs
}

// Payers and others, as a mixture counts them.
const (
	whoPay = iota
	whoDont
)

// newPaying reads windows.
func newPaying(windows []ModelWindow) *paying {
	p := &paying{}
	var rows []observedRow
	var hidden []int // in rows, of targets
	var targets []model.Target
	reading := &modelReading{a: &Alphabet{}, in: &ModelInput{}}
	for _, w := range windows {
		groups := reading.groups(w)
		for _, r := range w.Rows {
			if r.FineInstalls == nil || *r.FineInstalls == 0 {
				continue
			}
			if r.Payers == nil {
				hidden = append(hidden, len(rows))
				targets = append(targets, model.Target{Hidden: p.hidden(r, w.B, groups[r.Key()])})
			}
			rows = append(rows, observedRow{payingWays(r, w.B), *r.FineInstalls, campaignOf(r)})
		}
	}
	expected := p.settle(rows, [5]float64{whoPay: leastWeight, whoDont: leastWeight}, func(expected [][5]float64) {
		for i, at := range hidden {
			h := targets[i].Hidden
			h.Share, h.Concentration = p.shareOf(rows[at].campaign)[whoPay], p.rows
		}
		for i, n := range model.HiddenPayers(targets, reading.in.Groups) {
			expected[hidden[i]] = [5]float64{whoPay: n, whoDont: targets[i].Hidden.Fine - n}
		}
	})
	var sum [5]float64
	for i := range expected {
		add(&sum, &expected[i], 1)
	}
	if n := sumOf(&sum); n > 0 {
		p.share = sum[whoPay] / n
	}
	return p
}

// payingWays are the payers and others that a row may have among its fine installs.
func payingWays(r Row, b int) (out [][5]int) {
	n := *r.FineInstalls
	if r.Payers != nil {
		return [][5]int{{whoPay: *r.Payers, whoDont: n - *r.Payers}}
	}
	for k := range n + 1 {
		if k >= 1 && k < b || n-k >= 1 && n-k < b {
			out = append(out, [5]int{whoPay: k, whoDont: n - k})
		}
	}
	if len(out) == 0 { // published by other rules
		out = append(out, [5]int{whoDont: n})
	}
	return out
}

// hidden are a row's payers where they are not published. Nothing tells 1 to b-1 of them
// from all but so many.
func (p *paying) hidden(r Row, b, group int) *model.Hidden {
	return &model.Hidden{
		Fine: float64(*r.FineInstalls), Least: 1, Most: float64(b - 1), Either: true, Group: group,
		Share: p.shareOf(campaignOf(r))[whoPay], Concentration: p.rows,
	}
}
