package forward

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Sample is a delivery of a kind made up from the macros' examples, for a dry run or
// a test send: what Route would hand on for a conversion in that state of consent
// ("authorized" or "denied"; "" stands for authorized where the kind is of people).
// It says that it is a test.
func Sample(d Destination, kind, consent string, now time.Time) Delivery {
	if slices.Contains(ofPeople, kind) {
		if consent != consentDenied {
			consent = consentAuthorized
		}
	} else {
		consent = ""
	}
	fields := map[string]string{}
	for _, m := range macroTable {
		switch {
		case !slices.Contains(m.Kinds, kind),
			m.Identifies && consent != consentAuthorized,
			slices.Contains(revenueMacros, m.Name) && !d.SendRevenue:
		case m.Name == "event_name", m.Name == "delivery_id", m.Name == "attempt", m.Name == "install_time_unix": // not of its fields
		default:
			fields[m.Name] = m.Example
		}
	}
	fields["is_test"] = "true"
	if consent == consentDenied {
		fields["att_status"], fields["limit_ad_tracking"] = consentDenied, "true"
	}
	if d.NetworkID != "" {
		fields["network_id"] = d.NetworkID
	}
	return Delivery{
		ID: deliveryID(d.AppID, d.ID, "sample/"+kind), DestinationID: d.ID, AppID: d.AppID, DedupKey: "sample/" + kind,
		Kind: kind, EventName: d.sampleEvent(kind), Consent: consent, Fields: fields,
		CreatedAt: now, DueAt: now, ExpiresAt: now.Add(d.Expires), Attempts: 1,
	}
}

// sampleEvent is an event that the destination takes, under the receiver's name.
func (d Destination) sampleEvent(kind string) string {
	switch kind {
	case KindEvent:
		for _, ours := range slices.Sorted(maps.Keys(d.EventMap)) {
			if ours != KindInstall {
				return d.EventMap[ours]
			}
		}
		return "purchase"
	case KindPostback:
		return cmp.Or(d.EventMap[KindPostback], KindPostback)
	}
	return cmp.Or(d.EventMap[KindInstall], KindInstall)
}
