package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/shopspring/decimal"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/internal/auth"
	"skand/internal/store"
)

// Explainer tells where a modelled number comes from.
type Explainer interface {
	// ExplainModeled reads the newest model of a published row; store.ErrNoModel where
	// there is no such row, or it was not modelled yet.
	ExplainModeled(ctx context.Context, rowID string) (store.ModeledExplained, error)
}

// explained is the answer: the row's numbers, how much of them was seen and how much
// inferred, and from where.
type explained struct {
	RowID        string            `json:"row_id"`
	ReleaseID    string            `json:"release_id"` // of the model
	ModelVersion int               `json:"model_version"`
	Interval     decimal.Decimal   `json:"interval"` // the share of intervals that should hold
	Currency     *string           `json:"currency"` // of revenue
	Numbers      []explainedNumber `json:"numbers"`
	// Explanation is null where there is no signal.
	Explanation *explanation `json:"explanation"`
	Sentences   []string     `json:"sentences"` // all of it for people
}

// explainedNumber is one published number, and how much of the estimate was seen.
type explainedNumber struct {
	Metric    string           `json:"metric"`
	EventName string           `json:"event_name"`
	Signal    string           `json:"signal"`
	Estimate  *decimal.Decimal `json:"estimate"`
	Low       *decimal.Decimal `json:"low"`
	High      *decimal.Decimal `json:"high"`
	// SeenShare is how much of the estimate was told by values, 0 to 1; null where the
	// estimate is none, or nothing is explained.
	SeenShare *decimal.Decimal `json:"seen_share"`
}

// explanation is what the model says of the row; amounts are by metrics.
type explanation struct {
	Metrics []string `json:"metrics"` // payers, revenue, then events by their names
	model.Explanation
	Sentences []string `json:"sentences,omitempty"` // they stand beside it
}

func (a *Admin) explainModeled(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	found, err := a.Explainer.ExplainModeled(r.Context(), r.PathValue("row"))
	if errors.Is(err, store.ErrNoModel) {
		problem(w, http.StatusNotFound, "not_modeled",
			"no modelled row has this id: give row_id as GET /v1/modeled lists it, escaped for a URL (/ is %2F); a window that was sealed just now is modelled by the next run of the job", "row")
		return
	}
	if err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, explainedOf(found))
}

func explainedOf(m store.ModeledExplained) explained {
	out := explained{
		RowID: m.RowID, ReleaseID: m.ReleaseID, ModelVersion: m.ModelVersion, Interval: m.Interval,
		Numbers: make([]explainedNumber, len(m.Lines)), Sentences: []string{},
	}
	if m.Currency != "" {
		out.Currency = &m.Currency
	}
	for i, l := range m.Lines {
		out.Numbers[i] = explainedNumber{
			Metric: l.Metric, EventName: l.EventName, Signal: l.Signal, Estimate: l.Estimate, Low: l.Low, High: l.High,
		}
		if l.Signal != aggregate.SignalYes {
			out.Sentences = appendNew(out.Sentences, noNumber[l.Signal])
		}
	}
	if m.Explanation == nil {
		if len(out.Sentences) == 0 {
			out.Sentences = append(out.Sentences, unexplained)
		}
		return out
	}
	out.Explanation = &explanation{Metrics: m.Explanation.Metrics, Explanation: m.Explanation.Explanation}
	out.Sentences = append(out.Sentences, m.Explanation.Sentences...)
	for i := range out.Numbers {
		out.Numbers[i].SeenShare = seenShare(m.Explanation, out.Numbers[i])
	}
	return out
}

// noNumber says why there is no number, by signal.
var noNumber = map[string]string{
	aggregate.SignalNone:      "No value was seen in the whole app, so nothing can be said of those that Apple withholds: there is no number, however wide.",
	aggregate.SignalNoHistory: "The first postbacks of these installs are not all in the history that the model reads, so nobody can say how many installs there are.",
	aggregate.SignalNoPrice:   "The schema has a level that means payers and does not say what they are worth (revenue_est): there is no revenue.",
	aggregate.SignalShared:    "Several published rows are of this campaign; the number is the campaign's and stands in its roll-up.",
}

// unexplained is of a number whose release has kept nothing of where it comes from.
const unexplained = "Where this number comes from was not kept with its release."

func appendNew(all []string, s string) []string {
	for _, have := range all {
		if have == s {
			return all
		}
	}
	return append(all, s)
}

// seenShare is the part of a number's estimate that its installs' own values told.
func seenShare(e *aggregate.ModelExplanation, n explainedNumber) *decimal.Decimal {
	at := -1
	for i, name := range e.Metrics {
		if i < 2 && n.EventName == "" && name == n.Metric || i >= 2 && name == n.EventName {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	var seen, all float64
	for _, p := range e.Parts {
		if at < len(p.Amounts) {
			all += p.Amounts[at]
			if p.Part == model.PartSeen {
				seen += p.Amounts[at]
			}
		}
	}
	if !(all > 0) {
		return nil
	}
	share := decimal.NewFromFloat(seen / all).Round(3)
	return &share
}
