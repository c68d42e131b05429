package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/pgtest"
	"skand/internal/store"
	"skand/internal/store/storetest"
	"skand/schema"
	"skand/skan"
)

// TestKill9WhileSealing kills `skand job run seal` at random moments of its work, over
// and over, until one run gets to its end: what is published then is, to the byte, what
// an undisturbed run publishes from a copy of the same store, and no kill ever took back
// or changed what was published before it. The crash tests of the store die at each
// call; this one at whatever instruction it is, with the database's own recovery.
func TestKill9WhileSealing(t *testing.T) {
	t.Parallel()
	stories := 3
	if raced {
		stories = 1
	}
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		windowsToSeal(t, cfg)
		calm := sealing{cfg: copyStores(t, cfg)}
		require.True(t, calm.run(t, nil))
		want := calm.look(t)
		require.Greater(t, len(want.published), 50)
		require.Greater(t, want.windows, 10)

		inTheMiddle := 0
		for story := range stories {
			s := sealing{cfg: copyStores(t, cfg)}
			r := rand.New(rand.NewPCG(7, uint64(story)))
			rounds := 0
			for before := s.look(t); ; rounds++ {
				require.Less(t, rounds, 60, "it never gets to its end")
				ended := s.run(t, r)
				after := s.look(t)
				for _, line := range before.published {
					require.Contains(t, after.published, line, "published once, never changed")
				}
				if before = after; ended {
					break
				}
				if after.steps > 0 && after.steps < want.steps {
					inTheMiddle++
				}
			}
			got := s.look(t)
			require.Equal(t, want.published, got.published)
			require.Equal(t, want.ledger, got.ledger)
			require.True(t, s.run(t, nil))
			require.Equal(t, want.published, s.look(t).published, "nothing is left to do")
			t.Logf("story %d: %d kills", story, rounds)
		}
		require.Greater(t, inTheMiddle, stories, "the kills came too early or too late to prove anything")
	})
}

// windowsToSeal fills a store with the postbacks of three weeks, months ago, of which
// no window is sealed.
func windowsToSeal(t *testing.T, cfg config.Config) {
	t.Helper()
	from := time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC)
	now := clock.NewManual(from)
	s, err := store.Open(t.Context(), store.Options{Main: cfg.DB, Published: cfg.Published, Lab: store.Lab, Clock: now})
	require.NoError(t, err)
	k, b := 10, 3
	_, err = s.Apply(t.Context(), &apply.Bundle{
		Apps: []apply.App{{AppID: fixtures.PuzzleAppID, K: &k, B: &b, Schema: fixtures.PuzzleSchemaJSON()}},
	}, "test", false)
	require.NoError(t, err)
	a, err := apple.FromSeed(99)
	require.NoError(t, err)
	trusted, err := traffic.TrustedKeys(a)
	require.NoError(t, err)
	keys, err := skan.AppleKeys().With(trusted...)
	require.NoError(t, err)
	doc, err := schema.Parse(fixtures.PuzzleSchemaJSON())
	require.NoError(t, err)
	sent, _, err := traffic.Simulator{
		Seed: 11, AppID: fixtures.PuzzleAppID, Networks: []string{"one.skadnetwork", "two.skadnetwork"}, Versions: []string{apple.V40, apple.V30},
		N: 450, From: from, To: from.AddDate(0, 0, 21), Schema: doc, Apple: a,
	}.Collect()
	require.NoError(t, err)
	receiver := conversion.Receiver{Verifier: func() conversion.Verifier { return skan.NewVerifier(keys) }, Store: s, Now: now.Now}
	for some := range slices.Chunk(sent, 40) {
		arrivals := make([]conversion.Arrival, len(some))
		for i, one := range some {
			arrivals[i] = conversion.Arrival{Source: conversion.Source(one.Source), Body: one.Body, ReceivedAt: one.At}
		}
		now.Set(some[0].At)
		_, _, err := receiver.ReceiveAll(t.Context(), arrivals)
		require.NoError(t, err)
	}
	_, err = conversion.DecodeAll(t.Context(), s, now.Now)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func copyStores(t *testing.T, cfg config.Config) config.Config {
	t.Helper()
	if dir, ok := strings.CutPrefix(cfg.DB, "sqlite:"); ok {
		to := filepath.Join(t.TempDir(), "copy")
		require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
		cfg.DB = "sqlite:" + to
		return cfg
	}
	cfg.DB, cfg.Published = pgtest.Copy(t, cfg.DB), pgtest.Copy(t, cfg.Published)
	return cfg
}

// sealing is a store that is being sealed.
type sealing struct {
	cfg  config.Config
	runs time.Duration
}

// run starts `skand job run seal`. With r it is killed when it has come some steps
// further, or a moment after that, and run reports whether it got to its end first.
func (s *sealing) run(t *testing.T, r *rand.Rand) (ended bool) {
	t.Helper()
	s.forgetLease(t)
	args := []string{"job", "run", "seal", "--db", s.cfg.DB}
	if s.cfg.Published != "" {
		args = append(args, "--published", s.cfg.Published)
	}
	cmd := skandCommand(args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	steps := s.look(t).steps
	require.NoError(t, cmd.Start())
	exit := make(chan error, 1)
	go func() { exit <- cmd.Wait() }()
	if r == nil {
		require.NoError(t, <-exit, said.String())
		return true
	}
	enough := steps + r.IntN(8)
	moment := time.Duration(r.Int64N(int64(6 * time.Millisecond)))
	l, err := storetest.OpenLook(s.cfg.DB, s.cfg.Published)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	for {
		ledger, published, err := l.Sealing(t.Context())
		require.NoError(t, err)
		if ledger+published >= enough {
			break
		}
		select {
		case err := <-exit:
			require.NoError(t, err, said.String())
			return true
		default:
		}
	}
	select {
	case err := <-exit:
		require.NoError(t, err, said.String())
		return true
	case <-clock.Real{}.After(moment):
	}
	_ = cmd.Process.Signal(syscall.SIGKILL) // it may have ended just now
	err = <-exit
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, err == nil || ok && status.Signaled(), said.String())
	return err == nil
}

// forgetLease lets the lab's clock go on until nobody waits for the lease of a killed
// run, which is a minute.
func (s *sealing) forgetLease(t *testing.T) {
	t.Helper()
	o, err := store.Open(t.Context(), store.Options{Main: s.cfg.DB, Published: s.cfg.Published})
	require.NoError(t, err)
	s.runs += 2 * time.Minute
	require.NoError(t, o.SaveLabOffset(t.Context(), s.runs))
	require.NoError(t, o.Close())
}

// state is what one finds in the stores.
type state struct {
	published, ledger []string
	windows, steps    int
}

func (s *sealing) look(t *testing.T) state {
	t.Helper()
	l, err := storetest.OpenLook(s.cfg.DB, s.cfg.Published)
	require.NoError(t, err)
	var found state
	found.published, err = l.Published(t.Context())
	require.NoError(t, err)
	found.ledger, err = l.Ledger(t.Context())
	require.NoError(t, err)
	windows, published, err := l.Sealing(t.Context())
	require.NoError(t, err)
	found.windows, found.steps = windows, windows+published
	require.NoError(t, l.Close())
	return found
}
