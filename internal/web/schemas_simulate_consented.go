package web

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/schema"
)

// cohort is consented evidence as somebody may see it.
type cohort struct {
	evidence schema.Evidence
	exact    bool
	digits   int32 // behind the point of an amount
	currency string
	said     consentedSaid
	figures
}

// consentedSaid tells what a cohort is. Editors get counts that are rounded down to
// b week by week.
type consentedSaid struct {
	Exact    bool     `json:"exact"` // operators: single installs; else crowds and rounded figures
	K        int      `json:"k"`
	B        int      `json:"b"`
	Installs int      `json:"installs"`
	Weeks    []string `json:"weeks"` // their Mondays, the newest first
	// LeftOut are weeks of fewer than k installs, in another currency, or beyond what
	// one look takes in.
	LeftOut []string `json:"weeks_left_out"`
	// Cut are weeks of which only the newest installs were taken.
	Cut           []string `json:"weeks_cut"`
	Limited       int      `json:"limited_data_sharing"` // installs left out
	OtherCurrency int      `json:"other_currency"`       // events left without their revenue: there is no rate
	Refunds       int      `json:"refunds"`              // left out: no conversion value can follow them
	// Late counts installs that were reported after their week had settled: operators
	// see them, editors never hear of them.
	Late *int `json:"late,omitempty"`
}

// consented gathers the evidence; currency is the schema's, "" for the app's. False
// means that the answer has been given. The audit log has been told.
func (a *Admin) consented(w http.ResponseWriter, r *http.Request, who auth.Principal, appID int64, currency string, l look) (cohort, bool) {
	exact := who.May(auth.Operator)
	weeks, err := a.Schemas.ConsentedWeeks(r.Context(), store.EvidenceQuery{AppID: appID, From: l.From, To: l.To, Late: exact})
	if err != nil {
		a.schemaFailed(w, r, err)
		return cohort{}, false
	}
	c := cohortOf(weeks, currency, exact)
	for from := l.From; from.Before(l.To); from = from.AddDate(0, 0, 7) {
		if from.Before(weeks[len(weeks)-1].From) {
			c.said.LeftOut = append(c.said.LeftOut, from.Format(time.DateOnly))
		}
	}
	if len(c.evidence.Installs) == 0 {
		need := c.said.K
		if exact {
			need = 1
		}
		problem(w, http.StatusUnprocessableEntity, "too_few_installs",
			fmt.Sprintf("want a range with a week of at least %d consented installs, with revenue in the schema's currency", need), "from")
		return cohort{}, false
	}
	return c, true
}

// cohortOf makes of the weeks what the reader may see: an operator the installs, an
// editor the crowds of each week that has at least k.
func cohortOf(weeks []store.EvidenceWeek, currency string, exact bool) cohort {
	c := cohort{exact: exact, currency: currency, said: consentedSaid{
		Exact: exact, Weeks: []string{}, LeftOut: []string{}, Cut: []string{},
	}}
	late := 0
	for _, w := range weeks {
		day := w.From.Format(time.DateOnly)
		// The strictest of the settings in force: each week has its own.
		c.said.K, c.said.B = max(c.said.K, w.K), max(c.said.B, w.B)
		c.currency = cmp.Or(c.currency, w.Currency)
		if w.Currency != c.currency || !exact && len(w.Installs) < w.K {
			c.said.LeftOut = append(c.said.LeftOut, day)
			continue
		}
		c.said.Weeks = append(c.said.Weeks, day)
		if w.Cut {
			c.said.Cut = append(c.said.Cut, day)
		}
		minor, known := schema.CurrencyMinorUnits(w.Currency)
		if !known {
			minor = 2
		}
		c.digits = int32(minor) //nolint:gosec // 0 to 4
		f := figures{w.B}
		told := f.told
		if exact {
			told = func(n int) int { return n }
			c.evidence.Installs = append(c.evidence.Installs, w.Installs...)
		} else {
			c.evidence.Installs = append(c.evidence.Installs, crowds(w.Installs, w.B, c.digits)...)
		}
		c.said.Limited += told(w.Limited)
		c.said.OtherCurrency += told(w.OtherCurrency)
		c.said.Refunds += told(w.Refunds)
		late += w.Late
	}
	c.figures = figures{max(c.said.B, 1)}
	c.said.Installs = len(c.evidence.Installs)
	if exact {
		c.said.Late = &late
		return c
	}
	c.evidence.K = c.said.K
	c.said.Installs = c.count(c.said.Installs)
	return c
}

// simulation is what the reader may see of a simulation on the cohort.
func (c cohort) simulation(s schema.Simulation) schema.Simulation {
	if c.exact {
		return s
	}
	s = c.figures.simulation(s)
	s.Notes = append(s.Notes, c.note())
	return s
}

func (c cohort) note() string {
	return fmt.Sprintf("Installs are seen in crowds of at least %d that did alike, and figures are rounded: counts to multiples of %d, shares to whole per cent, amounts and errors to two digits.", c.said.B, c.said.B)
}
