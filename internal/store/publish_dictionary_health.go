package store

var networkHealthDescribed = described{"network_health", "How well each network was told of people's own installs and events: shares and times, never a count. A week has a line for every network that the app has a destination for, whether there was anything to tell or not, eight days after its end, once. Not the network's own figures: what skand sent it.", []columnMeaning{
	{"app_id", "the app", "App Store id", ""},
	{"network_id", "the network of the destination, lower case", "", ""},
	{"week_start", "a Monday: the week in which the deliveries were written", "UTC", ""},
	{"week_end", "a week later, excluded", "UTC", ""},
	{"k", "installs and conversions that stand behind every share and time, at least", "installs", ""},
	{"b", "installs on each side of a share, if not 0", "installs", ""},
	{"delivery_rate", "delivered / all, in steps of 5", "per cent", "fewer than k installs or conversions, or 1 to b-1 installs among the delivered, the dropped or the waiting"},
	{"drop_rate", "refused or expired / all, in steps of 5", "per cent", "as before"},
	{"response_p50", "the bucket within which half of the delivered were answered", "", "fewer than k installs delivered, or 1 to b-1 on one side of an edge of the bucket"},
	{"response_p95", "the bucket within which 95 % of the delivered were answered", "", "as before"},
	{"lab", "of a data store whose clock can be moved", "", ""},
	{"published_at", "when it was worked out", "UTC", ""},
}, ""}
