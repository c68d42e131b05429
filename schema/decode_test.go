package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func ptr[T any](v T) *T { return &v }

// amounts prints min/est/max, "-" for an open maximum.
func amounts(d Decoded) string {
	high := "-"
	if d.RevenueMax != nil {
		high = d.RevenueMax.String()
	}
	return d.RevenueMin.String() + "/" + d.RevenueEst.String() + "/" + high
}

func TestUndecoded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    Value
		want State
	}{
		{Value{}, StateNull},
		{Value{Digits: 2}, StateNull},
		{Value{Digits: 3}, StateUnset},
		{Value{Digits: 4}, StateUnset},
		{Value{Index: 1, Digits: 4}, StateNull}, // the later windows may be withheld at any tier
		{Value{Index: 2, Digits: 3}, StateNull},
		{Value{Fine: ptr(0)}, StateUnmapped}, // 0 is a value
		{Value{Coarse: "low", Digits: 2}, StateUnmapped},
	} {
		require.Equal(t, c.want, Undecoded(c.v), "%+v", c.v)
	}
}

// The published example of a mapping: value 12 is a purchase, 3 to 10 times and for
// 3 to 10, and a registration.
func TestDecodePublishedExample(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[{"value":12,"events":[
		{"name":"Purchase","count_min":3,"count_max":10,"revenue_min":3.0,"revenue_max":10.0},{"name":"Registration"}]}]}]}`)
	got := d.Decode(Value{Fine: ptr(12), Digits: 4})
	require.Equal(t, StateDecoded, got.State)
	require.Len(t, got.Events, 2)
	require.Equal(t, "Purchase", got.Events[0].Name)
	require.Equal(t, 3, *got.Events[0].CountMin)
	require.Nil(t, got.Events[1].CountMin, "as the document has it")
	require.Equal(t, "3/6.5/10", amounts(got))
	require.True(t, got.Payer)
	require.Equal(t, StateUnmapped, d.Decode(Value{Fine: ptr(13)}).State)
	require.Equal(t, StateNull, d.Decode(Value{Digits: 2}).State)
	require.Empty(t, d.Decode(Value{Digits: 2}).Events)
}

func TestDecodeRevenue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events, more, want string
		payer, clamped     bool
	}{
		"none":                    {``, ``, "0/0/0", false, false},
		"event without revenue":   {`{"name":"a"}`, ``, "0/0/0", false, false},
		"closed":                  {`{"name":"a","revenue_min":0.01,"revenue_max":0.02}`, ``, "0.01/0.015/0.02", true, false},
		"no minimum":              {`{"name":"a","revenue_max":5}`, ``, "0/2.5/5", true, false},
		"zero":                    {`{"name":"a","revenue_min":0,"revenue_max":0}`, ``, "0/0/0", false, false},
		"explicit estimate":       {`{"name":"a","revenue_min":1,"revenue_max":3,"revenue_est":"1.1"}`, ``, "1/1.1/3", true, false},
		"explicit zero":           {`{"name":"a","revenue_min":0,"revenue_est":0}`, `"open_band_mean":9`, "0/0/-", false, false},
		"only an estimate":        {`{"name":"a","revenue_est":"4.99"}`, ``, "0/4.99/-", true, false},
		"open":                    {`{"name":"a","revenue_min":60}`, ``, "60/60/-", true, false},
		"open with mean":          {`{"name":"a","revenue_min":60}`, `"open_band_mean":90`, "60/90/-", true, false},
		"open with cap":           {`{"name":"a","revenue_min":60}`, `"open_band_mean":90,"revenue_cap":80`, "60/80/80", true, true},
		"open, mean below cap":    {`{"name":"a","revenue_min":60}`, `"open_band_mean":70,"revenue_cap":80`, "60/70/80", true, true},
		"sum of events":           {`{"name":"a","revenue_min":1,"revenue_max":2},{"name":"b","revenue_min":"0.1","revenue_max":"0.2"}`, ``, "1.1/1.65/2.2", true, false},
		"sum with one open":       {`{"name":"a","revenue_min":1,"revenue_max":2},{"name":"b","revenue_min":5}`, ``, "6/6.5/-", true, false},
		"sum above the cap":       {`{"name":"a","revenue_min":4,"revenue_max":8},{"name":"b","revenue_min":4,"revenue_max":8}`, `"revenue_cap":10`, "8/10/10", true, true},
		"everything above":        {`{"name":"a","revenue_min":4,"revenue_max":8}`, `"revenue_cap":3`, "3/3/3", true, true},
		"just the cap":            {`{"name":"a","revenue_min":4,"revenue_max":8}`, `"revenue_cap":8`, "4/6/8", true, false},
		"sums stay exact":         {`{"name":"a","revenue_min":0.1},{"name":"b","revenue_min":0.2}`, ``, "0.3/0.3/-", true, false},
		"counts do not multiply":  {`{"name":"a","count_min":3,"count_max":9,"revenue_min":3,"revenue_max":5}`, ``, "3/4/5", true, false},
		"sub-cent midpoint":       {`{"name":"a","revenue_min":0.000000002,"revenue_max":0.01}`, ``, "0.000000002/0.005000001/0.01", true, false},
		"large amounts are exact": {`{"name":"a","revenue_min":999999999999.01,"revenue_max":999999999999.03}`, ``, "999999999999.01/999999999999.02/999999999999.03", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := c.more
			if more != "" {
				more = "," + more
			}
			d := parsed(t, `{"windows":[{"index":0,"fine":[{"value":7,"events":[`+c.events+`]}]}]`+more+`}`)
			got := d.Decode(Value{Fine: ptr(7)})
			require.Equal(t, c.want, amounts(got))
			require.Equal(t, c.payer, got.Payer)
			require.Equal(t, c.clamped, got.Clamped)
		})
	}
}

func TestDecodeCoarse(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","open_band_mean":900,"windows":[{"index":0,"fine":[{"value":1,"events":[]}],"coarse":{
		"low":{"events":[]},"medium":{"events":[{"name":"p","revenue_min":1,"revenue_max":9}]},
		"high":{"events":[{"name":"p","revenue_min":9}],"revenue_est":"38.5"}}},
		{"index":1,"coarse":{"high":{"events":[{"name":"s"}]}}}]}`)
	low := d.Decode(Value{Coarse: "low"})
	require.Equal(t, StateDecoded, low.State)
	require.False(t, low.EstimateMissing)
	require.Equal(t, "0/0/0", amounts(low))

	medium := d.Decode(Value{Coarse: "medium"})
	require.True(t, medium.EstimateMissing, "the mix of fine values decides, not the midpoint")
	require.Equal(t, "1/1/9", amounts(medium))

	high := d.Decode(Value{Coarse: "high"})
	require.False(t, high.EstimateMissing)
	require.Equal(t, "9/38.5/-", amounts(high))
	require.True(t, high.Payer)

	require.Equal(t, StateDecoded, d.Decode(Value{Index: 1, Coarse: "high"}).State)
	require.Equal(t, StateUnmapped, d.Decode(Value{Index: 1, Coarse: "low"}).State)
	require.Equal(t, StateUnmapped, d.Decode(Value{Index: 2, Coarse: "low"}).State)
	require.Equal(t, StateUnmapped, d.Decode(Value{Index: 1, Fine: ptr(1)}).State, "fine values are of window 0")
	require.Equal(t, StateUnmapped, d.Decode(Value{Coarse: "hi"}).State)
}

