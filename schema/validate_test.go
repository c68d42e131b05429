package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pieces of documents for the table below.
func whole(windows, more string) string {
	return `{"app_id":1,"currency":"USD","open_band_mean":90,"revenue_cap":100` + more + `,"windows":[` + windows + `]}`
}

const quiet = `{"index":1,"coarse":{"low":{},"medium":{},"high":{}}},{"index":2,"coarse":{"low":{},"medium":{},"high":{}}}`

func window0(fine, coarse, more string) string {
	return `{"index":0,"fine":[` + fine + `],"coarse":{` + coarse + `}` + more + `}`
}

const zero = `{"value":0,"events":[]},`

func fine(rows string) string { return whole(window0(rows, `"low":{}`, ""), "") }

func coarse(levels string) string { return whole(window0(zero+`{"value":1}`, levels, ""), "") }

func later(window string) string { return whole(window0(`{"value":0}`, "", "")+","+window, "") }

func p(bands string) string { return `{"name":"p"` + bands + `}` }

func row(value int, events string) string {
	return fmt.Sprintf(`{"value":%d,"events":[%s]}`, value, events)
}

func pair(a, b string) string { return fine(zero + row(1, p(a)) + "," + row(2, p(b))) }

// Every code with documents that fire it (at a pointer) and documents that don't.
var codeCases = []struct {
	code    Code
	fires   map[string]string // document: pointer
	silent  []string
	warning bool
}{
	{CodeValueOutOfRange, map[string]string{
		fine(row(64, "")):                                                   "/windows/0/fine/0/value",
		fine(row(-1, "")):                                                   "/windows/0/fine/0/value",
		later(`{"index":3}`):                                                "/windows/1/index",
		whole(`{"index":0}`, `,"overlap_bit":6`):                            "/overlap_bit",
		whole(window0("", "", `,"reserved":[[60,64]]`), ""):                 "/windows/0/reserved/0",
		whole(window0("", "", `,"reserved":[[9,8]]`), ""):                   "/windows/0/reserved/0",
		whole(window0("", "", `,"lock":{"on":"fine","value":64}`), ""):      "/windows/0/lock/value",
		whole(window0("", "", ""), `,"reengagement_windows":[{"index":7}]`): "/reengagement_windows/0/index",
	}, []string{fine(row(0, "") + "," + row(63, "")), whole(`{"index":0}`, `,"overlap_bit":5`)}, false},

	{CodeDuplicateValue, map[string]string{
		fine(row(1, "") + "," + row(1, "")): "/windows/0/fine/1/value",
		later(`{"index":0}`):                "/windows/1/index",
	}, []string{fine(row(1, "") + "," + row(2, ""))}, false},

	{CodeFineInLaterWindow, map[string]string{
		later(`{"index":1,"fine":[{"value":1}]}`):             "/windows/1/fine",
		later(`{"index":1,"reserved":[[1,2]]}`):               "/windows/1/reserved",
		later(`{"index":1},{"index":2,"fine":[{"value":1}]}`): "/windows/2/fine",
	}, []string{later(`{"index":1,"fine":[]}`), later(quiet)}, false},

	{CodeCoarseUnknown, map[string]string{
		coarse(`"hgh":{}`):  "/windows/0/coarse/hgh",
		coarse(`"High":{}`): "/windows/0/coarse/High",
		whole(window0("", `"low":{}`, `,"lock":{"on":"coarse","value":"top"}`), ""): "/windows/0/lock/value",
	}, []string{coarse(`"high":{},"medium":{},"low":{}`)}, false},

	{CodeBandOverlap, map[string]string{
		pair(`,"revenue_min":0,"revenue_max":10`, `,"revenue_min":5,"revenue_max":15`):                               "/windows/0/fine/2/events/0",
		pair(`,"revenue_min":3`, `,"revenue_min":10`):                                                                "/windows/0/fine/2/events/0",
		pair(`,"revenue_min":3,"revenue_max":5`, `,"revenue_min":3,"revenue_max":5`):                                 "/windows/0/fine/2/events/0",
		pair(`,"count_min":1,"count_max":5`, `,"count_min":4`):                                                       "/windows/0/fine/2/events/0",
		coarse(`"low":{"events":[` + p(`,"revenue_max":5`) + `]},"high":{"events":[` + p(`,"revenue_min":4`) + `]}`): "/windows/0/coarse/high/events/0",
		fine(zero + row(1, p(`,"revenue_min":3`)+","+p(`,"revenue_min":4`))):                                         "/windows/0/fine/1/events/1",
	}, []string{
		pair(`,"revenue_min":0,"revenue_max":10`, `,"revenue_min":10`),
		pair(`,"count_min":1,"count_max":3`, `,"count_min":4`),
		pair(``, `,"revenue_min":10`),               // any purchase, and a large one: the higher wins
		pair(`,"count_min":2`, `,"revenue_min":10`), // bands of different kinds
		fine(zero + row(1, p(`,"count_min":2`)+","+p(`,"revenue_min":4`))),
		fine(zero + row(1, p(`,"revenue_min":1`)) + "," + row(2, p(`,"revenue_min":1`)+`,{"name":"r"}`)), // other events
		fine(zero + row(1, p(`,"count_max":2,"revenue_min":1`)) + "," + row(2, p(`,"count_min":2,"revenue_min":1`))),
		whole(window0(row(1, p(`,"revenue_min":1`))+","+row(33, p(`,"revenue_min":1`)), "", ""), `,"overlap_bit":5`),
	}, false},

	{CodeBandInverted, map[string]string{
		fine(row(1, p(`,"revenue_min":10,"revenue_max":3`))):                         "/windows/0/fine/0/events/0/revenue_max",
		fine(row(1, p(`,"count_min":10,"count_max":3`))):                             "/windows/0/fine/0/events/0/count_max",
		fine(row(1, p(`,"count_max":0`))):                                            "/windows/0/fine/0/events/0/count_max",
		pair(`,"revenue_min":5,"revenue_max":5`, `,"revenue_min":5,"revenue_max":9`): "/windows/0/fine/1/events/0/revenue_max",
		fine(row(1, p(`,"revenue_min":5,"revenue_max":9,"revenue_est":10`))):         "/windows/0/fine/0/events/0/revenue_est",
		fine(row(1, p(`,"revenue_min":5,"revenue_est":"4.99"`))):                     "/windows/0/fine/0/events/0/revenue_est",
		fine(row(1, p(`,"revenue_min":91`))):                                         "/open_band_mean",
		coarse(`"low":{"events":[` + p(`,"revenue_max":5`) + `],"revenue_est":6}`):   "/windows/0/coarse/low/revenue_est",
		coarse(`"low":{"events":[` + p(`,"revenue_min":5`) + `],"revenue_est":4}`):   "/windows/0/coarse/low/revenue_est",
	}, []string{
		fine(row(1, p(`,"revenue_min":5,"revenue_max":5`))), // one price
		fine(row(1, p(`,"count_min":1,"count_max":1`))),
		fine(row(1, p(`,"revenue_min":5,"revenue_max":9,"revenue_est":9`))),
		coarse(`"low":{"events":[` + p(`,"revenue_min":5`) + `],"revenue_est":50}`),
		coarse(`"low":{"events":[],"revenue_est":50}`),
	}, false},

	{CodeCurrencyMissing, map[string]string{
		`{"windows":[{"index":0,"fine":[` + row(1, p(`,"revenue_min":5`)) + `]}]}`: "/currency",
		`{"windows":[{"index":0,"coarse":{"low":{"revenue_est":5}}}]}`:             "/currency",
		`{"revenue_cap":5,"windows":[{"index":0,"fine":[` + row(1, "") + `]}]}`:    "/currency",
	}, []string{`{"windows":[{"index":0,"fine":[` + row(1, p("")) + `]}]}`}, false},

	{CodeCurrencyUnknown, map[string]string{
		`{"currency":"usd","windows":[{"index":0}]}`: "/currency",
		`{"currency":"XXX","windows":[{"index":0}]}`: "/currency",
	}, []string{`{"currency":"JPY","windows":[{"index":0}]}`, `{"windows":[{"index":0}]}`}, false},

	{CodeEventNameMissing, map[string]string{
		fine(row(1, `{"name":""}`)):                "/windows/0/fine/0/events/0/name",
		fine(row(1, `{"count_min":2}`)):            "/windows/0/fine/0/events/0/name",
		coarse(`"low":{"events":[{"name":"  "}]}`): "/windows/0/coarse/low/events/0/name",
	}, []string{fine(row(1, p("")))}, false},

	{CodeReservedOverlapsValue, map[string]string{
		whole(window0(row(36, ""), "", `,"reserved":[[36,59]]`), ""): "/windows/0/fine/0/value",
		whole(window0(row(59, ""), "", `,"reserved":[[36,59]]`), ""): "/windows/0/fine/0/value",
	}, []string{whole(window0(row(35, "")+","+row(60, ""), "", `,"reserved":[[36,59]]`), "")}, false},

	{CodeWindowMissing, map[string]string{
		whole(`{"index":1}`, ""):                                      "/windows",
		whole(`{"index":0},{"index":2}`, ""):                          "/windows",
		whole(`{"index":0}`, `,"reengagement_windows":[{"index":1}]`): "/reengagement_windows",
	}, []string{whole(`{"index":0}`, ""), whole(`{"index":2},{"index":0},{"index":1}`, "")}, false},

	{CodeLockUnreachable, map[string]string{
		whole(window0("", "", `,"lock":{"on":"time","value":49}`), ""):               "/windows/0/lock/value",
		whole(window0("", "", `,"lock":{"on":"time","value":0}`), ""):                "/windows/0/lock/value",
		later(`{"index":1,"lock":{"on":"time","value":121}}`):                        "/windows/1/lock/value",
		later(`{"index":1},{"index":2,"lock":{"on":"time","value":673}}`):            "/windows/2/lock/value",
		whole(window0(row(1, p("")), "", `,"lock":{"on":"event","value":"q"}`), ""):  "/windows/0/lock/value",
		whole(window0(row(1, ""), "", `,"lock":{"on":"fine","value":2}`), ""):        "/windows/0/lock/value",
		later(`{"index":1,"lock":{"on":"fine","value":0}}`):                          "/windows/1/lock/value",
		whole(window0("", `"low":{}`, `,"lock":{"on":"coarse","value":"high"}`), ""): "/windows/0/lock/value",
	}, []string{
		whole(window0("", "", `,"lock":{"on":"time","value":48}`), ""),
		later(`{"index":1,"lock":{"on":"time","value":120}}`),
		whole(window0(row(1, p("")), "", `,"lock":{"on":"event","value":"p"}`), ""),
		whole(window0(row(1, ""), "", `,"lock":{"on":"fine","value":1}`), ""),
		whole(window0("", `"high":{}`, `,"lock":{"on":"coarse","value":"high"}`), ""),
	}, false},

	{CodeFineValueUnreachable, map[string]string{
		fine(row(1, `{"name":"retained_day_7"}`)): "/windows/0/fine/0/events/0/name",
		fine(row(1, `{"name":"d3"}`)):             "/windows/0/fine/0/events/0/name",
		fine(row(1, `{"name":"7d_retention"}`)):   "/windows/0/fine/0/events/0/name",
		fine(row(1, `{"name":"Login-D30"}`)):      "/windows/0/fine/0/events/0/name",
	}, []string{
		fine(row(1, `{"name":"retained_day_1"},{"name":"d2"},{"name":"day_7_level_done"},{"name":"add7"},{"name":"session"}`)),
		coarse(`"low":{"events":[{"name":"retained_day_7"}]}`),
	}, false},

	{CodeEmptySchema, map[string]string{
		`{"windows":[]}`: "/windows",
		`{}`:             "/windows",
		whole(`{"index":0,"coarse":{}},{"index":1},{"index":2}`, ""): "/windows",
	}, []string{fine(row(1, "")), later(quiet)}, false},

	{CodeAppIDMissing, map[string]string{`{"windows":[]}`: "/app_id"}, []string{fine(row(1, ""))}, true},

	{CodeNotMonotonic, map[string]string{
		fine(zero + row(2, `{"name":"a"},{"name":"b"}`) + "," + row(5, `{"name":"a"}`)): "/windows/0/fine/1",
		pair(`,"revenue_min":10`, `,"revenue_max":10`):                                  "/windows/0/fine/1",
		pair(`,"count_min":3`, ``):                                                      "/windows/0/fine/1",
		fine(row(0, p("")) + "," + row(7, "")):                                          "/windows/0/fine/0",
		coarse(`"low":{"events":[` + p("") + `]},"high":{}`):                            "/windows/0/coarse/low",
	}, []string{
		fine(zero + row(2, `{"name":"a"}`) + "," + row(5, `{"name":"a"},{"name":"b"}`)),
		fine(zero + row(2, `{"name":"a"}`) + "," + row(5, `{"name":"b"}`)), // a rung need not imply the lower ones
		pair(`,"revenue_max":10`, `,"revenue_min":10`),
		coarse(`"low":{},"high":{"events":[` + p("") + `]}`),
		whole(window0(zero+row(3, `{"name":"a"}`)+","+row(32, ""), "", ""), `,"overlap_bit":5`),
	}, true},

	{CodeBandGap, map[string]string{
		pair(`,"revenue_min":1,"revenue_max":5`, `,"revenue_min":6,"revenue_max":9`):                                 "/windows/0/fine/2/events/0/revenue_min",
		pair(`,"count_max":3`, `,"count_min":5`):                                                                     "/windows/0/fine/2/events/0/count_min",
		coarse(`"low":{"events":[` + p(`,"revenue_max":3`) + `]},"high":{"events":[` + p(`,"revenue_min":4`) + `]}`): "/windows/0/coarse/high/events/0/revenue_min",
	}, []string{
		pair(`,"revenue_min":1,"revenue_max":5`, `,"revenue_min":5,"revenue_max":9`),
		pair(`,"count_max":3`, `,"count_min":4`),
		pair(`,"count_max":3`, `,"count_min":3`),
		fine(zero + row(1, p(``)) + "," + row(2, p(`,"revenue_min":1,"revenue_max":5`)) + "," + row(3, p(`,"revenue_min":6`))), // row 1 covers it
	}, true},

	{CodeValueZeroNotInstall, map[string]string{
		fine(row(0, p(""))): "/windows/0/fine",
		fine(row(1, p(""))): "/windows/0/fine",
	}, []string{
		fine(row(0, "")), later(quiet),
		whole(window0(row(1, ""), "", `,"reserved":[[0,0]]`), ""),
		whole(window0("", `"low":{}`, ""), ""), // coarse only
	}, true},

	{CodeCoarseMixesPayers, map[string]string{
		// Paying is only in the fine values.
		whole(window0(zero+row(1, p(`,"revenue_min":1`)), `"low":{},"high":{"events":[{"name":"r"}]}`, ""), ""): "/windows/0/coarse/low",
		// Payers below 10 stay low.
		whole(window0(zero+row(1, p(`,"revenue_min":1`)), `"low":{},"high":{"events":[`+p(`,"revenue_min":10`)+`]}`, ""), ""): "/windows/0/coarse/low",
		// The highest level asks for no purchase.
		coarse(`"low":{"events":[` + p(`,"revenue_min":1`) + `]},"high":{"events":[{"name":"r"}]}`): "/windows/0/coarse/high",
		// The band allows nothing and no purchase.
		coarse(`"low":{"events":[` + p(`,"count_min":0,"revenue_max":9`) + `]}`): "/windows/0/coarse/low",
	}, []string{
		whole(window0(zero+row(1, p(`,"revenue_min":1`)), `"low":{},"high":{"events":[`+p(`,"revenue_min":1`)+`]}`, ""), ""),
		whole(window0(zero+row(1, p(`,"revenue_min":1`)), `"low":{},"medium":{"events":[{"name":"r"}]},"high":{"events":[`+p(``)+`]}`, ""), ""),
		coarse(`"low":{},"medium":{"events":[` + p(`,"revenue_max":9`) + `]},"high":{"events":[` + p(`,"revenue_min":9`) + `]}`),
		coarse(`"low":{},"high":{"events":[{"name":"r"}]}`), // no revenue anywhere
	}, true},

	{CodeCoarseMissing, map[string]string{
		fine(row(1, "")): "/windows/0/coarse",
		whole(window0("", `"low":{},"medium":{},"high":{}`, ""), ""): "/windows",
		later(`{"index":1,"coarse":{"high":{}}}`):                    "/windows/1/coarse",
	}, []string{whole(window0("", `"low":{},"medium":{},"high":{}`, "")+","+quiet, "")}, true},

	{CodeMoreThanFiveEvents, map[string]string{
		fine(row(1, `{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"},{"name":"f"}`)): "/windows",
	}, []string{
		fine(row(1, `{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"}`) + "," + row(2, `{"name":"a"}`)),
	}, true},

	{CodeOpenBandWithoutMean, map[string]string{
		`{"currency":"USD","windows":[{"index":0,"fine":[` + row(1, p(`,"revenue_min":5`)) + `]}]}`: "/windows/0/fine/0/events/0/revenue_min",
	}, []string{
		fine(row(1, p(`,"revenue_min":5`))),
		`{"currency":"USD","windows":[{"index":0,"fine":[` + row(1, p(`,"revenue_min":5,"revenue_est":9`)) + `]}]}`,
		`{"currency":"USD","windows":[{"index":0,"coarse":{"high":{"events":[` + p(`,"revenue_min":5`) + `]}}}]}`,
	}, true},

	{CodeLockShortensSignal, map[string]string{
		whole(window0("", "", `,"lock":{"on":"time","value":24}`), ""):                             "/windows/0/lock",
		whole(window0(row(1, p(""))+","+row(2, ""), "", `,"lock":{"on":"event","value":"p"}`), ""): "/windows/0/lock",
		whole(window0(row(1, "")+","+row(2, ""), "", `,"lock":{"on":"fine","value":1}`), ""):       "/windows/0/lock",
		whole(window0("", `"low":{},"high":{}`, `,"lock":{"on":"coarse","value":"low"}`), ""):      "/windows/0/lock",
	}, []string{
		fine(row(1, "")),
		whole(window0("", "", `,"lock":{"on":"time","value":48}`), ""),
		whole(window0(row(1, "")+","+row(2, p("")), "", `,"lock":{"on":"event","value":"p"}`), ""),
		whole(window0(row(1, "")+","+row(2, ""), "", `,"lock":{"on":"fine","value":2}`), ""),
		whole(window0("", `"low":{},"high":{}`, `,"lock":{"on":"coarse","value":"high"}`), ""),
	}, true},

	{CodeUnusedValues, map[string]string{fine(row(1, "")): "/windows/0/fine"}, []string{
		fine(all64()),
		whole(window0(row(0, "")+","+row(1, ""), "", `,"reserved":[[2,63]]`), ""),
		whole(window0("", `"low":{}`, ""), ""), // coarse only
	}, true},

	// What Parse finds in the text; parse_test.go has many more of them.
	{CodeSyntax, map[string]string{`{`: "", ``: "", `{} {}`: ""}, []string{`{}`}, false},
	{CodeWrongType, map[string]string{`[]`: "", `{"name":7}`: "/name", fine(`{"value":"1"}`): "/windows/0/fine/0/value"},
		[]string{`{"name":"7"}`, `{"name":null}`}, false},
	{CodeUnknownMember, map[string]string{`{"widnows":[]}`: "/widnows", layout(`,"width":3`): "/layout/width"},
		[]string{`{"windows":[]}`}, false},
	{CodeDuplicateMember, map[string]string{`{"name":"a","name":"a"}`: "/name", layout(`,"edges":[1]`): "/layout/edges"},
		[]string{`{"name":"a","layout":{"kind":"retention","days":1}}`}, false},
	{CodeMemberMissing, map[string]string{`{"windows":[{}]}`: "/windows/0/index", `{"layout":{}}`: "/layout/kind"},
		[]string{`{}`, `{"windows":[{"index":0}]}`}, false},
	{CodeTooLarge, map[string]string{
		`{"windows":[{"index":0},{"index":1},{"index":2},{"index":0}]}`: "/windows",
		`{"name":"` + strings.Repeat("é", 201) + `"}`:                   "/name",
	}, []string{`{"windows":[{"index":0},{"index":1},{"index":2}]}`, `{"name":"` + strings.Repeat("é", 200) + `"}`}, false},

	{CodeLayoutInvalid, map[string]string{
		`{"layout":{"kind":"bits","events":[]}}`:                                                                "/layout/events",
		`{"layout":{"kind":"bits","events":[{"name":"a"},{"name":"b"}]},"overlap_bit":1}`:                       "/layout/events",
		`{"layout":{"kind":"retention","days":2,"last":1},"windows":[{"index":0,"fine":[` + row(1, "") + `]}]}`: "/layout",
	}, []string{
		layout(""), `{"layout":{"kind":"bits","events":[{"name":"a"},{"name":"b"}]},"overlap_bit":2}`,
		`{"layout":{"kind":"retention","days":1}}`,
	}, false},

	{CodeLayoutNotExpanded, map[string]string{
		layout(""): "/layout",
		`{"layout":{"kind":"retention","days":1}}`: "/layout",
		`{"layout":{"kind":"retention","days":1},"windows":[{"index":0,"fine":[` + row(0, "") + `],"lock":{"on":"fine","value":1}}]}`: "/layout",
		// Rows of the user's own are no table of the layout.
		`{"layout":{"kind":"retention","days":1,"first":9},"windows":[{"index":0,"fine":[` + row(1, "") + `]}]}`: "/layout",
	}, []string{
		fine(row(1, "")),
		`{"layout":{"kind":"retention","days":2},"windows":[{"index":0,"fine":[` + row(2, `{"name":"a"}`) + `]}]}`,
		`{"layout":{"kind":"bits","events":[]}}`, // that is layout_invalid
	}, false},

	{CodeLayoutDiffers, map[string]string{
		retentionTable(row(1, `{"name":"retained_day_1"}`), retentionLevels):                                   "/layout", // value 2 is missing
		retentionTable(row(1, days1)+","+row(2, days1), retentionLevels):                                       "/layout",
		retentionTable(row(1, days1)+","+row(2, days2)+","+row(3, ""), retentionLevels):                        "/layout", // one more
		retentionTable(row(1, days1)+","+row(2, days2), `"low":{}`):                                            "/layout",
		retentionTable(row(1, days1)+","+row(2, days2), strings.Replace(retentionLevels, "day_2", "day_3", 1)): "/layout",
	}, []string{
		retentionTable(row(1, days1)+","+row(2, days2), retentionLevels),
		retentionTable(row(2, days2)+","+row(1, `{"name":"retained_day_1","count_min":1}`), retentionLevels), // means the same
		retentionTable(row(1, days1)+","+row(2, days2)+","+row(60, ""), retentionLevels),                     // not the layout's
		layout(""),
	}, true},
}

