package scoreboard

import "math"

// AmountsJSON are payers and revenue, rounded: sums of floating-point numbers are not
// the same to the last digit in every run.
type AmountsJSON struct {
	Payers  float64 `json:"payers"`
	Revenue float64 `json:"revenue"`
}

// ScoreJSON is one method's, in percent of the truth.
type ScoreJSON struct {
	Error    AmountsJSON `json:"error"`
	Bias     AmountsJSON `json:"bias"`      // mean over worlds, with signs
	BiasSize AmountsJSON `json:"bias_size"` // mean of the sizes
}

// CoverageJSON is what the model's 90 % intervals hold, in percent.
type CoverageJSON struct {
	Intervals  int          `json:"intervals"`
	Holds      AmountsJSON  `json:"holds"`
	WidthFloor *AmountsJSON `json:"width_floor,omitempty"` // mean width over the floor's; full counts only
}

// ToldJSON is what the publication tells of payers, in percent.
type ToldJSON struct {
	Named  float64 `json:"named"`
	Exact  float64 `json:"exact"`
	Shared float64 `json:"shared"`
}

// LineJSON is a Line for machines.
type LineJSON struct {
	Scenario string                  `json:"scenario"`
	Worlds   int                     `json:"worlds"`
	NoSignal int                     `json:"no_signal"` // worlds without anything to estimate from
	Null     float64                 `json:"null"`      // share of installs, in percent
	Methods  map[string]ScoreJSON    `json:"methods"`
	Coverage map[string]CoverageJSON `json:"coverage"` // by level: cell, campaign, network
	Told     *ToldJSON               `json:"told,omitempty"`
}

// BarVerdict is a Bar with its verdict.
type BarVerdict struct {
	Bar
	Met    bool    `json:"met"`
	By     float64 `json:"by"`     // distance to the edge
	Chance bool    `json:"chance"` // not met, but the intervals are too few to prove it
}

// LinesJSON converts lines; of none it is nil.
func LinesJSON(lines []Line) []LineJSON {
	var out []LineJSON
	for _, l := range lines {
		x := LineJSON{
			Scenario: l.Scenario, Worlds: l.Seeds, NoSignal: l.NoSignal, Null: rounded(l.Null),
			Methods: map[string]ScoreJSON{}, Coverage: map[string]CoverageJSON{},
		}
		for m, s := range l.Scores {
			x.Methods[m] = ScoreJSON{s.Error.rounded(), l.Signed[m].rounded(), s.Bias.rounded()}
		}
		for _, level := range l.levels() {
			c := CoverageJSON{Intervals: level.covered.Intervals, Holds: level.covered.share().rounded()}
			if (level.floor != Amounts{}) {
				width := level.covered.width().over(level.floor).rounded()
				c.WidthFloor = &width
			}
			x.Coverage[level.name] = c
		}
		if (l.Told != Told{}) {
			x.Told = &ToldJSON{rounded(l.Told.Named), rounded(l.Told.Exact), rounded(l.Told.Shared)}
		}
		out = append(out, x)
	}
	return out
}

// Verdicts judges bars.
func Verdicts(bars []Bar) []BarVerdict {
	out := []BarVerdict{}
	for _, b := range bars {
		v := BarVerdict{Bar: b, Met: b.Met(), By: rounded(math.Abs(b.Off())), Chance: b.Chance()}
		v.Value = rounded(b.Value)
		out = append(out, v)
	}
	return out
}

func (a Amounts) rounded() AmountsJSON { return AmountsJSON{rounded(a.Payers), rounded(a.Revenue)} }

func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }
