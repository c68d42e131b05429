package forward

var (
	ofAll      = []string{KindInstall, KindEvent, KindModeled, KindPostback, KindRejected}
	ofPeople   = []string{KindInstall, KindEvent, KindRejected}
	ofModeled  = []string{KindModeled}
	ofPostback = []string{KindPostback}
	ofRejected = []string{KindRejected}
	ofMoney    = []string{KindEvent, KindModeled, KindPostback, KindRejected}
	ofRanges   = []string{KindModeled, KindPostback}
	ofSources  = []string{KindModeled, KindPostback}
	ofBought   = []string{KindInstall, KindEvent, KindModeled, KindRejected}
)

// macroTable lists the macros under the names that networks' own templates use, in
// the order of the documentation. Those from sk_version on are of postback copies.
var macroTable = []Macro{
	{"click_id", "the network's own id of the click or view that won", "Cj0KEQ-7f2a", formText, ofPeople, false},
	{"event_id", "our stable id of the install, event, published figure or postback", "ord-20261103-77", formText, ofAll, false},
	{"event_name", "the receiver's name of the event (event_map)", "Purchase", formText, ofAll, false},
	{"event_time", "when it happened; of modelled figures, the end of their window", "2026-11-03T09:15:00Z", formTime, ofAll, false},
	{"event_time_unix", "the same in seconds since 1970", "1793697300", formNumber, ofAll, false},
	{"install_time", "when the app was first opened", "2026-11-01T18:04:10Z", formTime, ofPeople, false},
	{"install_time_unix", "the same in seconds since 1970", "1793556250", formNumber, ofPeople, false},
	{"app_id", "the App Store id of the app", "525463029", formNumber, ofAll, false},
	{"bundle_id", "the app's bundle id", "com.example.puzzle", formText, ofAll, false},
	{"network_id", "the network that it is attributed to", "example123.skadnetwork", formText, ofAll, false},
	{"campaign_id", "the network's id of the campaign", "c39", formText, ofBought, false},
	{"campaign_name", "the network's name of the campaign", "Winter", formText, ofBought, false},
	{"adgroup_id", "the ad group, from the click", "ag-7", formText, ofPeople, false},
	{"creative_id", "the creative, from the click", "cr-12", formText, ofPeople, false},
	{"source_identifier", "the digits of Apple's source identifier that are known", "5239", formText, ofSources, false},
	{"revenue", "the amount; of modelled figures, the estimate", "9.99", formMoney, ofMoney, false},
	{"revenue_min", "the least that the conversion value allows; of modelled figures, the lower end", "5.00", formMoney, ofRanges, false},
	{"revenue_max", "the most that the conversion value allows; of modelled figures, the upper end", "15.00", formMoney, ofRanges, false},
	{"currency", "ISO 4217 code of the amounts", "USD", formText, ofMoney, false},
	{"count", "how many: 1, or the figure of a published row", "41", formNumber, ofAll, false},
	{"count_low", "the lower end of a modelled figure", "37", formNumber, ofModeled, false},
	{"count_high", "the upper end of a modelled figure", "46", formNumber, ofModeled, false},
	{"idfa", "Apple's advertising identifier", "6D92078A-8246-4BA4-AE5B-76104861E7DC", formText, ofPeople, true},
	{"idfv", "Apple's identifier for the vendor", "E621E1F8-C36C-495A-93FC-0C247A3E6E5F", formText, ofPeople, true},
	{"ip", "the phone's address", "203.0.113.7", formText, ofPeople, true},
	{"country", "ISO 3166-1 alpha-2 code of the country", "DE", formText, []string{KindInstall, KindEvent, KindPostback, KindRejected}, false},
	{"att_status", "authorized, denied, restricted or not_determined", "authorized", formText, ofPeople, false},
	{"limit_ad_tracking", "true unless ATT is authorized", "false", formBool, ofPeople, false},
	{"attribution_type", "attributed or organic; of a claim that was refused, rejected", "attributed", formText, ofBought, false},
	{"is_modeled", "true of figures that a model has estimated", "false", formBool, ofAll, false},
	{"model_version", "the model that estimated it", "3", formText, ofModeled, false},
	{"row_id", "the published row; the same in every revision", "r-0f3c/example123/39", formText, ofModeled, false},
	{"revision", "counts the releases of the window; the highest of a row is its last figure", "0", formNumber, ofModeled, false},
	{"is_test", "true of test devices and of test sends", "false", formBool, ofAll, false},
	{"revenue_converted", "the amount in the app's currency", "9.41", formMoney, []string{KindEvent, KindModeled, KindRejected}, false},
	{"window_start", "the beginning of the published window", "2026-10-26T00:00:00Z", formTime, ofModeled, false},
	{"window_end", "its end", "2026-11-02T00:00:00Z", formTime, ofModeled, false},
	{"delivery_id", "the delivery's id, constant over retries", "0b0e4a6e-6b0d-5a54-9d5f-3a1d6b1c2e11", formText, ofAll, false},
	{"attempt", "1, then counting up", "1", formNumber, ofAll, false},
	{"rejection_reason", "why it is not billed: an operator's reason, or what attribution refused it for", "outside_window", formText, ofRejected, false},

	{"sk_version", "version of Apple's postback", "4.0", formText, ofPostback, false},
	{"sk_network_id", "ad-network-id as Apple wrote it", "example123.skadnetwork", formText, ofPostback, false},
	{"sk_campaign_id", "campaign-id of versions 1 to 3", "42", formNumber, ofPostback, false},
	{"sk_source_identifier", "source-identifier of version 4", "5239", formText, ofPostback, false},
	{"sk_app_id", "app-id, the advertised app", "525463029", formNumber, ofPostback, false},
	{"sk_transaction_id", "transaction-id, the postback's own", "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28", formText, ofPostback, false},
	{"sk_redownload", "redownload", "false", formBool, ofPostback, false},
	{"sk_source_app_id", "source-app-id, the app that showed the ad", "1234567891", formNumber, ofPostback, false},
	{"sk_source_domain", "source-domain of ads on the web", "example.com", formText, ofPostback, false},
	{"sk_fidelity_type", "1: StoreKit-rendered ad, 0: view-through", "1", formNumber, ofPostback, false},
	{"sk_did_win", "did-win", "true", formBool, ofPostback, false},
	{"sk_postback_sequence_index", "postback-sequence-index: 0, 1 or 2", "0", formNumber, ofPostback, false},
	{"sk_conversion_value", "conversion-value, 0 to 63", "27", formNumber, ofPostback, false},
	{"sk_coarse_conversion_value", "coarse-conversion-value: low, medium or high", "high", formText, ofPostback, false},
	{"sk_attribution_signature", "attribution-signature", "MEYCIQD5eq3AUlamORiGovqFiHWI4RZT/PrM3VEiXUrsC+M51Q==", formText, ofPostback, false},
	{"sk_invalid_signature", "true where the signature does not verify", "false", formBool, ofPostback, false},
	{"sk_payload", "Apple's body, byte for byte", `{"version":"4.0","did-win":true}`, formText, ofPostback, false},
	{"sk_ts", "when the postback arrived, in seconds since 1970", "1793697300", formNumber, ofPostback, false},
}
