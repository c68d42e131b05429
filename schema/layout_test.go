package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func expanded(t testing.TB, text string) *Document {
	t.Helper()
	d, err := parsed(t, text).Expand()
	require.NoError(t, err)
	return d
}

// docsExamples are the worked examples of docs/schema-models.md by the name of the
// file that holds them expanded.
func docsExamples(t testing.TB) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/schema-models.md")
	require.NoError(t, err)
	example := regexp.MustCompile("(?s)`fixtures/schemas/(model-[a-z-]+\\.json)`:\n\n```json\n(.*?)```")
	out := map[string]string{}
	for _, m := range example.FindAllStringSubmatch(string(page), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// To write the files anew: run 'skand schema expand' on each example of the page.
func TestDocsExamplesExpandToTheirFiles(t *testing.T) {
	t.Parallel()
	examples := docsExamples(t)
	kinds := map[string]bool{}
	for file, text := range examples {
		want, err := os.ReadFile("../fixtures/schemas/" + file)
		require.NoError(t, err)
		d := expanded(t, text)
		got, err := json.MarshalIndent(d, "", "  ")
		require.NoError(t, err)
		require.Equal(t, string(want), string(got)+"\n", file)
		require.True(t, d.Validate().OK, file)
		require.NotContains(t, codes(d.Validate().Warnings), CodeLayoutDiffers)
		l, err := ParseLayout(d.Layout)
		require.NoError(t, err)
		kinds[l.Kind] = true
	}
	for _, kind := range layoutKinds {
		require.True(t, kinds[kind], "%s has a worked example", kind)
	}
	require.Len(t, examples, len(layoutKinds)+1)
}

// What the tables of the page say, typed again.
func TestDocsTables(t *testing.T) {
	t.Parallel()
	examples := docsExamples(t)
	for file, rows := range map[string]map[int]string{
		"model-bands.json": {0: "", 1: "purchase 1/6/11", 2: "purchase 11/16/21", 62: "purchase 611/616/621", 63: "purchase 621/626/631"},
		"model-bands-custom.json": {
			0: "", 1: "registration", 2: "registration tutorial", 3: "purchase 0.01/1.005/2", 4: "purchase 2/3.5/5",
			8: "purchase 50/75/100", 9: "purchase 100/160/1000", 10: "-",
		},
		"model-bits.json": {
			0: "", 1: "registration", 2: "tutorial", 3: "registration tutorial", 4: "purchase 0.01/12/-",
			5: "registration purchase 0.01/12/-", 7: "registration tutorial purchase 0.01/12/-", 8: "-",
		},
		"model-funnel.json": {
			0: "", 1: "registration", 2: "-", 4: "-", 5: "registration tutorial", 6: "registration tutorial level_up", 7: "-", 10: "subscription", 11: "-",
		},
		"model-counts.json":    {0: "", 1: "ad_watched", 5: "ad_watched", 6: "-"},
		"model-retention.json": {0: "", 1: "retained_day_1", 2: "retained_day_2", 3: "-"},
		"model-fields.json": {
			0: "", 1: "registration", 5: "registration monthly_plan", 24: "purchase 3/4/5",
			31: "registration yearly_plan purchase 3/4/5", 63: "registration yearly_plan purchase 50/80/-",
		},
	} {
		d := expanded(t, examples[file])
		for v, want := range rows {
			got := d.Decode(Value{Fine: &v})
			words := []string{}
			for _, e := range got.Events {
				words = append(words, e.Name)
			}
			if got.Payer {
				words = append(words, amounts(got))
			}
			if got.State != StateDecoded {
				words = []string{"-"}
			}
			require.Equal(t, want, strings.Join(words, " "), "%s value %d", file, v)
		}
	}
	counts := expanded(t, examples["model-counts.json"]).Windows[0].Fine
	require.Equal(t, []int{1, 3, 5, 10}, []int{*counts[1].Events[0].CountMin, *counts[1].Events[0].CountMax, *counts[3].Events[0].CountMin, *counts[3].Events[0].CountMax})
	require.Nil(t, counts[5].Events[0].CountMax)
	funnel := expanded(t, examples["model-funnel.json"])
	require.Equal(t, StateReserved, funnel.Decode(Value{Fine: new(3)}).State)
	back := expanded(t, examples["model-retention.json"])
	require.Equal(t, "retained_day_14", back.Decode(Value{Index: 2, Coarse: "medium"}).Events[0].Name)
	require.Empty(t, back.Decode(Value{Index: 1, Coarse: "low"}).Events)
}

// The three revenue scales, each against a table that was computed apart from this
// code: value, least, midpoint, most.
func TestRevenueScalesToTheCent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, step, top string }{
		"630-by-10":    {"1", "10", "631"},
		"63-by-1":      {"1", "1", "64"},
		"0.63-by-0.01": {"0.01", "0.01", "0.64"},
	} {
		text, err := os.ReadFile("testdata/layout/" + name + ".tsv")
		require.NoError(t, err)
		d := expanded(t, fmt.Sprintf(`{"app_id":1,"currency":"USD","revenue_cap":%s,
			"layout":{"kind":"bands","event":{"name":"purchase"},"from":%s,"step":%s,"count":63}}`, c.top, c.from, c.step))
		require.True(t, d.Validate().OK)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
		require.Len(t, lines, 64)
		require.Len(t, d.Windows[0].Fine, 64)
		step := decimal.RequireFromString(c.step)
		for v, line := range lines {
			got := d.Decode(Value{Fine: &v})
			require.Equal(t, line, fmt.Sprintf("%d\t%s\t%s\t%s", v, got.RevenueMin, got.RevenueEst, got.RevenueMax), name)
			require.Equal(t, v > 0, got.Payer)
			if v == 0 {
				continue
			}
			// v steps of money set value v: v dollars, v cents, v tens of dollars.
			spent := step.Mul(decimal.NewFromInt(int64(v)))
			for _, amount := range []decimal.Decimal{spent, got.RevenueMin, got.RevenueMax.Sub(decimal.New(1, -9))} {
				set, err := d.Encode(0, []Event{{Name: "purchase", Revenue: amount}})
				require.NoError(t, err)
				require.Equal(t, v, *set.Fine, "%s of %s", name, amount)
			}
		}
	}
}

