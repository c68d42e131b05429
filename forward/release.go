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

// FromRelease turns a published release into conversions of kind modeled: one per
// row and measure, and one per campaign and event, of a named network. They say what
// is published, never more: no user, no row below k, nothing withheld, and not the
// rows that mix networks. Until there is a model the figure is the observed one, and
// is marked so.
//
// A window that is published again (a redecode, a model) gives the same row ids under
// a higher revision, with the zeros too: they take the place of what was sent before.
func FromRelease(r aggregate.Release, names CampaignNames) []Conversion {
	if r.Dataset.Kind != aggregate.KindInstall || r.Dataset.Environment != aggregate.EnvProduction ||
		r.Dataset.SequenceIndex != 0 || r.View != aggregate.ViewCohort {
		return nil
	}
	x := released{
		r: r, names: names, revision: revisionOf(r),
		base: aggregate.ReleaseID(r.Dataset, r.Window, r.View, aggregate.ReleaseBase, 0),
	}
	for _, row := range r.Rows {
		if row.NetworkID != "" && row.ForNetworkReader(row.NetworkID) {
			x.row(row)
		}
	}
	for _, e := range r.Events {
		if e.NetworkID != "" && e.ForNetworkReader(e.NetworkID) {
			x.event(e)
		}
	}
	return x.out
}

// revisionOf counts the figures of a window: the base release, the redecode that there
// may be, and the versions of the model.
func revisionOf(r aggregate.Release) int {
	switch r.Kind {
	case aggregate.ReleaseBase:
		return 0
	case aggregate.ReleaseRedecode:
		return 1
	}
	return 1 + r.ModelVersion
}

// released is a release on its way out.
type released struct {
	r        aggregate.Release
	names    CampaignNames
	revision int
	base     string // id of the window's base release, by which its rows are known for ever
	out      []Conversion
}

func (x *released) row(row aggregate.Row) {
	rowID := x.base + "/" + row.Key()
	x.add(rowID, row, EventInstall, map[string]string{"count": strconv.Itoa(row.Installs)})
	if row.Payers == nil || *row.Payers == 0 && x.revision == 0 {
		return
	}
	f := map[string]string{"count": strconv.Itoa(*row.Payers), "currency": x.r.Settings.Currency}
	// Amounts are in the app's currency, so one is both.
	f["revenue"], f["revenue_min"], f["revenue_max"] = amount(row.RevenueEst), amount(row.RevenueMin), amount(row.RevenueMax)
	f["revenue_converted"] = f["revenue"]
	if f["revenue"] == "" {
		delete(f, "currency")
	}
	x.add(rowID, row, EventPayer, f)
}

// event is one line of the events of a campaign. Its row id is the campaign's: of
// whatever name the event is, its key is none of a row's measures.
func (x *released) event(e aggregate.EventCount) {
	if e.Installs == nil || e.CountEst == nil || *e.Installs == 0 && x.revision == 0 {
		return
	}
	campaign := aggregate.Row{Level: aggregate.LevelSrc2, NetworkID: e.NetworkID, IDKind: e.IDKind, Source2: e.Source2}
	rowID := x.base + "/" + campaign.Key() + "/events"
	x.add(rowID, campaign, e.EventName, map[string]string{
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

func amount(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

func (x *released) add(rowID string, row aggregate.Row, event string, figures map[string]string) {
	end := x.r.Window.End.UTC()
	revision := strconv.Itoa(x.revision)
	campaign := x.campaign(row)
	f := map[string]string{
		"event_name": event, "event_id": rowID + "/" + event,
		"event_time":      end.Format(time.RFC3339),
		"event_time_unix": strconv.FormatInt(end.Unix(), 10),
		"app_id":          strconv.FormatInt(x.r.Dataset.AppID, 10),
		"network_id":      row.NetworkID,
		"campaign_id":     campaign.ID, "campaign_name": campaign.Name,
		"is_modeled": strconv.FormatBool(x.r.Kind == aggregate.ReleaseModel), "row_id": rowID, "revision": revision,
		"is_test":           "false",
		"window_start":      x.r.WindowStart.UTC().Format(time.RFC3339),
		"window_end":        end.Format(time.RFC3339),
		"source_identifier": finest(row), "attribution_type": "attributed",
	}
	if x.r.Kind == aggregate.ReleaseModel {
		f["model_version"] = strconv.Itoa(x.r.ModelVersion)
	}
	maps.Copy(f, figures)
	f["count_low"], f["count_high"] = cmp.Or(f["count_low"], f["count"]), cmp.Or(f["count_high"], f["count"])
	if f["count_high"] == open {
		delete(f, "count_high")
	}
	maps.DeleteFunc(f, func(_, value string) bool { return value == "" })
	x.out = append(x.out, Conversion{
		Kind: KindModeled, DedupKey: rowID + "/" + event + "/" + revision, AppID: x.r.Dataset.AppID,
		NetworkID: row.NetworkID, OccurredAt: x.r.SealedAt, Revision: x.revision, Fields: f,
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
