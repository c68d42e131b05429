package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

func TestMappingInForce(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		publish := func(from time.Time, price string) {
			in.apply(&apply.Bundle{Apps: []apply.App{{AppID: testApp, Schema: purchases(price), SchemaEffectiveFrom: &from}}})
		}
		in.register(nil)
		_, err := in.s.Mapping(t.Context(), testApp, 0, start)
		require.ErrorIs(t, err, ErrNoMapping, "an app without a schema")
		_, err = in.s.Mapping(t.Context(), 1, 0, start)
		require.ErrorIs(t, err, ErrNoMapping, "an app that nobody named")

		second, third := start.Add(48*time.Hour), start.Add(96*time.Hour)
		publish(start.AddDate(0, -1, 0), "1")
		publish(second, "2")
		publish(third, "3")
		for _, c := range []struct {
			at      time.Time
			version int
			next    time.Time
		}{
			{start, 1, second}, {second.Add(-time.Millisecond), 1, second}, {second, 2, third},
			{third.Add(-time.Millisecond), 2, third}, {third, 3, time.Time{}}, {third.AddDate(1, 0, 0), 3, time.Time{}},
		} {
			for asked := range 5 {
				m, err := in.s.Mapping(t.Context(), testApp, asked, c.at)
				if asked > c.version {
					require.ErrorIs(t, err, ErrNoMapping, "version %d does not exist yet at %s", asked, c.at)
					continue
				}
				want := c.version
				if asked > 0 {
					want = asked
				}
				require.NoError(t, err)
				require.Equal(t, want, m.Version, "at %s", c.at)
				require.Equal(t, c.next, m.Next)
				require.Contains(t, string(m.Document), fmt.Sprintf(`"revenue_est":"%d"`, want))
				require.Equal(t, start, m.PublishedAt)
			}
		}
		_, err = in.s.Mapping(t.Context(), testApp, 0, start.AddDate(0, -2, 0))
		require.ErrorIs(t, err, ErrNoMapping, "before the first takes effect")
	})
}

func TestMappingHistory(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		const n = 7
		for i := range n {
			from := start.Add(time.Duration(i) * time.Hour)
			in.apply(&apply.Bundle{Apps: []apply.App{{AppID: testApp, Schema: purchases(fmt.Sprint(i + 1)), SchemaEffectiveFrom: &from}}})
		}
		in.apply(&apply.Bundle{Apps: []apply.App{{AppID: 1, Schema: purchases("9")}}})
		// The last two have not taken effect.
		now := start.Add((n - 3) * time.Hour)
		var seen []int
		before, more := 0, true
		for more {
			var page []Mapping
			var err error
			page, more, err = in.s.MappingHistory(t.Context(), testApp, now, before, 2)
			require.NoError(t, err)
			for _, m := range page {
				require.Empty(t, m.Document)
				require.Equal(t, start.Add(time.Duration(m.Version-1)*time.Hour), m.EffectiveFrom)
				require.Equal(t, now.Add(time.Hour), m.Next)
				seen = append(seen, m.Version)
			}
			before = seen[len(seen)-1]
		}
		require.Equal(t, []int{5, 4, 3, 2, 1}, seen)
		page, more, err := in.s.MappingHistory(t.Context(), 2, now, 0, 2)
		require.NoError(t, err)
		require.Empty(t, page)
		require.False(t, more)
	})
}