func TestDecodeReservedAndOverlap(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"overlap_bit":5,"windows":[{"index":0,"reserved":[[20,30]],
		"fine":[{"value":0},{"value":3,"events":[{"name":"a"}]},{"value":4},{"value":36,"events":[{"name":"own"}]}]}]}`)
	for _, c := range []struct {
		value   int
		state   State
		event   string
		overlap bool
	}{
		{3, StateDecoded, "a", false},
		{35, StateDecoded, "a", true}, // 3 with the bit
		{36, StateDecoded, "own", true},
		{32, StateDecoded, "", true},
		{20, StateReserved, "", false},
		{30, StateReserved, "", false},
		{52, StateReserved, "", true}, // 20 with the bit
		{19, StateUnmapped, "", false},
		{37, StateUnmapped, "", true},
		{64, StateUnmapped, "", false},
		{-1, StateUnmapped, "", false},
	} {
		got := d.Decode(Value{Fine: &c.value})
		require.Equal(t, c.state, got.State, "%d", c.value)
		require.Equal(t, c.overlap, got.Overlap, "%d", c.value)
		if c.event != "" {
			require.Equal(t, c.event, got.Events[0].Name)
		}
	}
}

func TestDecodeReengagement(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"a"}]}]}],
		"reengagement_windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"b"}]}]}]}`)
	require.Equal(t, "a", d.Decode(Value{Fine: ptr(1)}).Events[0].Name)
	require.Equal(t, "b", d.Decode(Value{Fine: ptr(1), Reengagement: true}).Events[0].Name)
	d.ReengagementWindows = nil
	require.Equal(t, "a", d.Decode(Value{Fine: ptr(1), Reengagement: true}).Events[0].Name)
}

