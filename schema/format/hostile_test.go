package format_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

func TestRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 201)
	for name, c := range map[string]struct {
		format, text string
		code         schema.Code
		pointer      string
	}{
		"empty":               {"meta", ``, schema.CodeSyntax, ""},
		"not JSON":            {"meta", `{"data":[}`, schema.CodeSyntax, ""},
		"not UTF-8":           {"meta", "{\"\xff\":1}", schema.CodeSyntax, ""},
		"two values":          {"meta", `{} {}`, schema.CodeSyntax, ""},
		"too large":           {"meta", strings.Repeat(" ", 1<<20+1), schema.CodeTooLarge, ""},
		"too deep":            {"adjust-v4", strings.Repeat("[", 40) + strings.Repeat("]", 40), schema.CodeSyntax, ""},
		"too many values":     {"adjust-v4", "[" + strings.Repeat("0,", 100_001) + "0]", schema.CodeSyntax, ""},
		"too many items":      {"adjust-v4", "[" + strings.Repeat("0,", 200) + "0]", schema.CodeTooLarge, ""},
		"another shape":       {"adjust-v4", `{"conversion_values":[]}`, schema.CodeWrongType, ""},
		"nothing of it":       {"google-ads", `{"app_id":"1"}`, schema.CodeMemberMissing, "/schema"},
		"null":                {"branch", `{"mapping":null}`, schema.CodeMemberMissing, "/mapping"},
		"duplicate member":    {"adjust-v3", `{"conversion_values":[],"conversion_values":[]}`, schema.CodeDuplicateMember, "/conversion_values"},
		"duplicate value":     {"adjust-v3", `{"conversion_values":[{"conversion_value":1},{"conversion_value":1}]}`, schema.CodeDuplicateValue, "/conversion_values/1"},
		"duplicate level":     {"adjust-v4", `[{"conversion_window":1,"data":{"coarse":[{"conversion_value":"low"},{"conversion_value":"LOW"}]}}]`, schema.CodeDuplicateValue, "/0/data/coarse/1"},
		"duplicate window":    {"adjust-v4", `[{"conversion_window":1,"data":{}},{"conversion_window":1,"data":{}}]`, schema.CodeDuplicateValue, "/1/conversion_window"},
		"duplicate postback":  {"google-ads", `{"schema":{"postback_mappings":[{},{}]}}`, schema.CodeDuplicateValue, "/schema/postback_mappings/1"},
		"value 64":            {"adjust-v3", `{"conversion_values":[{"conversion_value":64}]}`, schema.CodeValueOutOfRange, "/conversion_values/0/conversion_value"},
		"value -1":            {"branch", `{"mapping":{"postback-sequence-index-0":[{"conversion-value":"-1"}]}}`, schema.CodeValueOutOfRange, "/mapping/postback-sequence-index-0/0/conversion-value"},
		"unknown level":       {"adjust-v4", `[{"conversion_window":1,"data":{"coarse":[{"conversion_value":"huge"}]}}]`, schema.CodeCoarseUnknown, "/0/data/coarse/0/conversion_value"},
		"window 4":            {"adjust-v4", `[{"conversion_window":4,"data":{}}]`, schema.CodeWrongType, "/0/conversion_window"},
		"money as true":       {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{"event_name":"a","revenue_min":true}]}]}`, schema.CodeWrongType, "/conversion_values/0/events/0/revenue_min"},
		"money below zero":    {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{"event_name":"a","revenue_min":-1}]}]}`, schema.CodeWrongType, "/conversion_values/0/events/0/revenue_min"},
		"money without end":   {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{"event_name":"a","revenue_min":1e99}]}]}`, schema.CodeWrongType, "/conversion_values/0/events/0/revenue_min"},
		"half a count":        {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{"event_name":"a","count_min":1.5}]}]}`, schema.CodeWrongType, "/conversion_values/0/events/0/count_min"},
		"no event name":       {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{}]}]}`, schema.CodeMemberMissing, "/conversion_values/0/events/0/event_name"},
		"long name":           {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{"event_name":"` + long + `"}]}]}`, schema.CodeTooLarge, "/conversion_values/0/events/0/event_name"},
		"control characters":  {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[{"event_name":"a\u0000"}]}]}`, schema.CodeWrongType, "/conversion_values/0/events/0/event_name"},
		"17 events":           {"adjust-v3", `{"conversion_values":[{"conversion_value":1,"events":[` + strings.Repeat(`{"event_name":"a"},`, 16) + `{"event_name":"a"}]}]}`, schema.CodeTooLarge, "/conversion_values/0"},
		"unknown type":        {"airbridge", `{"postbacks":[{"conversion_schema":{"fine":{"schema":[{"conversion_value":"1","events":[{"event_name":"a","measurement_type":"x"}]}]}}}]}`, schema.CodeWrongType, "/postbacks/0/conversion_schema/fine/schema/0/events/0/measurement_type"},
		"not a condition":     {"branch", `{"mapping":{"postback-sequence-index-0":[{"conversion-value":"1","conversion-event":[{"values":{"name":"a"}}]}]}}`, schema.CodeWrongType, "/mapping/postback-sequence-index-0/0/conversion-event/0/values/name"},
		"half a range":        {"branch", `{"mapping":{"postback-sequence-index-0":[{"conversion-value":"1","conversion-event":[{"values":{"name":["eq","a"],"event_data.revenue":["between",1]}}]}]}}`, schema.CodeWrongType, "/mapping/postback-sequence-index-0/0/conversion-event/0/values/event_data.revenue"},
		"csv without header":  {"csv", ``, schema.CodeSyntax, "/1"},
		"csv without columns": {"csv", "a,b\n", schema.CodeMemberMissing, "/1"},
		"csv column twice":    {"csv", "window,kind,value,event,event\n", schema.CodeDuplicateMember, "/1/event"},
		"csv ragged":          {"csv", "window,kind,value,event\n0,fine\n", schema.CodeSyntax, ""},
		"csv kind":            {"csv", "window,kind,value,event\n0,f,1,a\n", schema.CodeWrongType, "/2/kind"},
		"csv no event":        {"csv", "window,kind,value,event,count_min\n0,fine,1,,2\n", schema.CodeMemberMissing, "/2/event"},
		"csv twice":           {"csv", "window,kind,value,event\n0,fine,1,a\n0,fine,01,\n", schema.CodeDuplicateValue, "/3"},
		"csv money":           {"csv", "window,kind,value,event,revenue_min\n0,fine,1,a,\"1,5\"\n", schema.CodeWrongType, "/2/revenue_min"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := format.Import(c.format, []byte(c.text), 1)
			var pe *schema.ParseError
			require.True(t, errors.As(err, &pe), "%v", err)
			require.Equal(t, c.code, pe.Findings[0].Code, "%v", err)
			require.Equal(t, c.pointer, pe.Findings[0].Pointer, "%v", err)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// Losses have a bound, as everything that a stranger's file makes.
func TestManyLosses(t *testing.T) {
	t.Parallel()
	rule := `{"conversion_value":1,"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0}`
	rules := strings.Repeat(rule+",", 120) + rule
	_, lost, err := format.Import("meta", []byte(`{"data":[{"default_currency":"USD","conversion_value_rules":[`+rules+`]}]}`), 1)
	require.NoError(t, err)
	require.Len(t, lost, 1001)
	require.Contains(t, lost[1000].Message, "more")
}

