package conversion

import (
	"strconv"
	"strings"
	"time"
)

// Outgoing is a conversion that may leave the house, with the fields that a
// network's template can name. Where it goes, if anywhere, is the forwarder's
// decision; identifiers are stripped there unless consent allows them.
type Outgoing struct {
	Kind       string // install, event, modeled
	DedupKey   string // stable id of the thing: it is enqueued once per destination
	AppID      int64
	NetworkID  string // the network it is attributed to, "" when organic
	OccurredAt time.Time
	Fields     map[string]string // macro name to value; absent = no value
	Att        string
	Limited    bool
}

// InstallOut is what an install looks like on its way out. click is the
// interaction it is attributed to, or nil.
func InstallOut(in *Install, d Decision, click *Click) Outgoing {
	f := baseFields(in, d, click)
	f["event_name"] = "install"
	f["event_time"] = in.Time.UTC().Format(time.RFC3339)
	f["event_time_unix"] = strconv.FormatInt(in.Time.Unix(), 10)
	f["event_id"] = in.ID
	return Outgoing{
		Kind: "install", DedupKey: "install/" + in.ID, AppID: in.AppID, NetworkID: d.NetworkID,
		OccurredAt: in.Time, Fields: drop(f), Att: in.ATTStatus, Limited: in.Limited,
	}
}

// EventOut is what an event looks like on its way out, with its install's
// attribution and consent.
func EventOut(e *Event, in *Install, d Decision, click *Click) Outgoing {
	f := baseFields(in, d, click)
	f["event_name"] = e.Name
	f["event_time"] = e.Time.UTC().Format(time.RFC3339)
	f["event_time_unix"] = strconv.FormatInt(e.Time.Unix(), 10)
	f["event_id"] = e.ID
	if e.Revenue != nil {
		f["revenue"] = e.Revenue.String()
		f["currency"] = e.Currency
	}
	return Outgoing{
		Kind: "event", DedupKey: "event/" + e.ID, AppID: e.AppID, NetworkID: d.NetworkID,
		OccurredAt: e.Time, Fields: drop(f), Att: in.ATTStatus, Limited: in.Limited,
	}
}

func baseFields(in *Install, d Decision, click *Click) map[string]string {
	f := map[string]string{
		"install_time":      in.Time.UTC().Format(time.RFC3339),
		"app_id":            strconv.FormatInt(in.AppID, 10),
		"network_id":        d.NetworkID,
		"idfa":              in.IDFA,
		"idfv":              in.IDFV,
		"ip":                in.IP,
		"country":           in.Country,
		"att_status":        in.ATTStatus,
		"limit_ad_tracking": strconv.FormatBool(in.ATTStatus != "authorized"),
		"attribution_type":  d.Name(),
		"is_modeled":        "false",
		"count":             "1",
	}
	if d.Attributed && click != nil {
		f["click_id"] = click.ID
		f["campaign_id"] = click.CampaignID
		f["campaign_name"] = click.CampaignName
		f["adgroup_id"] = click.AdgroupID
		f["creative_id"] = click.CreativeID
		f["network_id"] = strings.ToLower(click.NetworkID)
	}
	return f
}

// drop removes what has no value, so that absent and empty are one thing.
func drop(f map[string]string) map[string]string {
	for k, v := range f {
		if v == "" {
			delete(f, k)
		}
	}
	return f
}
