package store

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward/reconcile"
)

// fenced is the block behind a mark of the documentation.
func fenced(t *testing.T, text, mark string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "<!-- example: "+mark+" -->\n```")
	require.True(t, found, mark)
	_, rest, _ = strings.Cut(rest, "\n")
	block, _, found := strings.Cut(rest, "```")
	require.True(t, found, mark)
	return block
}

// TestTheDocumentedExample: what docs/reconciliation.md says happened gives the table
// that it shows.
func TestTheDocumentedExample(t *testing.T) {
	eachMarket(t, func(t *testing.T, m *market) {
		raw, err := os.ReadFile("../../docs/reconciliation.md")
		require.NoError(t, err)
		doc := string(raw)
		happened, err := csv.NewReader(strings.NewReader(fenced(t, doc, "ours"))).ReadAll()
		require.NoError(t, err)
		first := ""
		for n, line := range happened[1:] {
			at, err := time.Parse(time.RFC3339, line[1])
			require.NoError(t, err)
			kind, id := "event", fmt.Sprint("x", n)
			if line[0] == "install" {
				kind = "install"
				m.take(&conversion.Click{ID: id, AppID: testApp, NetworkID: testNetwork, Time: at.Add(-time.Hour)},
					&conversion.Install{ID: id, AppID: testApp, Time: at, ClickID: id})
				if first == "" {
					first = id
				}
			} else {
				e := &conversion.Event{ID: id, AppID: testApp, InstallID: first, Name: line[0], Time: at}
				if line[2] != "" {
					e.Revenue, e.Currency = ptr(decimal.RequireFromString(line[2])), "USD"
				}
				m.take(e)
			}
			state, attempts, settled := "delivered", 1, at.Add(time.Minute)
			switch line[3] {
			case "delivered":
			case "refused":
				state = "refused"
			case "waiting":
				state, attempts = "pending", 0
			case "delivered two days later":
				settled = at.Add(48 * time.Hour)
			case "delivered at the third try":
				attempts = 3
			default:
				require.Equal(t, "never sent", line[3])
				require.Empty(t, m.dump(`SELECT id FROM outbox WHERE dedup_key = ?`, kind+"/"+m.hash(kind, id)))
			}
			m.sql(`UPDATE outbox SET state = ?, attempts = ?, created_at = ?, settled_at = ? WHERE dedup_key = ?`,
				state, attempts, ms(at), ms(settled), kind+"/"+m.hash(kind, id))
		}
		uploads, warnings, err := reconcile.ParseFile([]byte(fenced(t, doc, "theirs")), reconcile.Defaults{
			AppID: testApp, NetworkID: testNetwork, TimeZone: "America/Los_Angeles",
		})
		require.NoError(t, err)
		require.Empty(t, warnings)
		m.upload(uploads...)
		reports, err := m.s.Discrepancies(t.Context(), testApp, testNetwork, start, start.AddDate(0, 0, 1))
		require.NoError(t, err)
		v := reconcile.Table(reports, []string{reconcile.ByDay, reconcile.ByEvent})
		var shown bytes.Buffer
		require.NoError(t, v.WriteText(&shown))
		require.Equal(t, fenced(t, doc, "table"), shown.String())
	})
}
