package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/schema"
)

// histogram lists the rows of the published histogram of the first weeks.
func (in inbox) histogram(version, weeks int) (lines []string, installs int64) {
	in.t.Helper()
	got, err := in.s.PublishedHistograms(in.t.Context(), testApp, version, start, start.Add(time.Duration(weeks)*weekLong))
	require.NoError(in.t, err)
	require.Len(in.t, got, 1)
	require.NoError(in.t, got[0].Check())
	require.True(in.t, got[0].NullHoldsWithheld)
	for _, r := range got[0].Rows {
		what := fmt.Sprintf("%d %s", r.Index, r.Kind)
		switch r.Kind {
		case schema.KindFine, schema.KindCoarse:
			what += " " + r.ValueList()
		}
		if r.Installs == nil {
			lines = append(lines, fmt.Sprintf("%s withheld %d", what, r.Withheld))
			continue
		}
		lines, installs = append(lines, fmt.Sprintf("%s: %d", what, *r.Installs)), installs+*r.Installs
	}
	return lines, installs
}

func fineBin(list string, version, n int) aggregate.ValueBin {
	return aggregate.ValueBin{NetworkID: "n", Kind: aggregate.BinFine, To: 63, Values: list, SchemaVersion: version, Installs: ptr(n)}
}

// weekOf is a release of rows of one network, decoded with these versions.
func weekOf(id string, week, index int, versions []int, rows ...aggregate.Row) aggregate.Release {
	r := measured()
	r.ID, r.Kind, r.Remainders, r.Events, r.Values, r.Rows = id, aggregate.ReleaseBase, nil, nil, nil, rows
	r.Dataset.SequenceIndex, r.SchemaVersions = index, versions
	r.Window = aggregate.WindowAt(aggregate.Week, start.Add(time.Duration(week)*weekLong))
	r.WindowStart = r.Window.Start
	for i := range r.Rows {
		row := &r.Rows[i]
		row.NetworkID, row.IDKind, row.Source2, row.Level = "n", "source", fmt.Sprintf("%02d", i), aggregate.LevelSrc2
		row.SchemaVersions = versions
	}
	return r
}

func TestPublishedHistograms(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		none := ptr(0)
		full := aggregate.Row{
			Installs: 60, NullInstalls: ptr(7), UnsetInstalls: ptr(4), UnmappedInstalls: ptr(3),
			CoarseLow: ptr(5), CoarseMedium: none, CoarseHigh: ptr(6), FineInstalls: ptr(35), Payers: ptr(20),
		}
		merged := aggregate.Row{ // medium and high are not told apart: 6 together; payers are withheld
			Installs: 40, NullInstalls: none, UnsetInstalls: none, UnmappedInstalls: none,
			CoarseLow: ptr(4), FineInstalls: ptr(30),
		}
		folded := aggregate.Row{Installs: 20, NullInstalls: ptr(20)} // every kind but null is withheld
		first := weekOf("first", 0, 0, []int{2}, full, merged, folded)
		first.Values = []aggregate.ValueBin{
			fineBin("0-2", 2, 10), fineBin("3-5,9", 2, 8), fineBin("40", 1, 3), fineBin("2:3-5;1:9", 0, 9), fineBin("", 0, 5),
			{NetworkID: "n", Kind: aggregate.BinClamped, From: 9, To: 9, Values: "9", SchemaVersion: 2, Installs: ptr(8)},
		}
		// The same window as it was decoded before, and another app's, count nowhere.
		outdated := weekOf("outdated", 1, 0, []int{1}, full)
		outdated.Values = []aggregate.ValueBin{fineBin("1", 1, 35)}
		again := outdated
		again.ID, again.Kind, again.Values = "again", aggregate.ReleaseRedecode, []aggregate.ValueBin{fineBin("3-5,9", 1, 9), fineBin("3-5,9", 2, 26)}
		again.Rows = []aggregate.Row{full}
		again.Rows[0].SchemaVersions = []int{1, 2}
		other := weekOf("other", 0, 0, []int{2}, full)
		other.Dataset.AppID++
		losing := weekOf("losing", 0, 0, []int{2}, aggregate.Row{Installs: 99})
		losing.Dataset.Kind = aggregate.KindQualifier
		later := weekOf("later", 1, 1, []int{2}, aggregate.Row{
			Installs: 30, NullInstalls: ptr(10), UnsetInstalls: none, UnmappedInstalls: none, FineInstalls: none,
		})
		for _, r := range []aggregate.Release{first, outdated, again, other, losing, later} {
			require.NoError(t, in.s.Publish(t.Context(), r))
		}
		lines, installs := in.histogram(2, 1)
		require.Equal(t, []string{
			"0 coarse 0: 9", "0 coarse 1: 0", "0 coarse 1-2: 6", "0 coarse 2: 6", "0 fine 0-2: 10", "0 fine 3-5,9: 8",
			"0 null: 27", "0 other_version: 17", "0 unmapped: 3", "0 unpublished: 30", "0 unset: 4",
			"0 coarse 0-2 withheld 1", "0 fine 0-63 withheld 1", "0 unmapped withheld 1", "0 unset withheld 1",
		}, lines)
		require.EqualValues(t, 120, installs)

		// In the second week two versions decoded: only bins say which; later windows have no bins.
		lines, installs = in.histogram(2, 2)
		require.Equal(t, []string{
			"0 coarse 0: 9", "0 coarse 1: 0", "0 coarse 1-2: 6", "0 coarse 2: 6", "0 fine 0-2: 10", "0 fine 3-5,9: 34",
			"0 null: 34", "0 other_version: 40", "0 unmapped: 3", "0 unpublished: 30", "0 unset: 8", "1 coarse 0-2: 20", "1 null: 10",
			"1 unmapped: 0", "1 unset: 0",
			"0 coarse 0-2 withheld 1", "0 fine 0-63 withheld 1", "0 unmapped withheld 1", "0 unset withheld 1",
		}, lines)
		require.EqualValues(t, 120+60+30, installs)

		empty, err := in.s.PublishedHistograms(t.Context(), 1, 2, start, start.Add(weekLong))
		require.NoError(t, err)
		require.Empty(t, empty[0].Rows)
		broken := weekOf("broken", 2, 0, []int{2}, full)
		broken.Values = []aggregate.ValueBin{fineBin("0", 2, 36)}
		require.NoError(t, in.s.Publish(t.Context(), broken))
		_, err = in.s.PublishedHistograms(t.Context(), testApp, 2, start.Add(2*weekLong), start.Add(3*weekLong))
		require.ErrorContains(t, err, "bins hold 36 installs")
	})
}

// TestPublishedHistogramsLoseNobody: what the sealer published is in the histogram to
// the last install, whichever version is asked for.
func TestPublishedHistogramsLoseNobody(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		const weeks = 3
		in.campaigns(5, weeks)
		var all int64
		require.NoError(t, in.s.Cohorts(t.Context(), CohortFilter{}, func(c *Cohort) error {
			all += c.Installs
			return nil
		}))
		require.Positive(t, all)
		for _, version := range []int{1, 2} {
			_, installs := in.histogram(version, weeks)
			require.Equal(t, all, installs)
		}
	})
}