func TestWhoDefinesTheLastBand(t *testing.T) {
	t.Parallel()
	band := func(head, layout string) string {
		d := expanded(t, `{"app_id":1,"currency":"USD"`+head+`,"layout":{"kind":"bands","event":{"name":"p"},`+layout+`}}`)
		rows := d.Windows[0].Fine
		e := rows[len(rows)-1].Events[0]
		top := "open"
		if e.RevenueMax != nil {
			top = e.RevenueMax.String()
		}
		return fmt.Sprintf("%d: %s-%s", len(rows)-1, e.RevenueMin, top)
	}
	for _, c := range []struct{ head, layout, want string }{
		{``, `"from":0,"step":5,"count":2`, "2: 5-open"},
		{`,"revenue_cap":10`, `"from":0,"step":5,"count":2`, "2: 5-10"},
		{`,"revenue_cap":7`, `"from":0,"step":5,"count":2`, "2: 5-10"},
		{`,"revenue_cap":10.01`, `"from":0,"step":5,"count":2`, "2: 5-open"},
		{`,"revenue_cap":10`, `"from":0,"step":5,"count":2,"open":true`, "2: 5-open"},
		{``, `"from":0,"step":5,"count":2,"open":false`, "2: 5-10"},
		{``, `"edges":[1,2,9]`, "3: 9-open"},
		{`,"revenue_cap":9`, `"edges":[1,2,9]`, "2: 2-9"},
		{``, `"edges":[1,2,9],"open":false`, "2: 2-9"},
		{`,"revenue_cap":9`, `"edges":[1]`, "1: 1-open"},
	} {
		require.Equal(t, c.want, band(c.head, c.layout), c.layout)
	}
}

