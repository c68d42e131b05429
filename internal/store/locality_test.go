package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
)

// TestCountedRowsLieWhereTheirIdentitySays: the key of a counted row holds when its
// identity was first seen, so nothing but that keeps a second row of it out. Every way
// in takes the time from the same place, and every way back finds the row by it.
func TestCountedRowsLieWhereTheirIdentitySays(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		arrive := func(n int, from conversion.Source, at time.Duration) conversion.Arrival {
			a := conversion.Arrival{Source: from, Client: "192.0.2.0/24", Body: body(t, won(n))}
			if at != 0 {
				a.ReceivedAt, a.ID = in.now.Now().Add(at), uid(1000+n)
			}
			return a
		}
		batches := [][]conversion.Arrival{
			// Of two copies of one batch the first claims, the better one counts.
			{arrive(1, conversion.Relay, 0), arrive(1, conversion.Developer, 0), arrive(2, conversion.Network, 0)},
			// Archives: older than what came before, one as of a day that is not over.
			{arrive(3, conversion.Network, -40*24*time.Hour), arrive(4, conversion.Network, -time.Minute)},
			// Again, later, from better and from worse sources.
			{arrive(4, conversion.Developer, 0), arrive(3, conversion.Relay, 0), arrive(2, conversion.Developer, 0), arrive(1, conversion.Relay, 0)},
		}
		for _, batch := range batches {
			in.now.Advance(time.Second)
			_, _, err := in.ReceiveAll(t.Context(), batch)
			require.NoError(t, err)
		}
		dev := won(5)
		dev.Development = true
		in.post(dev, conversion.Developer)
		require.Equal(t, []string{"4|4"}, in.dump(`SELECT COUNT(*), COUNT(DISTINCT identity) FROM counted_postback`))
		require.Equal(t, []string{"4"}, in.dump(`SELECT COUNT(*) FROM counted_postback c JOIN postback_identity i
			ON i.app_id = c.app_id AND i.environment = c.environment AND i.identity = c.identity AND i.first_seen = c.first_seen`))
		require.Equal(t, []string{"developer", "developer", "network", "developer"},
			in.dump(`SELECT source FROM counted_postback c ORDER BY CASE identity WHEN ? THEN 1 WHEN ? THEN 2 WHEN ? THEN 3 ELSE 4 END`,
				identity(won(1)), identity(won(2)), identity(won(3))))
		in.decode()
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback WHERE decoded_at IS NULL`), "a decode finds each")

		// An erased app keeps its identities; what comes again counts for nobody.
		_, err := in.s.eraseApp(t.Context(), testApp)
		require.NoError(t, err)
		in.now.Advance(time.Hour)
		for _, p := range []apple.Postback{won(1), won(3)} {
			require.Equal(t, conversion.Duplicate, in.post(p, conversion.Developer).State)
		}
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback`))
	})
}
