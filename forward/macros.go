package forward

import (
	"strings"

	"skand/internal/nearest"
)

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
	best, _ := nearest.Name(name, macroList)
	return best
}
