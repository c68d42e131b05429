package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParseHistogram: whatever is read holds together, can be simulated, and reads
// the same once more when it is written down.
func FuzzParseHistogram(f *testing.F) {
	for _, text := range []string{
		`{"rows":[{"kind":"fine","value":12,"installs":240}]}`,
		`{"app_id":7,"currency":"USD","ambiguous_share":"0.05","rows":[{"kind":"fine","value_list":"3-5,9","installs":8,"schema_version":2}]}`,
		`{"rows":[{"index":1,"kind":"coarse","value_from":"medium","value_to":"high","installs":null},{"kind":"unpublished","installs":3}]}`,
		`{"rows":[{"kind":"fine","value_list":"2:3-5;1:9","installs":8}]}`,
		"kind,value,installs\nfine,1,2\ncoarse,low,\n",
		"kind,value_from,value_to,value_list,installs,schema_version\nfine,3,9,\"3-5,9\",8,2\nother_version,,,,4,\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func([]byte) (*Histogram, error){ParseHistogram, ParseHistogramCSV} {
			h, err := read([]byte(text))
			if err != nil {
				continue
			}
			require.NoError(t, h.Check())
			if len(h.Rows) > 100 {
				continue
			}
			again, err := ParseHistogram(writtenJSON(t, h))
			require.NoError(t, err)
			if h.AmbiguousShare != nil {
				require.True(t, h.AmbiguousShare.Equal(*again.AmbiguousShare))
				again.AmbiguousShare = h.AmbiguousShare // 0.5 and 0.50 are one number
			}
			require.Equal(t, h, again)
			again, err = ParseHistogramCSV(writtenCSV(h))
			require.NoError(t, err)
			require.Equal(t, h.Rows, again.Rows)

			d := &Document{Currency: h.Currency, Windows: []Window{{Coarse: map[string]Level{"low": {}}}}}
			_, err = Simulate(d, nil, Evidence{Histograms: []Histogram{*h}})
			require.NoError(t, err)
		}
	})
}

// cells are index, kind, value_from, value_to, value_list, installs, schema_version.
func cells(r HistogramRow) (index, kind, from, to, list, installs, version string) {
	switch {
	case r.Kind == KindFine && r.Values != nil:
		list = r.ValueList()
	case r.Kind == KindFine || r.Kind == KindCoarse:
		from, to = rankName(r.Kind, r.From), rankName(r.Kind, r.To)
	}
	if r.Installs != nil {
		installs = fmt.Sprint(*r.Installs)
	}
	return fmt.Sprint(r.Index), r.Kind, from, to, list, installs, fmt.Sprint(r.SchemaVersion)
}

func writtenCSV(h *Histogram) []byte {
	var b strings.Builder
	b.WriteString("index,kind,value_from,value_to,value_list,installs,schema_version\n")
	for _, r := range h.Rows {
		index, kind, from, to, list, installs, version := cells(r)
		fmt.Fprintf(&b, "%s,%s,%s,%s,%q,%s,%s\n", index, kind, from, to, list, installs, version)
	}
	return []byte(b.String())
}

func writtenJSON(t *testing.T, h *Histogram) []byte {
	t.Helper()
	rows := []map[string]any{}
	for _, r := range h.Rows {
		_, kind, from, to, list, _, _ := cells(r)
		row := map[string]any{"index": r.Index, "kind": kind, "installs": r.Installs, "schema_version": r.SchemaVersion, "value_list": list}
		if from != "" {
			row["value_from"], row["value_to"] = from, to
		}
		rows = append(rows, row)
	}
	b, err := json.Marshal(map[string]any{
		"app_id": h.AppID, "currency": h.Currency, "ambiguous_share": h.AmbiguousShare, "rows": rows,
	})
	require.NoError(t, err)
	return b
}
