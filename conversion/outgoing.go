package conversion

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// Outgoing is a conversion that may leave the house, with the fields that a
// network's template can name. Where it goes, if anywhere, is the forwarder's
// decision; identifiers are stripped there unless consent allows them.
type Outgoing struct {
	Kind        string // install, event
	DedupKey    string // stable id of the thing: it is enqueued once per destination
	AppID       int64
	NetworkID   string // the network it is attributed to, "" when organic; of a rejection, the one that claimed it
	OccurredAt  time.Time
	InstalledAt time.Time
	ClickedAt   time.Time         // of the touch that won, or was refused; zero: none
	Fields      map[string]string // macro name to value; absent = no value
	Att         string
	Refused     bool // the GDPR applies, and what we need was not consented to
	Limited     bool
	Subject     string   // id of the install that it is about
	Flags       []string // of the install: what looks like fraud
	Review      string   // of the install: "", released or rejected
	Rejection   string   // why nobody is billed for it; "": somebody may be
	IsTest      bool
}

// InstallOut is what an install looks like on its way out. click is the
// interaction it is attributed to, or nil.
func InstallOut(in *KeptInstall, click *Click) Outgoing {
	f := baseFields(in, click)
	f["event_name"] = "install"
	f["event_time"] = in.Time.UTC().Format(time.RFC3339)
	f["event_time_unix"] = strconv.FormatInt(in.Time.Unix(), 10)
	f["event_id"] = in.ID
	return out(in, "install", in.ID, in.Time, f)
}

// EventOut is what an event looks like on its way out, with its install's
// attribution and consent.
func EventOut(e *KeptEvent, in *KeptInstall, click *Click) Outgoing {
	f := baseFields(in, click)
	f["event_name"] = e.Name
	f["event_time"] = e.Time.UTC().Format(time.RFC3339)
	f["event_time_unix"] = strconv.FormatInt(e.Time.Unix(), 10)
	f["event_id"] = e.ID
	if e.Revenue != nil {
		f["revenue"] = e.Revenue.String()
		f["currency"] = e.Currency
		if e.RevenueApp != nil {
			f["revenue_converted"] = e.RevenueApp.String()
		}
	}
	return out(in, "event", e.ID, e.Time, f)
}

func out(in *KeptInstall, kind, id string, when time.Time, fields map[string]string) Outgoing {
	for name, value := range fields {
		if value == "" { // absent and empty are one thing
			delete(fields, name)
		}
	}
	rejection := ""
	if in.Review == ReviewRejected {
		rejection = cmp.Or(in.ReviewReason, ReviewRejected)
	}
	return Outgoing{
		Kind: kind, DedupKey: kind + "/" + id, AppID: in.AppID, NetworkID: in.Decision.NetworkID,
		OccurredAt: when, InstalledAt: in.Time, ClickedAt: in.Decision.TouchTime,
		Fields: fields, Att: in.ATTStatus, Refused: in.Consent().GDPR() == GDPRRefused, Limited: !in.Consent().Permit().Forward,
		Subject: in.ID, Flags: in.Decision.Flags, Review: in.Review, Rejection: rejection, IsTest: in.IsTest,
	}
}

func baseFields(in *KeptInstall, click *Click) map[string]string {
	d := in.Decision
	f := map[string]string{
		"install_time":      in.Time.UTC().Format(time.RFC3339),
		"app_id":            strconv.FormatInt(in.AppID, 10),
		"network_id":        d.NetworkID,
		"idfa":              in.IDFA,
		"idfv":              in.IDFV,
		"ip":                in.IP,
		"country":           in.Country,
		"att_status":        in.ATTStatus,
		"limit_ad_tracking": strconv.FormatBool(in.ATTStatus != ATTAuthorized),
		"attribution_type":  d.Name(),
		"is_modeled":        "false",
		"is_test":           strconv.FormatBool(in.IsTest),
		"count":             "1",
	}
	if d.Attributed && click != nil {
		nameClick(f, click)
	}
	return f
}

func nameClick(f map[string]string, click *Click) {
	f["click_id"] = click.ID
	f["campaign_id"] = click.CampaignID
	f["campaign_name"] = click.CampaignName
	f["adgroup_id"] = click.AdgroupID
	f["creative_id"] = click.CreativeID
	f["network_id"] = strings.ToLower(click.NetworkID)
}
