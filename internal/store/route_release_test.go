package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

// TestRevisionsReplace: a window that is read again is sent again under the same row
// ids, and only where that takes the place of what was sent; to whom and how often does
// not hang on what is edited in between.
func TestRevisionsReplace(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		figures := func(id, revisions string) {
			in.destination(id, func(d *forward.Destination) {
				d.NetworkID, d.Kinds, d.SendRevenue = "n0.skadnetwork", []string{forward.KindModeled}, true
				d.Revisions, d.URL = revisions, "https://h.example/?r={row_id}&v={revision}"
			})
		}
		figures("once", forward.RevisionsOnce)
		figures("replace", forward.RevisionsReplace)
		figures("edited", forward.RevisionsOnce)
		in.campaigns(1, 1)
		count := func(id, revision string) (rows map[string]bool) {
			rows = map[string]bool{}
			for _, row := range in.dump(`SELECT fields FROM outbox WHERE destination_id = ?`, id) {
				f, err := in.s.openFields(row)
				require.NoError(t, err)
				if key := f["row_id"] + " " + f["event_id"]; f["revision"] == revision {
					require.False(t, rows[key], key)
					rows[key] = true
				}
			}
			return rows
		}
		base := count("replace", "0")
		require.NotEmpty(t, base)
		require.True(t, func() bool {
			for key := range base {
				if strings.Contains(key, "/events ") {
					return true
				}
			}
			return false
		}(), "events are told too")
		figures("edited", forward.RevisionsReplace)
		in.dearer("1.99", "4.99", "19.99", "99.99")
		_, err := in.redecoder().Redecode(t.Context(), weekID(0), 2)
		require.NoError(t, err)
		for _, id := range []string{"once", "replace", "edited"} {
			require.Equal(t, base, count(id, "0"), id)
		}
		again := count("replace", "1")
		require.Equal(t, again, count("edited", "1"))
		require.Empty(t, count("once", "1"))
		for key := range base {
			if strings.HasSuffix(key, "/install") {
				require.Contains(t, again, key, "the same row ids and event ids")
			}
		}
		figures("edited", forward.RevisionsOnce)
		figures("edited", forward.RevisionsReplace)
		in.seal()
		require.Equal(t, again, count("edited", "1"))
	})
}

func TestNameThroughout(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return start.AddDate(0, 0, d) }
	text := func(d int) string { return day(d).Format(publishedTime) }
	lines := []campaignLine{
		{"39", "", text(7), "a", "Autumn"}, {"39", text(7), text(10), "b", "Winter"}, {"39", text(10), text(21), "b", "Winter"},
		{"39", text(28), "", "c", "Spring"}, {"40", "", "", "d", "Always"},
	}
	for _, c := range []struct {
		source   string
		from, to int
		want     string
	}{
		{"39", 0, 7, "a"}, {"39", 7, 14, "b"}, {"39", 14, 21, "b"}, {"39", 3, 10, ""}, {"39", 14, 22, ""}, {"39", 21, 28, ""},
		{"39", 27, 35, ""}, {"39", 28, 35, "c"}, {"40", -700, 700, "d"}, {"41", 0, 7, ""},
	} {
		require.Equal(t, c.want, nameThroughout(lines, c.source, day(c.from), day(c.to)).ID, "%+v", c)
	}
}
