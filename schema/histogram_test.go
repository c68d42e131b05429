package schema

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHistogram(t *testing.T) {
	t.Parallel()
	want := []HistogramRow{
		{Index: 0, Kind: KindFine, From: 12, To: 12, Installs: ptr(int64(240)), SchemaVersion: 3},
		{Index: 0, Kind: KindFine, From: 13, To: 15},
		{Index: 1, Kind: KindCoarse, From: 1, To: 2, Installs: ptr(int64(90))},
		{Index: 0, Kind: KindNull, Installs: ptr(int64(0))},
	}
	h, err := ParseHistogram([]byte(`{"app_id":7,"currency":"USD","ambiguous_share":"0.05","rows":[
		{"index":0,"kind":"fine","value":12,"installs":240,"schema_version":3},
		{"kind":"fine","value_from":"13","value_to":15,"installs":null,"network_id":"n","source_2":"39","release_id":4},
		{"index":1,"kind":"coarse","value_from":"medium","value_to":"high","installs":90},
		{"index":0,"kind":"null","value":null,"installs":0}]}`))
	require.NoError(t, err)
	require.Equal(t, &Histogram{AppID: 7, Currency: "USD", AmbiguousShare: h.AmbiguousShare, Rows: want}, h)
	require.Equal(t, "0.05", h.AmbiguousShare.String())

	h, err = ParseHistogramCSV([]byte("\xef\xbb\xbfIndex,kind,value,value_from,value_to,installs,schema_version,network_id\r\n" +
		"0,fine,12,,,240,3,a\r\n,fine,,13,15,,,\r\n1,coarse,,medium,high,90,,\r\n0,null,,,,0,,\r\n"))
	require.NoError(t, err)
	require.Equal(t, &Histogram{Rows: want}, h)
}

func TestParseHistogramErrors(t *testing.T) {
	t.Parallel()
	row := func(s string) string { return `{"rows":[{"kind":"null","installs":1},{` + s + `}]}` }
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":          {`{`, "ends too early"},
		"syntax":           {`{"rows":]}`, "line 1, column 9"},
		"two values":       {`{"rows":[]}{}`, "more than one JSON value"},
		"no rows":          {`{"app_id":1}`, "rows: is missing"},
		"unknown member":   {row(`"kind":"fine","value":1,"insatlls":3`), `"insatlls"`},
		"wrong type":       {row(`"kind":7`), "rows.kind: cannot be a JSON number"},
		"currency":         {`{"currency":"EURO","rows":[]}`, "currency: \"EURO\""},
		"share":            {`{"ambiguous_share":"1.5","rows":[]}`, "ambiguous_share: is 1.5"},
		"no share":         {`{"ambiguous_share":"x","rows":[]}`, "ambiguous_share: is not an amount"},
		"kind":             {row(`"kind":"payer"`), `rows[1].kind: is "payer"`},
		"value":            {row(`"kind":"fine","value":64`), `rows[1].value: is "64"`},
		"no value":         {row(`"kind":"fine"`), `rows[1].value_from: is ""`},
		"no end":           {row(`"kind":"fine","value_from":3`), `rows[1].value_to: is ""`},
		"level":            {row(`"kind":"coarse","value":"top"`), `rows[1].value: is "top"`},
		"value of null":    {row(`"kind":"null","value":1`), `rows[1].value: stands in a row of kind "null"`},
		"value and range":  {row(`"kind":"fine","value":1,"value_to":2`), "rows[1].value: stands beside"},
		"inverted":         {row(`"kind":"fine","value_from":3,"value_to":2`), "rows[1].value: is 3 to 2"},
		"window":           {row(`"index":3,"kind":"null"`), "rows[1].index: is 3"},
		"fine later":       {row(`"index":1,"kind":"fine","value":3`), "rows[1].kind: is fine in window 1"},
		"negative":         {row(`"kind":"null","installs":-1`), "rows[1].installs: is -1"},
		"too many":         {row(`"kind":"null","installs":9000000000000000`), "rows[1].installs"},
		"no list":          {row(`"kind":"fine","value_list":"x"`), `rows[1].value_list: is "x"`},
		"list of versions": {row(`"kind":"fine","value_list":"2:3-5;1:9"`), "rows[1].value_list: holds values of several"},
		"list descends":    {row(`"kind":"fine","value_list":"3-5,5"`), `rows[1].value_list: "5" does not ascend`},
		"list inverted":    {row(`"kind":"fine","value_list":"5-3"`), `rows[1].value_list: "5-3" does not ascend`},
		"list too far":     {row(`"kind":"fine","value_list":"60-64"`), `rows[1].value_list: is "64"`},
		"list and range":   {row(`"kind":"fine","value_list":"3,5","value_to":6`), `rows[1].value_to: is "6", but value_list has 5`},
		"list and value":   {row(`"kind":"fine","value_list":"3,5","value":3`), "rows[1].value: stands beside value_list"},
		"list of levels":   {row(`"kind":"coarse","value_list":"1,2"`), `rows[1].value_list: stands in a row of kind "coarse"`},
		"negative version": {row(`"kind":"null","schema_version":-1`), "rows[1].schema_version"},
	} {
		_, err := ParseHistogram([]byte(c.text))
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "\n", name)
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":          {"", "header"},
		"unknown column": {"kind,installs,rows\n", `"rows"`},
		"twice":          {"kind,installs,kind\n", "stands twice"},
		"missing":        {"kind,value\n", `"installs" is missing`},
		"ragged":         {"kind,installs\nnull\n", "line 2"},
		"not a number":   {"kind,installs\nnull,many\n", `line 2: installs: "many"`},
		"no index":       {"kind,installs,index\nnull,1,x\n", `line 2: index: "x"`},
		"bad value":      {"kind,installs,value\n\nfine,1,99\n", `line 3: value: is "99"`},
		"bad window":     {"kind,installs,index\nnull,1,4\n", "line 2: index: is 4"},
	} {
		_, err := ParseHistogramCSV([]byte(c.text))
		require.ErrorContains(t, err, c.says, name)
	}
	_, err := ParseHistogram([]byte(strings.Repeat(" ", maxHistogramBytes+1)))
	require.ErrorContains(t, err, "bytes")
}
