package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/apply"
)

// TestAdvise: rows are found whether they were sealed or not, each on its day, and of
// closed weeks only.
func TestAdvise(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		d := aggregate.Dataset{AppID: testApp, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
		_, err := in.s.Advise(t.Context(), d)
		require.ErrorIs(t, err, ErrNoApp)
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "5.50") })
		n := 0
		for range 30 {
			in.post(won(n), conversion.Network)
			n++
		}
		in.nextWeek()
		require.Equal(t, 30, in.seal().Installs)
		_, err = in.s.Advise(t.Context(), d)
		require.ErrorIs(t, err, aggregate.ErrTooFew)
		for day := range 2 {
			for range 240 - day {
				in.post(won(n), conversion.Network)
				n++
			}
			in.now.Advance(24 * time.Hour)
		}
		_, err = in.s.Advise(t.Context(), d)
		require.ErrorIs(t, err, aggregate.ErrTooFew, "this week has not closed")
		in.nextWeek()
		all, err := in.s.Advise(t.Context(), d)
		require.NoError(t, err)
		require.Len(t, all, 54)
		for _, o := range all {
			require.Equal(t, 100, *o.Source2+*o.Source3+*o.Source4)
			require.Equal(t, 100, *o.Payers)
		}
		span := aggregate.AdviceSpan(in.now.Now())
		days, err := in.s.CountedByDay(t.Context(), d, span.Start, span.End)
		require.NoError(t, err)
		var sizes []int
		for _, day := range days {
			require.Equal(t, day.Day, day.Day.Truncate(24*time.Hour))
			sizes = append(sizes, day.Installs())
		}
		require.Equal(t, []int{30, 240, 239}, sizes)
	})
}
