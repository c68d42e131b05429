package aggregate

import (
	"hash/fnv"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate/model"
)

// ModelVersion is the version of the model that this program publishes. A window takes
// two versions at most, so it is raised only for a method that is worth the second.
const ModelVersion = 1

// MostModels is how many versions of the model a window takes: differences between
// versions are a function of published rows, and two are what a reader can follow.
const MostModels = 2

// Signals of a modelled number. All but SignalYes have no number, however wide.
const (
	SignalYes = "yes"
	// SignalNone: no fine value (index 1, 2: no level) was seen in the whole app.
	SignalNone = "none"
	// SignalNoHistory, of index 1 and 2: the first postbacks of these installs are not
	// all in the history, so nobody can say how many installs there are.
	SignalNoHistory = "no_history"
	// SignalNoPrice, of revenue of index 1 and 2: the schema has a paying level without
	// revenue_est.
	SignalNoPrice = "no_price"
	// SignalShared, of index 1 and 2: several rows are of one campaign, and the number
	// is the campaign's; see its roll-up.
	SignalShared = "shared"
)

// Metrics of a modelled number.
const (
	MetricNamePayers  = "payers"
	MetricNameRevenue = "revenue"
	MetricNameEvent   = "event"
)

// Modeled is one modelled number, rounded as it is published: payers and events to a
// tenth, revenue to a hundredth; the bounds outward, so that no coverage is lost.
type Modeled struct {
	Metric    string           `json:"metric"`     // payers, revenue, event
	EventName string           `json:"event_name"` // "" where the metric is none
	Signal    string           `json:"signal"`
	Estimate  *decimal.Decimal `json:"estimate"` // nil, as the bounds, where Signal is not yes
	Low       *decimal.Decimal `json:"low"`
	High      *decimal.Decimal `json:"high"`
}

// ModeledRow is one `cohort_modeled` line: a number for all installs of a published row.
// Of index 1 and 2 it is for all installs whose postback of that index was due, those of
// which Apple sends none included.
type ModeledRow struct {
	Key string `json:"key"` // Row.Key
	Modeled
}

// Levels and periods of a roll-up.
const (
	RollupApp     = "app"
	RollupNetwork = LevelNetwork
	RollupSrc2    = LevelSrc2
	PeriodWeek    = "week"
	PeriodMonth   = "month"
)

// ModeledRollup is one `cohort_modeled_rollup` line: a sum over rows and windows, with
// the quantiles of summed draws as its bounds. Bounds don't add.
type ModeledRollup struct {
	Level       string    `json:"level"` // app, network, src2
	Node        string    `json:"node"`  // "" at level app; else as rows' keys begin
	Period      string    `json:"period"`
	PeriodStart time.Time `json:"period_start"`
	Windows     int       `json:"windows"` // that are summed
	Modeled
}

// Tests of the model.
const (
	// CheckAll hides a fifth of the known values of all windows that were read.
	CheckAll = "all"
	// CheckWindow hides four fifths of those of the release's own window: drift.
	CheckWindow = "window"
)

// ModelCheck is one `model_check` line: how well known values were foretold.
type ModelCheck struct {
	Test      string           `json:"test"`
	Level     string           `json:"level"` // cell, campaign, network
	Metric    string           `json:"metric"`
	EventName string           `json:"event_name"`
	Hidden    int              `json:"hidden"` // installs
	Intervals int              `json:"intervals"`
	Covered   int              `json:"covered"` // intervals that held
	Below     int              `json:"below"`   // truths below their interval
	Above     int              `json:"above"`
	Error     *decimal.Decimal `json:"error"` // sum of absolute errors over the sum of truths; nil where that is 0
	Bias      *decimal.Decimal `json:"bias"`
	Note      string           `json:"note"` // what the test can't tell
}

// ModelExplanation tells where the numbers of a row come from. Amounts are by Metrics:
// payers, revenue, then events by their names.
type ModelExplanation struct {
	Key     string   `json:"key"` // Row.Key
	Metrics []string `json:"metrics"`
	model.Explanation
}

// BaseReleaseID is the id of the base release of a release's window. Rows are known by
// it for ever, whatever was made of them later.
func BaseReleaseID(r Release) string {
	return ReleaseID(r.Dataset, r.Window, r.View, ReleaseBase, 0)
}

// decimalsOf are the decimals of a metric as it is published.
func decimalsOf(metric string) int32 {
	if metric == MetricNameRevenue {
		return 2
	}
	return 1
}

// binaryNoise takes off what binary sums of decimal amounts add far behind the point, which
// would else be rounded outward.
const binaryNoise = 6

// modeledOf rounds an interval as it is published.
func modeledOf(metric, event string, x model.Interval) Modeled {
	at := decimalsOf(metric)
	estimate := decimal.NewFromFloat(x.Estimate).Round(binaryNoise).Round(at)
	low := decimal.Min(estimate, decimal.NewFromFloat(x.Low).Round(binaryNoise).RoundFloor(at))
	high := decimal.Max(estimate, decimal.NewFromFloat(x.High).Round(binaryNoise).RoundCeil(at))
	return Modeled{Metric: metric, EventName: event, Signal: SignalYes, Estimate: &estimate, Low: &low, High: &high}
}

// seedOf makes a seed of a release id, so that a release is computed again in the same bytes.
func seedOf(releaseID string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(releaseID)) // a hash takes everything
	return h.Sum64()
}