func FuzzImport(f *testing.F) {
	for i, name := range format.Names() {
		for _, text := range []string{`{}`, `[]`, "window,kind,value,event\n0,fine,1,a\n"} {
			f.Add(i, []byte(text))
		}
		body, _, err := format.Export(name, &schema.Document{Currency: "USD", Windows: []schema.Window{{
			Fine:   []schema.Row{{Value: 1, Events: []schema.MappedEvent{{Name: "=a"}}}, {Value: 33}},
			Coarse: map[string]schema.Level{"low": {}}, Lock: &schema.Lock{On: "event", Name: "=a"},
		}}}, format.About{})
		require.NoError(f, err)
		f.Add(i, body)
		body, err = os.ReadFile(filepath.Join("testdata", "import", name+extension(name)))
		require.NoError(f, err)
		f.Add(i, body)
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		names := format.Names()
		name := names[max(which, -which, 0)%len(names)]
		d, _, err := format.Import(name, body, 0)
		if err != nil {
			return
		}
		for _, to := range names {
			out, lost, err := format.Export(to, d, format.About{})
			require.NoError(t, err)
			back, _, err := format.Import(to, out, d.AppID)
			require.NoError(t, err, "%s", out)
			if len(lost) == 0 {
				require.True(t, d.Equal(back))
			}
			// Once through the format, the document is one that it holds.
			again, _, err := format.Export(to, back, format.About{})
			require.NoError(t, err)
			twice, _, err := format.Import(to, again, back.AppID)
			require.NoError(t, err)
			require.True(t, back.Equal(twice), "%s\n%s", out, again)
		}
	})
}
