package aggregate

import (
	"net/url"

	"github.com/shopspring/decimal"
)

// Levels of a row.
const (
	LevelNetwork  = "network"
	LevelSrc2     = "src2" // two digits, or a campaign id (IDKind says which)
	LevelSrc3     = "src3"
	LevelSrc4     = "src4"
	LevelWithheld = "withheld" // Apple withheld the digits below its parent
	LevelOther    = "other"    // siblings below k, together
	LevelTotal    = "total"    // the whole dataset in this window
)

// Row is one `cohort` row. Every install of a release is in exactly one row and
// every row holds at least k; roll-ups are sums over rows. Where a measure is
// withheld it is nil (NULL), never 0: it is 1 to b-1, or all but 1 to b-1, or the
// kind that it is taken from does not stand.
type Row struct {
	Level     string `json:"level"`
	NetworkID string `json:"network_id"` // "" is NULL: total, and other at network level
	IDKind    string `json:"id_kind"`    // "" is NULL: the row may mix both kinds
	Source2   string `json:"source_2"`   // "" is NULL; a campaign id where IDKind is campaign
	Source3   string `json:"source_3"`
	Source4   string `json:"source_4"`

	Installs int `json:"installs"` // at least k; for sequence index 1 and 2: postbacks

	// The kinds add up to Installs. While another kind is nil, NullInstalls holds
	// its installs too, and is not the number of installs without a value.
	NullInstalls     *int `json:"null_installs"`
	UnsetInstalls    *int `json:"unset_installs"`
	UnmappedInstalls *int `json:"unmapped_installs"`
	CoarseLow        *int `json:"coarse_low"`
	CoarseMedium     *int `json:"coarse_medium"`
	CoarseHigh       *int `json:"coarse_high"`
	FineInstalls     *int `json:"fine_installs"`

	Payers      *int             `json:"payers"`      // among FineInstalls
	RevenueMin  *decimal.Decimal `json:"revenue_min"` // sums over Payers, in the release's currency
	RevenueEst  *decimal.Decimal `json:"revenue_est"` //
	RevenueMax  *decimal.Decimal `json:"revenue_max"` // nil in the whole release where a band may be open
	Redownloads *int             `json:"redownloads"` // among Installs; datasets of kind install only

	// SchemaVersions is the release's, the same on every row, so that no row's
	// list tells of a single install in it.
	SchemaVersions []int `json:"schema_versions"`
}

// Key is the row id: deterministic, unique in a release, stable across releases.
// "example.skadnetwork/39/239", "example.skadnetwork/c7" (campaign 7),
// "example.skadnetwork/39/withheld", "example.skadnetwork/other", "other", "total".
func (r Row) Key() string {
	if r.NetworkID == "" {
		return r.Level // total, other
	}
	key := networkKey(r.NetworkID)
	switch {
	case r.IDKind == IDCampaign:
		key += "/" + campaignKey(r.Source2)
	case r.Source2 != "":
		key += "/" + r.Source2
	}
	for _, digits := range []string{r.Source3, r.Source4} {
		if digits != "" {
			key += "/" + digits
		}
	}
	if r.Level == LevelWithheld || r.Level == LevelOther {
		key += "/" + r.Level
	}
	return key
}

// networkKey spells a network id so that it can't be read as a path of another
// one or as one of the two reserved keys, whatever a network calls itself.
func networkKey(id string) string {
	switch id {
	case LevelTotal, LevelOther:
		return "%" + id
	}
	return url.PathEscape(id)
}

// campaignKey keeps campaign 39 of SKAdNetwork 1-3 apart from the digits 39.
func campaignKey(id string) string { return "c" + id }

// ForNetworkReader reports whether a reader who holds the raw postbacks of one
// network may see the row: its own rows, and no `other` and no `total`. From
// those it could subtract what it knows, down to fewer than k installs of others.
func (r Row) ForNetworkReader(networkID string) bool {
	return r.NetworkID != "" && r.NetworkID == networkID && r.Level != LevelOther
}
