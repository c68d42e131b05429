package attack

import (
	"context"
	"sync"
	"time"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/store"
	"skand/skan"
)

// witness is the main store as the sealer has it; it keeps what each window was cut
// from. Naive publishers publish the same.
type witness struct {
	*store.Store
	mu   sync.Mutex
	last aggregate.Batch
	cuts map[string]cut // by release id
}

// cut is what one window was cut from.
type cut struct {
	release aggregate.Release // its line
	batch   aggregate.Batch
}

// Counted implements aggregate.SealStore.
func (w *witness) Counted(ctx context.Context, d aggregate.Dataset, taken aggregate.Window) (aggregate.Batch, error) {
	b, err := w.Store.Counted(ctx, d, taken)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = b
	return b, err
}

// Prepare implements aggregate.SealStore.
func (w *witness) Prepare(ctx context.Context, r aggregate.Release) error {
	err := w.Store.Prepare(ctx, r)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cuts[r.ID] = cut{r.Line(), w.last}
	}
	return err
}

// arrived is an install as it was counted, by what the body said: its place, and no
// value.
type arrived struct {
	*counted
	at     time.Time // when it became countable
	group  aggregate.Counted
	forged bool
}

// truth is what was counted, by the bodies that were sent and not by any store.
type truth struct {
	seen   map[string]bool
	counts []arrived
	forged []arrived // what a receiver would count that checks no signature
	later  []letter  // with a key that is not known yet
}

func newTruth() *truth { return &truth{seen: map[string]bool{}} }

// saw notes a body that was received; p is nil where it could not be read.
func (h *truth) saw(l letter, now time.Time, o conversion.Outcome, p *skan.Postback) {
	if o.State == conversion.Unsupported && l.who != nil {
		h.later = append(h.later, l)
	}
	if p == nil || o.State == conversion.Unsupported {
		return
	}
	a := arrived{counted: l.who, at: now, group: aggregate.Counted{N: 1, NetworkID: p.NetworkKey(), Kind: aggregate.ValueNull}}
	a.group.IDKind, a.group.Source = conversion.Identifier(p)
	a.group.ShortForm = aggregate.ShortLast
	if a.group.NetworkID == steady {
		a.group.ShortForm = aggregate.ShortFirst
	}
	if l.forged {
		a.counted = &counted{app: p.AppID, index: p.SequenceIndex, kind: string(conversion.KindOf(p))}
		a.forged = true
		h.forged = append(h.forged, a)
		return
	}
	if l.who == nil || h.seen[l.who.id] {
		return
	}
	h.seen[l.who.id] = true
	h.counts = append(h.counts, a)
}

// verifiedLate counts what was sent with a key that has become known.
func (h *truth) verifiedLate(v conversion.Verifier, now time.Time) {
	for _, l := range h.later {
		h.saw(l, now, conversion.Outcome{State: conversion.Accepted}, v.Verify(l.body).Postback)
	}
	h.later = nil
}
