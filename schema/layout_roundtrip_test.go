package schema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// For every model: a phone sets the value that the model means for what happened
// (reckoned here from the model, not from its table), and that value decodes to
// things that did happen. Before a lock, below the cap, outside reserved gaps.

// wanted says for what an install did which step of a model it reached (0: none), or
// for positional models the value itself.
type wanted func(x map[string]total) int

// randomEdges are rising amounts in cents.
func randomEdges(r *rand.Rand, n int) []decimal.Decimal {
	edge := int64(1 + r.IntN(300))
	var out []decimal.Decimal
	for range n {
		out = append(out, decimal.New(edge, -2))
		edge += int64(1 + r.IntN(400))
	}
	return out
}

func edgeList(edges []decimal.Decimal) string {
	var s []string
	for _, e := range edges {
		s = append(s, e.String())
	}
	return "[" + strings.Join(s, ",") + "]"
}

// reached counts the edges that an amount reached.
func reached(edges []decimal.Decimal, spent decimal.Decimal) int {
	n := 0
	for _, e := range edges {
		if !spent.LessThan(e) {
			n++
		}
	}
	return n
}

func randomBands(r *rand.Rand) (string, wanted) {
	if r.IntN(2) == 0 {
		edges := randomEdges(r, 1+r.IntN(9))
		return `"event":{"name":"p"},"edges":` + edgeList(edges), func(x map[string]total) int { return reached(edges, x["p"].revenue) }
	}
	from, step, n := decimal.New(r.Int64N(500), -2), decimal.New(1+r.Int64N(900), -2), 1+r.IntN(9)
	return fmt.Sprintf(`"event":{"name":"p"},"from":%s,"step":%s,"count":%d`, from, step, n), func(x map[string]total) int {
		if x["p"].count == 0 || x["p"].revenue.LessThan(from) {
			return 0
		}
		return min(n, 1+int(x["p"].revenue.Sub(from).Div(step).IntPart()))
	}
}

// randomConditions are one of a, b, p, x each, with a least count or revenue.
func randomConditions(r *rand.Rand) (texts []string, met []func(map[string]total) bool) {
	for _, i := range r.Perm(4)[:1+r.IntN(4)] {
		name := []string{"a", "b", "p", "x"}[i]
		count, least := 1+r.IntN(2), decimal.New(r.Int64N(900), -2)
		text := fmt.Sprintf(`{"name":%q,"count_min":%d`, name, count)
		if r.IntN(2) == 0 {
			text += `,"revenue_min":` + least.String()
		} else {
			least = decimal.Zero
		}
		texts = append(texts, text)
		met = append(met, func(x map[string]total) bool { return x[name].count >= count && !x[name].revenue.LessThan(least) })
	}
	return texts, met
}

func randomFunnel(r *rand.Rand) (string, wanted) {
	texts, met := randomConditions(r)
	implies := make([]bool, len(met))
	for i := range texts {
		implies[i] = r.IntN(2) == 0
		texts[i] += fmt.Sprintf(`,"implies_lower":%t}`, implies[i])
	}
	return `"steps":[` + strings.Join(texts, ",") + `]`, func(x map[string]total) int {
		highest, all := 0, true
		for i := range met {
			all = all && met[i](x)
			if met[i](x) && (all || !implies[i]) {
				highest = i + 1
			}
		}
		return highest
	}
}

func randomCounts(r *rand.Rand) (string, wanted) {
	edges, text, n := []int{}, []string{}, 0
	for range 1 + r.IntN(4) {
		n += 1 + r.IntN(3)
		edges, text = append(edges, n), append(text, fmt.Sprint(n))
	}
	return `"event":{"name":"a"},"thresholds":[` + strings.Join(text, ",") + `]`, func(x map[string]total) int {
		highest := 0
		for i, n := range edges {
			if x["a"].count >= n {
				highest = i + 1
			}
		}
		return highest
	}
}

func randomRetention(r *rand.Rand) (string, wanted) {
	days := 1 + r.IntN(2)
	return fmt.Sprintf(`"days":%d`, days), func(x map[string]total) int {
		for d := days; d > 0; d-- {
			if x[fmt.Sprintf("retained_day_%d", d)].count > 0 {
				return d
			}
		}
		return 0
	}
}

func flagBits(met []func(map[string]total) bool, x map[string]total) (v int) {
	for i := range met {
		if met[i](x) {
			v |= 1 << i
		}
	}
	return v
}

