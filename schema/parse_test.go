package schema

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// puzzle is the worked example of docs/schema.md.
func puzzle(t testing.TB) *Document {
	t.Helper()
	b, err := os.ReadFile("../fixtures/schemas/puzzle-revenue.json")
	require.NoError(t, err)
	d, err := Parse(b)
	require.NoError(t, err)
	return d
}

func parsed(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	require.NoError(t, err)
	return d
}

// The document as the specification prints it.
const printed = `{ "app_id": 1234567890, "name": "Puzzle, revenue bands", "currency": "USD", "revenue_source": "iap",
  "windows": [
    { "index": 0,
      "fine":   [ {"value": 12, "events": [ {"name": "purchase", "partner_name": "Purchase",
                   "count_min": 3, "count_max": 10, "revenue_min": 3.00, "revenue_max": 10.00 } ] } ],
      "coarse": { "low": {"events": []}, "medium": {"events": []}, "high": {"events": []} },
      "reserved": [[36, 59]],
      "lock": {"on": "time", "value": 24} },
    { "index": 1, "coarse": {} }, { "index": 2, "coarse": {} } ],
  "revenue_cap": 630, "open_band_mean": 900, "overlap_bit": 5 }`

func TestParseReadsThePrintedDocument(t *testing.T) {
	t.Parallel()
	d := parsed(t, printed)
	require.EqualValues(t, 1234567890, d.AppID)
	require.Len(t, d.Windows, 3)
	w := d.Windows[0]
	require.Equal(t, [][2]int{{36, 59}}, w.Reserved)
	require.Equal(t, &Lock{On: LockTime, Number: 24}, w.Lock)
	e := w.Fine[0].Events[0]
	require.Equal(t, 3, *e.CountMin)
	require.Equal(t, "3", e.RevenueMin.String())
	require.Equal(t, 5, *d.OverlapBit)
	require.True(t, d.Validate().OK)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	one := func(member string) string { return `{"windows":[],` + member + `}` }
	row := func(event string) string {
		return `{"windows":[{"index":0,"fine":[{"value":1,"events":[` + event + `]}]}]}`
	}
	for name, c := range map[string]struct {
		text, pointer string
		code          Code
	}{
		"syntax":              {`{"windows":[}`, "", CodeSyntax},
		"two values":          {`{} {}`, "", CodeSyntax},
		"nothing":             {``, "", CodeSyntax},
		"not utf-8":           {"{\"name\":\"\xff\"}", "", CodeSyntax},
		"too deep":            {one(`"layout":` + strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 20)), "", CodeSyntax},
		"too long":            {one(`"name":"` + strings.Repeat("a", maxBytes) + `"`), "", CodeSyntax},
		"array":               {`[]`, "", CodeWrongType},
		"null":                {`null`, "", CodeWrongType},
		"unknown member":      {one(`"widnows":[]`), "/widnows", CodeUnknownMember},
		"unknown, by case":    {one(`"Name":"x"`), "/Name", CodeUnknownMember},
		"unknown in an event": {row(`{"name":"a","revenue":3}`), "/windows/0/fine/0/events/0/revenue", CodeUnknownMember},
		"escaped pointer":     {one(`"a/b~c":1`), "/a~1b~0c", CodeUnknownMember},
		"duplicate":           {one(`"name":"a","name":"b"`), "/name", CodeDuplicateMember},
		"duplicate, escaped":  {one("\"name\":\"a\",\"\\u006eame\":\"b\""), "/name", CodeDuplicateMember},
		"duplicate level":     {`{"windows":[{"index":0,"coarse":{"low":{},"low":{}}}]}`, "/windows/0/coarse/low", CodeDuplicateMember},
		"duplicate in layout": {one(`"layout":{"a":[{"b":1,"b":2}]}`), "/layout/a/0/b", CodeDuplicateMember},
		"layout":              {one(`"layout":"bands"`), "/layout", CodeWrongType},
		"app id as string":    {one(`"app_id":"1"`), "/app_id", CodeWrongType},
		"app id zero":         {one(`"app_id":0`), "/app_id", CodeWrongType},
		"app id float":        {one(`"app_id":1.0`), "/app_id", CodeWrongType},
		"name":                {one(`"name":7`), "/name", CodeWrongType},
		"long name":           {one(`"name":"` + strings.Repeat("a", maxName+1) + `"`), "/name", CodeTooLarge},
		"control character":   {one(`"name":"a\nb"`), "/name", CodeWrongType},
		"revenue source":      {one(`"revenue_source":"both"`), "/revenue_source", CodeWrongType},
		"cap":                 {one(`"revenue_cap":-1`), "/revenue_cap", CodeWrongType},
		"cap as object":       {one(`"revenue_cap":{}`), "/revenue_cap", CodeWrongType},
		"money with a comma":  {row(`{"name":"a","revenue_min":"1,50"}`), "/windows/0/fine/0/events/0/revenue_min", CodeWrongType},
		"count with decimals": {row(`{"name":"a","count_min":1.5}`), "/windows/0/fine/0/events/0/count_min", CodeWrongType},
		"count below zero":    {row(`{"name":"a","count_min":-1}`), "/windows/0/fine/0/events/0/count_min", CodeWrongType},
		"windows":             {`{"windows":{}}`, "/windows", CodeWrongType},
		"four windows":        {`{"windows":[{"index":0},{"index":1},{"index":2},{"index":3}]}`, "/windows", CodeTooLarge},
		"no index":            {`{"windows":[{}]}`, "/windows/0/index", CodeMemberMissing},
		"window":              {`{"windows":[7]}`, "/windows/0", CodeWrongType},
		"no value":            {`{"windows":[{"index":0,"fine":[{"events":[]}]}]}`, "/windows/0/fine/0/value", CodeMemberMissing},
		"coarse":              {`{"windows":[{"index":0,"coarse":[]}]}`, "/windows/0/coarse", CodeWrongType},
		"reserved":            {`{"windows":[{"index":0,"reserved":[7]}]}`, "/windows/0/reserved/0", CodeWrongType},
		"lock trigger":        {`{"windows":[{"index":0,"lock":{"on":"never","value":1}}]}`, "/windows/0/lock/on", CodeWrongType},
		"lock without value":  {`{"windows":[{"index":0,"lock":{"on":"time"}}]}`, "/windows/0/lock/value", CodeMemberMissing},
		"lock value":          {`{"windows":[{"index":0,"lock":{"on":"time","value":"24"}}]}`, "/windows/0/lock/value", CodeWrongType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse([]byte(c.text))
			require.Nil(t, d)
			var pe *ParseError
			require.ErrorAs(t, err, &pe)
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, c.code, pe.Findings[0].Code, "%s", err)
			require.Equal(t, c.pointer, pe.Findings[0].Pointer)
		})
	}
}

