package forward

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func lookup(values map[string]string) valueOf {
	return func(name string) string { return values[name] }
}

func TestJSONTemplate(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"click_id": `a"b\c` + "\n\x01é\u2028", "event_name": "Purchase", "revenue": "9.90", "count": "41", "is_test": "true",
		"row_id": "007", "campaign_id": "1e5", "country": "null",
	}
	for _, c := range []struct{ name, template, missing, want string }{
		{"a text", `{"a": "{event_name}"}`, "", `{"a":"Purchase"}`},
		{"in a longer text", `{"a": "x-{event_name}/{count}"}`, "", `{"a":"x-Purchase/41"}`},
		{"what would break out", `{"a": "{click_id}"}`, "", `{"a":"a\"b\\c\n\u0001é\u2028"}`},
		{"a number", `{"a": {revenue}, "b": {count}}`, "", `{"a":9.90,"b":41}`},
		{"a truth value", `{"a": {is_test}}`, "", `{"a":true}`},
		{"no number of JSON", `[{row_id}, {campaign_id}, {country}]`, "", `["007","1e5","null"]`},
		{"missing drops", `{"a": {currency}, "b": "{currency}", "c": "x{currency}", "d": 1}`, "", `{"d":1}`},
		{"missing empty", `{"a": {currency}, "b": "{currency}", "c": "x{currency}", "d": 1}`, MissingEmpty, `{"a":null,"b":"","c":"x","d":1}`},
		{"an object left empty goes too", `{"u": {"i": "{idfa}", "v": ["{idfv}"]}, "d": 1}`, "", `{"d":1}`},
		{"one with a literal stays", `{"u": {"i": "{idfa}", "t": "ios"}}`, "", `{"u":{"t":"ios"}}`},
		{"what was written empty stays", `{"u": {}, "l": []}`, "", `{"u":{},"l":[]}`},
		{"lists go by position", `{"x": ["i2", "{bundle_id}", {currency}, "{count}"]}`, "", `{"x":["i2","",null,"41"]}`},
		{"the whole document may drop", `{"a": "{idfa}"}`, "", `{}`},
		{"literals are kept", `{"a":[1,-2.5e3,true,false,null,"\u007bx\u007d \ud83d\ude00 \/"]}`, "", `{"a":[1,-2.5e3,true,false,null,"{x} 😀 /"]}`},
		{"a macro as the only member", `[ {"n": {count}} , {event_name} ]`, "", `[{"n":41},"Purchase"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body, err := parseJSONTemplate(c.template)
			require.NoError(t, err)
			got, err := body.render(Delivery{}, lookup(values), c.missing == MissingEmpty)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			require.True(t, json.Valid(got))
		})
	}
}

func TestJSONTemplateRefuses(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"":                                       "line 1, column 1: the document breaks off",
		"{click_id}":                             "must be an object or a list",
		"{\"a\": 1,\n \"a\": 2}":                 `line 2, column 2: the member "a" stands here twice`,
		`{"a": 1, "\u0061": 2}`:                  `column 10: the member "a" stands here twice`,
		"{\n  \"a\": \"{evnt_name}\"}":           "line 2, column 9: unknown macro {evnt_name}; the nearest is {event_name}",
		`{"a": {clickid}}`:                       "line 1, column 7: unknown macro {clickid}; the nearest is {click_id}",
		`{"a": "{secret}"}`:                      "headers and in query_auth only",
		`{"{event_name}": 1}`:                    "cannot name a member",
		`{"a": "{click_id"}`:                     "without its }",
		`{"a": {click_id}`:                       "comma or }",
		`{"a": "click_id}"}`:                     `without its {; a literal brace in a text is written \u007d`,
		`{"a": 01}`:                              "01 is no value",
		`{"a": yes}`:                             "yes is no value",
		`{"a": 'x'}`:                             "double quotes",
		`{"a": 1,}`:                              "member's name in quotes",
		`[1,]`:                                   "want a value here",
		`[1 2]`:                                  "comma or ]",
		`{"a" 1}`:                                "want a colon",
		`{"a": 1} x`:                             "more follows",
		`{"a": "x`:                               "closing quote",
		"{\"a\": \"x\ny\"}":                      "cannot hold '\\n'",
		`{"a": "\x"}`:                            "no such escape",
		`{"a": "\ud83d x"}`:                      "surrogate",
		"{\"a\": \"\xff\"}":                      "not UTF-8",
		strings.Repeat("[", 40):                  "nested deeper",
		`{"a": "{evnt_name}", "b": "{clickid}"}`: "{clickid}", // both are told
		`{"é": 1, "b": "{evnt_name}"}`:           "column 16", // columns are characters
		`{"a": ` + strings.Repeat("9", 30) + `e}`:  "is no value",
		`{"a": "{evnt_name} {evnt_name} unclosed`:  "closing quote",
		`{"a": {` + strings.Repeat("x", 99) + `}}`: "unknown macro",
	} {
		_, err := parseJSONTemplate(template)
		require.ErrorContains(t, err, want, template)
	}
}

// shape is a document without its scalars; a member whose value is a scalar is there.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = shape(member)
		}
		return v
	case []any:
		for i := range v {
			v[i] = shape(v[i])
		}
		return v
	}
	return "scalar"
}

