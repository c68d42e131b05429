package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/internal/apply"
)

// campaignLine is one line of the published `campaign`: what a source is called from
// one time to another. Text of a time, or ""; it sorts as time does.
type campaignLine struct {
	source, from, to string
	id, name         string
}

// campaignLines lays the campaigns of a network out so that at no time a source has
// two names: where spans overlap, the one that begins later counts, and of two that
// begin together the one that was given later. `to` is the last day of a campaign.
// A view that joins these lines therefore never counts a row twice.
func campaignLines(n *apply.Network) ([]campaignLine, error) {
	spans := map[string][]span{}
	for i, c := range n.Campaigns {
		s := span{order: i, id: c.CampaignID, name: c.CampaignName, to: endless}
		var err error
		if s.from, err = dayOf(c.From, time.Time{}); err != nil {
			return nil, fmt.Errorf("network %s: campaigns[%d].from: %w", n.NetworkID, i, err)
		}
		if s.to, err = dayOf(c.To, endless); err != nil {
			return nil, fmt.Errorf("network %s: campaigns[%d].to: %w", n.NetworkID, i, err)
		}
		if c.To != nil {
			s.to = s.to.AddDate(0, 0, 1)
		}
		if source := strings.TrimSpace(c.Source); source != "" && s.from.Before(s.to) {
			spans[source] = append(spans[source], s)
		}
	}
	var out []campaignLine
	for source, all := range spans {
		for _, s := range apartInTime(all) {
			out = append(out, campaignLine{source, edge(s.from), edge(s.to), s.id, s.name})
		}
	}
	slices.SortFunc(out, func(a, b campaignLine) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.from, b.from))
	})
	return out, nil
}

type span struct {
	from, to time.Time // to excluded
	order    int
	id, name string
}

// endless is later than any day that can be written.
var endless = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

func dayOf(text *string, without time.Time) (time.Time, error) {
	if text == nil {
		return without, nil
	}
	return time.Parse(time.DateOnly, *text)
}

func edge(t time.Time) string {
	if t.Year() < 1000 || !t.Before(endless) { // no bound; and no year that a database might not know
		return ""
	}
	return t.Format(publishedTime)
}

// apartInTime cuts overlapping spans at each other's ends, in the order of time.
func apartInTime(spans []span) []span {
	var edges []time.Time
	for _, s := range spans {
		edges = append(edges, s.from, s.to)
	}
	slices.SortFunc(edges, time.Time.Compare)
	edges = slices.CompactFunc(edges, time.Time.Equal)
	var out []span
	for i := range len(edges) - 1 {
		best := -1
		for j, s := range spans {
			if s.from.After(edges[i]) || !edges[i].Before(s.to) {
				continue
			}
			if best < 0 || cmp.Or(s.from.Compare(spans[best].from), s.order-spans[best].order) > 0 {
				best = j
			}
		}
		if best < 0 {
			continue
		}
		s := spans[best]
		if last := len(out) - 1; last >= 0 && out[last].order == s.order && out[last].to.Equal(edges[i]) {
			out[last].to = edges[i+1]
			continue
		}
		s.from, s.to = edges[i], edges[i+1]
		out = append(out, s)
	}
	return out
}

// labelColumns are what the labels of source_digits say, in their order.
var labelColumns = []string{"source_2", "source_3", "source_4"}

// digitLine is one line of the published `source_digits`.
type digitLine struct{ column, label string }

func digitLines(n *apply.Network) []digitLine {
	var out []digitLine
	for i, label := range n.SourceDigits {
		if i < len(labelColumns) && label != "" {
			out = append(out, digitLine{labelColumns[i], label})
		}
	}
	return out
}
