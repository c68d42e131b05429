package schema

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonicalGolden(t *testing.T) {
	t.Parallel()
	b, err := parsed(t, printed).Canonical()
	require.NoError(t, err)
	require.Equal(t, `{"app_id":1234567890,"name":"Puzzle, revenue bands","currency":"USD","revenue_source":"iap","windows":[`+
		`{"index":0,"fine":[{"value":12,"events":[{"name":"purchase","partner_name":"Purchase","count_min":3,"count_max":10,"revenue_min":"3","revenue_max":"10"}]}],`+
		`"coarse":{"high":{"events":[]},"low":{"events":[]},"medium":{"events":[]}},"reserved":[[36,59]],"lock":{"on":"time","value":24}},`+
		`{"index":1},{"index":2}],"revenue_cap":"630","open_band_mean":"900","overlap_bit":5}`, string(b))
}

func TestCanonicalSameMeaningSameBytes(t *testing.T) {
	t.Parallel()
	a := parsed(t, `{"windows":[{"index":1,"coarse":{}},{"index":0,"reserved":[[40,41],[36,39]],"fine":[
		{"value":2,"events":[{"name":"b","revenue_max":3.00,"revenue_min":0},{"name":"a","count_min":1}]},{"value":1,"events":[]}]}],
		"layout":{"kind":"bands","edges":[1.0,2]},"name":null}`)
	b := parsed(t, `{"layout":{"edges":[1.0,2],"kind":"bands"},"windows":[{"fine":[{"value":1},
		{"value":2,"events":[{"name":"a"},{"name":"b","revenue_max":"3"}]}],"index":0,"reserved":[[36,41]]},{"index":1}]}`)
	require.True(t, a.Equal(b))
	c := parsed(t, `{"windows":[{"index":0,"fine":[{"value":1},{"value":2,"events":[{"name":"a"}]}]}]}`)
	require.False(t, a.Equal(c))
}

func TestCanonicalKeepsWhatMeansSomething(t *testing.T) {
	t.Parallel()
	mapped := parsed(t, `{"windows":[{"index":0,"coarse":{"low":{"events":[]}}}]}`)
	unmapped := parsed(t, `{"windows":[{"index":0,"coarse":{}}]}`)
	require.False(t, mapped.Equal(unmapped), "a level without events means something")
	lock := parsed(t, `{"windows":[{"index":0,"lock":{"on":"coarse","value":"high"}}]}`)
	b, err := lock.Canonical()
	require.NoError(t, err)
	require.Contains(t, string(b), `"lock":{"on":"coarse","value":"high"}`)
	draft := parsed(t, `{"windows":[{"index":0,"reserved":[[59,36]],"fine":[{"value":1,"events":[{"name":"b"}]},{"value":1,"events":[{"name":"a"}]}]}]}`)
	again := reparsed(t, draft)
	require.Equal(t, codes(draft.Validate().Errors), codes(again.Validate().Errors), "an invalid draft stays as invalid")
}

func TestLayoutRoundTrips(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"windows":[],"layout":{"kind":"fields","z":[1.50,{"b":null,"a":"<é>"}],"n":1e3,"yes":true}}`)
	require.JSONEq(t, `{"kind":"fields","z":[1.5,{"b":null,"a":"<é>"}],"n":1000,"yes":true}`, string(d.Layout))
	require.Equal(t, string(d.Layout), string(reparsed(t, d).Layout))
	require.Contains(t, string(d.Layout), "1.50", "numbers stay as they were written")
}

func TestMarshalAndUnmarshalAreStrict(t *testing.T) {
	t.Parallel()
	in := struct{ Schema *Document }{puzzle(t)}
	b, err := json.Marshal(in)
	require.NoError(t, err)
	var out struct{ Schema *Document }
	require.NoError(t, json.Unmarshal(b, &out))
	require.True(t, in.Schema.Equal(out.Schema))
	require.Error(t, json.Unmarshal([]byte(`{"Schema":{"windows":[],"extra":1}}`), &out))
}

func reparsed(t testing.TB, d *Document) *Document {
	t.Helper()
	b, err := d.Canonical()
	require.NoError(t, err)
	again, err := Parse(b)
	require.NoError(t, err, "%s", b)
	b2, err := again.Canonical()
	require.NoError(t, err)
	require.Equal(t, string(b), string(b2))
	return again
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(printed))
	f.Add([]byte(`{"windows":[{"index":0,"fine":[{"value":0}],"reserved":[[1,2],[3,3]],"coarse":{"x":{"revenue_est":1e1}},"lock":{"on":"event","value":"a"}}],"layout":{"a":[-0.0,"\u2028"]}}`))
	f.Add([]byte(`{"windows":[{"index":-1},{"index":0}],"reengagement_windows":[{"index":2,"fine":[{"value":99,"events":[{"name":"d7","count_min":0,"revenue_est":"0"}]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		Lint(b)
		d, err := Parse(b)
		if err != nil {
			return
		}
		again := reparsed(t, d)
		require.ElementsMatch(t, codes(d.Validate().Errors), codes(again.Validate().Errors))
		require.ElementsMatch(t, codes(d.Validate().Warnings), codes(again.Validate().Warnings))
		require.Equal(t, d.OpenRevenue(), again.OpenRevenue())
		if !d.Validate().OK {
			return // which of two rows for one value decodes is left open
		}
		for v := range 64 {
			x, y := d.Decode(Value{Fine: &v}), again.Decode(Value{Fine: &v})
			require.Equal(t, x.State, y.State)
			require.Equal(t, x.Payer, y.Payer)
			require.True(t, x.RevenueEst.Equal(y.RevenueEst))
		}
	})
}
