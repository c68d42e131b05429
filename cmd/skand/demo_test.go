package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDemoPlaysTheFortnight is `make run`: genuine postbacks through every stage.
// It waits for the table, however fast the machine is, and then ends the demo as
// Ctrl-C does.
func TestDemoPlaysTheFortnight(t *testing.T) {
	t.Parallel()
	cmd := skandCommand("demo", "--json", "--n", "400", "--for", "10m")
	log := &lockedBuffer{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed

	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, "demo said: %s", log)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "demo said: %s", log)

	var table demoTable
	require.NoError(t, json.Unmarshal(line, &table))
	require.True(t, table.Conserved, "%s", line)
	require.Zero(t, table.WrongAnswers)
	require.Positive(t, table.FirstCohortSeconds)
	require.Positive(t, table.Rows)
	require.Positive(t, table.Published)
	require.Zero(t, table.Undecoded)
	require.EqualValues(t, table.Posted-table.Rejected, table.Received)
	require.EqualValues(t, table.TrueInstalls, table.Counted["install"])
	m := table.Modeled
	require.Positive(t, m.Rows)
	require.NotNil(t, m.Estimate, "%s", line)
	require.True(t, m.Low.LessThanOrEqual(*m.Estimate) && m.Estimate.LessThanOrEqual(*m.High))
	require.True(t, m.Seen == nil || m.High.IntPart() >= int64(*m.Seen))
	require.Positive(t, m.Told)
	require.Positive(t, table.NetworkTook)
	require.EqualValues(t, table.Outbox["delivered"], table.NetworkTook)
	require.Zero(t, table.NetworkAgain)
}

// TestDemoStopsByItself: --for ends it with exit 0 and one JSON object, however far
// the fortnight has got.
func TestDemoStopsByItself(t *testing.T) {
	t.Parallel()
	cmd := skandCommand("demo", "--json", "--n", "100", "--for", "5s")
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	require.NoError(t, cmd.Run(), "demo said: %s", log.String())
	var table demoTable
	dec := json.NewDecoder(&out)
	require.NoError(t, dec.Decode(&table))
	require.False(t, dec.More())
	require.Contains(t, log.String(), "postbacks and S2S", "the addresses go where they spoil no JSON")
}

func TestDemoUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"demo", "--n", "0"}, {"demo", "--for", "-1s"}, {"demo", "extra"}} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, realMain(t.Context(), args, nil, &out, &errs), args)
		require.NotEmpty(t, errs.String())
	}
}
