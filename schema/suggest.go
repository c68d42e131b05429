package schema

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// SuggestOptions say what kind of table is wanted.
type SuggestOptions struct {
	Bands    int    // how many revenue bands; fewer come out when there are fewer amounts
	Currency string // ISO 4217; "": that of Current
	Event    string // the event that pays; "": that of Current, else "purchase"
	From     int    // the fine value of the lowest band; 0: 1, for 0 is the install
	// Cap is the most that one install may count for; nil: that of Current, else none.
	Cap *decimal.Decimal
	// Current is the version to compare with. The suggestion keeps what it says
	// about the app, its values below From that don't pay, its reserved ranges,
	// overlap bit, lock and other windows. nil: none.
	Current *Document
}

// Suggestion is a document whose revenue bands fit the installs, and what that
// gains.
type Suggestion struct {
	Method   string          `json:"method"`
	Document *Document       `json:"schema"`
	Installs int             `json:"installs"`
	Payers   int             `json:"payers"`
	Bands    []SuggestedBand `json:"bands"`

	// Candidates are the ways that were tried, the simple ones first, with the errors
	// that decided.
	Candidates []TriedTable `json:"candidates"`
	// Suggested is the error of the chosen way on installs that the bands were not
	// made from: five parts of the payers, each estimated with bands from the other
	// four. With few payers it is too high, for four fifths make worse bands than all.
	Suggested RevenueError `json:"suggested"`
	// Equal has as many bands as were asked for, equally wide, over the range of the
	// best ones, estimated at their middle, the open one at its mean.
	Equal RevenueError `json:"equal"`
	// BestEqual has as many equal bands of whatever width fits best, estimated at
	// their means: what is left to Suggested is the gain of its edges alone.
	BestEqual RevenueError `json:"best_equal"`
	// Current is the error of the current version, on all installs; null without one.
	Current *RevenueError `json:"current"`
	Notes   []string      `json:"notes"`
}

// SuggestedBand is one band of the suggestion.
type SuggestedBand struct {
	Value    int              `json:"value"`
	Min      decimal.Decimal  `json:"revenue_min"`
	Max      *decimal.Decimal `json:"revenue_max"` // excluded; null: open
	Est      decimal.Decimal  `json:"revenue_est"`
	Installs int              `json:"installs"`
}

// perBand is how many payers a band needs until more of them change little.
const perBand = 20

// Suggest proposes revenue bands for window 0 that minimise the distance between
// an install's revenue and the estimate of its band, the mean. The mean, and not
// the median that would minimise that distance, because sums of estimates are what
// campaigns are paid by, and only means add up to the truth.
//
// The bands that fit a few installs best fit the next ones badly. So several ways
// are tried (see candidates), each on payers that its bands have not seen, and the
// one with the least error is taken; Method says which and why. Edges are put at
// the roundest amount where they may lie. Every band holds at least Evidence.K
// installs. Histograms are not used.
//
// Errors: options that can't be met, no payers, ErrTooFewInstalls, a current
// version that Validate refuses.
func Suggest(e Evidence, o SuggestOptions) (Suggestion, error) {
	out := Suggestion{Notes: []string{}}
	plan, err := o.plan(e)
	if err != nil {
		return out, fmt.Errorf("suggest: %w", err)
	}
	spent := make([]decimal.Decimal, 0, len(e.Installs))
	for _, i := range e.Installs {
		s, _ := i.spent(0)
		spent = append(spent, s)
		if s.IsPositive() {
			out.Payers++
		}
	}
	out.Installs = len(spent)
	if out.Payers == 0 {
		return out, errors.New("suggest: installs: none has revenue; bands need payers")
	}
	if !tellable(out.Payers, e.K) || !tellable(out.Installs-out.Payers, e.K) {
		return out, fmt.Errorf("suggest: installs: payers or non-payers are fewer than %d: %w", e.K, ErrTooFewInstalls)
	}
	all := plan.sample(spent)
	switch n := len(all.amounts); {
	case n == 0:
		return out, fmt.Errorf("suggest: installs: none paid as much as %s, the smallest coin", plan.coin)
	case n < e.K:
		return out, fmt.Errorf("suggest: installs: fewer than %d have an amount to band: %w", e.K, ErrTooFewInstalls)
	}
	ways := all.try(candidates(o.Bands), e.K)
	chosen, nearest := choose(ways)
	coarse := searched(2, 1, 0, drawn).build(all.searches(), e.K)
	out.Document, out.Bands, err = plan.document(ways[chosen].fitting, coarse)
	if err != nil {
		return out, fmt.Errorf("suggest: %w", err)
	}
	out.compare(plan, spent, ways, chosen, nearest, e.K)
	if o.Current != nil {
		current, _, err := o.Current.errorOf(e.Installs, 0, KindFine)
		if err != nil {
			return out, fmt.Errorf("suggest: current version: %w", err)
		}
		out.Current = &current
	}
	out.remark(o.Bands, e.K)
	return out, nil
}

// compare fills in what was tried and why the chosen one was.
func (s *Suggestion) compare(p suggestPlan, spent []decimal.Decimal, ways []tried, chosen, nearest, k int) {
	sum, aboveCap := decimal.Zero, decimal.Zero
	for _, x := range spent {
		sum = sum.Add(x)
		if p.Cap != nil && x.GreaterThan(*p.Cap) {
			aboveCap = aboveCap.Add(x.Sub(*p.Cap))
		}
	}
	for i, w := range ways {
		e := p.held(w, len(spent), sum, aboveCap)
		s.Candidates = append(s.Candidates, w.told(e, i == chosen, k))
		switch i { // the first two candidates are the ones to beat
		case 0:
			s.Equal = e
		case 1:
			s.BestEqual = e
		}
		if i == chosen {
			s.Suggested = e
		}
	}
	why := "the least error"
	if chosen != nearest {
		why = "the simplest within 1 % of the least error"
	}
	s.Method = fmt.Sprintf("%s (%s of %d ways, each tried on payers that its bands had not seen)", ways[chosen].words, why, len(ways))
}

// remark notes what the one who asked should know before publishing.
func (s *Suggestion) remark(asked, k int) {
	if len(s.Bands) < asked {
		few := ""
		if k > 0 {
			few = fmt.Sprintf(", or would hold fewer than %d installs", k)
		}
		s.note("%d bands were asked for; more than %d would be no nearer to other installs%s.", asked, len(s.Bands), few)
	}
	if need := perBand * asked; s.Payers < need {
		has := ""
		if k == 0 {
			has = fmt.Sprintf(" There are %d; with this share of payers, %d installs have as many.", s.Payers, (need*s.Installs+s.Payers-1)/s.Payers)
		}
		s.note("The sample is small: %d bands take about %d payers, after which more of them change little.%s", asked, need, has)
	}
	if s.Current != nil && s.Current.MeanAbsolute.LessThan(s.Suggested.MeanAbsolute) {
		s.note("The current version is nearer to these installs than the suggestion: keep it until there are more payers.")
	}
}

func (s *Suggestion) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}
