package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const diffOld = `{"app_id":1,"currency":"USD","revenue_cap":100,"windows":[
	{"index":0,"fine":[{"value":12,"events":[{"name":"registered"}]},{"value":13,"events":[]},{"value":14,"events":[{"name":"buy","revenue_max":"4.50"}]}],
	 "coarse":{"low":{"events":[]}}},
	{"index":1,"coarse":{"high":{"events":[{"name":"buy","revenue_min":10}],"revenue_est":44}},"lock":{"on":"coarse","value":"high"}}],
	"layout":{"kind":"bands","step":10}}`

func TestDiffInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"a value": {`{"value":12,"events":[{"name":"registered"}]}`,
			`{"value":12,"events":[{"name":"purchase","count_min":3,"revenue_min":3,"revenue_max":"10"}]}`,
			`changed /windows/0/fine/0 Value 12 now means purchase 3 or more times, worth $3 to $10 (was: registered)`},
		"a new value": {`{"value":13,"events":[]}`, `{"value":13,"events":[]},{"value":1,"events":[{"name":"a"},{"name":"b","count_min":2,"count_max":5}]}`,
			`added /windows/0/fine/2 Value 1 now means a and b 2 to 5 times (was not mapped)`},
		"a lost value": {`{"value":13,"events":[]},`, ``,
			`removed /windows/0/fine/1 Value 13 means nothing any more (was: installed, nothing else)`},
		"an open band": {`"revenue_max":"4.50"`, `"revenue_min":"4.5"`,
			`changed /windows/0/fine/2 Value 14 now means buy worth $4.50 or more (was: buy worth up to $4.50)`},
		"an estimate": {`"revenue_max":"4.50"`, `"revenue_est":"4.5"`,
			`changed /windows/0/fine/2 Value 14 now means buy estimated at $4.50 (was: buy worth up to $4.50)`},
		"a partner's name": {`{"name":"registered"}`, `{"name":"registered","partner_name":"Reg"}`,
			`changed /windows/0/fine/0 Value 12 now means registered (for networks: Reg) (was: registered)`},
		"a level": {`44`, `45`,
			`changed /windows/1/coarse/high Window 1: coarse high now means buy worth $10 or more, estimated at $45 (was: buy worth $10 or more, estimated at $44)`},
		"a lock": {`"lock":{"on":"coarse","value":"high"}`, `"lock":{"on":"time","value":24}`,
			`changed /windows/1/lock Window 1: now locks 24 hours after it opens (was: at coarse high)`},
		"no lock": {`,"lock":{"on":"coarse","value":"high"}`, ``,
			`removed /windows/1/lock Window 1: now locks not at all (was: at coarse high)`},
		"a gap": {`"coarse":{"low":{"events":[]}}`, `"coarse":{"low":{"events":[]}},"reserved":[[38,40],[36,37],[50,50]]`,
			`added /windows/0/reserved Window 0: the values kept free are now 36 to 40, 50 (were: none)`},
		"the currency": {`"USD"`, `"EUR"`, `changed /currency Amounts are now in EUR (were: USD); no amount is converted by this`},
		"the cap":      {`"revenue_cap":100,`, ``, `removed /revenue_cap One install now counts for at most any amount (was: $100)`},
		"the mean":     {`"app_id"`, `"open_band_mean":"9.5","app_id"`, `added /open_band_mean A band without a maximum is now estimated at $9.50 (was: its minimum)`},
		"the overlap":  {`"app_id"`, `"overlap_bit":0,"app_id"`, `added /overlap_bit Installs that the deterministic side counts too are now marked by bit 0 (was: no bit)`},
		"the source":   {`"app_id"`, `"revenue_source":"ads","app_id"`, `added /revenue_source Revenue now comes from advertising (was: not said)`},
		"the app":      {`"app_id":1`, `"app_id":2`, `changed /app_id The app is now 2 (was: 1)`},
		"the name":     {`"app_id"`, `"name":"n","app_id"`, `added /name The name is now n (was: none)`},
		"the layout": {`"kind":"bands"`, `"kind":"bits"`,
			`changed /layout The model that the table is written with is now bits (was: bands); only changed values decode otherwise`},
		"its settings": {`"step":10`, `"step":1`,
			`changed /layout The settings of the model changed (bands, as before: bands); only changed values decode otherwise`},
		"a re-engagement": {`"app_id"`, `"reengagement_windows":[{"index":0,"fine":[{"value":3,"events":[{"name":"back"}]}]}],"app_id"`,
			"added /reengagement_windows/0 Re-engagement window 0 is new\n" +
				"added /reengagement_windows/0/fine/0 Re-engagement value 3 now means back (was not mapped)"},
		"a lost window": {`,
	{"index":1,"coarse":{"high":{"events":[{"name":"buy","revenue_min":10}],"revenue_est":44}},"lock":{"on":"coarse","value":"high"}}`, ``,
			"removed /windows/1 Window 1 is gone: its values mean nothing any more\n" +
				"removed /windows/1/lock Window 1: now locks not at all (was: at coarse high)\n" +
				"removed /windows/1/coarse/high Window 1: coarse high means nothing any more (was: buy worth $10 or more, estimated at $44)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, diffOld, c.old)
			d := Diff(parsed(t, diffOld), parsed(t, strings.Replace(diffOld, c.old, c.new, 1)))
			var lines []string
			for _, change := range d.Changes {
				lines = append(lines, fmt.Sprintf("%s %s %s", change.Kind, change.Pointer, change.Words))
			}
			require.Equal(t, c.want, strings.Join(lines, "\n"))
			require.Len(t, d.Words(), len(d.Changes))
		})
	}
}

