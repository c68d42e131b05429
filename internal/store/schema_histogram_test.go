package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
)

func TestRawHistogram(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1", "2", "3", "4", "9.99") })
		in.postThree()
		for n := range 3 {
			in.post(won(10+n), conversion.Network)
		}
		coarse := won(20)
		coarse.Fine, coarse.Coarse, coarse.Source = nil, "high", "39"
		in.post(coarse, conversion.Network)
		require.Zero(t, in.decode())
		in.now.Advance(time.Hour)
		in.post(won(30), conversion.Network)
		require.Zero(t, in.decode())

		bins := func(version int, from, to time.Time) []string {
			h, err := in.s.RawHistogram(t.Context(), testApp, version, from, to)
			require.NoError(t, err)
			require.NoError(t, h.Check())
			out := []string{}
			for _, r := range h.Rows {
				out = append(out, fmt.Sprintf("%d %s %d-%d v%d: %d", r.Index, r.Kind, r.From, r.To, r.SchemaVersion, *r.Installs))
			}
			return out
		}
		require.Equal(t, []string{"0 coarse 2-2 v1: 1", "0 fine 5-5 v1: 4", "0 null 0-0 v1: 1", "0 unset 0-0 v1: 1"},
			bins(1, start, start.Add(time.Hour)), "to is excluded")
		require.Equal(t, []string{"0 fine 5-5 v1: 1"}, bins(1, start.Add(time.Hour), start.Add(2*time.Hour)))
		require.Empty(t, bins(2, start, start.Add(2*time.Hour)))
		in.sql(`UPDATE counted_postback SET flags = 'clamped ambiguous' WHERE coarse = 'high'`)
		h, err := in.s.RawHistogram(t.Context(), testApp, 1, start, start.Add(2*time.Hour))
		require.NoError(t, err)
		require.Equal(t, "0.125", h.AmbiguousShare.String())
	})
}
