package schema

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Layouts that are refused, with everything that is found in each. Those that only
// their document makes impossible stand below.
func TestParseLayoutRefuses(t *testing.T) {
	t.Parallel()
	type found map[string]Code // pointer under /layout
	bands := func(more string) string { return `{"kind":"bands","event":{"name":"p"},` + more + `}` }
	one := func(field string) string { return `{"kind":"fields","fields":[` + field + `]}` }
	coarse := func(part string) string { return `{"kind":"retention","days":1,"coarse":[` + part + `]}` }
	for text, want := range map[string]found{
		``:                {"": CodeSyntax},
		`{`:               {"": CodeSyntax},
		`[]`:              {"": CodeWrongType},
		`{}`:              {"/kind": CodeMemberMissing},
		`{"kind":null}`:   {"/kind": CodeMemberMissing},
		`{"kind":"band"}`: {"/kind": CodeWrongType},
		`{"kind":7}`:      {"/kind": CodeWrongType},

		`{"kind":"bands"}`:                       {"/event": CodeMemberMissing, "/from": CodeMemberMissing, "/step": CodeMemberMissing, "/count": CodeMemberMissing},
		bands(`"from":1,"step":"x","count":0`):   {"/step": CodeWrongType, "/count": CodeWrongType},
		bands(`"from":-1,"step":1,"count":64`):   {"/from": CodeWrongType, "/count": CodeWrongType},
		bands(`"from":1,"step":0,"count":3`):     {"/step": CodeLayoutInvalid},
		bands(`"from":1,"step":1e11,"count":63`): {"/count": CodeLayoutInvalid},
		bands(`"edges":[1],"from":1,"count":2`):  {"/from": CodeLayoutInvalid, "/count": CodeLayoutInvalid},
		bands(`"edges":[]`):                      {"/edges": CodeLayoutInvalid},
		bands(`"edges":[1],"open":false`):        {"/edges": CodeLayoutInvalid},
		bands(`"edges":7,"open":1`):              {"/edges": CodeWrongType, "/open": CodeWrongType},
		bands(`"edges":[3,3,"a",2,1]`):           {"/edges/1": CodeLayoutInvalid, "/edges/2": CodeWrongType, "/edges/4": CodeLayoutInvalid},
		bands(`"edges":[1,2],"width":3`):         {"/width": CodeUnknownMember},
		bands(`"edges":[1,2],"first":0`):         {"/first": CodeWrongType},
		bands(`"edges":[1,2],"first":9,"last":8`): {
			"/first": CodeLayoutInvalid,
		},
		`{"kind":"bands","event":{"name":" ","revenue_min":1},"edges":[1]}`: {"/event/name": CodeEventNameMissing, "/event/revenue_min": CodeUnknownMember},
		`{"kind":"bands","event":"p","edges":[1]}`:                          {"/event": CodeWrongType},
		`{"kind":"bands","event":{"name":7},"edges":[1]}`:                   {"/event/name": CodeWrongType},

		`{"kind":"bits"}`:                              {"/events": CodeMemberMissing},
		`{"kind":"bits","events":[null]}`:              {"/events": CodeLayoutInvalid},
		`{"kind":"bits","events":[]}`:                  {"/events": CodeLayoutInvalid},
		`{"kind":"bits","events":[{"name":"a"},null]}`: {},
		`{"kind":"bits","events":[{"name":"a"},{"name":"a","count_max":3}]}`: {
			"/events/1/count_max": CodeUnknownMember, "/events/1/name": CodeLayoutInvalid,
		},
		`{"kind":"bits","events":[{"name":"a","count_min":0},7],"first":1}`:     {"/events/0/count_min": CodeLayoutInvalid, "/events/1": CodeWrongType, "/first": CodeUnknownMember},
		`{"kind":"bits","events":[null,null,null,null,null,null,{"name":"a"}]}`: {"/events": CodeTooLarge},

		`{"kind":"funnel","steps":[]}`: {"/steps": CodeLayoutInvalid},
		`{"kind":"funnel","steps":7}`:  {"/steps": CodeWrongType},
		`{"kind":"funnel","steps":[{"name":"a","implies_lower":1},{"name":"a"},{}]}`: {
			"/steps/0/implies_lower": CodeWrongType, "/steps/1/name": CodeLayoutInvalid, "/steps/2/name": CodeEventNameMissing,
		},

		`{"kind":"counts","event":{"name":"a"},"thresholds":[]}`:          {"/thresholds": CodeLayoutInvalid},
		`{"kind":"counts","event":{"name":"a"},"thresholds":[0,2,2,1.5]}`: {"/thresholds/0": CodeLayoutInvalid, "/thresholds/2": CodeLayoutInvalid, "/thresholds/3": CodeWrongType},
		`{"kind":"counts","threshold":[1]}`:                               {"/threshold": CodeUnknownMember, "/event": CodeMemberMissing, "/thresholds": CodeMemberMissing},

		`{"kind":"retention","days":0}`: {"/days": CodeWrongType},
		`{"kind":"retention","days":7}`: {"/days": CodeFineValueUnreachable},

		`{"kind":"fields","fields":[]}`:                           {"/fields": CodeLayoutInvalid},
		one(`7`):                                                  {"/fields/0": CodeWrongType},
		one(`{"bits":[0,0]}`):                                     {"/fields/0": CodeLayoutInvalid},
		one(`{"bits":[0],"flags":[{"name":"a"}]}`):                {"/fields/0/bits": CodeWrongType},
		one(`{"bits":[0,6],"flags":[{"name":"a"}]}`):              {"/fields/0/bits/1": CodeWrongType},
		one(`{"bits":[2,1],"flags":[{"name":"a"}]}`):              {"/fields/0/bits": CodeLayoutInvalid},
		one(`{"bits":[1,1],"flags":[{"name":"a"},{"name":"b"}]}`): {"/fields/0/bits": CodeLayoutInvalid},
		one(`{"bits":[0,0],"enum":[{"name":"a"},{"name":"b"}]}`):  {"/fields/0/bits": CodeLayoutInvalid},
		one(`{"bits":[0,1],"enum":[]}`):                           {"/fields/0/enum": CodeLayoutInvalid},
		one(`{"bits":[0,1],"bands":{"edges":[2,1]}}`):             {"/fields/0/bands/event": CodeMemberMissing, "/fields/0/bands/edges/1": CodeLayoutInvalid},
		one(`{"bits":[0,1],"flags":[{"name":"a"}],"enum":[{"name":"a"}]}`): {
			"/fields/0": CodeLayoutInvalid, "/fields/0/flags/0/name": CodeLayoutInvalid,
		},
		one(`{"bits":[0,1],"flags":[{"name":"a"}]},{"bits":[1,2],"flags":[{"name":"b"}]}`): {"/fields/1/bits": CodeLayoutInvalid},

		`{"kind":"retention","days":1,"coarse":{}}`: {"/coarse": CodeWrongType},
		coarse(`{}`):                                                           {"/coarse/0/window": CodeMemberMissing, "/coarse/0": CodeLayoutInvalid},
		coarse(`7`):                                                            {"/coarse/0": CodeWrongType},
		coarse(`{"window":3,"days":[1,2]}`):                                    {"/coarse/0/window": CodeWrongType},
		coarse(`{"window":1,"days":[3,8]}`):                                    {"/coarse/0/days/1": CodeLayoutInvalid},
		coarse(`{"window":0,"days":[2,1]}`):                                    {"/coarse/0/days/1": CodeLayoutInvalid},
		coarse(`{"window":1,"days":[3]}`):                                      {"/coarse/0/days": CodeLayoutInvalid},
		coarse(`{"window":1,"days":[3,4,5]}`):                                  {"/coarse/0/days": CodeTooLarge},
		coarse(`{"window":1,"days":[3,4]},{"window":1,"low":{}}`):              {"/coarse/1/window": CodeLayoutInvalid},
		coarse(`{"window":1,"revenue":[5,5]}`):                                 {"/coarse/0/event": CodeMemberMissing, "/coarse/0/revenue/1": CodeLayoutInvalid},
		coarse(`{"window":1,"counts":[1,"x"],"event":{"name":"a"}}`):           {"/coarse/0/counts/1": CodeWrongType},
		coarse(`{"window":1,"counts":[0,1],"event":{"name":"a"}}`):             {"/coarse/0/counts/0": CodeLayoutInvalid},
		coarse(`{"window":1,"days":[3,4],"event":{"name":"a"}}`):               {"/coarse/0/event": CodeLayoutInvalid},
		coarse(`{"window":1,"days":[3,4],"low":{}}`):                           {"/coarse/0": CodeLayoutInvalid},
		coarse(`{"window":1,"low":{"event":[]},"revenue_est":{"low":1}}`):      {"/coarse/0/low/event": CodeUnknownMember, "/coarse/0/revenue_est": CodeLayoutInvalid},
		coarse(`{"window":1,"days":[3,4],"revenue_est":{"top":1,"high":"x"}}`): {"/coarse/0/revenue_est/top": CodeUnknownMember, "/coarse/0/revenue_est/high": CodeWrongType},
	} {
		l, err := ParseLayout(json.RawMessage(text))
		if len(want) == 0 {
			require.NoError(t, err, text)
			continue
		}
		require.Nil(t, l, text)
		var pe *ParseError
		require.ErrorAs(t, err, &pe, text)
		got := found{}
		for _, f := range pe.Findings {
			require.NotEmpty(t, f.Message)
			require.NotContains(t, f.Message, "\n")
			got[f.Pointer[len(layoutAt):]] = f.Code
		}
		require.Equal(t, want, got, "%s\n%v", text, pe.Findings)
	}
}

