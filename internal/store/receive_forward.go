package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"skand/conversion"
	"skand/forward"
)

const (
	takesPostbacks = ` WHERE definition LIKE '%"postback"%'` // the text of a partial index

	// postbackDestinations reads who may want copies of postbacks, of all apps.
	postbackDestinations = selectDestination + takesPostbacks + ` ORDER BY id`

	// postbacksWanted says whether there is anybody, on the way of a statement that the
	// receiver has to run anyway: of its own it would cost a small commit a tenth.
	postbacksWanted = `EXISTS (SELECT 1 FROM destination` + takesPostbacks + `)`
)

// forwardCopies enqueues copies of the postbacks that this batch brought first, in its
// transaction: a copy is passed on if and only if it counts. Where no destination
// takes copies it does nothing.
func (s *Store) forwardCopies(ctx context.Context, t *tx, b *batch) error {
	if !b.wanted {
		return nil
	}
	byApp := map[int64][]int{}
	for i := range b.verdicts {
		if v := &b.verdicts[i]; v.claims && v.outcome.State == conversion.Accepted {
			byApp[v.key.appID] = append(byApp[v.key.appID], i)
		}
	}
	if len(byApp) == 0 {
		return nil
	}
	var rows []destinationRow
	if err := newLedger(s, t).all(ctx, &rows, postbackDestinations); err != nil {
		return fmt.Errorf("read destinations of postbacks: %w", err)
	}
	all, err := registered(rows)
	if err != nil {
		return err
	}
	dests := map[int64][]forward.Destination{}
	for _, r := range all {
		dests[r.Destination.AppID] = append(dests[r.Destination.AppID], r.Destination)
	}
	for _, app := range slices.Sorted(maps.Keys(dests)) { // one order for all, or two batches could wait for each other
		if len(byApp[app]) == 0 {
			continue
		}
		if err := s.enqueueTo(ctx, t, dests[app], b.copiesOut(byApp[app])); err != nil {
			return err
		}
	}
	return nil
}

// copiesOut are the copies at these places of the batch on their way out, with what
// was decoded of them as they came.
func (b *batch) copiesOut(places []int) []forward.Conversion {
	out := make([]forward.Conversion, 0, len(places))
	for _, i := range places {
		c := &b.copies[i]
		p := forward.PostbackCopy{Copy: c, Environment: b.verdicts[i].key.environment, Now: b.now}
		if versions := b.schemas[c.AppID()]; len(versions) > 0 && decodesAtReceipt(c) {
			d, events, currency := conversion.DecodeCopy(conversion.PendingOf(c, p.Environment), versions, b.now)
			p.Decoded, p.Events, p.Currency = &d, events, currency
		}
		out = append(out, forward.FromPostback(p))
	}
	return out
}
