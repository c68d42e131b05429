package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSmoke runs every part but the demo at sizes that measure nothing, so that the
// program is known to work when somebody wants it.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts servers")
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bench.json")
	var table bytes.Buffer
	b := &bench{sizes: Tiny(), notes: t.Output(), report: newReport(Tiny())}
	require.NoError(t, b.run(t.Context(), everything))
	b.report.print(&table)
	t.Logf("\n%s", &table)
	require.NoError(t, b.report.write(file))

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var read report
	require.NoError(t, json.Unmarshal(text, &read))
	seen := map[string]bool{}
	for _, r := range read.Rows {
		require.NotEmpty(t, r.What, r.Name)
		require.Positive(t, r.Ratio, r.Name)
		seen[r.Name] = true
	}
	kinds := []string{"sqlite"}
	if os.Getenv("SKAND_TEST_NO_POSTGRES") != "1" {
		kinds = append(kinds, "postgres")
	}
	want := []string{"verify.2.1", "verify.2.2", "verify.3.0", "verify.4.0", "verify.aak", "model.published", "model.draws", "start"}
	for _, k := range kinds {
		want = append(want, "ingest."+k+".4.rate", "ingest."+k+".4.p99", "ingest."+k+".4.floor",
			"ingest."+k+".slow.4.rate", "ingest."+k+".slow.4.p99", "flood."+k, "flood."+k+".unpaced",
			"batch."+k+".clicks", "batch."+k+".installs", "batch."+k+".events",
			"seal."+k+".2", "cohorts."+k, "cohorts."+k+".crowded", "cohorts."+k+".rows")
		if _, err := os.Stat("/proc/self/status"); err == nil {
			want = append(want, "memory."+k+".resident", "memory."+k+".flat", "seal.written."+k+".2")
		}
	}
	for _, name := range want {
		require.True(t, seen[name], name)
	}
	_, err = os.Stat(b.dir)
	require.ErrorIs(t, err, os.ErrNotExist, "it leaves nothing behind")
}

func TestFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-only", "("}, {"-rounds", "x"}, {"-what"}} {
		var out, said bytes.Buffer
		require.Error(t, realMain(t.Context(), args, &out, &said), args)
	}
}

// TestEveryBarHasItsRow: the bars are named after rows that a default run makes.
func TestEveryBarHasItsRow(t *testing.T) {
	t.Parallel()
	for _, r := range rows {
		what, bar := rule(r.name)
		require.Equal(t, r.what, what, r.name)
		require.Equal(t, r.bar, bar, r.name)
	}
	what, bar := rule("ingest.sqlite.4.rate")
	require.NotEmpty(t, what)
	require.Nil(t, bar)
	_, bar = rule("flood.sqlite.unpaced")
	require.Nil(t, bar)
	_, bar = rule("seal.postgres.90")
	require.Equal(t, 1.3, bar.Most)
	_, bar = rule("seal.written.postgres.90")
	require.Nil(t, bar)
	_, bar = rule("verify.4.0")
	require.Equal(t, 0.85, bar.Least)
	require.True(t, bar.Met(0.85))
	require.False(t, bar.Met(0.84))
	require.True(t, most(0.5).Met(0.5))
	require.False(t, most(0.5).Met(0.51))
	require.Equal(t, "<= 0.5", most(0.5).String())
	require.Equal(t, ">= 1", least(1).String())
}
