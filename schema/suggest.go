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

	// The errors of estimates for installs that the bands were not fitted to: two
	// halves, each estimated with the bands of the other.
	Suggested RevenueError `json:"suggested"`
	// Equal has as many bands over the same range, equally wide, estimated at their
	// middle, the open one at the mean.
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

// Suggest proposes revenue bands for window 0 that minimise the distance between
// each install's revenue and the estimate of its band, the mean. The mean, and not
// the median that would minimise that distance, because sums of estimates are what
// campaigns are paid by, and only means add up to the truth.
//
// The bands are the best there are (dynamic programming over the amounts that
// occur, up to maxPlaces of them; beyond, the amounts are first joined into
// groups of about equal installs and revenue, and Method says so). Edges are put
// at the roundest amount between two that occur. Every band holds at least
// Evidence.K installs. Histograms are not used.
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
	if len(all.amounts) == 0 {
		return out, fmt.Errorf("suggest: installs: none paid as much as %s, the smallest coin", plan.coin)
	}
	fit := all.fit(o.Bands, e.K)
	if len(fit.bands) == 0 {
		return out, fmt.Errorf("suggest: installs: fewer than %d have an amount to band: %w", e.K, ErrTooFewInstalls)
	}
	out.Method = fit.method
	if len(fit.bands) < o.Bands {
		out.note("%d bands were asked for; the amounts allow %d.", o.Bands, len(fit.bands))
	}
	out.Document, out.Bands, err = plan.document(fit, all.fit(2, e.K))
	if err != nil {
		return out, fmt.Errorf("suggest: %w", err)
	}
	out.compare(plan, spent, len(fit.bands), e.K)
	if o.Current != nil {
		current, _, err := o.Current.errorOf(e.Installs, 0, KindFine)
		if err != nil {
			return out, fmt.Errorf("suggest: current version: %w", err)
		}
		out.Current = &current
	}
	return out, nil
}

func (s *Suggestion) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// compare measures on held-out installs: the even ones with the bands of the odd
// ones and the other way round. Without a draw, the same file gives the same answer.
func (s *Suggestion) compare(p suggestPlan, spent []decimal.Decimal, bands, k int) {
	var half [2][]decimal.Decimal
	for i, x := range spent {
		half[i%2] = append(half[i%2], x)
	}
	for i := range half {
		sample := p.sample(half[1-i])
		best := sample.fit(bands, (k+1)/2)
		if len(best.bands) == 0 {
			s.note("One half of the installs has no payer to fit bands to; its errors are those of no bands.")
		}
		equal, bestEqual := sample.equal(best), sample.bestEqual(bands)
		for _, x := range half[i] {
			s.Suggested.add(p.estimate(best, x), x)
			s.Equal.add(p.estimate(equal, x), x)
			s.BestEqual.add(p.estimate(bestEqual, x), x)
		}
	}
	for _, e := range []*RevenueError{&s.Suggested, &s.Equal, &s.BestEqual} {
		e.finish()
	}
}
