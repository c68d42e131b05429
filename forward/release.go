package forward

import (
	"cmp"
	"maps"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// Event names of conversions made from published rows.
const (
	EventInstall = "install" // the row's installs
	EventPayer   = "payer"   // the row's payers, with their revenue
)

// Campaign is what a network calls a source.
type Campaign struct{ ID, Name string }

// CampaignNames tells what a network called a source for the whole of a span of time,
// or the zero Campaign where it had no name, or not the whole time, or another one.
type CampaignNames func(networkID, source string, from, to time.Time) Campaign

// Part says which figures of a release of counts are told.
type Part int

// Installs are counted exactly, so nothing waits for them; what installs did is what a
// model estimates, and waits for it.
const (
	PartAll      Part = iota
	PartInstalls      // the rows' installs
	PartMeasures      // the rows' payers, and events
)

// Telling is how figures of a window are told.
type Telling struct {
	// Revision counts the releases of the window before this one: 0 is the base. A
	// destination that takes the last figure for the right one goes by it.
	Revision int
	Part     Part
	At       time.Time // when they may be known; expiry counts from here
}

// FromRelease turns a published release of counts into conversions of kind modeled: one
// per row and measure, and one per campaign and event, of a named network. They say what
// is published, never more: no user, no row below k, nothing withheld, and not the
// rows that mix networks. They are observed figures, and are marked so.
//
// A window that is published again (a redecode) gives the same row ids under a higher
// revision, with the zeros too: they take the place of what was sent before.
func FromRelease(r aggregate.Release, names CampaignNames, how Telling) []Conversion {
	if !Tells(r) {
		return nil
	}
	x := newReleased(r, names, how)
	for _, row := range r.Rows {
		if row.NetworkID == "" || !row.ForNetworkReader(row.NetworkID) {
			continue
		}
		if how.Part != PartMeasures {
			x.add(x.base+"/"+row.Key(), row, EventInstall, map[string]string{"count": strconv.Itoa(row.Installs)})
		}
		if how.Part != PartInstalls {
			x.payers(row)
		}
	}
	if how.Part != PartInstalls {
		for _, e := range r.Events {
			x.event(e)
		}
	}
	return x.out
}

// Tells reports whether figures of a release are told to anybody: those of installs,
// of their first postback.
func Tells(r aggregate.Release) bool {
	return r.Dataset.Kind == aggregate.KindInstall && r.Dataset.Environment == aggregate.EnvProduction &&
		r.Dataset.SequenceIndex == 0 && r.View == aggregate.ViewCohort
}

// released is a release on its way out.
type released struct {
	Telling
	r     aggregate.Release // of the counts
	names CampaignNames
	base  string            // id of the window's base release, by which its rows are known for ever
	model map[string]string // of a model's figures: what they say of it
	first bool              // nothing of this was told before
	out   []Conversion
}

func newReleased(r aggregate.Release, names CampaignNames, how Telling) *released {
	return &released{
		Telling: how, r: r, names: names, first: how.Revision == 0,
		base: aggregate.BaseReleaseID(r),
	}
}

// payers are a row's observed payers with their revenue; those of the first figure that
// are nobody are no news.
func (x *released) payers(row aggregate.Row) {
	if row.Payers == nil || *row.Payers == 0 && x.first {
		return
	}
	f := map[string]string{"count": strconv.Itoa(*row.Payers)}
	f["revenue"], f["revenue_min"], f["revenue_max"] = amount(row.RevenueEst), amount(row.RevenueMin), amount(row.RevenueMax)
	x.add(x.base+"/"+row.Key(), row, EventPayer, f)
}

// event is one line of the events of a campaign. Its row id is the campaign's: of
// whatever name the event is, its key is none of a row's measures.
func (x *released) event(e aggregate.EventCount) {
	if e.NetworkID == "" || !e.ForNetworkReader(e.NetworkID) || e.Installs == nil || e.CountEst == nil || *e.Installs == 0 && x.first {
		return
	}
	campaign := aggregate.Row{Level: aggregate.LevelSrc2, NetworkID: e.NetworkID, IDKind: e.IDKind, Source2: e.Source2}
	x.add(x.base+"/"+campaign.Key()+"/events", campaign, e.EventName, map[string]string{
		"count": e.CountEst.String(), "count_low": amount(e.CountMin), "count_high": orOpen(e.CountMax),
	})
}

// open marks the upper end of a figure that has none.
const open = "open"

func orOpen(d *decimal.Decimal) string {
	if d == nil {
		return open
	}
	return d.String()
}

func (x *released) add(rowID string, row aggregate.Row, event string, figures map[string]string) {
	end := x.r.Window.End.UTC()
	revision := strconv.Itoa(x.Revision)
	campaign := x.campaign(row)
	f := map[string]string{
		"event_name": event, "event_id": rowID + "/" + event,
		"event_time":      end.Format(time.RFC3339),
		"event_time_unix": strconv.FormatInt(end.Unix(), 10),
		"app_id":          strconv.FormatInt(x.r.Dataset.AppID, 10),
		"network_id":      row.NetworkID,
		"campaign_id":     campaign.ID, "campaign_name": campaign.Name,
		"is_modeled": "false", "row_id": rowID, "revision": revision,
		"is_test":           "false",
		"window_start":      x.r.WindowStart.UTC().Format(time.RFC3339),
		"window_end":        end.Format(time.RFC3339),
		"source_identifier": finest(row), "attribution_type": "attributed",
	}
	maps.Copy(f, figures)
	maps.Copy(f, x.model)
	if f["revenue"] != "" {
		// Amounts are in the app's currency, so one is both.
		f["revenue_converted"], f["currency"] = f["revenue"], x.r.Settings.Currency
	}
	f["count_low"], f["count_high"] = cmp.Or(f["count_low"], f["count"]), cmp.Or(f["count_high"], f["count"])
	if f["count_high"] == open {
		delete(f, "count_high")
	}
	maps.DeleteFunc(f, func(_, value string) bool { return value == "" })
	x.out = append(x.out, Conversion{
		Kind: KindModeled, DedupKey: f["event_id"] + "/" + revision, AppID: x.r.Dataset.AppID,
		NetworkID: row.NetworkID, OccurredAt: x.At, Again: !x.first, Fields: f,
	})
}

// campaign is the network's name of the row: of its longest digits that have one, for
// it is nested in all of them. Campaign ids of SKAdNetwork 1-3 are written c39, apart
// from the digits 39.
func (x *released) campaign(row aggregate.Row) Campaign {
	if x.names == nil {
		return Campaign{}
	}
	short := row.Source2
	if row.IDKind == aggregate.IDCampaign && short != "" {
		short = "c" + short
	}
	for _, source := range []string{row.Source4, row.Source3, short} {
		if source == "" {
			continue
		}
		if c := x.names(row.NetworkID, source, x.r.WindowStart, x.r.Window.End); c != (Campaign{}) {
			return c
		}
	}
	return Campaign{}
}

// finest is the longest identifier that the row names; "" for a whole network.
func finest(row aggregate.Row) string { return cmp.Or(row.Source4, row.Source3, row.Source2) }
