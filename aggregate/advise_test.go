package aggregate

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type fixedDays []DayBatch

func (f fixedDays) CountedByDay(_ context.Context, _ Dataset, from, to time.Time) ([]DayBatch, error) {
	var out []DayBatch
	for _, d := range f {
		if !d.Day.Before(from) && d.Day.Before(to) {
			out = append(out, d)
		}
	}
	return out, nil
}

var adviceDay = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC) // a Wednesday

// days is the same crowd on every day of the closed weeks, and more outside of them.
func days(groups ...Counted) fixedDays {
	var f fixedDays
	for n := -60; n < 10; n++ {
		f = append(f, DayBatch{Day: time.Date(2026, 11, 18+n, 0, 0, 0, 0, time.UTC), Batch: Batch{Groups: groups}})
	}
	return f
}

func find(t *testing.T, all []Outlook, window WindowKind, k, b, depth int) Outlook {
	t.Helper()
	for _, o := range all {
		if o.Window == window && o.K == k && o.B == b && o.Depth == depth {
			return o
		}
	}
	require.Fail(t, "no such choice")
	return Outlook{}
}

func TestAdviceSpanIsClosedWeeks(t *testing.T) {
	t.Parallel()
	span := AdviceSpan(adviceDay)
	require.Equal(t, time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), span.End)
	require.Equal(t, 28*24*time.Hour, span.End.Sub(span.Start))
	require.Equal(t, span, AdviceSpan(span.End), "the same all week")
	require.Equal(t, span, AdviceSpan(span.End.AddDate(0, 0, 7).Add(-1)))
}

func TestAdvise(t *testing.T) {
	t.Parallel()
	payer := crowd(4, "a", "5239")
	payer.Payer = true
	f := days(crowd(16, "a", "5239"), payer, crowd(6, "b", "39"), crowd(6, "c", "40"))
	all, err := Advise(t.Context(), f, installs, DefaultSettings(), adviceDay)
	require.NoError(t, err)
	require.Len(t, all, 54)

	week := find(t, all, Week, 20, 5, 4)
	// 32 a day: 20 with four digits (62.5 %), 6 and 6 with two.
	require.Equal(t, []int{65, 0, 40, 0, 0}, []int{*week.Source4, *week.Source3, *week.Source2, *week.Network, *week.Unnamed})
	require.Equal(t, 100, *week.Payers, "28 payers in a row of 140")
	require.Zero(t, *week.Carried)
	require.Equal(t, 100, *find(t, all, Week, 20, 5, 2).Source2)

	day := find(t, all, Day, 20, 5, 4)
	require.Equal(t, []int{0, 100}, []int{*day.Source4, *day.Unnamed}, "an `other` of networks needs k beside its largest")
	require.Equal(t, 0, *day.Payers, "4 payers a day are fewer than b")
	require.Equal(t, 100, *find(t, all, Day, 20, 3, 4).Payers)
	large := find(t, all, Day, 50, 5, 4)
	require.Equal(t, 100, *large.Unnamed, "two days make a crowd of 64")
	require.Zero(t, *large.Carried)
}

func TestAdviseOfFew(t *testing.T) {
	t.Parallel()
	_, err := Advise(t.Context(), days(crowd(17, "a", "5239")), installs, DefaultSettings(), adviceDay)
	require.ErrorIs(t, err, ErrTooFew, "476 in 28 days")
	all, err := Advise(t.Context(), days(crowd(18, "a", "5239")), installs, DefaultSettings(), adviceDay)
	require.NoError(t, err)
	require.Nil(t, find(t, all, Week, 20, 5, 4).Payers, "nobody paid")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Advise(gone, days(crowd(18, "a", "5239")), installs, DefaultSettings(), adviceDay)
	require.ErrorIs(t, err, context.Canceled)
}

// Whatever was counted: shares are whole steps, add up but for their rounding, and a
// larger k never names more installs with four digits.
func TestAdviseShares(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 9))
		var groups []Counted
		for range 1 + r.IntN(12) {
			source := []string{"39", "239", "5239", "40", "1140"}[r.IntN(5)]
			g := crowd(1+r.IntN(30), []string{"a", "b", "c"}[r.IntN(3)], source)
			g.Payer = r.IntN(4) == 0
			groups = append(groups, g)
		}
		groups = append(groups, crowd(20, "a", "39"))
		all, err := Advise(t.Context(), days(groups...), installs, DefaultSettings(), adviceDay)
		require.NoError(t, err)
		for _, o := range all {
			sum := 0
			for _, s := range []Share{o.Network, o.Source2, o.Source3, o.Source4, o.Unnamed, o.Carried} {
				require.NotNil(t, s)
				require.Zero(t, *s%5)
				sum += *s
			}
			require.InDelta(t, 100, sum, 15)
		}
		for _, w := range adviceWindows {
			require.LessOrEqual(t, *find(t, all, w, 50, 5, 4).Source4, *find(t, all, w, 10, 5, 4).Source4)
		}
	}
}
