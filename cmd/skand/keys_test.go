package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
)

// attributionKitBody is signed under a kid that only trustLab makes known.
func attributionKitBody(t *testing.T, i int) []byte {
	t.Helper()
	a, err := apple.FromSeed(99)
	require.NoError(t, err)
	body, err := a.Body(apple.Postback{
		Version: apple.AAK, Network: "example123.adattributionkit", AppID: demoApp, Source: "1234",
		ID: fmt.Sprintf("5aafb7a5-0170-41b5-bbe4-%012d", i), Conversion: "download", DidWin: true, Interaction: "click",
	})
	require.NoError(t, err)
	return body
}

// TestNewKeyNeedsNoRestart: a key that another process applies counts in the server
// that runs; what came before it stays stored, to be verified again.
func TestNewKeyNeedsNoRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "data")
	p := serveProgram(t, "--lab", "--db", db)
	early := attributionKitBody(t, 1)
	state, err := post(p, early)
	require.NoError(t, err)
	require.Equal(t, "unsupported", state)

	applyKeys(t, db, filepath.Join(dir, "keys.yaml"), "") // beside the server, not through it
	n := 1
	require.Eventually(t, func() bool {
		n++
		state, err := post(p, attributionKitBody(t, n))
		require.NoError(t, err)
		return state == "accepted"
	}, 20*time.Second, 10*time.Millisecond)
	c := statusOf(t, p)
	require.Positive(t, c.Postbacks["unsupported"], "the early one is still there")
	require.EqualValues(t, n, c.Received)
	state, err = post(p, early)
	require.NoError(t, err)
	require.Equal(t, "accepted", state, "it was never counted, so it is no duplicate")
}

// TestP192SwitchedOff: 1.0 and 2.0 are kept and not checked; switched on again, the
// same store takes them.
func TestP192SwitchedOff(t *testing.T) {
	t.Parallel()
	genuine, err := apple.FromSeed(99)
	require.NoError(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "skand.yaml")
	start := func(yaml string) *program {
		require.NoError(t, os.WriteFile(path, []byte(yaml), 0o600))
		return serveProgram(t, "--lab", "--config", path, "--db", "sqlite:"+filepath.Join(dir, "data"))
	}
	p := start("skadnetwork_p192: off\n")
	trustLab(t, p)
	for i := range 2 {
		state, err := post(p, oldBody(t, genuine, i))
		require.NoError(t, err)
		require.Equal(t, "unsupported", state)
	}
	state, err := post(p, signedBodies(t, 1)[0])
	require.NoError(t, err)
	require.Equal(t, "accepted", state)
	require.EqualValues(t, 2, statusOf(t, p).Postbacks["unsupported"])
	p.kill(t)

	p = start("skadnetwork_p192: on\nlimits: {p192: 1}\n")
	state, err = post(p, oldBody(t, genuine, 0))
	require.NoError(t, err)
	require.Equal(t, "accepted", state)
	require.EqualValues(t, 2, statusOf(t, p).Postbacks["unsupported"], "for a replay")
}
