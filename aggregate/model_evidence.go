package aggregate

import (
	"maps"
	"slices"

	"skand/aggregate/model"
)

// ConsentedWindow is what one window of the deterministic dataset has published.
type ConsentedWindow struct {
	B          int
	Rows       []Row
	Remainders []Remainder
}

// ModelEvidence reads how many of the consented installs of each campaign paid: of
// published cohorts alone, added up over windows that the model reads, too. Where no row
// of a network names a campaign, the whole network is one line.
//
// Left out are organic installs, the app's `other` and `total`, and, of a network that
// names campaigns, rows that do not: those are of nobody knows which of them.
//
// Payers that are NULL count by their mean within what the publication leaves possible,
// and the installs of such a row by as much as it tells: its counts are effective ones.
func ModelEvidence(windows []ConsentedWindow) []model.Evidence {
	sums := map[histogramKey]*model.Evidence{}
	named := map[string]bool{}
	for _, w := range windows {
		for _, e := range consentedRows(w) {
			k := campaignOf(e.row)
			if k.network == "" || k.network == Organic {
				continue
			}
			named[k.network] = named[k.network] || k.source2 != ""
			if sums[k] == nil {
				sums[k] = &model.Evidence{Network: k.network, Campaign: k.campaign()}
			}
			sums[k].Installs += e.installs
			sums[k].Payers += e.payers
		}
	}
	var out []model.Evidence
	for _, k := range slices.SortedFunc(maps.Keys(sums), histogramKey.compare) {
		if k.source2 != "" || !named[k.network] {
			out = append(out, *sums[k])
		}
	}
	return out
}

// campaign is how a model's cells call it.
func (c histogramKey) campaign() string {
	if c.idKind == IDCampaign {
		return campaignKey(c.source2)
	}
	return c.source2
}

type consentedRow struct {
	row              Row
	installs, payers float64
}

// consentedRows are a window's rows with payers that stand or can be told within bounds.
func consentedRows(w ConsentedWindow) []consentedRow {
	told := newPaying([]ModelWindow{{B: w.B, Rows: w.Rows, Remainders: w.Remainders}})
	reading := &modelReading{a: &Alphabet{}, in: &ModelInput{}}
	groups := reading.groups(ModelWindow{B: w.B, Rows: w.Rows, Remainders: w.Remainders})
	var out []consentedRow
	var targets []model.Target
	for _, row := range w.Rows {
		if row.FineInstalls == nil {
			continue
		}
		out = append(out, consentedRow{row: row, installs: float64(*row.FineInstalls)})
		t := model.Target{}
		if row.Payers == nil {
			t.Hidden = told.hidden(row, w.B, groups[row.Key()])
		}
		targets = append(targets, t)
	}
	hidden := model.HiddenPayers(targets, reading.in.Groups)
	for i := range out {
		if p := out[i].row.Payers; p != nil {
			out[i].payers = float64(*p)
			continue
		}
		out[i].payers, out[i].installs = effective(hidden[i], out[i].installs, w.B)
	}
	return out
}

// effective is the binomial that is as uncertain of its share as a hidden count is: its
// own variance, and that of any number from 1 to b-1.
func effective(payers, installs float64, b int) (p, n float64) {
	if installs <= 0 {
		return 0, 0
	}
	share := payers / installs
	own := share * (1 - share)
	of := float64(b-1)*float64(b-1) - 1
	n = installs
	if own > 0 {
		n *= own / (own + of/12/installs)
	}
	return share * n, n
}