func TestOpenRevenue(t *testing.T) {
	t.Parallel()
	open := `{"name":"p","revenue_min":1}`
	for text, want := range map[string][2]bool{ // open, measured
		`{"windows":[{"index":0,"fine":[{"value":1,"events":[` + open + `]}]}]}`:                                   {true, true},
		`{"windows":[{"index":2,"coarse":{"low":{"events":[` + open + `]}}}]}`:                                     {true, true},
		`{"windows":[],"reengagement_windows":[{"index":0,"fine":[{"value":1,"events":[` + open + `]}]}]}`:         {true, true},
		`{"revenue_cap":9,"windows":[{"index":0,"fine":[{"value":1,"events":[` + open + `]}]}]}`:                   {false, true},
		`{"windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"p","revenue_min":1,"revenue_max":2}]}]}]}`:   {false, true},
		`{"windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"p","count_min":1}]}],"coarse":{"low":{}}}]}`: {false, false},
	} {
		require.Equal(t, want[0], parsed(t, text).OpenRevenue(), text)
		require.Equal(t, want[1], parsed(t, text).MeasuresRevenue(), text)
	}
}

func TestDecodePuzzle(t *testing.T) {
	t.Parallel()
	d := puzzle(t)
	require.Empty(t, d.Validate().Errors)
	require.False(t, d.OpenRevenue(), "the cap bounds it")
	for v, want := range []string{
		"0/0/0", "0/0/0", "0/0/0", "0.01/1.005/2", "2/3/4", "4/5/6", "6/7/8", "8/9/10", "10/12.5/15", "15/17.5/20", "20/22.5/25",
		"25/27.5/30", "30/35/40", "40/45/50", "50/62.5/75", "75/87.5/100", "100/125/150", "150/175/200", "200/250/300",
		"300/350/400", "400/450/500", "500/700/1000",
	} {
		got := d.Decode(Value{Fine: &v, Digits: 4})
		require.Equal(t, StateDecoded, got.State, "%d", v)
		require.Equal(t, want, amounts(got), "%d", v)
		require.Equal(t, v >= 3, got.Payer, "%d", v)
	}
	require.Equal(t, StateUnmapped, d.Decode(Value{Fine: ptr(22)}).State)
	for index := range 3 {
		for _, level := range levels {
			got := d.Decode(Value{Index: index, Coarse: level})
			require.Equal(t, StateDecoded, got.State)
			require.Equal(t, level != "low", got.Payer)
			require.False(t, got.EstimateMissing)
		}
	}
}

// The three scales of the field, 64 rows each: every edge and midpoint to the cent.
func TestDecodeScalesAreExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ step, at63 string }{
		{"10", "630/635/640"}, {"1", "63/63.5/64"}, {"0.01", "0.63/0.635/0.64"},
	} {
		step, err := ParseMoney(c.step)
		require.NoError(t, err)
		d := &Document{Windows: []Window{{Index: 0}}}
		low := step.Sub(step)
		for v := range 64 {
			high := low.Add(step)
			d.Windows[0].Fine = append(d.Windows[0].Fine, Row{v, []MappedEvent{{Name: "p", RevenueMin: ptr(low), RevenueMax: &high}}})
			low = high
		}
		d = reparsed(t, d)
		require.Equal(t, c.at63, amounts(d.Decode(Value{Fine: ptr(63)})))
		require.Equal(t, "0", d.Decode(Value{Fine: ptr(0)}).RevenueMin.String())
	}
}
