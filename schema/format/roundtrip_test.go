package format_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

// holds says what a format can hold; a document within it comes back the same.
type holds struct {
	currency, partner, counts, zeroCounts, max, open, several bool
	coarse, emptyLevel, overlap                               bool
	windows                                                   int // that it knows
	emptyWindows                                              bool
	locks                                                     []string // %s is an event
}

var capable = map[string]holds{
	"adjust-v3": {currency: true, counts: true, zeroCounts: true, max: true, open: true, several: true, windows: 1},
	"adjust-v4": {counts: true, zeroCounts: true, max: true, open: true, several: true, coarse: true, emptyLevel: true, windows: 3, emptyWindows: true},
	"airbridge": {partner: true, counts: true, zeroCounts: true, max: true, open: true, several: true, coarse: true, emptyLevel: true, overlap: true, windows: 3, emptyWindows: true},
	"branch":    {max: true, coarse: true, emptyLevel: true, windows: 3, emptyWindows: true, locks: []string{`{"on":"event","value":"%s"}`}},
	"csv":       {currency: true, counts: true, zeroCounts: true, max: true, open: true, several: true, coarse: true, emptyLevel: true, windows: 3},
	"google-ads": {currency: true, counts: true, max: true, open: true, several: true, coarse: true, emptyLevel: true, windows: 3, emptyWindows: true,
		locks: []string{`{"on":"event","value":"%s"}`, `{"on":"coarse","value":"high"}`}},
	"meta": {currency: true, open: true, coarse: true, windows: 3, emptyWindows: true,
		locks: []string{`{"on":"event","value":"%s"}`, `{"on":"time","value":20}`}},
}

var names = []string{"a", "=b", "-c, \"d\"", "é'", "'+"}

// within writes a random document that the format holds. Amounts only where the
// format has a currency: without one, a band says nothing.
func within(r *rand.Rand, h holds) string {
	amount := 0
	event := func(name string) string {
		s := fmt.Sprintf(`{"name":%q`, name)
		if h.partner && r.IntN(2) == 0 {
			s += `,"partner_name":"P"`
		}
		if h.counts && r.IntN(2) == 0 {
			least := r.IntN(4)
			if !h.zeroCounts {
				least++
			}
			s += fmt.Sprintf(`,"count_min":%d`, least)
			if r.IntN(2) == 0 {
				s += fmt.Sprintf(`,"count_max":%d`, least+r.IntN(4))
			}
		}
		if h.currency && r.IntN(2) == 0 {
			amount += 1 + r.IntN(3) // rising with the value: bands that meet
			s += fmt.Sprintf(`,"revenue_min":"%d.07"`, amount)
			if h.max && (!h.open || r.IntN(2) == 0) {
				s += fmt.Sprintf(`,"revenue_max":"%d.1"`, amount+r.IntN(9))
			}
		}
		return s + "}"
	}
	events := func(least int) string {
		n := least + r.IntN(2)
		if h.several {
			n = least + r.IntN(3)
		}
		var es []string
		for _, i := range r.Perm(len(names))[:n] {
			es = append(es, event(names[i]))
		}
		return "[" + strings.Join(es, ",") + "]"
	}
	var windows []string
	for index := range 1 + r.IntN(h.windows) {
		var parts []string
		if index == 0 {
			parts = append(parts, `"fine":[`+strings.Join(fineRows(r, h, events), ",")+"]")
		}
		least := 1
		if h.emptyLevel {
			least = 0
		}
		var levels []string
		for _, l := range []string{"low", "medium", "high"} {
			if h.coarse && (index > 0 && !h.emptyWindows || r.IntN(2) == 0) {
				levels = append(levels, fmt.Sprintf("%q:{\"events\":%s}", l, events(least)))
			}
		}
		parts = append(parts, `"coarse":{`+strings.Join(levels, ",")+"}")
		if len(h.locks) > 0 && r.IntN(2) == 0 && strings.Contains(strings.Join(parts, ""), `"a"`) {
			parts = append(parts, `"lock":`+strings.ReplaceAll(h.locks[r.IntN(len(h.locks))], "%s", "a"))
		}
		windows = append(windows, fmt.Sprintf(`{"index":%d,%s}`, index, strings.Join(parts, ",")))
	}
	head := `"app_id":7`
	if h.currency && amount > 0 {
		head += `,"currency":"USD"`
	}
	if h.overlap && r.IntN(2) == 0 {
		head += `,"overlap_bit":5`
	}
	return fmt.Sprintf(`{%s,"windows":[%s]}`, head, strings.Join(windows, ","))
}

