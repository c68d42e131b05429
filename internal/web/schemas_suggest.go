package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/shopspring/decimal"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
)

// suggest proposes revenue bands that fit consented installs, beside the version in
// force, whose other parts it keeps.
func (a *Admin) suggest(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	_, appID, ok := ofDraft(w, r)
	if !ok {
		return
	}
	in := struct {
		Bands    int              `json:"bands"`
		From     int              `json:"from_value"`
		Currency string           `json:"currency"`
		Event    string           `json:"event"`
		Cap      *decimal.Decimal `json:"cap"`
		look
	}{Bands: 20}
	if !readRequest(w, r, &in) {
		return
	}
	if !a.allowed(w, who, &in.look) || !in.ranged(w, a.Now()) {
		return
	}
	if in.Evidence != evidenceConsented {
		problem(w, http.StatusUnprocessableEntity, "no_evidence", "bands are fitted to what installs spent; take consented", "evidence")
		return
	}
	version, current, err := a.inForce(r.Context(), appID)
	if err != nil {
		a.schemaFailed(w, r, err)
		return
	}
	if in.Currency == "" && current != nil {
		in.Currency = current.Currency
	}
	if !a.told(w, r, store.ActSimulate, appID, "suggestion", map[string]any{
		"evidence": in.Evidence, "version": version, "from": in.look.From, "to": in.To, "bands": in.Bands, "from_value": in.From,
	}) || !a.mayLook(w, r) {
		return
	}
	defer a.looking.Unlock()
	a.step(r.Context(), stepReading)
	c, ok := a.consented(w, r, who, appID, in.Currency, in.look)
	if !ok {
		return
	}
	a.step(r.Context(), stepTrying)
	s, err := c.suggestion(schema.SuggestOptions{
		Bands: in.Bands, Currency: c.currency, Event: in.Event, From: in.From, Cap: in.Cap, Current: current,
	})
	switch {
	case errors.Is(err, schema.ErrTooFewInstalls):
		problem(w, http.StatusUnprocessableEntity, "too_few_installs", fmt.Sprintf(
			"want a range with at least %d payers, and as many others, that fewer bands may hold", c.evidence.K), "bands")
		return
	case err != nil:
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	if s.Document.AppID == 0 {
		s.Document.AppID = appID
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"evidence": in.Evidence, "version": version, "from": in.look.From, "to": in.To, "consented": c.said, "suggestion": s,
	})
}

// suggestion fits bands for the reader. An editor's bands are fitted to amounts that
// are cut to two digits, which are what edges lie between: so edges have two digits
// and still part exactly the crowds that they seem to part.
func (c cohort) suggestion(o schema.SuggestOptions) (schema.Suggestion, error) {
	if c.exact {
		return schema.Suggest(c.evidence, o)
	}
	e := c.evidence
	e.Installs = make([]schema.Install, len(c.evidence.Installs))
	for n, i := range c.evidence.Installs {
		e.Installs[n] = cutToTwo(i, c.digits)
	}
	s, err := schema.Suggest(e, o)
	if err != nil {
		return s, err
	}
	limit := o.Cap
	if limit == nil && o.Current != nil {
		limit = o.Current.RevenueCap
	}
	amounts := make([]decimal.Decimal, len(c.evidence.Installs))
	for n, i := range c.evidence.Installs {
		amounts[n] = spentFirst(i)
		if limit != nil {
			amounts[n] = decimal.Min(amounts[n], *limit)
		}
	}
	return c.roundedSuggestion(s, amounts), nil
}

// roundedSuggestion estimates the bands at the means of the crowds in them, for those
// that the bands were fitted to are cut, and rounds.
func (c cohort) roundedSuggestion(s schema.Suggestion, amounts []decimal.Decimal) schema.Suggestion {
	estimates := map[int]decimal.Decimal{}
	for i := range s.Bands {
		b := &s.Bands[i]
		if mean, ok := meanWithin(amounts, b.Min, b.Max); ok {
			b.Est = mean
		}
		estimates[b.Value] = b.Est
		b.Installs = c.count(b.Installs)
	}
	for i := range s.Document.Windows {
		w := &s.Document.Windows[i]
		if w.Index != 0 {
			continue
		}
		for _, row := range w.Fine {
			if est, ok := estimates[row.Value]; ok {
				row.Events[0].RevenueEst = &est
			}
		}
		for name, level := range w.Coarse {
			if level.RevenueEst == nil || len(level.Events) != 1 || level.Events[0].RevenueMin == nil {
				continue
			}
			if mean, ok := meanWithin(amounts, *level.Events[0].RevenueMin, level.Events[0].RevenueMax); ok {
				level.RevenueEst = &mean
				w.Coarse[name] = level
			}
		}
	}
	s.Installs, s.Payers = c.count(s.Installs), c.count(s.Payers)
	s.Suggested, s.Equal, s.BestEqual = c.errors(s.Suggested), c.errors(s.Equal), c.errors(s.BestEqual)
	s.Current = c.optional(s.Current)
	s.Notes = append(s.Notes, c.note(), "The errors are those of amounts cut to two digits. Each of the five parts that they come from holds members of the crowds of the others: on installs of their own they come out larger.")
	return s
}

// meanWithin is the mean of the amounts within a band, to two digits but still within.
func meanWithin(amounts []decimal.Decimal, low decimal.Decimal, high *decimal.Decimal) (decimal.Decimal, bool) {
	sum, n := decimal.Zero, int64(0)
	for _, x := range amounts {
		if x.IsPositive() && !x.LessThan(low) && (high == nil || x.LessThan(*high)) {
			sum, n = sum.Add(x), n+1
		}
	}
	if n == 0 {
		return decimal.Zero, false
	}
	mean := sum.DivRound(decimal.NewFromInt(n), 9)
	if r := twoDigits(mean); high == nil || r.LessThan(*high) {
		return r, true
	}
	return floorTwo(mean), true
}

// spentFirst is what an install of a crowd spent in window 0.
func spentFirst(i schema.Install) decimal.Decimal {
	sum := decimal.Zero
	for _, e := range i.Events {
		if e.Time.Before(launch.Add(crowdWindows[0])) {
			sum = sum.Add(e.Revenue)
		}
	}
	return sum
}

// cutToTwo cuts what an install of a crowd spent in window 0 to two digits, each
// event by the same share.
func cutToTwo(i schema.Install, digits int32) schema.Install {
	all := spentFirst(i)
	want := floorTwo(all)
	if all.Equal(want) {
		return i
	}
	out := schema.Install{Events: make([]schema.Event, 0, len(i.Events))}
	last, rest := -1, want
	for _, e := range i.Events {
		if e.Time.Before(launch.Add(crowdWindows[0])) && e.Revenue.IsPositive() {
			e.Revenue = e.Revenue.Mul(want).Div(all).RoundDown(digits)
			last, rest = len(out.Events), rest.Sub(e.Revenue)
		}
		out.Events = append(out.Events, e)
	}
	out.Events[last].Revenue = out.Events[last].Revenue.Add(rest)
	return out
}
