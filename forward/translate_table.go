package forward

const (
	inMillis   = "theirs is in milliseconds, ours in seconds: write 000 behind it (in JSON, inside the quotes)"
	oneOrZero  = "theirs is 1 or 0, ours true or false"
	ofAndroid  = "an identifier of Android; there is none on Apple's phones"
	hashed     = "a hash; only plain values are sent"
	ofTheirs   = "an id that only their program gives"
	notKept    = "is not kept"
	inDollars  = "theirs is in US dollars, ours in the app's currency"
	ofAdSet    = "theirs is a name, ours the id that the click brought"
	noMethod   = "how it was matched is not sent; {attribution_type} tells attributed or organic"
	ownSetting = "a setting of yours with the partner: write its value into the template"
)

// parensNames are placeholders of AppsFlyer's postbacks to ad networks and analytics
// partners (support.appsflyer.com, articles 207273946 and 360016751637) and of
// templates in their manner.
var parensNames = map[string]counterpart{
	"clickid": {"click_id", ""}, "click-id": {"click_id", ""}, "click_id": {"click_id", ""},
	"app-id": {"app_id", "theirs begins with id, ours is the number alone"}, "app_id": {"app_id", "theirs begins with id, ours is the number alone"},
	"bundle-id": {"bundle_id", ""}, "bundle_id": {"bundle_id", ""},
	"idfa": {"idfa", ""}, "idfv": {"idfv", ""}, "vendorid": {"idfv", ""}, "ip": {"ip", ""},
	"country_code": {"country", ""}, "country-code": {"country", ""}, "country": {"country", ""},
	"event-name": {"event_name", ""}, "event_name": {"event_name", ""},
	"event-time": {"event_time", "the same moment; ours is RFC 3339, UTC"}, "event_time": {"event_time", "the same moment; ours is RFC 3339, UTC"},
	"timestamp": {"event_time_unix", ""}, "event-id": {"event_id", ""}, "transaction-id": {"delivery_id", "constant over retries, as theirs"},
	"install-unix-ts": {"install_time_unix", ""}, "install-time": {"install_time", "the same moment; ours is RFC 3339, UTC"},
	"campaign": {"campaign_name", ""}, "campaign-name": {"campaign_name", ""}, "campaign-id": {"campaign_id", ""}, "campaign_id": {"campaign_id", ""},
	"af_c_id": {"campaign_id", ""}, "af_adset": {"adgroup_id", ofAdSet}, "adset": {"adgroup_id", ofAdSet},
	"af_adset_id": {"adgroup_id", ""}, "adset-id": {"adgroup_id", ""}, "adgroup-id": {"adgroup_id", ""},
	"af_ad_id": {"creative_id", ""}, "ad-id": {"creative_id", ""}, "creative-id": {"creative_id", ""},
	"event_revenue": {"revenue", ""}, "event-revenue": {"revenue", ""}, "monetary": {"revenue", ""}, "monetary-value": {"revenue", ""}, "revenue": {"revenue", ""},
	"event_revenue_currency": {"currency", ""}, "event-revenue-currency": {"currency", ""}, "currency": {"currency", ""},
	"event_revenue_USD": {"revenue_converted", inDollars}, "event-revenue-usd": {"revenue_converted", inDollars}, "revenue-usd": {"revenue_converted", inDollars},
	"match-type": {"", noMethod}, "match_type": {"", noMethod},
	"is-lat": {"limit_ad_tracking", ""}, "lat": {"limit_ad_tracking", ""}, "att": {"att_status", ""}, "att-status": {"att_status", ""},
	"blocked-reason": {"rejection_reason", "the reasons have other names"}, "rejection-reason": {"rejection_reason", "the reasons have other names"},

	"advertiserId": {"", ofAndroid}, "advertising_id": {"", ofAndroid}, "android-id": {"", ofAndroid}, "oaid": {"", ofAndroid}, "imei": {"", ofAndroid},
	"gp_referer_click_ts": {"", ofAndroid}, "gp_referer_install_ts": {"", ofAndroid}, "sha1-advertiserId": {"", hashed}, "sha1-idfa": {"", hashed}, "sha1-android-id": {"", hashed}, "md5-idfa": {"", hashed},
	"appsflyer-device-id": {"", ofTheirs}, "appsflyer_id": {"", ofTheirs}, "wifi": {"", notKept}, "city": {"", notKept}, "carrier": {"", notKept},
	"device-model": {"", notKept}, "device_brand": {"", notKept}, "language": {"", notKept}, "user-agent": {"", notKept}, "os-version": {"", notKept},
	"sdk-version": {"", notKept}, "app-version-name": {"", notKept}, "app-name": {"", notKept}, "click-ts": {"", notKept}, "event_value": {"", notKept}, "event-value": {"", notKept},
	"encode": {"", "every value is escaped for where it stands; remove it"}, "publisher_id": {"", ownSetting}, "pid": {"", ownSetting},
}