func randomBits(r *rand.Rand) (string, wanted) {
	texts, met := randomConditions(r)
	return `"events":[` + strings.Join(texts, "},") + `}]`, func(x map[string]total) int { return flagBits(met, x) }
}

func randomFields(r *rand.Rand) (string, wanted) {
	texts, met := randomConditions(r)
	cut := r.IntN(len(texts) + 1) // flags before, enum after
	fields := []string{`{"bits":[0,1],"bands":{"event":{"name":"pay"},"edges":[1,5,12]}}`}
	at := 2
	flag, flagAt := met[:cut], at
	if cut > 0 {
		fields = append(fields, fmt.Sprintf(`{"bits":[%d,%d],"flags":[%s}]}`, at, at+cut-1, strings.Join(texts[:cut], "},")))
		at += cut
	}
	enum, enumAt := met[cut:], at
	if bits := width(len(enum) + 1); len(enum) > 0 {
		if at+bits > fineBits {
			return randomFields(r)
		}
		fields = append(fields, fmt.Sprintf(`{"bits":[%d,%d],"enum":[%s}]}`, at, at+bits-1, strings.Join(texts[cut:], "},")))
	}
	return `"fields":[` + strings.Join(fields, ",") + `]`, func(x map[string]total) int {
		last := 0
		for i := range enum {
			if enum[i](x) {
				last = i + 1
			}
		}
		edges := []decimal.Decimal{decimal.NewFromInt(1), decimal.NewFromInt(5), decimal.NewFromInt(12)}
		return reached(edges, x["pay"].revenue) | flagBits(flag, x)<<flagAt | last<<enumAt
	}
}

func TestModelsRoundTrip(t *testing.T) {
	t.Parallel()
	for kind, random := range map[string]func(*rand.Rand) (string, wanted){
		LayoutBands: randomBands, LayoutBits: randomBits, LayoutFunnel: randomFunnel,
		LayoutCounts: randomCounts, LayoutRetention: randomRetention, LayoutFields: randomFields,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(5, uint64(len(kind))))
			values := map[int]bool{}
			for round := range 60 {
				members, want := random(r)
				overlap, reserved, first := r.IntN(6), 1+r.IntN(9), 1+r.IntN(3)
				head := ""
				switch kind {
				case LayoutBits, LayoutFields:
					head = `"windows":[]`
				default:
					head = fmt.Sprintf(`"overlap_bit":%d,"windows":[{"index":0,"reserved":[[%d,%d]]}]`, overlap, reserved, reserved+2)
					members += fmt.Sprintf(`,"first":%d`, first)
				}
				text := fmt.Sprintf(`{"app_id":1,"currency":"USD","open_band_mean":99,%s,"layout":{"kind":%q,%s}}`, head, kind, members)
				d := expanded(t, text)
				if round < 10 { // slow, and expanding has tried the table already
					require.True(t, d.Validate().OK, text)
				}
				rows := d.Windows[0].Fine

				x := map[string]total{}
				var events []Event
				for i := range r.IntN(9) {
					e := at(i, []string{"a", "b", "p", "x", "pay", "retained_day_1", "retained_day_2"}[r.IntN(7)], "0")
					e.Revenue = decimal.New(r.Int64N(700), -2)
					events = append(events, e)
					x[e.Name] = total{x[e.Name].count + 1, x[e.Name].revenue.Add(e.Revenue)}
				}
				set, err := d.Encode(0, events)
				require.NoError(t, err)
				value := want(x)
				if head != `"windows":[]` {
					value = rows[value].Value // the step's place among the values that were dealt
				}
				require.Equal(t, value, *set.Fine, "%s\n%v", text, x)
				values[value] = true
				got := d.Decode(Value{Fine: set.Fine})
				require.Equal(t, StateDecoded, got.State)
				require.True(t, vouched(got.Events, x, true), "%s\n%v", text, x)
			}
			require.Greater(t, len(values), 2, "the events reach different values")
		})
	}
}

// The example of the specification: events A and C of a bitmask are bits 0 and 2.
func TestBitmaskOfAAndC(t *testing.T) {
	t.Parallel()
	d := expanded(t, `{"layout":{"kind":"bits","events":[{"name":"A"},{"name":"B"},{"name":"C"}]}}`)
	set, err := d.Encode(0, []Event{{Name: "C"}, {Name: "A"}})
	require.NoError(t, err)
	require.Equal(t, 1<<0|1<<2, *set.Fine)
}
