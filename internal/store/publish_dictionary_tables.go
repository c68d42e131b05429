package store

import "slices"

// Said of columns in several tables.
var (
	ofRelease  = columnMeaning{"release_id", "the release it belongs to; see `release`", "", ""}
	ofCampaign = []columnMeaning{
		{"network_id", "ad network, lower case", "", "the app's `other` or `total`, which are of several networks"},
		{"source_2", "two digits of the source identifier, or the campaign id; as in `cohort`", "", "the network without further digits: its rows `network`, `withheld` and `other`"},
	}
	campaignIDKind = columnMeaning{"id_kind", "`source` or `campaign`, as in `cohort`", "", "`source_2` is NULL"}
)

var datasetDescribed = []columnMeaning{
	{"app_id", "the advertised app", "App Store id", ""},
	{"sequence_index", "which of the three postbacks of an install: 0, 1, 2", "", ""},
	{"conversion_kind", "`install`, `reengagement`, or `qualifier` (a postback that lost); in `release` also `deterministic` and `combined`", "", ""},
	{"environment", "`production`, or `development`: signed by a development key, of apps that trust it", "", ""},
}

// tablesDescribed are the tables of the published store.
var tablesDescribed = []described{
	{"release", "The public ledger: one line per release; a release never changes. Windows whose installs were carried have no line here.", slices.Concat(
		[]columnMeaning{
			{"release_id", "name of the release: app, index, kind, environment, window start and length, view, release kind, model version, such as `525463029.0.install.production.2026-11-16.week.cohort.base.0`", "", ""},
			datasetDescribed[0],
			{"dataset", "which postbacks: app, sequence index, conversion kind and environment", "", ""},
		}, datasetDescribed[1:], []columnMeaning{
			{"kind", "`base`: published once. `redecode`: what the base published, read by another schema version; at most once a window. `model`: modelled numbers", "", ""},
			{"state", "always `published`", "", ""},
			{"window_start", "start of the window, or of the first window whose carried installs are in it; included", "UTC", ""},
			{"window_end", "end of the window, excluded", "UTC", ""},
			{"k", "installs that every row has at least", "installs", ""},
			{"b", "installs that every measure has at least, if not 0", "installs", ""},
			{"schema_versions", "versions that at least b of its installs were decoded with, ascending; empty: no schema. Of a `redecode`, the version it was read by", "", ""},
			{"model_version", "version of the model, 0 for releases without one", "", ""},
			{"lab", "made in a data store created with `--lab`: not real traffic", "", ""},
			{"sealed_at", "when the window was cut; of a `redecode` or a `model`, when it was made", "UTC", ""},
		}), ""},
	{"cohort", "One line per published row. Every install of a release is in exactly one row. Add rows up as you like; there is no total beside its parts. Of a window that was decoded again both releases are here: take one, or `cohort_current`. Rows, installs and kinds of a `redecode` are those of its base; payers and revenue are read anew, as far as the base's bins tell.", cohortDescribed, ""},
	{"cohort_event", "Events by campaign, release by release: sums over the bins of `cohort_value`. A campaign without lines has no row on which payers stand, or no fine value, or no schema.", slices.Concat(
		[]columnMeaning{ofRelease}, ofCampaign, []columnMeaning{
			{"event_name", "name of the event in the schema", "", ""},
			{"installs", "installs whose value vouches for the event", "installs", "a bin of `cohort_value` holds values with the event and without it"},
			{"count_min", "how often it happened on them, at least", "events", "`installs` is NULL"},
			{"count_est", "how often, estimated: the middle of the schema's bands, averaged over the values of a bin", "events", "`installs` is NULL"},
			{"count_max", "how often, at most", "events", "`installs` is NULL, or the band has no upper end"},
			{"ambiguous_share", "share of the campaign's installs whose value two schema versions may have set, 0 to 1 in steps of 0.05; the same on all lines of the campaign", "share", "1 to b-1 are ambiguous, or all but that, or none"},
			campaignIDKind,
		}), ""},
	{"cohort_remainder", "What rows hold together whose measure is NULL. A network with at least 3 such rows has its own line; the rows of all others share one. Add it to the sum over the rows and less is missing.", []columnMeaning{
		ofRelease,
		{"network_id", "the network whose rows share it", "", "the app's: rows of several networks, and `other`"},
		{"measure", "`payers` or `redownloads`", "", ""},
		{"rows", "how many rows share it, at least 2", "rows", ""},
		{"installs", "payers, or redownloads, on those rows", "installs", ""},
		{"revenue_min", "revenue of the payers, as in `cohort`", "`currency`", "measure `redownloads`, or the app publishes revenue `banded`; of a `redecode` also: an amount differs"},
		{"revenue_est", "the same, estimated", "`currency`", "as before"},
		{"revenue_max", "the same, at most", "`currency`", "as before; or, in the whole release, a band without upper end"},
		{"currency", "of the revenue columns", "ISO 4217", ""},
	}, ""},
	{"cohort_value", "The histogram of fine values by campaign, over exactly those of its rows on which payers stand (of a `redecode`: stood in its base). A bin that holds nobody has no line. Lines of kind `fine` add up; `clamped` is a sum of some of them, not one more.", slices.Concat(
		[]columnMeaning{ofRelease}, ofCampaign, []columnMeaning{
			{"kind", "`fine`: installs with one of these values. `clamped`: installs whose amount the schema's cap cut", "", ""},
			{"value_from", "least value of the bin, 0 to 63", "conversion value", ""},
			{"value_to", "greatest value of the bin; between the two there may be values of other bins, see `value_list`", "conversion value", ""},
			{"installs", "installs in the bin", "installs", "only `clamped`: a bin holds values that are cut and values that are not"},
			campaignIDKind,
			{"value_list", "exactly which values: `3-5,9`; where schema versions differ `2:3-5;1:9`; empty: values that no version explains", "", ""},
			{"schema_version", "version that gives them their meaning", "", "several"},
			{"revenue_min", "installs times the least lower end of the bin's values", "`currency`", "kind `clamped`"},
			{"revenue_est", "installs times the mean estimate of the bin's values", "`currency`", "kind `clamped`"},
			{"revenue_max", "installs times the greatest upper end of the bin's values", "`currency`", "kind `clamped`, or a band without upper end"},
			{"currency", "of the revenue columns", "ISO 4217", ""},
		}), ""},
	{"cohort_crossing", "Noised views of apps that declare `crossings` in `skand apply`: published with the `base` release of a window, once. Every network of its `cohort` rows and every declared value has a line. `installs` is a count with random noise: take sums of it as estimates. See [privacy.md](privacy.md#noised-views).", []columnMeaning{
		ofRelease,
		{"view", "`country`, `digits` (of the source identifier, as sent), `interaction`, or `publisher` (the app in which the ad was shown)", "", ""},
		{"network_id", "ad network, lower case", "", "the networks that have no row of their own: those of the app's `other` or `total`"},
		{"value", "a declared value; `other`: any other one, or none was sent", "", ""},
		{"installs", "installs of that network with that value, with noise", "installs", "the noised number is below k"},
		{"epsilon", "what the view spent of the app's `crossing_epsilon`: one install with another value makes no answer more than e^epsilon times as likely", "", ""},
		{"half_width90", "how far the noise reaches up and down in 9 of 10 lines", "installs, up and down", ""},
	}, ""},
	deterministicDescribed,
	doneDescribed,
	funnelDescribed,
	combinedDescribed,
	modeledDescribed,
	rolledDescribed,
	checkedDescribed,
	explainedDescribed,
	networkHealthDescribed,
	{"cohort_packed", "The rows of a release once more, added up by network, two digits, level and schema versions and packed into one value: skand's own roll-ups are read from it. It says nothing that `cohort` does not say.", []columnMeaning{
		ofRelease,
		{"packed", "the sums, in a form of skand's own that may change from version to version", "", ""},
	}, ""},
	{"campaign", "What networks call their sources, from `skand apply`. It is configuration and follows what was applied last. Spans of one source never overlap.", []columnMeaning{
		{"network_id", "ad network, lower case", "", ""},
		{"source", "2, 3 or 4 digits of the source identifier; `c7` is campaign id 7 of SKAdNetwork 1-3, as in `row_id`", "", ""},
		{"valid_from", "from when on it is called so; included", "UTC", "since ever"},
		{"valid_to", "until when; excluded", "UTC", "no end"},
		{"campaign_id", "the network's id of the campaign", "", "none was given"},
		{"campaign_name", "its name", "", "none was given"},
	}, ""},
	{"source_digits", "What the digits of a network's source identifiers say, from `skand apply`.", []columnMeaning{
		{"network_id", "ad network, lower case", "", ""},
		{"column_name", "the column of `cohort` with these digits: `source_2`, `source_3`, `source_4`", "", ""},
		{"label", "what the digits that it adds say, such as `geo`", "", ""},
	}, ""},
	{"data_dictionary", "This page as a table.", []columnMeaning{
		{"table_name", "table or view", "", ""},
		{"column_name", "its column", "", ""},
		{"position", "place of the column, from 1", "", ""},
		{"meaning", "what it says", "", ""},
		{"unit", "unit of its values", "", "it has none"},
		{"null_says", "what NULL says in it", "", "it is never NULL"},
	}, ""},
}

