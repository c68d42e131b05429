//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// openFiles is how many files this process may have open.
func openFiles(t *testing.T) uint64 {
	t.Helper()
	var l syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l))
	return l.Cur
}

// realNow is for deadlines of sockets and for what a test tells; nothing is judged by it.
func realNow() time.Time { return clock.Real{}.Now() }