func TestDiffAsData(t *testing.T) {
	t.Parallel()
	d := Diff(parsed(t, diffOld), parsed(t, strings.Replace(diffOld, `"revenue_cap":100`, `"revenue_cap":"100.50"`, 1)))
	b, err := json.Marshal(d)
	require.NoError(t, err)
	require.JSONEq(t, `{"changes":[{"kind":"changed","pointer":"/revenue_cap","old":"100","new":"100.5",
		"words":"One install now counts for at most $100.50 (was: $100)"}]}`, string(b))
	same, err := json.Marshal(Diff(parsed(t, diffOld), parsed(t, diffOld)))
	require.NoError(t, err)
	require.Equal(t, `{"changes":[]}`, string(same))
}

func TestDiffIgnoresHowItIsWritten(t *testing.T) {
	t.Parallel()
	a := parsed(t, `{"currency":"USD","windows":[{"index":0,"reserved":[[1,2],[3,4]],"fine":[{"value":9,"events":[{"name":"a"},{"name":"b","revenue_max":"3.00"}]},{"value":8,"events":[]}]}]}`)
	b := parsed(t, `{"windows":[{"index":0,"coarse":{},"reserved":[[1,4]],"fine":[{"events":[],"value":8},{"value":9,"events":[{"name":"b","count_min":1,"revenue_min":0,"revenue_max":3},{"name":"a"}]}]}],"currency":"USD"}`)
	require.True(t, a.Equal(b))
	require.Empty(t, Diff(a, b).Changes)
}

// lookUp follows a JSON pointer through decoded JSON.
func lookUp(v any, pointer string) bool {
	for _, part := range strings.Split(pointer, "/")[1:] {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[part]
			if !ok {
				return false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return false
			}
			v = x[i]
		default:
			return false
		}
	}
	return true
}

