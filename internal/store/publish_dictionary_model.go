package store

import "slices"

// What the model publishes.
var (
	modelledDescribed = []columnMeaning{
		{"metric", "`payers`, `revenue` or `event`", "", ""},
		{"event_name", "the event of the schema; empty text where `metric` is none", "", ""},
		{"estimate", "the expectation for all installs, those included whose values Apple or the publication withholds; payers and events to a tenth, revenue to a hundredth", "installs, events, `currency`", "`signal` is not `yes`"},
		{"low", "lower end, rounded down; the low ends of parts don't add up to that of the whole", "installs, events, `currency`", "as before"},
		{"high", "upper end, rounded up", "installs, events, `currency`", "as before"},
		{"interval", "how many of 1 such intervals hold the truth, where the assumptions hold: 0.9", "share", ""},
	}
	modelledSignal = []columnMeaning{
		{"model_version", "version of the model; a window may have two, the higher one counts", "", ""},
		{"signal", "`yes`. Else there is no number: `none`: no value was seen in the whole app. Of index 1 and 2 also `no_history`: the first postbacks of these installs are not all published; `no_price`: the schema has a paying level without `revenue_est`; `shared`: several rows are one campaign's, see `cohort_modeled_rollup`", "", ""},
		{"currency", "of revenue", "ISO 4217", "`metric` is not `revenue`"},
	}
	modeledDescribed = described{"cohort_modeled", "What the model estimates for all installs of a published row; the row itself never changes. It is read from published rows, histograms, remainders and cohorts of people who consented, and from nothing else. Of index 1 and 2: for all installs whose postback of that index was due in the window, those included of which Apple sends none. Don't sum bounds: take `cohort_modeled_rollup`. See [modelling.md](modelling.md).", slices.Concat(
		[]columnMeaning{
			{"release_id", "the release of kind `model`", "", ""},
			{"app_id", "the advertised app", "App Store id", ""},
			{"row_id", "`row_id` of the row in the window's `base` release", "", ""},
		}, modelledDescribed, modelledSignal), ""}
	rolledDescribed = described{"cohort_modeled_rollup", "Modelled sums by week and month: of the app, of networks, of their campaigns. Bounds are quantiles of sums of draws, so they are not the sums of bounds, and the estimate of a month is that of one look at all its windows: it may differ from the sum of what was estimated window by window.", slices.Concat(
		[]columnMeaning{
			{"release_id", "the release of kind `model` of the window that ended the period", "", ""},
			{"app_id", "the advertised app", "App Store id", ""},
			{"sequence_index", "as in `cohort`", "", ""},
			{"conversion_kind", "as in `cohort`", "", ""},
			{"environment", "as in `cohort`", "", ""},
			{"level", "`app`: all rows; `network`: the network's rows; `src2`: those of two digits, or of a campaign id", "", ""},
			{"node", "network id, or network id and campaign (`example.skadnetwork/39`, `…/c7`), as `row_id` has them", "", "level `app`"},
			{"period", "`week` or `month`", "", ""},
			{"period_start", "a Monday, or the first of a month: a window is in the period in which its `window_start` lies", "UTC", ""},
			{"windows", "published windows that are summed: all of the period", "windows", ""},
		}, modelledDescribed, modelledSignal), ""}
	checkedDescribed = described{"model_check", "Back-tests beside the numbers of a release: known values were hidden at random and foretold. They test only the part of the model for installs that are like those whose values are seen.", []columnMeaning{
		{"release_id", "the release of kind `model`", "", ""},
		{"app_id", "the advertised app", "App Store id", ""},
		{"test", "`all`: a fifth of the known values of all windows that were read. `window`: four fifths of those of the release's own window, to find what has changed", "", ""},
		{"level", "`cell` (a campaign in a window), `campaign`, `network`", "", ""},
		{"metric", "`payers`, `revenue` or `event`", "", ""},
		{"event_name", "the event; empty text where `metric` is none", "", ""},
		{"hidden", "known values that were hidden", "installs", ""},
		{"intervals", "intervals that were made of them", "", ""},
		{"covered", "intervals that held", "", ""},
		{"truths_below", "truths below their interval", "", ""},
		{"truths_above", "truths above it", "", ""},
		{"coverage", "`covered` / `intervals`; should be `interval` or more, for counts of few installs hold more often", "share", "there was no interval"},
		{"error", "sum of absolute errors / sum of truths", "share", "nothing was there to be found"},
		{"bias", "sum of signed errors / sum of truths", "share", "as before"},
		{"interval", "what `coverage` should be", "share", ""},
		{"note", "what the test cannot tell", "", ""},
	}, ""}
	explainedDescribed = described{"cohort_modeled_explained", "Where the numbers of a row of `cohort_modeled` come from: how much was seen, how much was inferred and from which level, in numbers and in sentences. A function of what is published.", []columnMeaning{
		{"release_id", "the release of kind `model`", "", ""},
		{"row_id", "as in `cohort_modeled`", "", ""},
		{"explanation", "a JSON object: `metrics` names the `amounts` of each part; see [modelling.md](modelling.md#where-a-number-comes-from)", "", ""},
	}, ""}
)
