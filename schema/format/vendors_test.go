package format_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

func exported(t *testing.T, name, native string) (string, []format.Loss) {
	t.Helper()
	body, lost, err := format.Export(name, parsed(t, native), format.About{})
	require.NoError(t, err)
	return string(body), lost
}

func pointers(lost []format.Loss) []string {
	out := []string{}
	for _, l := range lost {
		out = append(out, l.Pointer)
	}
	return out
}

// Both spellings of protocol buffers, 64-bit numbers as strings or not, missing
// defaults: the same document.
func TestGoogleSpellings(t *testing.T) {
	t.Parallel()
	camel, lost := imported(t, "google-ads", `{"schema":{"appId":"7","fineGrainedConversionValueMappings":[{"conversionValueMapping":
		{"mappedEvents":[{"mappedEventName":"a","eventCounter":"2"}]}}],"postbackMappings":[{"lockWindowFineConversionValue":0}]}}`)
	require.Empty(t, lost)
	snake, lost := imported(t, "google-ads", `{"app_id":7,"fine_grained_conversion_value_mappings":[{"fine_grained_conversion_value":0,
		"conversion_value_mapping":{"mapped_events":[{"mapped_event_name":"a","event_counter":2}]}}],
		"postback_mappings":[{"postback_sequence_index":0,"lock_window_fine_conversion_value":0}]}`)
	require.Empty(t, lost)
	require.True(t, camel.Equal(snake))
	require.Equal(t, 2, *camel.Windows[0].Fine[0].Events[0].CountMax)

	_, _, err := format.Import("google-ads", []byte(`{"schema":{"app_id":"7","appId":"8"}}`), 0)
	require.ErrorContains(t, err, "/schema/appId: the member stands here twice")
}

func TestGoogleLocks(t *testing.T) {
	t.Parallel()
	d, lost := imported(t, "google-ads", `{"schema":{"postback_mappings":[
		{"lock_window_coarse_conversion_value":"LOW","lock_window_event":"a"},
		{"postback_sequence_index":1,"lock_window_fine_conversion_value":3},
		{"postback_sequence_index":2,"lock_window_coarse_conversion_value":"UNSPECIFIED"}]}}`)
	require.Equal(t, &schema.Lock{On: "coarse", Name: "low"}, d.Windows[0].Lock)
	require.Nil(t, d.Windows[1].Lock)
	require.Nil(t, d.Windows[2].Lock)
	require.Equal(t, []string{"/schema/postback_mappings/0", "/schema/postback_mappings/1"}, pointers(lost))
}

// In a range 0 means unset there, so a row that needs a real 0 is left out.
func TestGoogleZero(t *testing.T) {
	t.Parallel()
	body, lost := exported(t, "google-ads", `{"currency":"USD","windows":[{"index":0,"fine":[
		{"value":1,"events":[{"name":"a","count_min":0,"count_max":3}]},
		{"value":2,"events":[{"name":"a","count_min":0,"count_max":0}]},
		{"value":3,"events":[{"name":"a","revenue_max":"0"}]},
		{"value":4,"events":[{"name":"a","revenue_min":"5","revenue_max":"0"}]},
		{"value":5,"events":[{"name":"a","revenue_max":"5"}]}]}]}`)
	require.Equal(t, []string{"/windows/0/fine/0", "/windows/0/fine/3"}, pointers(lost))
	require.Contains(t, body, `"event_revenue_value": 0`)
	require.Contains(t, body, `"event_counter": "0"`)
}

func TestBranchLocks(t *testing.T) {
	t.Parallel()
	const rows = `"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"a"}]},{"value":2,"events":[{"name":"b"}]}],
		"coarse":{"low":{"events":[]},"high":{"events":[{"name":"b"}]}}`
	for lock, back := range map[string]string{
		`{"on":"event","value":"b"}`:     `{"on":"event","value":"b"}`,
		`{"on":"fine","value":1}`:        `{"on":"fine","value":1}`,
		`{"on":"coarse","value":"low"}`:  `{"on":"coarse","value":"low"}`,
		`{"on":"coarse","value":"high"}`: `{"on":"coarse","value":"high"}`,
		`{"on":"time","value":24}`:       ``,
	} {
		body, lost := exported(t, "branch", `{"windows":[{"index":0,`+rows+`,"lock":`+lock+`}]}`)
		d, _ := imported(t, "branch", body)
		if back == "" {
			require.Nil(t, d.Windows[0].Lock)
			require.Equal(t, []string{"/windows/0/lock"}, pointers(lost))
			continue
		}
		require.Empty(t, lost, lock)
		got, err := d.Windows[0].Lock.MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, back, string(got))
	}
	d, lost := imported(t, "branch", `{"mapping":{"postback-sequence-index-0":[
		{"conversion-value":"1","conversion-event":[{"values":{"name":["eq","a"]},"locked":true}]},
		{"conversion-value":"2","conversion-event":[{"values":{"name":["eq","a"]},"locked":false}]}]},"ascending-only":false}`)
	require.Nil(t, d.Windows[0].Lock)
	require.Equal(t, []string{"/mapping/postback-sequence-index-0/0/conversion-event/0", "/ascending-only"}, pointers(lost))
}

// A range needs both ends; the cap is the end of an open band, if there is one.
func TestBranchOpenBand(t *testing.T) {
	t.Parallel()
	const rest = `"currency":"USD","windows":[{"index":0,"fine":[{"value":9,"events":[{"name":"a","revenue_min":"50.5"}]}]}]}`
	body, lost := exported(t, "branch", `{`+rest)
	require.NotContains(t, body, "50.5")
	require.Equal(t, []string{"/currency", "/windows/0/fine/0"}, pointers(lost))
	body, lost = exported(t, "branch", `{"revenue_cap":"630",`+rest)
	require.Regexp(t, `"between",\s+50.5,\s+630\s+\]`, body)
	require.Equal(t, []string{"/currency", "/revenue_cap", "/windows/0/fine/0/events/0/revenue_max"}, pointers(lost))
}

