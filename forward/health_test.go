package forward

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFiguresByHand: 200 conversions, 190 delivered, 4 refused, 3 expired, 3 waiting; 250
// attempts, 60 of them retries.
func TestFiguresByHand(t *testing.T) {
	t.Parallel()
	tally := Tally{Eligible: 200, Delivered: 190, Refused: 4, Expired: 3}
	tally.Responses.Observe(time.Second, 100)
	tally.Responses.Observe(3*time.Second, 90)
	var tried Attempted
	tried.Add(Tries{Class: ClassOK, Status: 200, Attempts: 190, Retries: 10})
	tried.Add(Tries{Class: ClassRetry, Status: 500, Attempts: 30, Retries: 25})
	tried.Add(Tries{Class: ClassRetry, Attempts: 30, Retries: 25})
	f := NewFigures(tally, tried)
	require.InDelta(t, .95, *f.DeliveryRate, 1e-12)
	require.InDelta(t, .035, *f.DropRate, 1e-12)
	require.EqualValues(t, 3, f.Waiting)
	require.InDelta(t, .24, *f.RetryRate, 1e-12)
	require.Equal(t, map[Class]int64{ClassOK: 190, ClassRetry: 60}, f.ByClass)
	require.Equal(t, map[int]int64{200: 190, 500: 30, 0: 30}, f.ByStatus)
	require.EqualValues(t, (100*1000+90*3000)/190, f.Response.Mean)
	require.InEpsilon(t, 1000, f.Response.P50, 1./32)
	require.InEpsilon(t, 3000, f.Response.P95, 1./32)

	none := NewFigures(Tally{}, Attempted{})
	require.Nil(t, none.DeliveryRate, "a rate of nothing is none")
	require.Nil(t, none.DropRate)
	require.Nil(t, none.RetryRate)
	require.Nil(t, none.Response)
	require.NotNil(t, none.ByClass, "an empty object, not null")

	d := NewDeduplicated(90, 10)
	require.EqualValues(t, 100, d.Received)
	require.InDelta(t, .1, *d.Share, 1e-12)
	require.Nil(t, NewDeduplicated(0, 0).Share)
	require.InDelta(t, .02, *NewDiscrepancy(time.Time{}, 100, 98).Share, 1e-12)
	require.InDelta(t, -.5, *NewDiscrepancy(time.Time{}, 2, 3).Share, 1e-12)
	require.Nil(t, NewDiscrepancy(time.Time{}, 0, 3).Share)
}

func TestUntold(t *testing.T) {
	t.Parallel()
	base := Destination{NetworkID: "n", Scope: ScopeAttributed, Kinds: []string{KindInstall, KindEvent}}
	require.Empty(t, base.Untold())
	for want, change := range map[string]func(*Destination){
		"what an agency hears of is decided by each conversion":  func(d *Destination) { d.Scope = ScopeNetworkAgency },
		"without a network it hears of people who allow it only": func(d *Destination) { d.NetworkID = "" },
		"it has a filter":                    func(d *Destination) { d.Filter = &Filter{Where: "true"} },
		"it has rules by consent":            func(d *Destination) { d.Consent = &Consent{} },
		"it has an event window":             func(d *Destination) { d.EventWindow = time.Hour },
		"of kind modeled nothing is counted": func(d *Destination) { d.Kinds = []string{KindModeled} },
	} {
		d := base
		change(&d)
		require.Equal(t, want, d.Untold())
	}
}

// TestResponsesAreNear: percentiles of random times against those of the sorted list.
func TestResponsesAreNear(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var r Responses
		var all []int64
		for range 1 + random.IntN(300) {
			v := random.Int64N(1 << (1 + random.IntN(40)))
			all = append(all, v)
			r.Observe(time.Duration(v)*time.Millisecond, 1)
		}
		slices.Sort(all)
		for _, p := range []float64{.01, .5, .95, 1} {
			rank := max(1, int((p*float64(len(all)))+.9999999))
			want := all[min(rank, len(all))-1]
			got := r.Percentile(p).Milliseconds()
			require.InDelta(t, want, got, float64(want)/32+1, "round %d, p %v", round, p)
		}
		var sum int64
		for _, v := range all {
			sum += v
		}
		require.Equal(t, sum/int64(len(all)), r.Mean().Milliseconds())
		again, err := ParseResponses(r.String(), r.Sum)
		require.NoError(t, err)
		require.Equal(t, r, again)
		var twice Responses
		twice.Merge(r)
		twice.Merge(again)
		require.Equal(t, 2*r.N, twice.N)
		require.Equal(t, r.Percentile(.5), twice.Percentile(.5))
	}
	for _, bad := range []string{"x", "1", "1:x", "-1:2", "1:-2", "99999:1", "1:2,"} {
		_, err := ParseResponses(bad, 0)
		require.ErrorIs(t, err, errResponses, bad)
	}
	for ms := int64(1); ms < 1<<40; ms = ms*9/8 + 1 {
		require.LessOrEqual(t, bin(ms-1), bin(ms), "bins are in order")
		require.InEpsilon(t, ms, middle(bin(ms)), 1./32)
	}
	require.Zero(t, Responses{}.Percentile(.5))
	require.Zero(t, Responses{}.Mean())
}

