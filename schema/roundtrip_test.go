package schema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// What "decode(encode(x)) contains x" means here. Let x be what an install did in a
// window before the lock fired. Then
//
//   - of every document that Validate accepts: each decoded event happened in x at
//     least count_min times and for at least revenue_min, and at some moment of x
//     all decoded conditions held together, maxima included (a phone keeps its
//     highest value, so x may have left a band that nothing continues);
//   - of a document whose bands touch and end open or at the cap, with higher bands
//     on higher values: the revenue of x, up to the cap, lies within the decoded
//     minimum and maximum, and x paid if and only if the value says so.

// randomDocument writes rows with random conditions; it may be turned down.
func randomDocument(r *rand.Rand) string {
	names := []string{"a", "b", "p"}
	event := func() string {
		s := `{"name":"` + names[r.IntN(len(names))] + `"`
		if r.IntN(3) == 0 {
			least := r.IntN(4)
			s += fmt.Sprintf(`,"count_min":%d`, least)
			if r.IntN(2) == 0 {
				s += fmt.Sprintf(`,"count_max":%d`, least+r.IntN(4))
			}
		}
		if r.IntN(2) == 0 {
			least := r.IntN(20)
			s += fmt.Sprintf(`,"revenue_min":%d.5`, least)
			if r.IntN(2) == 0 {
				s += fmt.Sprintf(`,"revenue_max":%d.5`, least+r.IntN(8))
			}
		}
		return s + "}"
	}
	events := func() string {
		var es []string
		for range r.IntN(3) {
			es = append(es, event())
		}
		return "[" + strings.Join(es, ",") + "]"
	}
	var rows, levels []string
	for _, v := range r.Perm(64)[:1+r.IntN(6)] {
		if v < 40 || v > 50 {
			rows = append(rows, fmt.Sprintf(`{"value":%d,"events":%s}`, v, events()))
		}
	}
	for _, l := range []string{"low", "medium", "high"} {
		if r.IntN(3) > 0 {
			levels = append(levels, fmt.Sprintf(`%q:{"events":%s}`, l, events()))
		}
	}
	lock := []string{"", `,"lock":{"on":"event","value":"b"}`, `,"lock":{"on":"time","value":20}`,
		`,"lock":{"on":"coarse","value":"high"}`}[r.IntN(4)]
	return fmt.Sprintf(`{"currency":"USD","windows":[{"index":0,"reserved":[[40,50]],"fine":[%s],"coarse":{%s}%s}]}`,
		strings.Join(rows, ","), strings.Join(levels, ","), lock)
}

func randomEvents(r *rand.Rand) []Event {
	events := []Event{at(0, FirstLaunch, "0")}
	hour := 0
	for range r.IntN(10) {
		hour += r.IntN(5)
		events = append(events, Event{
			Name: []string{"a", "b", "p", "x"}[r.IntN(4)], Time: at(hour, "", "0").Time,
			Revenue: decimal.New(r.Int64N(1200), -2),
		})
	}
	return events
}

// vouched reports whether all conditions hold, with maxima that may be included.
func vouched(events []DecodedEvent, x map[string]total, alsoMaxima bool) bool {
	for _, e := range events {
		t := x[e.Name]
		b, ok := e.revenueBand()
		switch {
		case t.count < e.leastCount(),
			ok && t.revenue.LessThan(b.min),
			alsoMaxima && e.CountMax != nil && t.count > *e.CountMax,
			alsoMaxima && ok && b.max != nil && t.revenue.GreaterThan(*b.max):
			return false
		}
	}
	return true
}

func TestDecodeOfEncodeIsTrue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	checked := 0
	for checked < 300 {
		text := randomDocument(r)
		d, err := Parse([]byte(text))
		require.NoError(t, err)
		if !d.Validate().OK {
			continue
		}
		events := randomEvents(r)
		full, err := d.Encode(0, events)
		require.NoError(t, err)
		values := []Value{}
		if full.Fine != nil {
			require.False(t, d.Windows[0].isReserved(*full.Fine))
			values = append(values, Value{Fine: full.Fine})
		}
		if full.Coarse != "" {
			values = append(values, Value{Coarse: full.Coarse})
		}
		for _, v := range values {
			got := d.Decode(v)
			require.Equal(t, StateDecoded, got.State)
			x, held := map[string]total{}, vouched(got.Events, nil, true)
			for i, e := range events {
				before, err := d.Encode(0, events[:i])
				require.NoError(t, err)
				if before.Lock {
					break
				}
				s := x[e.Name]
				x[e.Name] = total{s.count + 1, s.revenue.Add(e.Revenue)}
				held = held || vouched(got.Events, x, true)
			}
			require.True(t, held, "%s\n%+v\n%s", text, events, show(full))
			require.True(t, vouched(got.Events, x, false), "%s\n%+v\n%s", text, events, show(full))
			checked++
		}
	}
}

// bandsDocument writes touching bands from the first cent on, open or up to the cap.
func bandsDocument(r *rand.Rand) *Document {
	var rows []string
	value, low := r.IntN(3), "0.01"
	rows = append(rows, fmt.Sprintf(`{"value":%d,"events":[]}`, value))
	value += 1 + r.IntN(2)
	rows = append(rows, fmt.Sprintf(`{"value":%d,"events":[{"name":"a"}]}`, value))
	edge, n := 0, 2+r.IntN(8)
	tail := ""
	for i := range n {
		value += 1 + r.IntN(4)
		if value >= 30 && value <= 33 {
			value = 34 // the reserved gap
		}
		edge += 1 + r.IntN(6)
		band := fmt.Sprintf(`,"revenue_min":%s,"revenue_max":%d`, low, edge)
		if i == n-1 && r.IntN(2) == 0 {
			band = `,"revenue_min":` + low
		} else if i == n-1 {
			tail = fmt.Sprintf(`,"revenue_cap":%d`, edge)
		}
		rows = append(rows, fmt.Sprintf(`{"value":%d,"events":[{"name":"p"%s}]}`, value, band))
		low = fmt.Sprint(edge)
	}
	d, err := Parse([]byte(fmt.Sprintf(`{"currency":"USD","open_band_mean":99%s,"windows":[{"index":0,"reserved":[[30,33]],"fine":[%s]}]}`,
		tail, strings.Join(rows, ","))))
	if err != nil {
		panic(err)
	}
	return d
}

func TestDecodeOfEncodeBoundsRevenue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		d := bandsDocument(r)
		require.True(t, d.Validate().OK)
		events := randomEvents(r)
		e, err := d.Encode(0, events)
		require.NoError(t, err)
		got := d.Decode(Value{Fine: e.Fine})
		require.Equal(t, StateDecoded, got.State)
		spent := decimal.Zero
		for _, e := range events {
			if e.Name == "p" {
				spent = spent.Add(e.Revenue)
			}
		}
		require.Equal(t, spent.IsPositive(), got.Payer)
		if d.RevenueCap != nil {
			spent = decimal.Min(spent, *d.RevenueCap)
		}
		require.False(t, spent.LessThan(got.RevenueMin), "%s %s", spent, amounts(got))
		require.True(t, got.RevenueMax == nil || !spent.GreaterThan(*got.RevenueMax), "%s %s", spent, amounts(got))
	}
}