// markerNames are macros of Branch's postbacks (help.branch.io, Postback Macros and
// Functions), which are FreeMarker expressions, and short forms of the same manner.
var markerNames = map[string]counterpart{
	"name": {"event_name", ""}, "customer_event_alias": {"event_name", "theirs is the alias that you gave"}, "id": {"event_id", ""},
	"event_timestamp": {"event_time_unix", inMillis}, "timestamp": {"event_time_unix", inMillis},
	"install_activity.timestamp": {"install_time_unix", inMillis},
	"last_attributed_touch_type": {"", noMethod},
	"user_data.idfa":             {"idfa", ""}, "device.idfa": {"idfa", ""}, "idfa": {"idfa", ""},
	"user_data.idfv": {"idfv", ""}, "device.idfv": {"idfv", ""}, "idfv": {"idfv", ""},
	"user_data.ip": {"ip", ""}, "device.ip": {"ip", ""}, "ip": {"ip", ""},
	"user_data.geo_country_code": {"country", ""}, "device.country": {"country", ""},
	"bundle.ios.bundle_id": {"bundle_id", ""}, "app.bundle_id": {"bundle_id", ""}, "app.id": {"app_id", ""},
	"event.name": {"event_name", ""}, "event.id": {"event_id", ""}, "event.revenue": {"revenue", ""}, "event.currency": {"currency", ""},
	"event_data.revenue": {"revenue", ""}, "event_data.currency": {"currency", ""}, "event_data.revenue_in_usd": {"revenue_converted", inDollars},
	"event_data.transaction_id":                    {"event_id", "theirs is the order's, ours the event's"},
	"last_attributed_touch_data.~campaign":         {"campaign_name", ""},
	"last_attributed_touch_data.~campaign_id":      {"campaign_id", ""},
	"last_attributed_touch_data.~ad_set_id":        {"adgroup_id", ""},
	"last_attributed_touch_data.~ad_set_name":      {"adgroup_id", ofAdSet},
	"last_attributed_touch_data.~creative_id":      {"creative_id", ""},
	"last_attributed_touch_data.~ad_id":            {"creative_id", ""},
	"last_attributed_touch_data.~external_touch":   {"click_id", ""},
	"last_attributed_touch_data.~click_id":         {"click_id", ""},
	"last_attributed_touch_data.user_data_ip":      {"ip", "theirs is that of the click, ours that of the install"},
	"user_data.aaid":                               {"", ofAndroid},
	"user_data.android_id":                         {"", ofAndroid},
	"user_data.developer_identity":                 {"", "a person's id with you is kept nowhere here"},
	"user_data.user_agent":                         {"", notKept},
	"user_data.os":                                 {"", "it is always ios: write that"},
	"user_data.platform":                           {"", "it is always an iOS app: write that"},
	"user_data.os_version":                         {"", notKept},
	"user_data.app_version":                        {"", notKept},
	"user_data.model":                              {"", notKept},
	"user_data.brand":                              {"", "it is always Apple: write that"},
	"user_data.language":                           {"", notKept},
	"last_attributed_touch_timestamp":              {"", notKept},
	"last_attributed_touch_data.~channel":          {"", notKept},
	"last_attributed_touch_data.~feature":          {"", notKept},
	"organization_id":                              {"", ownSetting},
	"webhook_id":                                   {"", ofTheirs},
	"last_attributed_touch_data.+touch_id":         {"", ofTheirs},
	"last_attributed_touch_data.~branch_ad_format": {"", notKept},
}

// markerConditions are their conditions that stand for a truth value.
var markerConditions = map[string]counterpart{
	"user_data.limit_ad_tracking": {"limit_ad_tracking", oneOrZero},
}
