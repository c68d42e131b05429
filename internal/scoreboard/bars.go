package scoreboard

import (
	"cmp"
	"math"
	"slices"

	"skand/aggregate"
	"skand/fixtures/worlds"
)

// Bar is one bar, held against one scenario: met where the value lies in it.
type Bar struct {
	Name      string  `json:"name"`
	Installs  int     `json:"installs"` // a week
	Published bool    `json:"published"`
	Scenario  string  `json:"scenario"`
	Value     float64 `json:"value"`
	Least     float64 `json:"least"`
	Most      float64 `json:"most"`
	Intervals int     `json:"intervals,omitempty"` // behind a coverage
}

// Met reports whether the value lies in the bar.
func (b Bar) Met() bool { return b.Off() <= 0 }

// Off is how far the value lies outside; negative: how far inside, from the nearer edge
// that it could cross.
func (b Bar) Off() float64 {
	least, most := b.Least-b.Value, b.Value-b.Most
	if b.Least == 0 { // none: what is judged so is never negative
		least = math.Inf(-1)
	}
	if b.Intervals > 0 && b.Most == 100 { // more than all cannot be held
		most = math.Inf(-1)
	}
	return max(least, most)
}

// Chance reports whether intervals that are right as often as the nearer edge says would
// lie as far outside in one of ten boards: so few intervals prove nothing.
func (b Bar) Chance() bool {
	if b.Intervals == 0 || b.Met() {
		return false
	}
	edge := b.Most / 100
	if b.Value < b.Least {
		edge = b.Least / 100
	}
	const tenth = 1.282 // one-sided
	return b.Off()/100 <= tenth*math.Sqrt(edge*(1-edge)/float64(b.Intervals))
}

// covered are the bars of intervals, by level, in percent.
type covered struct{ payers, revenue [2]float64 }

var (
	coverFull = map[string]covered{
		"cell": {[2]float64{88, 97}, [2]float64{88, 97}}, "campaign": {[2]float64{88, 97}, [2]float64{88, 97}},
		"network": {[2]float64{88, 97}, [2]float64{80, 100}},
	}
	coverPublished = map[string]covered{
		"cell": {[2]float64{86, 98}, [2]float64{86, 98}}, "campaign": {[2]float64{86, 98}, [2]float64{86, 98}},
		"network": {[2]float64{75, 100}, [2]float64{75, 100}},
	}
)

// judging collects the bars of one line.
type judging struct {
	of  Bar
	out []Bar
}

func (j *judging) hold(name string, value, least, most float64, intervals int) {
	b := j.of
	b.Name, b.Value, b.Least, b.Most, b.Intervals = name, value, least, most, intervals
	j.out = append(j.out, b)
}

func (j *judging) holdBoth(name string, value, most Amounts) {
	j.hold(name+", payers", value.Payers, 0, most.Payers, 0)
	j.hold(name+", revenue", value.Revenue, 0, most.Revenue, 0)
}

func (j *judging) covers(l Line, bars map[string]covered) {
	for _, level := range l.levels() {
		share, bar := level.covered.share(), bars[level.name]
		j.hold("covers 90 %, "+level.name+", payers", share.Payers, bar.payers[0], bar.payers[1], level.covered.Intervals)
		j.hold("covers 90 %, "+level.name+", revenue", share.Revenue, bar.revenue[0], bar.revenue[1], level.covered.Intervals)
	}
}

// FullBars holds a line of full counts against the bars.
func FullBars(l Line, s worlds.Scenario, installs int) []Bar {
	if l.Seeds == 0 {
		return nil
	}
	j := &judging{of: Bar{Scenario: l.Scenario, Installs: installs}}
	consents := s.Consent.From >= 0.2
	floor, best := Amounts{1.20, 1.20}, Amounts{1, 1}
	bias := Amounts{1, 4}
	if !consents {
		floor, bias = Amounts{1.25, 1.25}, Amounts{4, 9}
	}
	if s.Slope != (worlds.Range{}) {
		best = Amounts{0.78, 0.90}
	}
	ours := l.Scores[Ours].Error
	j.holdBoth("error / floor", ours.over(l.Scores[Floor].Error), floor)
	j.holdBoth("error / best proportional", ours.over(l.bestProportional()), best)
	j.holdBoth("bias of totals", l.Signed[Ours].size(), bias)
	j.covers(l, coverFull)
	for _, level := range l.levels() {
		j.holdBoth("width / floor, "+level.name, level.covered.width().over(level.floor), Amounts{1.5, 1.5})
	}
	return j.out
}

