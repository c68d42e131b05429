package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

var sentNames = []Name{{"install", "install"}, {"purchase", "Purchase"}, {"cart", "AddToCart"}, {"level", "Level_10"}}

// TestOneCauseIsFoundAlone: in a world where the books differ for one reason, every
// line's difference is that cause, to the last count and cent.
func TestOneCauseIsFoundAlone(t *testing.T) {
	t.Parallel()
	la, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	const n = 3
	for name, test := range map[string]struct {
		cause  Cause
		clerk  clerk
		zone   string // that is said with the upload
		happen func(w *world)
		hint   string // in Says
	}{
		"nothing": {cause: causes, clerk: clerk{zone: time.UTC}, happen: func(*world) {}},
		"refused": {cause: NotTaken, clerk: clerk{zone: time.UTC}, happen: func(w *world) {
			for range 30 {
				c := w.someone(n)
				c.Fate, c.Why, c.DeliveredAt = FateRefused, "expired", time.Time{}
				c.Unsure = w.rng.IntN(2) == 0
				w.happens(c, "r")
			}
		}},
		"window": {cause: Window, clerk: clerk{zone: time.UTC}, happen: func(w *world) {
			for range 30 {
				c := w.someone(n)
				c.Fate, c.Why, c.DeliveredAt = FateOutside, "event_window", time.Time{}
				w.happens(c, "o")
			}
		}},
		"their window is longer": {cause: Window, clerk: clerk{zone: time.UTC}, happen: func(w *world) {
			for i := range 30 {
				at := monday.Add(time.Duration(i) * time.Hour)
				w.happens(Counted{Event: "install", At: at, Fate: FateClaimable}, "")
				day := at.Format(time.DateOnly)
				w.others[day] = append(w.others[day], Row{Event: "install", Count: 1})
			}
		}},
		"unmapped: ours": {cause: Unmapped, clerk: clerk{zone: time.UTC}, happen: func(w *world) {
			for range 30 {
				c := w.someone(n)
				c.Event, c.Fate, c.Why, c.DeliveredAt = "open", FateUnsent, "event_map", time.Time{}
				w.happens(c, "u")
			}
		}},
		"unmapped: theirs": {cause: Unmapped, clerk: clerk{zone: time.UTC}, happen: func(w *world) {
			for i := range n {
				w.others[monday.AddDate(0, 0, i).Format(time.DateOnly)] = []Row{{Event: "Tutorial done", Count: 17}}
			}
		}},
		"unmapped: another spelling": {cause: Unmapped, clerk: clerk{zone: time.UTC, rename: map[string]string{"AddToCart": "add_to_cart_", "Purchase": "Purchases"}}, happen: func(*world) {}},
		"unmapped: revenue is not sent": {cause: Unmapped, clerk: clerk{zone: time.UTC}, happen: func(w *world) {
			for range 30 {
				c := w.someone(n)
				c.Event, c.Revenue, c.Untold = "Purchase", decimal.New(999, -2), true
				w.happens(c, "u")
			}
		}},
		"time zone, said":     {cause: TimeZone, clerk: clerk{zone: la}, zone: "America/Los_Angeles", happen: func(*world) {}},
		"time zone, found":    {cause: TimeZone, clerk: clerk{zone: la}, happen: func(*world) {}, hint: "would fit UTC-8 best"},
		"time zone, far east": {cause: TimeZone, clerk: clerk{zone: time.FixedZone("", 5*3600+1800)}, happen: func(*world) {}, hint: "would fit UTC+5:30 best"},
		"late, counted on arrival": {cause: Late, clerk: clerk{zone: time.UTC, arrival: true}, happen: func(w *world) {
			for range 40 {
				c := w.someone(n)
				c.DeliveredAt = c.At.Add(30 * time.Hour)
				w.happens(c, "l")
			}
		}, hint: "on which it hears"},
		"late, lost": {cause: Late, clerk: clerk{zone: time.UTC, forgetful: true}, happen: func(w *world) {
			for range 40 {
				c := w.someone(n)
				c.DeliveredAt = c.At.Add(30 * time.Hour)
				w.happens(c, "l")
			}
		}},
		"duplicate: told again": {cause: Duplicate, clerk: clerk{zone: time.UTC, repeats: true}, happen: func(w *world) {
			for range 40 {
				c := w.someone(n)
				c.Copies = 1 + w.rng.IntN(3)
				w.happens(c, "d")
			}
		}},
		"duplicate: taken for one": {cause: Duplicate, clerk: clerk{zone: time.UTC, twins: true}, happen: func(w *world) {
			for i := range 40 {
				c := w.someone(n)
				w.happens(c, fmt.Sprintf("t%d", i))
				c.Twin = true
				w.happens(c, fmt.Sprintf("t%d", i))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(6) {
				w := newWorld(seed)
				test.clerk.campaigns = seed%2 == 0 && len(w.others) == 0
				w.quiet(n)
				test.happen(w)
				reports := w.reports(test.clerk, n)
				for day, u := range reports {
					u.TimeZone = test.zone
					reports[day] = u
				}
				r, err := Compare("net", w.days(sentNames, reports, n))
				require.NoError(t, err)
				conserved(t, r.Lines)
				differs := int64(0)
				for _, l := range r.Lines {
					require.Zero(t, l.Counts.Unexplained, "seed %d: %+v %v", seed, l, r.Says)
					for _, c := range Causes() {
						if c != test.cause {
							require.Zero(t, l.Counts.Causes[c], "seed %d: %s: %+v", seed, c, l)
							if l.Revenue != nil {
								require.True(t, l.Revenue.Causes[c].IsZero(), "seed %d: %s: %+v", seed, c, l)
							}
						}
					}
					differs += max(l.Counts.Difference, -l.Counts.Difference)
					if l.Revenue != nil {
						require.True(t, l.Revenue.Unexplained.IsZero(), "%+v", l)
						differs += int64(l.Revenue.Difference.Abs().IntPart())
					}
				}
				require.Equal(t, test.cause != causes, differs > 0, "the world shows what it is to show")
				if test.hint != "" {
					require.Contains(t, fmt.Sprint(r.Says), test.hint)
				}
			}
		})
	}
}

// TestDifferencesAddUp: whatever happened and whatever the network says, causes and
// remainder are the difference; grouping loses nothing; and the causes that depend on
// the network never explain more than there was to explain.
func TestDifferencesAddUp(t *testing.T) {
	t.Parallel()
	const n = 3
	for seed := range uint64(60) {
		w := newWorld(seed)
		for i := range 300 {
			c := w.someone(n)
			c.Fate = Fate(w.rng.IntN(5))
			c.Unsure, c.Twin, c.Untold, c.Old = w.rng.IntN(3) == 0, w.rng.IntN(9) == 0, w.rng.IntN(9) == 0, w.rng.IntN(20) == 0
			if c.Fate == FateUnsent {
				c.Event = []string{"open", "close", "Purchas"}[w.rng.IntN(3)]
			}
			if w.rng.IntN(2) == 0 { // money comes back, and anything may cost something
				c.Revenue = decimal.New(w.rng.Int64N(4_000)-2_000, -2)
			}
			if c.Fate == FateDelivered {
				c.DeliveredAt = c.At.Add(time.Duration(w.rng.IntN(60*3600)) * time.Second)
				c.Copies = max(0, w.rng.IntN(6)-3)
			} else {
				c.DeliveredAt = time.Time{}
			}
			w.happens(c, fmt.Sprint("i", i/3))
		}
		for i := range n {
			day := monday.AddDate(0, 0, i).Format(time.DateOnly)
			for range w.rng.IntN(5) {
				money := decimal.New(w.rng.Int64N(50_000)-5_000, -2)
				w.others[day] = append(w.others[day], Row{
					[]string{"Purchases", "purchase", "install", "Unheard of", "open"}[w.rng.IntN(5)], campaigns[w.rng.IntN(3)], w.rng.Int64N(40), &money,
				})
			}
		}
		k := clerk{
			zone: plausible()[w.rng.IntN(20)], arrival: w.rng.IntN(2) == 0, forgetful: w.rng.IntN(3) == 0, repeats: w.rng.IntN(2) == 0,
			twins: w.rng.IntN(2) == 0, campaigns: w.rng.IntN(2) == 0,
		}
		reports := w.reports(k, n)
		if w.rng.IntN(2) == 0 {
			for day, u := range reports {
				u.TimeZone = "UTC+3"
				reports[day] = u
			}
		}
		days := w.days(sentNames, reports, n)
		r, err := Compare("net", days)
		require.NoError(t, err)
		conserved(t, r.Lines)

		var ours, theirs int64
		money := decimal.Decimal{}
		for _, d := range days {
			from, to := dayIn(mustDay(t, d.Upload.Day), time.UTC)
			for _, c := range d.Counted {
				if at := c.At.UnixMilli(); c.Fate != FateClaimable && from <= at && at < to {
					ours += c.N
				}
			}
			for _, row := range d.Upload.Rows {
				theirs += row.Count
				money = money.Add(*row.Revenue)
			}
		}
		for _, by := range [][]string{nil, {ByDay}, {ByEvent}, {ByCampaign}, {ByDay, ByEvent, ByCampaign}} {
			lines := Group(r.Lines, by...)
			conserved(t, lines)
			var sumOurs, sumTheirs int64
			sumMoney := decimal.Decimal{}
			for _, l := range lines {
				sumOurs, sumTheirs = sumOurs+l.Counts.Ours, sumTheirs+l.Counts.Theirs
				if l.Revenue != nil {
					sumMoney = sumMoney.Add(l.Revenue.Theirs)
				}
			}
			require.Equal(t, ours, sumOurs, "every conversion of ours stands in one line")
			require.Equal(t, theirs, sumTheirs, "and every one of theirs")
			require.True(t, money.Equal(sumMoney), "%s %s", money, sumMoney)
		}
		for _, d := range days { // what the network did explains at most what is left
			for _, l := range d.lines() {
				at := (&books{day: &d, date: mustDay(t, d.Upload.Day)}).borders(time.UTC)
				s := bridge(l, l.theirs.n, l.near.n, at, custom{}, counts)
				sure := bridge(&line{counted: surely(l.counted)}, l.theirs.n, 0, at, custom{}, counts)
				before := s.ours - s.theirs - sure.causes[Unmapped] - sure.causes[Window] - sure.causes[NotTaken] - sure.causes[TimeZone]
				require.LessOrEqual(t, max(s.rest, -s.rest), max(before, -before))
				require.GreaterOrEqual(t, s.rest*before, count(0), "no cause turns a lack into a surplus")
			}
		}
		f := r.Figures()
		require.Equal(t, ours, f.Ours)
		require.LessOrEqual(t, f.Confirmed, f.Delivered)
		require.GreaterOrEqual(t, f.Confirmed, int64(0))
	}
}

// surely are conversions without what depends on the network.
func surely(all []Counted) (out []Counted) {
	for _, c := range all {
		if c.Fate == FateClaimable || c.Fate == FateRefused && c.Unsure {
			continue
		}
		c.Copies, c.Twin, c.Old = 0, false, false
		if c.Fate == FateDelivered {
			c.DeliveredAt = c.At
		}
		out = append(out, c)
	}
	return out
}

func mustDay(t *testing.T, day string) time.Time {
	t.Helper()
	d, err := ParseDay(day, "day")
	require.NoError(t, err)
	return d
}
