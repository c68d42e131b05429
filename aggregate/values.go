package aggregate

import "github.com/shopspring/decimal"

// Kinds of a ValueBin.
const (
	BinFine    = "fine"    // installs with one of the bin's values; these add up
	BinClamped = "clamped" // installs whose amount the cap cut: a sum of fine bins, not one more
)

// ValueBin is one `cohort_value` line: a bin of the histogram of fine values of a
// campaign, over exactly those of its rows on which payers stand. What is in no
// bin of a campaign that has bins was had by no install.
type ValueBin struct {
	NetworkID string `json:"network_id"` // "" is NULL: the app's `other` or `total`
	IDKind    string `json:"id_kind"`    // "" is NULL where Source2 is
	Source2   string `json:"source_2"`   // "" is NULL: the network as a whole, or its `other` and `withheld`

	Kind string `json:"kind"` // fine, clamped
	From int    `json:"from"` // least value of the bin
	To   int    `json:"to"`   // greatest value
	// Values are the bin's values, for a bin may have gaps: "3-5,9"; where schema
	// versions differ, "1:3-5;2:4".
	Values string `json:"values"`
	// SchemaVersion that decoded them; 0: several.
	SchemaVersion int  `json:"schema_version"`
	Installs      *int `json:"installs"` // 0 or at least b; nil only for clamped, where a bin crosses it

	// Revenue of the bin, by its size and the schema alone: installs times the least
	// lower end, the mean estimate, the greatest upper end of its values.
	RevenueMin *decimal.Decimal `json:"revenue_min"`
	RevenueEst *decimal.Decimal `json:"revenue_est"`
	RevenueMax *decimal.Decimal `json:"revenue_max"` // nil: open
}

// EventCount is one `cohort_event` line: an event of a campaign, as a sum of the
// campaign's bins.
type EventCount struct {
	NetworkID string `json:"network_id"` // as in ValueBin
	IDKind    string `json:"id_kind"`
	Source2   string `json:"source_2"`
	EventName string `json:"event_name"`

	Installs *int             `json:"installs"`  // whose value vouches for the event; nil: a bin crosses it
	CountMin *decimal.Decimal `json:"count_min"` // how often it happened on them; nil where Installs is
	CountEst *decimal.Decimal `json:"count_est"`
	CountMax *decimal.Decimal `json:"count_max"` // nil also where a band is open

	// AmbiguousShare is the campaign's, the same on all its lines: the share of the
	// histogram's installs whose value two schema versions may have set, 0 to 1 in
	// steps of 0.05; nil where fewer than b are, or are not.
	AmbiguousShare *decimal.Decimal `json:"ambiguous_share"`
}

// ForNetworkReader is Row.ForNetworkReader for a bin.
func (v ValueBin) ForNetworkReader(networkID string) bool {
	return ownCampaign(networkID, v.NetworkID, v.Source2)
}

// ForNetworkReader is Row.ForNetworkReader for an event.
func (e EventCount) ForNetworkReader(networkID string) bool {
	return ownCampaign(networkID, e.NetworkID, e.Source2)
}

// ForNetworkReader is Row.ForNetworkReader for a remainder: none but its own.
func (r Remainder) ForNetworkReader(networkID string) bool {
	return r.NetworkID != "" && r.NetworkID == networkID
}

func ownCampaign(reader, networkID, source2 string) bool {
	return networkID != "" && networkID == reader && source2 != ""
}
