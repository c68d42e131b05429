package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/aggregate"
	"skand/internal/apply"
)

// campaignSources tells which source of postbacks a network's own campaign was on a
// day: the dated map of `skand apply`, read backwards.
type campaignSources struct {
	aliases map[string]string
	short   map[string]string
	lines   map[string]map[string][]campaignLine // by network and campaign id
	known   map[string]aggregate.Campaign
}

func newCampaignSources(ctx context.Context, t *tx, end time.Time) (*campaignSources, error) {
	c := &campaignSources{lines: map[string]map[string][]campaignLine{}, known: map[string]aggregate.Campaign{}}
	var err error
	if c.aliases, err = aliases(ctx, t); err != nil {
		return nil, err
	}
	if c.short, err = shortForms(ctx, t, end); err != nil {
		return nil, err
	}
	var definitions []string
	if err := t.SelectContext(ctx, &definitions, `SELECT definition FROM network ORDER BY network_id`); err != nil {
		return nil, fmt.Errorf("read networks: %w", err)
	}
	for _, d := range definitions {
		var n apply.Network
		if err := json.Unmarshal([]byte(d), &n); err != nil {
			return nil, fmt.Errorf("read networks: %w", err)
		}
		lines, err := campaignLines(&n)
		if err != nil {
			return nil, err
		}
		byID := map[string][]campaignLine{}
		for _, l := range lines {
			if l.id != "" {
				byID[l.id] = append(byID[l.id], l)
			}
		}
		c.lines[strings.ToLower(n.NetworkID)] = byID
	}
	return c, nil
}

// of is the network, the source and the short form of an install that a campaign led to.
func (c *campaignSources) of(network, campaign string, when time.Time) (string, aggregate.Campaign, string) {
	network = strings.ToLower(network)
	if own, ok := c.aliases[network]; ok {
		network = own
	}
	if network == "" {
		network = "-" // attributed all the same: never organic
	}
	short := aggregate.ShortLast
	if form, ok := c.short[network]; ok {
		short = form
	}
	day := when.UTC().Format(publishedTime)[:len(time.DateOnly)]
	key := network + "|" + day + "|" + campaign
	found, known := c.known[key]
	if !known {
		found = oneSource(c.lines[network][campaign], when.UTC().Format(publishedTime), short)
		c.known[key] = found
	}
	return network, found, short
}

// oneSource is the source that stands for a campaign at a time. Of several it is the
// digits that they share at the end that Apple leaves: what differs is withheld.
func oneSource(lines []campaignLine, when, short string) aggregate.Campaign {
	var sources []string
	for _, l := range lines {
		if (l.from == "" || l.from <= when) && (l.to == "" || when < l.to) {
			sources = append(sources, l.source)
		}
	}
	if len(sources) == 0 {
		return aggregate.Campaign{}
	}
	if id, ok := strings.CutPrefix(sources[0], "c"); ok {
		if len(slices.Compact(sources)) > 1 {
			return aggregate.Campaign{}
		}
		return aggregate.Campaign{IDKind: aggregate.IDCampaign, Source: id}
	}
	shared := sources[0]
	for _, s := range sources[1:] {
		shared = sharedDigits(shared, s, short)
	}
	if len(shared) < 2 {
		return aggregate.Campaign{}
	}
	return aggregate.Campaign{IDKind: aggregate.IDSource, Source: shared}
}

func sharedDigits(a, b, short string) string {
	n := 0
	for n < min(len(a), len(b)) {
		if short == aggregate.ShortFirst && a[n] != b[n] || short != aggregate.ShortFirst && a[len(a)-1-n] != b[len(b)-1-n] {
			break
		}
		n++
	}
	if short == aggregate.ShortFirst {
		return a[:n]
	}
	return a[len(a)-n:]
}