func fineRows(r *rand.Rand, h holds, events func(int) string) []string {
	values := r.Perm(32)[:1+r.IntN(6)]
	slices.Sort(values)
	rows := make([]string, 0, len(values))
	for i, v := range values {
		if i == 0 && h.several {
			rows = append(rows, fmt.Sprintf(`{"value":%d,"events":[]}`, v))
			continue
		}
		rows = append(rows, fmt.Sprintf(`{"value":%d,"events":%s}`, v, events(0)))
	}
	return rows
}

func TestRoundTripWithoutLoss(t *testing.T) {
	t.Parallel()
	for i, name := range format.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(i), 1))
			clean := 0
			for range 80 {
				d := parsed(t, within(r, capable[name]))
				if name == "adjust-v4" || name == "airbridge" || name == "branch" {
					require.Empty(t, d.Currency)
				}
				if name == "meta" && d.Currency == "" {
					continue // Meta has no configuration without a currency
				}
				body, lost, err := format.Export(name, d, format.About{})
				require.NoError(t, err)
				back, _, err := format.Import(name, body, 0)
				require.NoError(t, err)
				if name != "google-ads" && name != "adjust-v3" && name != "branch" {
					back.AppID = 7 // the others do not name the app
				}
				if name == "meta" && !d.Equal(back) {
					// A maximum that higher rules imply is right, though it was not there.
					for _, l := range lost {
						require.Contains(t, l.Pointer, "revenue_max")
					}
					continue
				}
				canon, err := d.Canonical()
				require.NoError(t, err)
				require.Empty(t, lost, "%s\n%s", canon, body)
				require.True(t, d.Equal(back), "%s\n%s", canon, body)
				clean++
			}
			require.Greater(t, clean, 20)
		})
	}
}

// anything writes a random document, valid or not.
func anything(r *rand.Rand) string {
	maybe := func(s string) string {
		if r.IntN(3) > 0 {
			return ""
		}
		return s
	}
	event := func() string {
		return fmt.Sprintf(`{"name":%q`, append(names, "MOBILE_APP_INSTALL", "")[r.IntN(len(names)+2)]) +
			maybe(`,"partner_name":"P"`) + maybe(fmt.Sprintf(`,"count_min":%d`, r.IntN(3))) + maybe(fmt.Sprintf(`,"count_max":%d`, r.IntN(4))) +
			maybe(fmt.Sprintf(`,"revenue_min":"%d.5"`, r.IntN(5))) + maybe(fmt.Sprintf(`,"revenue_max":"%d"`, r.IntN(9))) +
			maybe(`,"revenue_est":"3"`) + "}"
	}
	events := func() string {
		var es []string
		for range r.IntN(4) {
			es = append(es, event())
		}
		return "[" + strings.Join(es, ",") + "]"
	}
	window := func(index int) string {
		var rows, levels []string
		for range r.IntN(6) {
			rows = append(rows, fmt.Sprintf(`{"value":%d,"events":%s}`, r.IntN(70)-2, events()))
		}
		for _, l := range []string{"low", "medium", "high", "huge"} {
			if r.IntN(2) == 0 {
				levels = append(levels, fmt.Sprintf(`%q:{"events":%s%s}`, l, events(), maybe(`,"revenue_est":"2"`)))
			}
		}
		lock := []string{
			`{"on":"event","value":"a"}`, `{"on":"event","value":""}`, `{"on":"time","value":-3}`, `{"on":"time","value":20}`,
			`{"on":"coarse","value":"medium"}`, `{"on":"coarse","value":"huge"}`, `{"on":"fine","value":3}`, `{"on":"fine","value":99}`,
		}[r.IntN(8)]
		return fmt.Sprintf(`{"index":%d,"fine":[%s],"coarse":{%s}%s%s}`, index, strings.Join(rows, ","), strings.Join(levels, ","),
			maybe(`,"lock":`+lock), maybe(`,"reserved":[[40,50]]`))
	}
	var windows []string
	for range r.IntN(4) {
		windows = append(windows, window(r.IntN(5)-1))
	}
	return fmt.Sprintf(`{"windows":[%s]%s%s%s%s%s%s}`, strings.Join(windows, ","), maybe(`,"app_id":7`), maybe(`,"name":"n"`),
		maybe(`,"currency":"USD"`), maybe(`,"overlap_bit":`+fmt.Sprint(r.IntN(8)-1)), maybe(`,"revenue_cap":"6"`),
		maybe(`,"reengagement_windows":[{"index":0}]`))
}

