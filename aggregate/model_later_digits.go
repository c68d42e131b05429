package aggregate

import (
	"fmt"
	"strings"

	"skand/aggregate/model"
)

// WithheldShare is what a row of withheld digits is expected to hold of one of its
// siblings. It is modelled from end to end, and no part of `cohort_modeled`: a sibling's
// own row and its share of this one are never one number unless a reader asks for it.
type WithheldShare struct {
	Withheld string // key of the row
	Sibling  string // key of the node beside it: its row's, or that above its rows
	model.Allocation
}

// AllocateWithheld divides the `withheld` rows of one window among their siblings, by the
// siblings' published installs. Row i is target from+i of the prediction. Rows without
// siblings are left out. Campaign ids are no siblings: they are of versions without
// digits.
func AllocateWithheld(rows []Row, p *model.Prediction, from int, s model.AllocationSettings, seed uint64) ([]WithheldShare, error) {
	var out []WithheldShare
	for i, row := range rows {
		if row.Level != LevelWithheld {
			continue
		}
		names, installs := siblingsOf(rows, i)
		parts, err := p.Allocate(from+i, float64(row.Installs), installs, s, seed+uint64(i))
		if err != nil {
			return nil, fmt.Errorf("row %s: %w", row.Key(), err)
		}
		for at, part := range parts {
			out = append(out, WithheldShare{row.Key(), names[at], part})
		}
	}
	return out, nil
}

// siblingsOf are the nodes beside a row of withheld digits, with all their installs.
func siblingsOf(rows []Row, withheld int) (names []string, installs []float64) {
	parent := strings.TrimSuffix(rows[withheld].Key(), LevelWithheld)
	at := map[string]int{}
	for i, row := range rows {
		rest, below := strings.CutPrefix(row.Key(), parent)
		if i == withheld || !below || row.IDKind == IDCampaign {
			continue
		}
		child, _, _ := strings.Cut(rest, "/")
		n, known := at[child]
		if !known {
			n = len(names)
			at[child] = n
			names, installs = append(names, parent+child), append(installs, 0)
		}
		installs[n] += float64(row.Installs)
	}
	return names, installs
}
