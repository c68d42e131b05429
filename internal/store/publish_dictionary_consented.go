package store

import "slices"

// The consented side, and both sides together.
var (
	sourceDescribed = []columnMeaning{
		{"network_id", "ad network, lower case; `organic`: no ad led to these installs", "", "the app's `other` or `total`"},
		{"id_kind", "`source` or `campaign`, as in `cohort`", "", "`source_2` is NULL"},
		{"source_2", "two digits of the source identifier that the campaign had at the install, or its campaign id", "", "the network without further digits"},
	}
	deterministicDescribed = described{"deterministic_cohort", "Installs of people who let the app report them, in the tree of `cohort` and under the same k and b; windows by when they were reported. Test devices, rejected installs and people who limited the use of their data are not in it. Most of these installs are in `cohort` too: never add the two, see `combined`.", slices.Concat(
		[]columnMeaning{
			ofRelease,
			{"row_id", "the release and the place in the tree, as in `cohort`", "", ""},
			{"app_id", "the advertised app", "App Store id", ""},
			{"window_start", "as in `release`: when the installs were reported", "UTC", ""},
			{"window_end", "as in `release`", "UTC", ""},
			{"horizon_hours", "how long after each install what it did is counted", "hours", ""},
		}, sourceDescribed, []columnMeaning{
			{"source_3", "three digits", "", "the row is above this level, or it is a campaign"},
			{"source_4", "four digits", "", "the row is above this level, or it is a campaign"},
			{"level", "as in `cohort`; `withheld`: the network's campaigns name no source with further digits", "", ""},
			{"installs", "installs; at least k", "installs", ""},
			{"payers", "installs that paid something within the horizon", "installs", "1 to b-1 paid, or all but 1 to b-1"},
			{"revenue_min", "what they paid within the horizon, each at most the schema's cap", "`currency`", "`payers` is NULL, or the app publishes revenue `banded`"},
			{"revenue_est", "the same: it is known exactly", "`currency`", "as before"},
			{"revenue_max", "the same", "`currency`", "as before"},
			{"currency", "of the revenue columns", "ISO 4217", ""},
		}), ""}
	doneDescribed = described{"deterministic_event", "What installs of `deterministic_cohort` did within the horizon, by campaign, over its rows on which payers stand: the first events of the app's funnels and catalogue, at most six.", slices.Concat(
		[]columnMeaning{ofRelease}, sourceDescribed, []columnMeaning{
			{"event_name", "name of the event", "", ""},
			{"installs", "installs that did it", "installs", "the campaign's histogram does not tell, as in `cohort_event`"},
			{"revenue_est", "all that these installs paid within the horizon", "`currency`", "`installs` is NULL, or the app publishes revenue `banded`"},
			{"currency", "of `revenue_est`", "ISO 4217", ""},
		}), ""}
	funnelDescribed = described{"funnel", "The app's funnels, campaign by campaign, on both sides: installs that did the events of every stage up to this one, in whatever order. Sums over the bins of the campaign's one histogram.", slices.Concat(
		[]columnMeaning{ofRelease, {"side", "`deterministic`: reported events. `skadnetwork`: installs with a fine value that vouches for the events", "", ""}},
		sourceDescribed, []columnMeaning{
			{"funnel", "which of the app's funnels, from 1", "", ""},
			{"stage", "0: the installs that the histogram is of", "", ""},
			{"event_name", "the event of the stage", "", "stage 0"},
			{"installs", "installs that came so far", "installs", "a bin holds installs that did and others, or the newest schema has no value for the event"},
		}), ""}
	combinedDescribed = described{"combined", "Both sides together over four weeks that are over, where both can be told: nodes that every release of both sides in the period has, and what is left as `other`. `skan_installs` and `deterministic_installs` are sums of published rows; the overlap is estimated. See [combined.md](combined.md).", []columnMeaning{
		ofRelease,
		{"row_id", "the release and the place, as in `cohort`", "", ""},
		{"app_id", "the advertised app", "App Store id", ""},
		{"period_start", "a Monday; periods are counted from 1970-01-05", "UTC", ""},
		{"period_end", "four weeks later, excluded", "UTC", ""},
		{"network_id", "ad network, lower case; `organic`: no ad led to these installs, of apps that report every install", "", "`other` of several networks, or `total`"},
		{"id_kind", "`source` or `campaign`", "", "`source_2` is NULL"},
		{"source_2", "two digits, or the campaign id", "", "the row is above this level"},
		{"level", "`network`, `src2`; `other`: what is left below its parent; `total`; `organic`", "", ""},
		{"skan_installs", "installs of `cohort`, index 0, windows that end in the period", "installs", "`organic`"},
		{"deterministic_installs", "installs of `deterministic_cohort` that an ad led to, same windows; `organic`: all installs that the app reported", "installs", ""},
		{"overlap_est", "installs that are in both, estimated", "installs", "`organic`"},
		{"overlap_low", "lower end: 90 of 100 such intervals hold the truth, where the assumptions hold", "installs", "`organic`"},
		{"overlap_high", "upper end", "installs", "`organic`"},
		{"overlap_source", "`bit`: fine values with the overlap bit were counted, the rest is modelled. `modelled`: all of it is. `none`: only one side has the node", "", "`organic`"},
		{"combined_est", "installs of either side, each once; `organic`: those that are on neither", "installs", ""},
		{"combined_low", "lower end", "installs", ""},
		{"combined_high", "upper end", "installs", ""},
		{"method_version", "version of the method", "", ""},
	}, ""}
)
