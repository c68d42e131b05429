package attack

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a published column is to an attacker.
const (
	is         = "who published it, when and by which rules"
	where      = "where and when: crowds of k"
	contribute = "what installs did: b contributors"
	money      = "sums over b payers"
	withheld   = "how many rows withhold a measure"
	label      = "names and meanings: configuration"
)

// known are the columns that attacks know, whatever table they are in. A column that
// is not here is a new dimension, or a new number: write the attack on it first.
var known = map[string][]string{
	is: {
		"release_id", "row_id", "kind", "state", "k", "b", "schema_versions", "schema_version", "model_version", "lab", "sealed_at", "release_kind", "currency",
	},
	where: {
		"app_id", "dataset", "sequence_index", "conversion_kind", "environment", "window_start", "window_end", "install_from", "install_to",
		"week", "month", "first_window_start", "last_window_end", "network_id", "id_kind", "source_2", "source_3", "source_4", "level", "installs",
	},
	contribute: {
		"null_installs", "unset_installs", "unmapped_installs", "coarse_low", "coarse_medium", "coarse_high", "fine_installs", "payers", "redownloads",
		"event_name", "count_min", "count_est", "count_max", "ambiguous_share", "measure", "rows", "value_from", "value_to", "value_list",
	},
	money: {"revenue_min", "revenue_est", "revenue_max"},
	withheld: {
		"null_installs_withheld_rows", "unset_installs_withheld_rows", "unmapped_installs_withheld_rows", "coarse_low_withheld_rows",
		"coarse_medium_withheld_rows", "coarse_high_withheld_rows", "fine_installs_withheld_rows", "payers_withheld_rows",
		"revenue_min_withheld_rows", "revenue_est_withheld_rows", "revenue_max_withheld_rows", "redownloads_withheld_rows",
	},
	label: {
		"source", "valid_from", "valid_to", "campaign_id", "campaign_name", "column_name", "label", "table_name", "position", "meaning", "unit", "null_says",
	},
}

// registry is every published table and view, and the attacks that it stands for. One
// that is not here fails the test: nothing is published before somebody has attacked it.
var registry = map[string][]string{
	"release":                  {"windows that overlap", "differences of snapshots"},
	"cohort":                   {"partition", "ten thousand combinations of rows", "linear program over crowds", "linear program over contributors"},
	"cohort_event":             {"ten thousand combinations of measures", "linear program over contributors"},
	"cohort_remainder":         {"whole numbers behind remainders", "linear program over contributors"},
	"cohort_value":             {"ten thousand combinations of measures", "linear program over contributors"},
	"cohort_current":           {"SQL: filters, HAVING, CUBE, windows"},
	"cohort_by_network":        {"SQL: filters, HAVING, CUBE, windows"},
	"cohort_by_source":         {"SQL: filters, HAVING, CUBE, windows"},
	"cohort_by_week":           {"SQL: filters, HAVING, CUBE, windows"},
	"cohort_by_month":          {"SQL: filters, HAVING, CUBE, windows"},
	"cohort_by_schema_version": {"SQL: filters, HAVING, CUBE, windows"},
	"cohort_crossing":          {"noised views"},
	"cohort_packed":            {"ten thousand combinations of rows", "ten thousand combinations of measures"}, // sums of cohort, as TestPackedSumsAreTheDatabases holds
	"deterministic_cohort":     {"partition of consented installs"},
	"deterministic_event":      {"partition of consented installs"},
	"funnel":                   {"partition of consented installs"},
	"combined":                 {"combined minus both"},
	"cohort_modeled":           {"modelled numbers computed again"},
	"cohort_modeled_rollup":    {"modelled numbers computed again"},
	"cohort_modeled_explained": {"modelled numbers computed again"},
	"model_check":              {"modelled numbers computed again"},
	"network_health":           {"shares of a crowd that is known"},
	"campaign":                 nil, // names that were applied
	"source_digits":            nil,
	"data_dictionary":          nil,
}

// cohortColumns are those of cohort that consented installs have too.
var cohortColumns = []string{
	"release_id", "row_id", "app_id", "window_start", "window_end", "network_id", "id_kind", "source_2", "source_3", "source_4", "level", "installs", "payers",
	"revenue_min", "revenue_est", "revenue_max", "currency",
}

// modelledColumns are those that every modelled number has.
var modelledColumns = []string{"metric", "event_name", "estimate", "low", "high", "interval", "model_version", "signal", "currency"}

// special are the columns that only one table may have.
var special = map[string][]string{
	"cohort_packed":        {"release_id", "packed"},
	"cohort_crossing":      {"release_id", "view", "network_id", "value", "installs", "epsilon", "half_width90"},
	"deterministic_cohort": append([]string{"horizon_hours"}, cohortColumns...),
	"funnel":               {"release_id", "side", "network_id", "id_kind", "source_2", "funnel", "stage", "event_name", "installs"},
	"combined": {
		"release_id", "row_id", "app_id", "period_start", "period_end", "network_id", "id_kind", "source_2", "level", "skan_installs", "deterministic_installs",
		"overlap_est", "overlap_low", "overlap_high", "overlap_source", "combined_est", "combined_low", "combined_high", "method_version",
	},
	"cohort_modeled": append([]string{"release_id", "app_id", "row_id"}, modelledColumns...),
	"cohort_modeled_rollup": append([]string{
		"release_id", "app_id", "sequence_index", "conversion_kind", "environment", "level", "node", "period", "period_start", "windows",
	}, modelledColumns...),
	"cohort_modeled_explained": {"release_id", "row_id", "explanation"},
	"model_check": {
		"release_id", "app_id", "test", "level", "metric", "event_name", "hidden", "intervals", "covered", "truths_below", "truths_above", "coverage", "error", "bias",
		"interval", "note",
	},
	"network_health": {
		"app_id", "network_id", "week_start", "week_end", "k", "b", "delivery_rate", "drop_rate", "response_p50", "response_p95", "lab", "published_at",
	},
}

// unregistered lists what is published and no attack knows.
func unregistered(columns map[string][]string) (found []string) {
	for table, names := range columns {
		if _, there := registry[table]; !there {
			found = append(found, table+" is published and no attack knows it: write one, and name it in registry_test.go")
			continue
		}
		for _, name := range names {
			there := slices.Contains(special[table], name)
			for _, list := range known {
				there = there || special[table] == nil && slices.Contains(list, name)
			}
			if !there {
				found = append(found, table+"."+name+" is published and no attack knows it: write one, and name it in registry_test.go")
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestNothingIsPublishedWithoutAnAttack(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, a := range attacks {
		names[a.name] = true
		require.NotEmpty(t, a.naives, "%s has nobody to succeed against", a.name)
		for _, n := range a.naives {
			require.Contains(t, naives, n)
		}
	}
	for table, list := range registry {
		for _, name := range list {
			require.True(t, names[name], "%s names the attack %q, which does not exist", table, name)
		}
	}
	for _, later := range []string{"cohort_model", "model_params"} {
		require.Len(t, unregistered(map[string][]string{later: {"release_id", "installs"}}), 1, later)
	}
	require.Len(t, unregistered(map[string][]string{"cohort": {"country"}, "release": {"input_digest"}}), 2)
}