// priceTable is what published rows may cost: the error per campaign-week, by installs a
// week, in worlds of the kind that the table of the privacy design was measured on.
var priceTable = map[aggregate.WindowKind]map[int]Amounts{
	aggregate.Week: {500: {18.0, 33.8}, 5_000: {13.8, 20.4}, 14_000: {12.1, 17.2}, 50_000: {5.3, 8.4}},
	aggregate.Day:  {5_000: {17.9, 25.5}, 14_000: {14.4, 20.8}, 50_000: {9.9, 14.7}},
}

// priceScenario has that table's nulls and consent.
const priceScenario = "worse"

// PriceBars holds a line of published rows against the bars.
func PriceBars(l Line, installs int, window aggregate.WindowKind) []Bar {
	if l.Seeds == 0 {
		return nil
	}
	j := &judging{of: Bar{Scenario: l.Scenario, Installs: installs, Published: true}}
	ours := l.Scores[Ours].Error
	if most, ok := priceTable[window][installs]; ok && l.Scenario == priceScenario {
		j.holdBoth("error, percent", ours, most)
	}
	j.holdBoth("error / best proportional", ours.over(l.bestProportional()), Amounts{1.02, 1.02})
	j.holdBoth("bias of totals", l.Signed[Ours].size(), Amounts{3, 4})
	j.covers(l, coverPublished)
	return j.out
}

// Summary is one bar over all scenarios that it was held against.
type Summary struct {
	Worst  Bar
	Of     int
	Failed []Bar // in the order of the scenarios
}

// Summarize takes bars of the same name together, in the order of their first.
func Summarize(bars []Bar) []Summary {
	var out []Summary
	at := map[string]int{}
	for _, b := range bars {
		i, known := at[b.Name]
		if !known {
			i = len(out)
			at[b.Name] = i
			out = append(out, Summary{Worst: b})
		}
		s := &out[i]
		s.Of++
		s.Worst = slices.MaxFunc([]Bar{s.Worst, b}, func(x, y Bar) int { return cmp.Compare(x.Off(), y.Off()) })
		if !b.Met() {
			s.Failed = append(s.Failed, b)
		}
	}
	return out
}

// bestProportional is the better of the two, for payers and for revenue.
func (l Line) bestProportional() Amounts {
	a, b := l.Scores[Proportional].Error, l.Scores[Fallback].Error
	return Amounts{min(a.Payers, b.Payers), min(a.Revenue, b.Revenue)}
}

// level is one level of a line's intervals.
type level struct {
	name    string
	covered Covered
	floor   Amounts // widths
}

func (l Line) levels() []level {
	return []level{{"cell", l.Cell, l.Floor.Cell}, {"campaign", l.Campaign, l.Floor.Campaign}, {"network", l.Network, l.Floor.Network}}
}

// share of the intervals that hold the truth, in percent.
func (c Covered) share() Amounts {
	n := float64(c.Intervals)
	return Amounts{part(float64(c.Payers), n), part(float64(c.Revenue), n)}
}

func (c Covered) width() Amounts { return Amounts{c.WidthPay, c.WidthR} }

// over divides; nothing over nothing is 1, for then both are right.
func (a Amounts) over(b Amounts) Amounts {
	ratio := func(x, y float64) float64 {
		if x == 0 && y == 0 {
			return 1
		}
		return x / max(y, 1e-9)
	}
	return Amounts{ratio(a.Payers, b.Payers), ratio(a.Revenue, b.Revenue)}
}

func (a Amounts) size() Amounts { return Amounts{math.Abs(a.Payers), math.Abs(a.Revenue)} }
