package conversion_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

// gatedReceipts is a store whose commits a test lets through one by one.
type gatedReceipts struct {
	entered chan int      // the size of a commit that has begun
	let     chan struct{} // one for each commit that may go on
	mu      sync.Mutex
	sizes   []int
	poison  string
}

var errPoison = errors.New("can't be stored")

func (r *gatedReceipts) Save(_ context.Context, copies []conversion.Copy) ([]conversion.Outcome, error) {
	r.entered <- len(copies)
	<-r.let
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sizes = append(r.sizes, len(copies))
	out := make([]conversion.Outcome, len(copies))
	for i, c := range copies {
		if r.poison != "" && c.ID == r.poison {
			return nil, errPoison
		}
		out[i] = conversion.Outcome{State: conversion.Accepted, Reason: c.ID}
	}
	return out, nil
}

func newGated(room int) *gatedReceipts {
	return &gatedReceipts{entered: make(chan int, room), let: make(chan struct{}, room)}
}

type saved struct {
	id  string
	out []conversion.Outcome
	err error
}

// TestGroupCommitSharesCommits: while one commit runs, all that comes waits for the
// next one together, and each request hears of its own copy.
func TestGroupCommitSharesCommits(t *testing.T) {
	t.Parallel()
	store := newGated(8)
	sizes := make(chan int, 8)
	g := conversion.NewGroupCommit(store, 1, func(n int) { sizes <- n })
	answers := make(chan saved, 10)
	save := func(id string) {
		out, err := g.Save(t.Context(), []conversion.Copy{{ID: id}})
		answers <- saved{id, out, err}
	}
	go save("first")
	require.Equal(t, 1, <-store.entered)
	ids := []string{"a", "b", "c", "d"}
	for _, id := range ids {
		go save(id)
	}
	g.WaitQueued(len(ids))
	store.let <- struct{}{}
	require.Equal(t, len(ids), <-store.entered, "the rest goes in one commit")
	store.let <- struct{}{}
	for range len(ids) + 1 {
		a := <-answers
		require.NoError(t, a.err)
		require.Equal(t, a.id, a.out[0].Reason)
	}
	g.Close()
	require.Equal(t, []int{1, len(ids)}, []int{<-sizes, <-sizes})
	_, err := g.Save(t.Context(), []conversion.Copy{{ID: "late"}})
	require.ErrorIs(t, err, conversion.ErrBusy)
}

// TestGroupCommitSparesTheNeighbours: a copy that can't be stored fails alone.
func TestGroupCommitSparesTheNeighbours(t *testing.T) {
	t.Parallel()
	store := newGated(16)
	store.poison = "bad"
	g := conversion.NewGroupCommit(store, 1, nil)
	answers := make(chan saved, 4)
	for _, id := range []string{"hold", "good", "bad", "fine"} {
		go func() {
			out, err := g.Save(t.Context(), []conversion.Copy{{ID: id}})
			answers <- saved{id, out, err}
		}()
		if id == "hold" {
			<-store.entered
		}
	}
	g.WaitQueued(3)
	for range 5 {
		store.let <- struct{}{}
	}
	for range 4 {
		a := <-answers
		if a.id == "bad" {
			require.ErrorIs(t, a.err, errPoison)
			continue
		}
		require.NoError(t, a.err)
		require.Equal(t, a.id, a.out[0].Reason)
	}
	g.Close()
	require.Equal(t, []int{1, 3, 1, 1, 1}, store.sizes)
}

// TestGroupCommitIsBounded: a full queue answers at once, and what is in it is
// still committed when everything ends.
func TestGroupCommitIsBounded(t *testing.T) {
	t.Parallel()
	store := newGated(64)
	g := conversion.NewGroupCommit(store, 1, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := 0
	save := func() {
		_, err := g.Save(context.Background(), []conversion.Copy{{}})
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			kept++
		}
	}
	wg.Go(save)
	<-store.entered
	for range conversion.MaxWaiting {
		wg.Go(save)
	}
	g.WaitQueued(conversion.MaxWaiting)
	_, err := g.Save(t.Context(), []conversion.Copy{{}})
	require.ErrorIs(t, err, conversion.ErrBusy)
	close(store.let)
	g.Close()
	wg.Wait()
	require.Equal(t, conversion.MaxWaiting+1, kept)
	require.LessOrEqual(t, slices.Max(store.sizes), conversion.MaxBatch)
}

// TestGroupCommitLetsACallerGo: who goes away does not hold the others.
func TestGroupCommitLetsACallerGo(t *testing.T) {
	t.Parallel()
	store := newGated(4)
	g := conversion.NewGroupCommit(store, 1, nil)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := g.Save(ctx, []conversion.Copy{{}})
		gone <- err
	}()
	<-store.entered
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
	store.let <- struct{}{}
	g.Close()
	require.Equal(t, []int{1}, store.sizes)
}