func all64() string {
	s := ""
	for v := range 64 {
		s += "," + row(v, "")
	}
	return s[1:]
}

func TestEveryCodeFiresAndStaysSilent(t *testing.T) {
	t.Parallel()
	for _, c := range codeCases {
		t.Run(string(c.code), func(t *testing.T) {
			t.Parallel()
			findings := func(text string) []Finding {
				r := Lint([]byte(text))
				for _, f := range r.Errors { // a slip in the text of a case
					require.False(t, f.Code != c.code && slices.Contains([]Code{CodeSyntax, CodeUnknownMember, CodeWrongType}, f.Code), "%s in %s", f, text)
				}
				require.Equal(t, len(r.Errors) == 0, r.OK)
				if c.warning {
					return r.Warnings
				}
				return r.Errors
			}
			for text, pointer := range c.fires {
				fs := findings(text)
				require.True(t, slices.ContainsFunc(fs, func(f Finding) bool {
					return f.Code == c.code && f.Pointer == pointer
				}), "%s at %s in %s: %v", c.code, pointer, text, fs)
			}
			for _, text := range c.silent {
				require.NotContains(t, codes(findings(text)), c.code, text)
			}
		})
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	t.Parallel()
	r := parsed(t, `{"currency":"usd","overlap_bit":9,"windows":[{"index":0,
		"fine":[{"value":1,"events":[{"name":"","revenue_min":9,"revenue_max":3}]},{"value":1},{"value":70}],
		"coarse":{"hi":{}},"lock":{"on":"time","value":99}},{"index":1,"fine":[{"value":2}]}]}`).Validate()
	require.False(t, r.OK)
	require.Subset(t, codes(r.Errors), []Code{
		CodeCurrencyUnknown, CodeValueOutOfRange, CodeEventNameMissing, CodeBandInverted,
		CodeDuplicateValue, CodeCoarseUnknown, CodeLockUnreachable, CodeFineInLaterWindow,
	})
}

func TestPuzzleOnlyHasUnusedValues(t *testing.T) {
	t.Parallel()
	r := puzzle(t).Validate()
	require.True(t, r.OK)
	require.Equal(t, []Code{CodeUnusedValues}, codes(r.Warnings))
	require.Contains(t, r.Warnings[0].Message, "22-63")
}

func TestRanges(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1-3, 7, 9-10", ranges([]int{1, 2, 3, 7, 9, 10}))
	require.Empty(t, ranges(nil))
}
