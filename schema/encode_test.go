package schema

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

var launch = time.Date(2026, 11, 16, 10, 0, 0, 0, time.UTC)

func at(hours int, name, revenue string) Event {
	return Event{Name: name, Time: launch.Add(time.Duration(hours) * time.Hour), Revenue: decimal.RequireFromString(revenue)}
}

// show prints fine/coarse/lock, "-" for nothing.
func show(e Encoded) string {
	fine, coarse, lock := "-", "-", ""
	if e.Fine != nil {
		fine = fmt.Sprint(*e.Fine)
	}
	if e.Coarse != "" {
		coarse = e.Coarse
	}
	if e.Lock {
		lock = " locked"
	}
	return fine + "/" + coarse + lock
}

func TestEncodePuzzle(t *testing.T) {
	t.Parallel()
	d := puzzle(t)
	for name, c := range map[string]struct {
		window int
		events []Event
		want   string
	}{
		"installed":            {0, nil, "0/low"},
		"registered":           {0, []Event{at(1, "registration", "0")}, "1/low"},
		"tutorial alone":       {0, []Event{at(1, "tutorial", "0")}, "0/low"},
		"tutorial":             {0, []Event{at(1, "registration", "0"), at(2, "tutorial", "0")}, "2/low"},
		"unknown event":        {0, []Event{at(1, "other", "9")}, "0/low"},
		"free purchase":        {0, []Event{at(1, "purchase", "0")}, "0/low"},
		"one cent":             {0, []Event{at(1, "purchase", "0.01")}, "3/medium"},
		"below an edge":        {0, []Event{at(1, "purchase", "1.99")}, "3/medium"},
		"on an edge":           {0, []Event{at(1, "purchase", "2")}, "4/medium"},
		"two that make ten":    {0, []Event{at(1, "purchase", "4.99"), at(2, "purchase", "5.01")}, "8/high"},
		"open band":            {0, []Event{at(1, "purchase", "500")}, "21/high"},
		"above the cap":        {0, []Event{at(1, "purchase", "123456")}, "21/high"},
		"payer and registered": {0, []Event{at(1, "registration", "0"), at(2, "purchase", "3")}, "4/medium"},
		"later window":         {1, []Event{at(60, "purchase", "3")}, "-/medium"},
		"last window":          {2, nil, "-/low"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := d.Encode(c.window, c.events)
			require.NoError(t, err)
			require.Equal(t, c.want, show(e))
		})
	}
}

// The published example: 35 lies in 30-40, so it is 3; 70 is above 60, so it is the
// open band, 7 in the vendor's table.
func TestEncodePublishedRanges(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[{"value":2,"events":[{"name":"p","revenue_min":20,"revenue_max":30}]},
		{"value":3,"events":[{"name":"p","revenue_min":30,"revenue_max":40}]},{"value":7,"events":[{"name":"p","revenue_min":60}]}]}]}`)
	for revenue, want := range map[string]string{"35": "3/-", "30": "3/-", "29.99": "2/-", "40": "3/-", "40.01": "-/-", "70": "7/-", "60": "7/-"} {
		e, err := d.Encode(0, []Event{at(0, "p", revenue)})
		require.NoError(t, err)
		require.Equal(t, want, show(e), revenue)
	}
}

func TestEncodeCounts(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"windows":[{"index":0,"fine":[{"value":5,"events":[{"name":"a","count_min":2,"count_max":4}]},
		{"value":6,"events":[{"name":"a","count_min":4,"count_max":6}]},{"value":1,"events":[{"name":"b","count_min":0},{"name":"a"}]}]}]}`)
	for n, want := range []string{"-/-", "1/-", "5/-", "5/-", "6/-", "6/-", "6/-", "6/-"} { // 7 is above all bands: what was set stays
		var events []Event
		for range n {
			events = append(events, at(1, "a", "0"))
		}
		e, err := d.Encode(0, events)
		require.NoError(t, err)
		require.Equal(t, want, show(e), "%d", n)
	}
}

func TestEncodeNeverFalls(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[{"value":9,"events":[{"name":"p","revenue_min":1,"revenue_max":5}]},
		{"value":3,"events":[{"name":"p","revenue_min":5}]}]}]}`)
	e, err := d.Encode(0, []Event{at(1, "p", "2"), at(2, "p", "20")})
	require.NoError(t, err)
	require.Equal(t, "9/-", show(e))
}

func TestEncodeSkipsReservedAndOverlap(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"overlap_bit":5,"windows":[{"index":0,"reserved":[[10,12]],
		"fine":[{"value":1,"events":[{"name":"a"}]},{"value":11,"events":[{"name":"a"}]},{"value":33,"events":[{"name":"a"}]}]}]}`)
	e, err := d.Encode(0, []Event{at(1, "a", "0")})
	require.NoError(t, err)
	require.Equal(t, "1/-", show(e))
}