// What only the document around a layout makes impossible.
func TestExpandRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ at, says string }{
		`{"layout":{"kind":"bands","event":{"name":"p"},"from":1,"step":1,"count":63},"overlap_bit":5}`:                                    {"/layout", "needs 63 values; of 1 to 63 only 31"},
		`{"layout":{"kind":"counts","event":{"name":"p"},"thresholds":[1,2,3],"last":2}}`:                                                  {"/layout", "needs 3 values; of 1 to 2 only 2"},
		`{"layout":{"kind":"bits","events":[{"name":"a"},{"name":"b"}]},"overlap_bit":1}`:                                                  {"/layout/events", "overlap bit"},
		`{"layout":{"kind":"bits","events":[{"name":"a"},{"name":"b"}]},"windows":[{"index":0,"reserved":[[3,9]]}]}`:                       {"/layout", "value 3, which is reserved"},
		`{"layout":{"kind":"fields","fields":[{"bits":[1,2],"enum":[{"name":"a"},{"name":"b"}]}]},"overlap_bit":2}`:                        {"/layout/fields/0/bits", "overlap bit"},
		`{"layout":{"kind":"fields","fields":[{"bits":[0,0],"bands":{"event":{"name":"p"},"edges":[1,2]}}]}}`:                              {"/layout/fields/0/bits", "2 bands beside none of them need 2"},
		`{"layout":{"kind":"bits","events":[{"name":"retained_day_7"}]}}`:                                                                  {"/layout", "fine_value_unreachable"},
		`{"layout":{"kind":"bits","events":[{"name":"a","revenue_min":5,"revenue_est":4}]}}`:                                               {"/layout", "band_inverted"},
		`{"layout":{"kind":"retention","days":1,"coarse":[{"window":1,"low":{"events":[{"name":""}]}}]}}`:                                  {"/layout", "event_name_missing"},
		`{"layout":{"kind":"retention","days":1,"coarse":[{"window":1,"event":{"name":"p"},"revenue":[1,2],"revenue_est":{"medium":3}}]}}`: {"/layout", "band_inverted"},
		`{"layout":{"kind":"bands","event":{"name":"p"},"edges":[1],"x":1}}`:                                                               {"/layout/x", "not a member"},
	} {
		d, err := parsed(t, text).Expand()
		require.Nil(t, d, text)
		var pe *ParseError
		require.ErrorAs(t, err, &pe, text)
		require.Equal(t, want.at, pe.Findings[0].Pointer)
		require.Contains(t, pe.Findings[0].Message, want.says)
		require.Equal(t, pe.Findings[0].Code, Lint([]byte(text)).Errors[0].Code, "Validate says it too")
	}
	// With a cap the last edge only ends a band, so one bit is enough.
	expanded(t, `{"revenue_cap":2,"currency":"USD","layout":{"kind":"fields","fields":[{"bits":[0,0],"bands":{"event":{"name":"p"},"edges":[1,2]}}]}}`)
}

func FuzzParseLayout(f *testing.F) {
	for _, text := range docsExamples(f) {
		f.Add([]byte(parsed(f, text).Layout), "2", 40, 5)
	}
	f.Fuzz(func(t *testing.T, layout []byte, limit string, gap, bit int) {
		l, err := ParseLayout(layout)
		if err != nil {
			return
		}
		d := &Document{AppID: 1, Currency: "USD", Layout: layout, OverlapBit: &bit,
			Windows: []Window{{Index: 0, Reserved: [][2]int{{gap, gap + 3}}}}}
		if m, err := ParseMoney(limit); err == nil {
			d.RevenueCap = &m
		}
		full, err := d.Expand()
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(full.Windows[0].Fine), 64)
		for _, r := range full.Windows[0].Fine {
			require.True(t, l.owns(r.Value))
		}
		for _, finding := range full.Validate().Errors {
			// Only the head and the gap, which the layout did not write, may be wrong.
			require.NotContains(t, finding.Pointer, "/fine", "%s", layout)
			require.NotContains(t, finding.Pointer, "/coarse", "%s", layout)
		}
		again, err := full.Expand()
		require.NoError(t, err)
		require.True(t, full.Equal(again))
	})
}