func TestParsePlacesSyntaxErrors(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("{\n  \"windows\": [,]\n}"))
	require.ErrorContains(t, err, "line 2, column 15")
}

func TestParseTakesNullForAbsent(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"app_id":1,"revenue_cap":null,"layout":null,"windows":[{"index":0,"lock":null,"fine":[{"value":1,"events":null}]}]}`)
	require.Nil(t, d.RevenueCap)
	require.Nil(t, d.Layout)
	require.Nil(t, d.Windows[0].Lock)
}

func TestLintSaysEverythingAtOnce(t *testing.T) {
	t.Parallel()
	r := Lint([]byte(`{"app_id":1,"colour":1,"currency":7,"windows":[{"index":0,
		"fine":[{"value":"x","events":[{"name":"","revenue_min":"1"}]},{"value":64,"events":[]}],"coarse":{"hi":{}}}]}`))
	require.False(t, r.OK)
	require.Equal(t, []Code{
		CodeUnknownMember, CodeWrongType, CodeWrongType, // colour, currency, value
		CodeValueOutOfRange, CodeCoarseUnknown, CodeEventNameMissing,
	}, codes(r.Errors), "%v", r.Errors)
	for _, f := range append(r.Errors, r.Warnings...) {
		require.NotEmpty(t, f.Message)
		require.NotContains(t, f.Message, "\n")
	}
}

func TestLintOfNoDocument(t *testing.T) {
	t.Parallel()
	r := Lint([]byte(`{`))
	require.Equal(t, []Code{CodeSyntax}, codes(r.Errors))
	require.NotNil(t, r.Warnings)
}

func codes(fs []Finding) []Code {
	out := []Code{}
	for _, f := range fs {
		out = append(out, f.Code)
	}
	return out
}
