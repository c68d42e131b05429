package forward

import (
	"strconv"
	"time"

	"skand/aggregate"
)

// Event names of conversions made from published rows.
const (
	EventInstall = "install" // the row's installs
	EventPayer   = "payer"   // the row's payers, with their revenue
)

// FromRelease turns a published release into conversions of kind modeled: one per
// row and measure of a named network. They say what the row says, never more: no
// user, no row below k, nothing withheld, and not the rows that mix networks.
// Until there is a model the figure is the observed one, and is marked so.
func FromRelease(r aggregate.Release) []Conversion {
	if r.Dataset.Kind != aggregate.KindInstall || r.Dataset.Environment != aggregate.EnvProduction || r.Dataset.SequenceIndex != 0 {
		return nil
	}
	var out []Conversion
	for _, row := range r.Rows {
		if row.NetworkID == "" || !row.ForNetworkReader(row.NetworkID) {
			continue
		}
		out = append(out, fromRow(r, row, EventInstall, row.Installs, nil))
		if row.Payers != nil && *row.Payers > 0 {
			money := map[string]string{"currency": r.Settings.Currency}
			if row.RevenueEst != nil && row.RevenueMin != nil {
				money["revenue"] = row.RevenueEst.String()
				money["revenue_min"] = row.RevenueMin.String()
			}
			if row.RevenueMax != nil {
				money["revenue_max"] = row.RevenueMax.String()
			}
			out = append(out, fromRow(r, row, EventPayer, *row.Payers, money))
		}
	}
	return out
}

func fromRow(r aggregate.Release, row aggregate.Row, event string, count int, money map[string]string) Conversion {
	rowID := r.ID + "/" + row.Key()
	n := strconv.Itoa(count)
	f := map[string]string{
		"event_name": event, "event_id": rowID + "/" + event,
		"event_time":      r.Window.End.UTC().Format(time.RFC3339),
		"event_time_unix": strconv.FormatInt(r.Window.End.Unix(), 10),
		"app_id":          strconv.FormatInt(r.Dataset.AppID, 10),
		"network_id":      row.NetworkID,
		"count":           n, "count_low": n, "count_high": n,
		"is_modeled": "false", "row_id": rowID, "revision": "0",
		"window_start":      r.WindowStart.UTC().Format(time.RFC3339),
		"window_end":        r.Window.End.UTC().Format(time.RFC3339),
		"source_identifier": finest(row), "attribution_type": "attributed",
	}
	for k, v := range money {
		f[k] = v
	}
	return Conversion{
		Kind: KindModeled, DedupKey: rowID + "/" + event + "/0", AppID: r.Dataset.AppID,
		NetworkID: row.NetworkID, OccurredAt: r.SealedAt, Fields: f,
	}
}

// finest is the longest identifier that the row names; "" for a whole network.
func finest(row aggregate.Row) string {
	for _, id := range []string{row.Source4, row.Source3, row.Source2} {
		if id != "" {
			return id
		}
	}
	return ""
}
