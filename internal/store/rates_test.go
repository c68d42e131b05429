package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/internal/clock"
)

func TestRatesAreAppliedAndExported(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		applied := func(text string, dry bool) string {
			t.Helper()
			b, err := apply.Parse([]byte(text))
			require.NoError(t, err)
			changes, err := s.Apply(t.Context(), b, "test", dry)
			require.NoError(t, err)
			require.Len(t, changes, 1)
			return changes[0].What + " " + changes[0].Action + " " + changes[0].Detail
		}
		const first = "rates: [{date: 2026-11-02, currency: USD, rate: '1.0832'}, {date: 2026-11-02, currency: EUR, rate: 1}]"
		require.Equal(t, "rates create 2 of 2 lines are new", applied(first, true))
		require.Equal(t, "rates create 2 of 2 lines are new", applied(first, false), "a dry run kept nothing")
		require.Equal(t, "rates same 2 lines", applied(first, false))
		require.Equal(t, "rates update 1 of 2 lines are new, 1 other than before",
			applied("rates: [{date: 2026-11-02, currency: USD, rate: '1.09'}, {date: 2026-11-01, currency: USD, rate: '1.1'}]", false))

		b, err := s.Export(t.Context())
		require.NoError(t, err)
		var got []string
		for _, r := range b.Rates {
			got = append(got, r.Date+" "+r.Currency+" "+r.Rate.String())
		}
		require.Equal(t, []string{"2026-11-01 USD 1.1", "2026-11-02 EUR 1", "2026-11-02 USD 1.09"}, got)
	})
}