func TestMeta(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"data":[{"conversion_value_rules":[]}]}`, `{"data":[{"default_currency":"USD"}]}`, `{"data":[]}`, `{}`, `[]`,
	} {
		_, _, err := format.Import("meta", []byte(text), 0)
		require.Error(t, err, text)
	}
	// Higher rules end the band of a lower one, as they do on the phone.
	d, lost := imported(t, "meta", `{"data":[{"conversion_value_rules":[
		{"conversion_value":9,"events":[{"event_name":"p","values":[{"currency":"EUR","amount":50.25}]}]},
		{"conversion_value":3,"events":[{"event_name":"p","values":[{"currency":"eur","amount":0.01}]}]},
		{"conversion_value":5,"events":[{"event_name":"r"},{"event_name":"p","values":[{"currency":"EUR","amount":10}]}]},
		{"conversion_value":4,"events":[{"event_name":"p","values":[{"currency":"EUR","amount":10}]}]}],"default_currency":"eur"}]}`)
	require.Empty(t, lost)
	require.Empty(t, d.Validate().Errors)
	require.Equal(t, "EUR", d.Currency)
	bands := ""
	for _, v := range []int{3, 4, 5, 9} {
		for _, e := range d.Decode(fine(v)).Events {
			if e.RevenueMin != nil {
				bands += e.RevenueMin.String() + "-"
			}
			if e.RevenueMax != nil {
				bands += e.RevenueMax.String()
			}
			bands += " "
		}
	}
	require.Equal(t, "0.01-10 10-50.25 10-  50.25- ", bands)
	_, lost, err := format.Export("meta", d, format.About{})
	require.NoError(t, err)
	require.Empty(t, lost)
}

// What the phone sets by itself may not be a rule: it would hold for everyone.
func TestMetaWithoutOverlap(t *testing.T) {
	t.Parallel()
	body, lost := exported(t, "meta", `{"currency":"USD","overlap_bit":5,"windows":[{"index":0,"fine":[
		{"value":0,"events":[]},{"value":1,"events":[{"name":"a"}]},{"value":40,"events":[{"name":"b"}]}]}]}`)
	require.NotContains(t, body, `"conversion_value": 32`)
	require.Equal(t, []string{"/overlap_bit", "/windows/0/fine/2"}, pointers(lost))
}

func TestAirbridgeOverlap(t *testing.T) {
	t.Parallel()
	body, lost := exported(t, "airbridge", `{"overlap_bit":3,"windows":[{"index":0,"fine":[
		{"value":0,"events":[]},{"value":1,"events":[{"name":"a"}]},{"value":12,"events":[{"name":"b"}]}]}]}`)
	require.Empty(t, lost)
	require.Contains(t, body, `"conversion_value": "8"`, "a network only knows the values that it is told")
	d, lost := imported(t, "airbridge", `{"postbacks":[{"conversion_schema":{"fine":{"schema":[
		{"conversion_value":"3","is_overlapped":true,"events":[]},{"conversion_value":"7","is_overlapped":false,"events":[]}]}}}]}`)
	require.Nil(t, d.OverlapBit)
	require.Equal(t, []string{"/postbacks/0"}, pointers(lost))
}

// Cells that a spreadsheet would run are written behind an apostrophe.
func TestCSVFormulas(t *testing.T) {
	t.Parallel()
	body, lost := exported(t, "csv", `{"windows":[{"index":0,"fine":[{"value":1,"events":[
		{"name":"=cmd|'/c calc'!A1"},{"name":"+1"},{"name":"-1"},{"name":"@x"},{"name":"'quoted"},{"name":"a=b"}]}]}]}`)
	require.Empty(t, lost)
	require.Equal(t, "window,kind,value,event,count_min,count_max,revenue_min,revenue_max,currency\n"+
		"0,fine,1,'=cmd|'/c calc'!A1,,,,,\n0,fine,1,'+1,,,,,\n0,fine,1,'-1,,,,,\n0,fine,1,'@x,,,,,\n0,fine,1,''quoted,,,,,\n0,fine,1,a=b,,,,,\n", body)
}

func TestApp(t *testing.T) {
	t.Parallel()
	const text = `{"app_store_id":"1125517808","conversion_values":[]}`
	d, _, err := format.Import("adjust-v3", []byte(text), 5)
	require.NoError(t, err)
	require.EqualValues(t, 5, d.AppID)
	_, lost, err := format.Import("adjust-v3", []byte(text), 5)
	require.NoError(t, err)
	require.Equal(t, []string{"/app_store_id"}, pointers(lost))
	_, lost, err = format.Import("adjust-v3", []byte(text), 1125517808)
	require.NoError(t, err)
	require.Empty(t, lost)
}

func TestLint(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[
		{"value":1,"events":[{"name":"a"},{"name":"b"},{"name":"c","revenue_min":1}]},
		{"value":2,"events":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]},
		{"value":3,"events":[{"name":"a","revenue_min":1},{"name":"b","revenue_min":1}]}],
		"coarse":{"high":{"events":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]}}}]}`)
	at := func(name string) (out []string) {
		for _, f := range format.Lint(name, d) {
			require.Equal(t, schema.CodeFormatEventLimit, f.Code)
			out = append(out, f.Pointer)
		}
		return out
	}
	require.Equal(t, []string{"/windows/0/fine/1/events", "/windows/0/coarse/high/events"}, at("google-ads"))
	require.Equal(t, []string{"/windows/0/fine/2/events"}, at("meta"))
	require.Empty(t, at("adjust-v4"))
}