// What an export loses is named: without a loss the document comes back equal, and
// a value that decodes to something else than before lies under the pointer of one.
func TestNothingIsLostSilently(t *testing.T) {
	t.Parallel()
	for i, name := range format.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(i), 2))
			for range 80 {
				d := parsed(t, anything(r))
				body, lost, err := format.Export(name, d, format.About{})
				require.NoError(t, err)
				back, _, err := format.Import(name, body, d.AppID)
				require.NoError(t, err, "%s", body)
				if len(lost) == 0 {
					require.True(t, d.Equal(back))
				}
				checkDecodes(t, d, back, lost)
				// Once through the format, the document is one that it holds.
				again, _, err := format.Export(name, back, format.About{})
				require.NoError(t, err)
				twice, _, err := format.Import(name, again, d.AppID)
				require.NoError(t, err)
				require.True(t, back.Equal(twice), "%s\n%s", body, again)
			}
		})
	}
}

// checkDecodes compares rows by what they decode to: an oracle that knows nothing
// of the comparison in the package. What stands twice has no one meaning.
func checkDecodes(t *testing.T, d, back *schema.Document, lost []format.Loss) {
	t.Helper()
	canon, err := d.Canonical() // the defaults written out, as they come back
	require.NoError(t, err)
	plain := parsed(t, string(canon))
	windows, rows := map[int]int{}, map[[2]int]int{}
	for _, w := range d.Windows {
		windows[w.Index]++
		for _, row := range w.Fine {
			rows[[2]int{w.Index, row.Value}]++
		}
	}
	for i, w := range d.Windows {
		if windows[w.Index] > 1 || w.Index < 0 || w.Index > 2 {
			continue
		}
		at := fmt.Sprintf("/windows/%d", i)
		for j, row := range w.Fine {
			if w.Index == 0 && rows[[2]int{0, row.Value}] == 1 && row.Value >= 0 && row.Value < 64 {
				v := schema.Value{Fine: &row.Value}
				same(t, plain.Decode(v), back.Decode(v), lost, at, fmt.Sprintf("%s/fine/%d", at, j))
			}
		}
		for l := range w.Coarse {
			if l != "huge" {
				v := schema.Value{Index: w.Index, Coarse: l}
				same(t, plain.Decode(v), back.Decode(v), lost, at, at+"/coarse/"+l)
			}
		}
	}
}

func same(t *testing.T, was, is schema.Decoded, lost []format.Loss, window, at string) {
	t.Helper()
	if was.State == is.State && slices.Equal(limits(was.Events), limits(is.Events)) {
		return
	}
	named := slices.ContainsFunc(lost, func(l format.Loss) bool {
		return l.Pointer == window || l.Pointer == window+"/reserved" || l.Pointer == at || strings.HasPrefix(l.Pointer, at+"/") ||
			l.Pointer == "/overlap_bit"
	})
	require.True(t, named, "%s: %+v became %+v; lost: %v", at, was, is, lost)
}

// limits prints what events are asked for, without their names: a name is reported
// once for all its rows.
func limits(events []schema.DecodedEvent) []string {
	out := make([]string, 0, len(events))
	for _, e := range events {
		e.Name, e.PartnerName = "", ""
		b, err := json.Marshal(e)
		if err != nil {
			panic(err) // numbers are always written
		}
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}