func TestEncodeLocks(t *testing.T) {
	t.Parallel()
	doc := func(index int, lock string) *Document {
		w0 := `{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"a"}]},{"value":2,"events":[{"name":"b"}]},{"value":3,"events":[{"name":"c"}]}],
			"coarse":{"low":{},"medium":{"events":[{"name":"b"}]},"high":{"events":[{"name":"c"}]}}`
		w1 := `{"index":1,"coarse":{"low":{},"high":{"events":[{"name":"c"}]}}`
		if index == 0 {
			w0 += `,"lock":` + lock
		} else {
			w1 += `,"lock":` + lock
		}
		return parsed(t, `{"windows":[`+w0+`},`+w1+`}]}`)
	}
	a, b, c := at(1, "a", "0"), at(2, "b", "0"), at(30, "c", "0")
	first := at(0, FirstLaunch, "0")
	for name, x := range map[string]struct {
		window int
		lock   string
		events []Event
		want   string
	}{
		"time, in time":             {0, `{"on":"time","value":24}`, []Event{first, a, b}, "2/medium"},
		"time, too late":            {0, `{"on":"time","value":24}`, []Event{first, a, c}, "1/low locked"},
		"time, by the first event":  {0, `{"on":"time","value":28}`, []Event{b, c}, "2/medium locked"},
		"time, just before":         {0, `{"on":"time","value":31}`, []Event{first, c}, "3/high"},
		"time, on the hour":         {0, `{"on":"time","value":30}`, []Event{first, c}, "0/low locked"},
		"time, order of the input":  {0, `{"on":"time","value":24}`, []Event{c, a, first}, "1/low locked"},
		"event":                     {0, `{"on":"event","value":"b"}`, []Event{a, b, c}, "2/medium locked"},
		"event, not yet":            {0, `{"on":"event","value":"b"}`, []Event{a, c}, "3/high"},
		"fine":                      {0, `{"on":"fine","value":1}`, []Event{a, b, c}, "1/low locked"},
		"fine, jumped over":         {0, `{"on":"fine","value":1}`, []Event{b, c}, "2/medium locked"},
		"fine, at once":             {0, `{"on":"fine","value":0}`, []Event{b}, "0/low locked"},
		"coarse":                    {0, `{"on":"coarse","value":"medium"}`, []Event{a, b, c}, "2/medium locked"},
		"window 1, by first launch": {1, `{"on":"time","value":24}`, []Event{first, at(73, "c", "0")}, "-/low locked"},
		"window 1, in time":         {1, `{"on":"time","value":24}`, []Event{first, at(71, "c", "0")}, "-/high"},
		"window 1, event before it": {1, `{"on":"time","value":24}`, []Event{first, at(47, "c", "0")}, "-/low"},
		"window 1, event after it":  {1, `{"on":"coarse","value":"high"}`, []Event{first, at(168, "c", "0")}, "-/low"},
		"window 1, coarse":          {1, `{"on":"coarse","value":"high"}`, []Event{at(60, "c", "0")}, "-/high locked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := doc(x.window, x.lock).Encode(x.window, x.events)
			require.NoError(t, err)
			require.Equal(t, x.want, show(e))
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"windows":[{"index":0,"fine":[{"value":1}],"lock":{"on":"time","value":24}}]}`)
	for window, events := range map[int][]Event{-1: nil, 1: nil, 3: nil} {
		_, err := d.Encode(window, events)
		require.ErrorContains(t, err, "window")
	}
	_, err := d.Encode(0, []Event{{Name: "a"}})
	require.ErrorContains(t, err, "events[0].time")
	_, err = d.Encode(0, []Event{at(0, "a", "0"), at(0, "", "0")})
	require.ErrorContains(t, err, "events[1].name")
}

func TestEncodeLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	in := []Event{at(5, "purchase", "1"), at(1, FirstLaunch, "0")}
	_, err := puzzle(t).Encode(0, in)
	require.NoError(t, err)
	require.Equal(t, "purchase", in[0].Name)
}
