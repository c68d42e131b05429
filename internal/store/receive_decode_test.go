package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/internal/apply"
)

// undecode leaves everything to the decoding job.
func (in inbox) undecode() {
	in.t.Helper()
	in.sql(`UPDATE counted_postback SET decoded_at = NULL, value_kind = '', state = '', flags = '', schema_version = 0,
		payer = FALSE, revenue_min = '0', revenue_est = '0', revenue_max = NULL, install_point = NULL, install_from = NULL, install_to = NULL`)
}

const everythingDecoded = `SELECT app_id, sequence_index, kind, source_id, value_kind, state, flags, schema_version, CASE WHEN payer THEN 'payer' ELSE '' END,
	CAST(revenue_min AS TEXT), CAST(revenue_est AS TEXT), COALESCE(CAST(revenue_max AS TEXT), 'open'), install_point, install_from, install_to, decoded_at
	FROM counted_postback ORDER BY copy_id`

// TestReceiverDecodesAsTheJobDoes: whatever came, with one version, with two that may
// both have been on the phone, and without any.
func TestReceiverDecodesAsTheJobDoes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		n := 0
		post := func(change func(*apple.Postback)) {
			p := won(n)
			n++
			change(&p)
			in.post(p, conversion.Network)
		}
		all := func() {
			for _, appID := range []int64{testApp, testApp + 1} {
				for fine := range 7 {
					post(func(p *apple.Postback) { p.AppID, p.Fine = appID, &fine })
				}
				post(func(p *apple.Postback) { p.AppID, p.Fine = appID, nil })
				post(func(p *apple.Postback) { p.AppID, p.Fine, p.Source = appID, nil, "39" })
				post(func(p *apple.Postback) { p.AppID, p.Fine, p.Coarse, p.Source = appID, nil, "high", "39" })
				post(func(p *apple.Postback) { p.AppID, p.Fine, p.Coarse, p.Index = appID, nil, "low", 1 })
				post(func(p *apple.Postback) { p.AppID, p.Fine, p.DidWin = appID, nil, false })
				post(func(p *apple.Postback) { p.AppID, p.Version, p.Campaign = appID, apple.V30, 12 })
			}
		}
		all()
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "5.50") })
		in.now.Advance(2 * freshSchemas)
		all()
		in.now.Advance(30 * time.Hour)
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "9.99") })
		in.now.Advance(50 * time.Hour)
		all()
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback WHERE decoded_at IS NULL AND counted_at > ?`, ms(start)))

		at := in.dump(`SELECT decoded_at FROM counted_postback ORDER BY copy_id`)
		require.Len(t, at, n)
		in.decode()
		in.sql(`UPDATE counted_postback SET decoded_at = 0`)
		byReceiver := in.dump(everythingDecoded)
		in.undecode()
		require.Equal(t, n, in.decode())
		in.sql(`UPDATE counted_postback SET decoded_at = 0`)
		require.Equal(t, in.dump(everythingDecoded), byReceiver)
		require.Contains(t, in.dump(`SELECT DISTINCT flags FROM counted_postback ORDER BY flags`), "ambiguous")
		require.Equal(t, []string{"0", "1", "2"}, in.dump(`SELECT DISTINCT schema_version FROM counted_postback ORDER BY schema_version`))
	})
}

// TestFirstSchemaReachesWhatCameMeanwhile: a receiver that did not know yet of the
// first schema decodes without it; the job puts that right.
func TestFirstSchemaReachesWhatCameMeanwhile(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.post(won(1), conversion.Network) // it remembers from now on that there is none
		in.register(func(a *apply.App) { a.Schema = purchases("1.50", "2.50", "3.50", "4.50", "5.50") })
		in.post(won(2), conversion.Network)
		require.Equal(t, []string{"unmapped|0||0|unmapped"}, in.dump(decodedDump), "the one that waits is not shown")
		require.Equal(t, 2, in.decode())
		require.Equal(t, []string{"fine|1|payer|5.5|decoded", "fine|1|payer|5.5|decoded"}, in.dump(decodedDump))
		require.Zero(t, in.decode())
		in.now.Advance(justPublished)
		require.Zero(t, in.decode())
	})
}