func TestDiffIsEmptyIfAndOnlyIfEqual(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	tops := []string{``, `"app_id":7,`, `"revenue_cap":"3.0",`, `"revenue_cap":3,"overlap_bit":1,`, `"layout":{"kind":"x"},`, `"name":"n","open_band_mean":2,`}
	text := func() string {
		s := randomDocument(r)
		if r.IntN(2) == 0 && !strings.Contains(s, `"fine":[]`) { // the same value twice: a draft may hold that
			s = strings.Replace(s, `"fine":[`, `"fine":[{"value":1,"events":[]},{"value":1,"events":[{"name":"a"}]},`, 1)
		}
		s = "{" + tops[r.IntN(len(tops))] + s[1:]
		if r.IntN(3) == 0 {
			s = strings.Replace(s, `"windows":[`, `"windows":[{"index":1,"coarse":{"odd/name":{"events":[]}}},`, 1)
		}
		return s
	}
	equal := 0
	for range 150 {
		texts := [2]string{text(), ""}
		texts[1] = texts[0]
		switch r.IntN(4) {
		case 0:
		case 1:
			texts[1] = strings.Replace(texts[0], `"a"`, `"b"`, 1)
		case 2:
			texts[1] = strings.ReplaceAll(texts[0], `.5`, `.50`)
		default:
			texts[1] = text()
		}
		a, err := Parse([]byte(texts[0]))
		require.NoError(t, err)
		b, err := Parse([]byte(texts[1]))
		require.NoError(t, err)
		d := Diff(a, b)
		require.Equal(t, a.Equal(b), d.Empty(), "%s\n%s\n%v", texts[0], texts[1], d.Words())
		require.Equal(t, d, Diff(a, b), "the order is stable")
		require.Len(t, Diff(b, a).Changes, len(d.Changes))
		if d.Empty() {
			equal++
		}
		var trees [2]any
		require.NoError(t, json.Unmarshal([]byte(texts[0]), &trees[0]))
		require.NoError(t, json.Unmarshal([]byte(texts[1]), &trees[1]))
		for _, c := range d.Changes {
			tree := trees[1]
			if c.Kind == ChangeRemoved {
				tree = trees[0]
			}
			require.NotEmpty(t, c.Words)
			require.Equal(t, c.Kind == ChangeAdded, c.Old == nil)
			require.Equal(t, c.Kind == ChangeRemoved, c.New == nil)
			if !strings.Contains(c.Pointer, "~") {
				require.True(t, lookUp(tree, c.Pointer), "%s %s", c.Kind, c.Pointer)
			}
		}
	}
	require.Greater(t, equal, 20)
}

func TestDiffOfTheSample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../fixtures/schemas/puzzle-revenue.json")
	require.NoError(t, err)
	require.Empty(t, Diff(puzzle(t), puzzle(t)).Changes)
	other := parsed(t, strings.Replace(string(text), `"revenue_min": "400", "revenue_max": "500"`, `"revenue_min": "400", "revenue_max": "450"`, 1))
	require.Equal(t, []string{"Value 20 now means purchase worth $400 to $450 (was: purchase worth $400 to $500)"},
		Diff(puzzle(t), other).Words())
}

func TestAgree(t *testing.T) {
	t.Parallel()
	a := parsed(t, diffOld)
	with := func(old, new string) *Document {
		require.Contains(t, diffOld, old)
		return parsed(t, strings.Replace(diffOld, old, new, 1))
	}
	fine := func(v int) Value { return Value{Fine: &v, Digits: 4} }
	high := Value{Index: 1, Coarse: "high"}
	for _, c := range []struct {
		name string
		b    *Document
		v    Value
		want bool
	}{
		{"the same", a, fine(14), true},
		{"null", with(`"USD"`, `"EUR"`), Value{}, true},
		{"another row changed", with(`{"name":"registered"}`, `{"name":"x"}`), fine(14), true},
		{"its event changed", with(`{"name":"registered"}`, `{"name":"x"}`), fine(12), false},
		{"its count changed", with(`{"name":"registered"}`, `{"name":"registered","count_min":2}`), fine(12), false},
		{"its band changed", with(`"4.50"`, `"4.51"`), fine(14), false},
		{"its estimate changed", with(`44`, `45`), high, false},
		{"the cap cuts it", with(`"revenue_cap":100`, `"revenue_cap":3`), fine(14), false},
		{"the cap does not reach it", with(`"revenue_cap":100`, `"revenue_cap":50`), fine(14), true},
		{"its currency changed", with(`"USD"`, `"EUR"`), fine(14), false},
		{"no amount in it", with(`"USD"`, `"EUR"`), fine(12), true},
		{"the cap opens it", with(`"revenue_cap":100,`, ``), high, false},
		{"mapped in one only", with(`{"value":13,"events":[]},`, ``), fine(13), false},
		{"mapped in none", with(`"app_id":1`, `"app_id":2`), fine(40), true},
		{"reserved in one only", with(`"index":0,`, `"index":0,"reserved":[[40,41]],`), fine(40), false},
		{"marked in one only", with(`"app_id":1`, `"overlap_bit":0,"app_id":1`), fine(13), false},
	} {
		require.Equal(t, c.want, Agree(a, c.b, c.v), c.name)
		require.Equal(t, c.want, Agree(c.b, a, c.v), c.name)
	}
}
