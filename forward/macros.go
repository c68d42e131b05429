package forward

import "strings"

// macroNames are the names that networks' own templates use. Those from
// sk_version on are for copies of postbacks.
const macroNames = `click_id event_id event_name event_time event_time_unix install_time app_id bundle_id
network_id campaign_id campaign_name adgroup_id creative_id source_identifier
revenue revenue_min revenue_max currency count count_low count_high idfa idfv ip country
att_status limit_ad_tracking attribution_type is_modeled model_version row_id revision is_test
revenue_converted window_start window_end delivery_id attempt
sk_version sk_network_id sk_campaign_id sk_source_identifier sk_app_id sk_transaction_id
sk_redownload sk_source_app_id sk_source_domain sk_fidelity_type sk_did_win
sk_postback_sequence_index sk_conversion_value sk_coarse_conversion_value
sk_attribution_signature sk_invalid_signature sk_payload sk_ts`

var macroList = strings.Fields(macroNames)

var macroSet = func() map[string]bool {
	set := make(map[string]bool, len(macroList))
	for _, name := range macroList {
		set[name] = true
	}
	return set
}()

// Macros returns the names of all macros, in the order of the documentation.
func Macros() []string { return append([]string(nil), macroList...) }

func knownMacro(name string) bool { return macroSet[name] }

// nearestMacro returns the known name with the fewest edits, the first of equals.
func nearestMacro(name string) string {
	if len(name) > 64 { // no typing mistake; spare the quadratic work
		name = name[:64]
	}
	best, at := "", -1
	for _, known := range macroList {
		d := distance(strings.ToLower(name), known)
		if at < 0 || d < at {
			best, at = known, d
		}
	}
	return best
}

// distance is Levenshtein's, over bytes (macro names are ASCII).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
