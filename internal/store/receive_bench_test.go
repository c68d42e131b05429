package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/skan"
)

// BenchmarkSave is the store's share of a postback: a group commit of so many
// copies, each the first of its identity. One operation is one copy.
func BenchmarkSave(b *testing.B) {
	for _, name := range []string{"postgres", "sqlite"} {
		for _, size := range []int{1, 8, 50, 200} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) { benchmarkSave(b, name, size) })
		}
	}
}

func benchmarkSave(b *testing.B, name string, size int) {
	location := "sqlite:" + filepath.Join(b.TempDir(), "main")
	if name == "postgres" {
		location = pgtest.URL(b)
	}
	now := clock.NewManual(start)
	s, err := Open(b.Context(), Options{Main: location, Clock: now})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	_, _, err = s.MakePartitions(b.Context())
	require.NoError(b, err)
	body, err := simulated().Body(won(1))
	require.NoError(b, err)
	result := simulated().Verify(body)
	require.Equal(b, skan.Valid, result.Verdict)
	n := 0
	b.ResetTimer()
	for done := 0; done < b.N; done += size {
		copies := make([]conversion.Copy, size)
		for i := range copies {
			n++
			r := result
			p := *result.Postback
			p.ID = uid(n)
			r.Postback = &p
			id := p.Identity()
			r.Identity = &id
			copies[i] = conversion.Copy{
				ID: uuid.NewString(), Source: conversion.Network, Client: "192.0.2.0/24", ReceivedAt: now.Now(),
				Body: []byte(strings.Replace(string(body), uid(1), p.ID, 1)), Result: r,
			}
		}
		now.Advance(time.Millisecond)
		out, err := s.Save(b.Context(), copies)
		require.NoError(b, err)
		require.Equal(b, conversion.Accepted, out[size-1].State)
	}
}
