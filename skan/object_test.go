package skan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeObjectRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, reason string }{
		{"nothing", "", ReasonNotObject},
		{"white space", " \n", ReasonNotObject},
		{"array", `[{"a":1}]`, ReasonNotObject},
		{"string", `"a"`, ReasonNotObject},
		{"number", `1`, ReasonNotObject},
		{"null", `null`, ReasonNotObject},
		{"word", `hello`, ReasonSyntax},
		{"byte order mark", "\ufeff{}", ReasonSyntax},
		{"cut", `{"a":1`, ReasonSyntax},
		{"cut string", `{"a`, ReasonSyntax},
		{"trailing comma", `{"a":1,}`, ReasonSyntax},
		{"comma first", `{,"a":1}`, ReasonSyntax},
		{"no colon", `{"a" 1}`, ReasonSyntax},
		{"no value", `{"a":}`, ReasonSyntax},
		{"bare name", `{a:1}`, ReasonSyntax},
		{"single quotes", `{'a':1}`, ReasonSyntax},
		{"array cut", `{"a":[1`, ReasonSyntax},
		{"array comma", `{"a":[1,]}`, ReasonSyntax},
		{"NaN", `{"a":NaN}`, ReasonSyntax},
		{"leading zero", `{"a":01}`, ReasonSyntax},
		{"plus", `{"a":+1}`, ReasonSyntax},
		{"only minus", `{"a":-}`, ReasonSyntax},
		{"no fraction", `{"a":1.}`, ReasonSyntax},
		{"no exponent", `{"a":1e}`, ReasonSyntax},
		{"unknown escape", `{"a":"\x"}`, ReasonSyntax},
		{"short escape", `{"a":"\u12"}`, ReasonSyntax},
		{"escape not hexadecimal", `{"a":"\u12g4"}`, ReasonSyntax},
		{"raw control character", "{\"a\":\"\x01\"}", ReasonSyntax},
		{"NUL", "{\"a\":\x00}", ReasonSyntax},
		{"second object", `{} {}`, ReasonTrailingData},
		{"trailing word", `{}x`, ReasonTrailingData},
		{"duplicate", `{"a":1,"b":2,"a":1}`, ReasonDuplicateMember},
		{"duplicate by escape", `{"a":1,"\u0061":1}`, ReasonDuplicateMember},
		{"duplicate null", `{"a":null,"a":1}`, ReasonDuplicateMember},
		{"duplicate deep down", `{"x":[{"y":{"a":1,"a":2}}]}`, ReasonDuplicateMember},
		{"bad byte", "{\"a\":\"\xff\"}", ReasonInvalidUTF8},
		{"bad byte in a name", "{\"\xc3\":1}", ReasonInvalidUTF8},
		{"surrogate bytes", "{\"a\":\"\xed\xa0\x80\"}", ReasonInvalidUTF8},
		{"high surrogate alone", `{"a":"\ud83d"}`, ReasonInvalidUTF8},
		{"high surrogate, letter", `{"a":"\ud83dx"}`, ReasonInvalidUTF8},
		{"low surrogate first", `{"a":"\ude00\ud83d"}`, ReasonInvalidUTF8},
		{"two high surrogates", `{"a":"\ud83d\ud83d"}`, ReasonInvalidUTF8},
		{"deep objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), ReasonTooDeep},
		{"deep arrays", `{"a":` + strings.Repeat("[", 60000), ReasonTooDeep},
		{"deep array alone", strings.Repeat("[", 60000), ReasonTooDeep},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, f := decodeObject([]byte(c.body))
			require.NotNil(t, f)
			require.Equal(t, c.reason, f.reason, f.message)
			require.Equal(t, f.message, f.Error())
			res := NewVerifier(AppleKeys()).Verify([]byte(c.body))
			require.Equal(t, Malformed, res.Verdict)
			require.True(t, res.NotObject)
		})
	}
}

func TestDecodeObjectKeepsValues(t *testing.T) {
	t.Parallel()
	obj, f := decodeObject([]byte(" {\"n\" : 10738027756,\"f\":-0.50e+1 ,\"t\":true,\"o\":{\"a\":[1, {}]},\"z\":null," +
		"\"s\":\"a\\/b\\u2063\\ud83d\\ude00\\\"\\\\\\b\\f\\n\\r\\té\", \"A\":[], \"\\u0061\":\"\"}\r\n"))
	require.Nil(t, f)
	want := []member{
		{"n", value{kindNumber, "10738027756"}},
		{"f", value{kindNumber, "-0.50e+1"}},
		{"t", value{kindBool, "true"}},
		{"o", value{kindObject, `{"a":[1, {}]}`}},
		{"z", value{}},
		{"s", value{kindString, "a/b\u2063\U0001f600\"\\\b\f\n\r\té"}},
		{"A", value{kindArray, "[]"}},
		{"a", value{kindString, ""}},
	}
	require.Equal(t, want, obj.members)
	require.False(t, obj.has("z"), "null is absent")
	require.False(t, obj.has("T"), "names are exact")
	require.False(t, obj.without("t").has("t"))
	require.True(t, obj.has("t"))
	require.Equal(t, "an array", kindArray.String())
}

func TestIntegersArePlainDigits(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"0": true, "63": true, "-1": true, "9223372036854775807": true, "-9223372036854775808": true,
		"9223372036854775808": false, "1.0": false, "1e2": false, "-0": false, "5.25463029e+08": false,
	} {
		_, got := value{kindNumber, text}.integer()
		require.Equal(t, ok, got, text)
	}
	_, ok := value{kindString, "1"}.integer()
	require.False(t, ok)
}

// Many members must not cost the square of their number, and the map finds what
// looking along would find.
func TestDuplicateAmongMany(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"m0":0`)
	for i := 1; i < 5000; i++ {
		fmt.Fprintf(&b, `,"m%d":0`, i)
	}
	_, f := decodeObject([]byte(b.String() + "}"))
	require.Nil(t, f)
	for _, again := range []string{"m0", "m23", "m24", "m4999"} {
		_, f = decodeObject([]byte(b.String() + `,"` + again + `":0}`))
		require.NotNil(t, f)
		require.Equal(t, ReasonDuplicateMember, f.reason)
		require.Equal(t, again, f.field)
	}
}

// FuzzObject holds the scanner against encoding/json: whatever it accepts is the
// same object there, and whatever it calls bad syntax is bad there.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":{"b":[true,false,null,-1.5e3]}}`, `[1]`, `{"a":"\ud83d\ude00\/"}`, `{"a":"\ud83d"}`,
		`{"a":1,"a":2}`, `{"a":01}`, "{\"a\":\"\xff\"}", `{"a":1}x`, ` {"a" : "é" } `, ``, `{"a":-}`, `{"a":[1,]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		obj, fault := decodeObject(body)
		valid := json.Valid(body)
		if fault != nil {
			switch fault.reason {
			case ReasonSyntax, ReasonTrailingData:
				require.False(t, valid, "refused: %s", fault.message)
			case ReasonNotObject:
				var m map[string]json.RawMessage
				require.True(t, json.Unmarshal(body, &m) != nil || m == nil)
			}
			return
		}
		require.True(t, valid)
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &all))
		require.Len(t, obj.members, len(all))
		for _, m := range obj.members {
			raw, ok := all[m.name]
			require.True(t, ok)
			switch m.value.kind {
			case kindString:
				var s string
				require.NoError(t, json.Unmarshal(raw, &s))
				require.Equal(t, s, m.value.text)
			case kindNull:
				require.Equal(t, "null", string(raw))
			default:
				require.Equal(t, string(raw), m.value.text)
			}
		}
	})
}
