package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
)

const decodedDump = `SELECT value_kind, schema_version, CASE WHEN payer THEN 'payer' ELSE '' END, CAST(revenue_est AS TEXT), state FROM counted_postback
	WHERE decoded_at IS NOT NULL ORDER BY value_kind, schema_version, copy_id`

// three values: a fine one, one that the app never set (four digits), one that
// Apple withheld (two digits).
func (in inbox) postThree() {
	in.t.Helper()
	in.post(won(1), conversion.Network)
	unset, null := won(2), won(3)
	unset.Fine, null.Fine, null.Source = nil, nil, "39"
	in.post(unset, conversion.Network)
	in.post(null, conversion.Network)
}

func TestDecodeWaitsForASchema(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.postThree()
		require.Zero(t, in.decode(), "the receiver has done it, though nobody registered the app")
		require.Equal(t, []string{"null|0||0|null", "unmapped|0||0|unmapped", "unset|0||0|unset"}, in.dump(decodedDump))
		require.Zero(t, in.decode())
		in.register(nil)
		require.Zero(t, in.decode(), "an app without a schema decodes nothing anew")

		in.now.Advance(time.Hour)
		in.register(func(a *apply.App) { a.Schema = purchases("1", "2", "3", "4", "9.99") })
		require.Equal(t, 3, in.decode())
		require.Equal(t, []string{"fine|1|payer|9.99|decoded", "null|1||0|null", "unset|1||0|unset"}, in.dump(decodedDump))
		require.Zero(t, in.decode(), "a second version leaves what the first decoded")
		in.now.Advance(time.Hour)
		in.register(func(a *apply.App) { a.Schema = purchases("1", "2", "3", "4", "5") })
		require.Zero(t, in.decode())
	})
}

func TestDecodeAnewWhenACopyIsReplaced(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "5.50") })
		in.post(won(1), conversion.Relay)
		require.Equal(t, 1, in.decode(), "what was relayed is left to the job")
		require.Equal(t, []string{"fine|1|payer|5.5|decoded"}, in.dump(decodedDump))
		better := won(1)
		better.Fine = ptr(2)
		require.Equal(t, "better_source", in.post(better, conversion.Developer).Reason)
		require.Equal(t, int64(1), in.countAll().Undecoded)
		require.Equal(t, 1, in.decode())
		require.Equal(t, []string{"fine|1|payer|2.5|decoded"}, in.dump(decodedDump))
		require.Equal(t, conversion.Duplicate, in.post(better, conversion.Network).State)
		require.Zero(t, in.decode())
	})
}

// TestSaveDecodedVoids: a decode of values that were replaced meanwhile, or of a
// row that was sealed meanwhile, is not kept.
func TestSaveDecodedVoids(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for n := range 10 {
			in.post(won(n), conversion.Relay)
		}
		in.undecode()
		pending, err := in.s.Undecoded(t.Context(), 100)
		require.NoError(t, err)
		require.Len(t, pending, 10)
		var stale []conversion.Decoded
		for i := range pending {
			stale = append(stale, conversion.Decode(&pending[i], nil, in.now.Now()))
		}
		for n := range 10 {
			better := won(n)
			better.Fine = ptr(9)
			in.post(better, conversion.Network)
		}
		n, err := in.s.SaveDecoded(t.Context(), stale)
		require.NoError(t, err)
		require.Zero(t, n, "all were replaced")
		require.Equal(t, int64(10), in.countAll().Undecoded)

		again, err := in.s.Undecoded(t.Context(), 100)
		require.NoError(t, err)
		require.Equal(t, 10, in.decode())
		in.nextWeek()
		require.Equal(t, 10, in.seal().Installs)
		sealed := in.dump(`SELECT * FROM counted_postback ORDER BY identity`)
		for i := range again {
			d := conversion.Decode(&again[i], nil, in.now.Now())
			n, err := in.s.SaveDecoded(t.Context(), []conversion.Decoded{d})
			require.NoError(t, err)
			require.Zero(t, n)
		}
		require.Equal(t, sealed, in.dump(`SELECT * FROM counted_postback ORDER BY identity`))
	})
}

// TestUndecodedIsOldestFirst: what waits longest is decoded first, across apps.
func TestUndecodedIsOldestFirst(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for n := range 6 {
			p := won(n)
			p.AppID += int64(n % 3)
			in.post(p, conversion.Network)
			in.now.Advance(time.Minute)
		}
		in.undecode()
		pending, err := in.s.Undecoded(t.Context(), 4)
		require.NoError(t, err)
		require.Len(t, pending, 4)
		for n, p := range pending {
			require.Equal(t, start.Add(time.Duration(n)*time.Minute), p.ReceivedAt)
			require.Equal(t, int64(testApp+n%3), p.AppID)
		}
	})
}