func TestSeries(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	hours := []Hour{
		{At: day.Add(time.Hour), Tally: Tally{Eligible: 1}},
		{At: day.Add(23 * time.Hour), Tally: Tally{Eligible: 2}},
		{At: day.Add(25 * time.Hour), Tally: Tally{Eligible: 4}, Tried: Attempted{Attempts: 3}},
	}
	var eligible []int64
	for _, p := range Series(hours, day, day.Add(72*time.Hour), 24*time.Hour) {
		eligible = append(eligible, p.Eligible)
	}
	require.Equal(t, []int64{3, 4, 0}, eligible)
	require.Len(t, Series(hours, day, day.Add(26*time.Hour), time.Hour), 26)
}

// installsOf are n installs of one kind: their conversions, and the bucket of the answers.
type installsOf struct {
	n, delivered, dropped, waiting int64
	bucket                         int
}

func weekOf(parts ...installsOf) (w Week) {
	for _, p := range parts {
		for range p.n {
			in := InstallWeek{Conversions: p.delivered + p.dropped + p.waiting, Delivered: p.delivered, Dropped: p.dropped, Within: make([]int64, len(ResponseEdges))}
			in.Within[p.bucket] = p.delivered
			w.Add(in)
		}
	}
	return w
}

func TestWeekIsPublishedByTheRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts []installsOf
		want  string // delivery, drop, p50, p95
	}{
		"nothing":                         {nil, "- - - -"},
		"k-1 installs":                    {[]installsOf{{n: 19, delivered: 5}}, "- - - -"},
		"k installs, all delivered":       {[]installsOf{{n: 20, delivered: 1}}, "100 0 below 1 minute below 1 minute"},
		"many conversions of few":         {[]installsOf{{n: 3, delivered: 100}}, "- - - -"},
		"one is dropped":                  {[]installsOf{{n: 30, delivered: 1}, {n: 1, dropped: 1}}, "- - below 1 minute below 1 minute"},
		"four are dropped":                {[]installsOf{{n: 30, delivered: 1}, {n: 4, dropped: 1}}, "- - below 1 minute below 1 minute"},
		"five are dropped":                {[]installsOf{{n: 30, delivered: 1}, {n: 5, dropped: 1}}, "85 15 below 1 minute below 1 minute"},
		"five conversions of one dropped": {[]installsOf{{n: 30, delivered: 1}, {n: 1, dropped: 5}}, "- - below 1 minute below 1 minute"},
		"five dropped, one waits":         {[]installsOf{{n: 30, delivered: 1}, {n: 5, dropped: 1}, {n: 1, waiting: 1}}, "- - below 1 minute below 1 minute"},
		"all but one dropped":             {[]installsOf{{n: 30, dropped: 1}, {n: 1, delivered: 1}}, "- - - -"},
		"none delivered":                  {[]installsOf{{n: 30, dropped: 1}}, "0 100 - -"},
		"one late":                        {[]installsOf{{n: 99, delivered: 1}, {n: 1, delivered: 1, bucket: 3}}, "100 0 - -"},
		"a late tail of six":              {[]installsOf{{n: 94, delivered: 1}, {n: 6, delivered: 1, bucket: 3}}, "100 0 below 1 minute 1 to 24 hours"},
	} {
		seen := weekOf(c.parts...).Publish(20, 5)
		cell := func(v *int64) string {
			if v == nil {
				return "-"
			}
			return fmt.Sprint(*v)
		}
		name2 := func(v *string) string {
			if v == nil {
				return "-"
			}
			return *v
		}
		require.Equal(t, c.want, fmt.Sprint(cell(seen.DeliveryRate), " ", cell(seen.DropRate), " ", name2(seen.P50), " ", name2(seen.P95)), name)
	}
}

// TestWeekTellsOfNoFew: whoever knows how many installs and conversions there were, one
// each, and reads the shares, finds no part that 1 to b-1 installs are alone in.
func TestWeekTellsOfNoFew(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	published := 0
	for range 20_000 {
		const k, b = 10, 3
		d, x, w := random.Int64N(40), random.Int64N(8), random.Int64N(8)
		bucket := random.IntN(len(ResponseEdges))
		late := random.Int64N(8)
		week := weekOf(installsOf{n: d, delivered: 1}, installsOf{n: x, dropped: 1}, installsOf{n: w, waiting: 1}, installsOf{n: late, delivered: 1, bucket: bucket})
		seen, n := week.Publish(k, b), d+x+w+late
		if n < k {
			require.Equal(t, WeekSeen{}, seen)
			continue
		}
		if seen.DeliveryRate != nil {
			published++
			for _, alone := range []int64{d + late, x, w, x + w, n - x, n - w} {
				require.True(t, alone == 0 || alone >= b, "%d of %d", alone, n)
			}
			require.Zero(t, *seen.DeliveryRate%5)
		}
		if seen.P95 != nil && bucket > 0 && *seen.P95 == ResponseEdges[bucket].Name {
			require.GreaterOrEqual(t, late, int64(b))
		}
	}
	require.Greater(t, published, 2000)
}