func TestExpandKeepsWhatTheLayoutDoesNotOwn(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"app_id":1,"overlap_bit":0,"layout":{"kind":"counts","first":3,"last":20,"event":{"name":"a"},"thresholds":[1,2,3],
		"coarse":[{"window":2,"counts":[1,5],"event":{"name":"a"}}]},
		"reengagement_windows":[{"index":0,"fine":[{"value":9,"events":[]}]}],
		"windows":[{"index":0,"reserved":[[4,5]],"lock":{"on":"fine","value":6},
		"fine":[{"value":21,"events":[{"name":"c"}]},{"value":9,"events":[{"name":"old"}]},{"value":2,"events":[{"name":"b"}]}],
		"coarse":{"high":{"events":[{"name":"b"}]}}}]}`)
	before, err := d.Canonical()
	require.NoError(t, err)
	full, err := d.Expand()
	require.NoError(t, err)
	after, err := d.Canonical()
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the document itself stays as it is")

	values := []string{}
	for _, r := range full.Windows[0].Fine {
		name := ""
		if len(r.Events) > 0 {
			name = r.Events[0].Name
		}
		values = append(values, fmt.Sprintf("%d%s", r.Value, name))
	}
	// 3, 7, 9 … carry the overlap bit, 4 and 5 are reserved.
	require.Equal(t, []string{"0", "2b", "6a", "8a", "10a", "21c"}, values)
	require.Equal(t, d.Windows[0].Lock, full.Windows[0].Lock)
	require.Equal(t, d.Windows[0].Reserved, full.Windows[0].Reserved)
	require.Equal(t, d.Windows[0].Coarse, full.Windows[0].Coarse)
	require.Equal(t, d.ReengagementWindows, full.ReengagementWindows)
	require.Len(t, full.Windows, 3, "window 1 is added so that window 2 has one before it")
	require.Equal(t, 5, *full.Windows[2].Coarse["high"].Events[0].CountMin)

	again, err := full.Expand()
	require.NoError(t, err)
	require.True(t, full.Equal(again), "expanding twice changes nothing")
	require.True(t, full.Equal(reparsed(t, full)))
}

func TestExpandWithoutALayout(t *testing.T) {
	t.Parallel()
	d := puzzle(t)
	same, err := d.Expand()
	require.NoError(t, err)
	require.True(t, d.Equal(same))
	require.NotSame(t, d, same)
}

func TestExpandLeavesBitsOut(t *testing.T) {
	t.Parallel()
	d := expanded(t, `{"app_id":1,"overlap_bit":1,"layout":{"kind":"bits","events":[{"name":"a"},null,{"name":"b"}]}}`)
	values := []int{}
	for _, r := range d.Windows[0].Fine {
		values = append(values, r.Value)
	}
	require.Equal(t, []int{0, 1, 4, 5}, values)
	require.True(t, d.Validate().OK)
	seven := d.Decode(Value{Fine: new(7)})
	require.Len(t, seven.Events, 2)
	require.True(t, seven.Overlap)
}

func TestBitsThatNoValueHasLeftFree(t *testing.T) {
	t.Parallel()
	_, err := parsed(t, `{"layout":{"kind":"bits","events":[{"name":"a"},{"name":"b"}]},"windows":[{"index":0,"reserved":[[0,0],[3,9]]}]}`).Expand()
	require.ErrorContains(t, err, "value 0, which is reserved")
	d := expanded(t, `{"layout":{"kind":"retention","days":1},"windows":[{"index":0,"reserved":[[0,0]]}]}`)
	require.Len(t, d.Windows[0].Fine, 1, "a reserved 0 gets no row")
}