var cohortDescribed = slices.Concat([]columnMeaning{
	ofRelease,
	{"row_id", "the release and the place in the tree, `RELEASE_ID/net/39/239`; the place is unique in a release and the same from window to window: `net/39/withheld`, `net/c7` (campaign 7), `net/other`, `other`, `total`", "", ""},
}, datasetDescribed, []columnMeaning{
	{"window_start", "as in `release`: when the postbacks became countable, not when the app was installed", "UTC", ""},
	{"window_end", "as in `release`", "UTC", ""},
	{"install_from", "from when on these installs were first launched (re-engagement: opened), by Apple's delays. Computed from the window, not from the installs; retries may add nine days", "UTC", ""},
	{"install_to", "until when", "UTC", ""},
	{"network_id", "ad network, lower case; an alias is counted under its network", "", "all networks (`total`), or several small ones (`other`)"},
	{"id_kind", "`source`: source identifier (SKAdNetwork 4, AdAttributionKit). `campaign`: campaign id (SKAdNetwork 1-3)", "", "the row may hold both"},
	{"source_2", "two digits of the source identifier, or the campaign id", "", "the row is above this level"},
	{"source_3", "three digits; leading zeros are kept", "", "the row is above this level, or it is a campaign"},
	{"source_4", "four digits", "", "the row is above this level, or it is a campaign"},
	{"level", "`network`, `src2`, `src3`, `src4`: that node, not split further. `withheld`: Apple sent no further digits. `other`: children too small to stand alone. `total`: the whole dataset", "", ""},
	{"installs", "counted installs; at least k. For index 1 and 2, postbacks; for `qualifier`, losing postbacks", "installs", ""},
	{"null_installs", "installs without a value (withheld by Apple), **and** those of every kind below that reads NULL", "installs", "dataset `qualifier`"},
	{"unset_installs", "the app never set a value", "installs", "counted into `null_installs`"},
	{"unmapped_installs", "a value that the schema has no meaning for, or reserves", "installs", "counted into `null_installs`"},
	{"coarse_low", "the coarse value low", "installs", "all three are: see `coarse_high`"},
	{"coarse_medium", "the coarse value medium", "installs", "with `coarse_high` only: together they are what the other columns leave of `installs`"},
	{"coarse_high", "the coarse value high", "installs", "as `coarse_medium`; all three: the same for their sum, or the kind coarse is counted into `null_installs` (then nothing is left)"},
	{"fine_installs", "a fine value (0-63)", "installs", "counted into `null_installs`"},
	{"payers", "installs among `fine_installs` whose value includes revenue", "installs", "1 to b-1 paid, or all but 1 to b-1, or `fine_installs` is NULL; of a `redecode` also: the bins of its base don't tell"},
	{"revenue_min", "sum over payers of the band's lower end", "`currency`", "`payers` is NULL, or the app publishes revenue `banded`; of a `redecode` also: the bins of its base don't tell"},
	{"revenue_est", "sum over payers of the band's estimate", "`currency`", "as before"},
	{"revenue_max", "sum over payers of the band's upper end, each at most the schema's cap", "`currency`", "as before; or, in the whole release, a band without upper end (of a `redecode`: on rows whose revenue is read anew, one of their values)"},
	{"currency", "of the revenue columns", "ISO 4217", ""},
	{"redownloads", "installs of an app that had been on the device before", "installs", "1 to b-1 were, or all but 1 to b-1; or the dataset is no `install`; or the release is older than this measure"},
	{"schema_versions", "as in `release`, the same on every row; empty: no schema", "", ""},
})