func decoded(t testing.TB, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), "%s", raw)
	require.False(t, dec.More(), "%s", raw)
	return v
}

// smaller reports whether a has no member and no element that b has not, and every
// list of a is as long as in b.
func smaller(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		m, ok := b.(map[string]any)
		for name := range a {
			if ok = ok && smaller(a[name], m[name]); !ok {
				return false
			}
		}
		return ok
	case []any:
		l, ok := b.([]any)
		if !ok || len(a) != len(l) {
			return false
		}
		for i := range a {
			if !smaller(a[i], l[i]) {
				return false
			}
		}
		return true
	}
	return a == b
}

// requireShape: whatever the values, the document has the template's shape, or less
// of it by whole members; a text that is one macro is the value itself.
func requireShape(t testing.TB, template string, values map[string]string) {
	body, err := parseJSONTemplate(template)
	if err != nil {
		return
	}
	all := func(string) string { return "x" }
	full, err := body.render(Delivery{}, all, false)
	require.NoError(t, err)
	want := shape(decoded(t, full))
	empty, err := body.render(Delivery{}, lookup(values), true)
	require.NoError(t, err)
	require.Equal(t, want, shape(decoded(t, empty)), "template %q values %q", template, values)
	dropped, err := body.render(Delivery{}, lookup(values), false)
	require.NoError(t, err)
	require.True(t, smaller(shape(decoded(t, dropped)), want), "template %q values %q gave %s", template, values, dropped)
	require.True(t, utf8.Valid(dropped))
}

func TestJSONTemplateKeepsItsShape(t *testing.T) {
	t.Parallel()
	const template = `{"a":"{click_id}","b":["{event_name}",{revenue},{"c":"x{country}y"}],"d":{count},"e":{"f":{"g":"{idfa}"}}}`
	pieces := []string{`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, `{revenue}`, "\n", "\x00", "\xff", "é", "9", "-", ".", "e", "true", "null", `","x":"`, "\u2028"}
	r := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		values := map[string]string{}
		for _, name := range []string{"click_id", "event_name", "revenue", "country", "count", "idfa"} {
			for range r.IntN(5) {
				values[name] += pieces[r.IntN(len(pieces))]
			}
		}
		requireShape(t, template, values)
		body, err := parseJSONTemplate(template)
		require.NoError(t, err)
		raw, err := body.render(Delivery{}, lookup(values), true)
		require.NoError(t, err)
		got, ok := decoded(t, raw).(map[string]any)
		require.True(t, ok)
		require.Equal(t, strings.ToValidUTF8(values["click_id"], "\ufffd"), collapse(got["a"].(string), values["click_id"]))
	}
}

// collapse joins runs of U+FFFD as strings.ToValidUTF8 does, where bytes were invalid.
func collapse(got, value string) string {
	if utf8.ValidString(value) {
		return got
	}
	for strings.Contains(got, "\ufffd\ufffd") {
		got = strings.ReplaceAll(got, "\ufffd\ufffd", "\ufffd")
	}
	return got
}

func FuzzJSONTemplate(f *testing.F) {
	f.Add(`{"a":"{click_id}","b":{revenue},"c":[{count},"x{event_name}"]}`, `"},"x":{`, "1e9", "\\")
	f.Add(`[[{"a":{"b":["{click_id}"]}}],{revenue}]`, "", "0.10", "true")
	f.Add(`{"\ud83d\ude00":"\u007b{click_id}\u007d"}`, "\xff", "-1", "null")
	f.Fuzz(func(t *testing.T, template, a, b, c string) {
		requireShape(t, template, map[string]string{"click_id": a, "revenue": b, "event_name": c, "count": b})
	})
}
