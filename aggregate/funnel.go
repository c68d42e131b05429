package aggregate

import (
	"maps"
	"slices"
)

// Sides of a funnel.
const (
	SideDeterministic = "deterministic"
	SideSKAdNetwork   = "skadnetwork"
)

// FunnelStage is one `funnel` line: how many installs of a campaign did the events of
// all stages up to this one. It is a sum of bins of the histogram that the campaign has
// anyway, so each stage, and what the stage before it has more, is 0 or at least b.
type FunnelStage struct {
	NetworkID string `json:"network_id"` // as in ValueBin
	IDKind    string `json:"id_kind"`
	Source2   string `json:"source_2"`
	Funnel    int    `json:"funnel"`     // which of the app's, from 1
	Stage     int    `json:"stage"`      // 0: the installs that the histogram is of
	EventName string `json:"event_name"` // "" is NULL: stage 0
	Installs  *int   `json:"installs"`   // nil: a bin crosses the stage, or the schema does not know the event
}

// Side is which of the two the release is of.
func (r Release) Side() string {
	if r.Dataset.Kind == KindDeterministic {
		return SideDeterministic
	}
	return SideSKAdNetwork
}

// funnels gives the stages of every campaign. An event that the newest version has no
// value for is not one that nobody did: its stage, and those after it, are nil.
func (t *valueTree) funnels(rows []measured, funnels [][]string, b int) []FunnelStage {
	if len(funnels) == 0 {
		return nil
	}
	var out []FunnelStage
	found := histograms(rows, t)
	for _, c := range slices.SortedFunc(maps.Keys(found), histogramKey.compare) {
		if found[c].installs == 0 {
			continue
		}
		bins := t.bins(found[c].counts, b)
		for i, stages := range funnels {
			for stage := range len(stages) + 1 {
				s := FunnelStage{NetworkID: c.network, IDKind: c.idKind, Source2: c.source2, Funnel: i + 1, Stage: stage}
				if stage > 0 {
					s.EventName = stages[stage-1]
				}
				s.Installs = t.reached(bins, stages[:stage])
				out = append(out, s)
			}
		}
	}
	return out
}

// reached is how many installs did all of the events; nil where bins don't tell.
func (t *valueTree) reached(bins []bin, events []string) *int {
	for _, name := range events {
		if !slices.Contains(t.events[:t.newest], name) {
			return nil
		}
	}
	n, stands := t.total(bins, func(c cell) bool {
		return !slices.ContainsFunc(events, func(name string) bool { return c.meaning.event(name) == nil })
	})
	return standing(n, stands)
}

// ForNetworkReader is Row.ForNetworkReader for a stage.
func (s FunnelStage) ForNetworkReader(networkID string) bool {
	return ownCampaign(networkID, s.NetworkID, s.Source2)
}
