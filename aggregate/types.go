// Package aggregate owns what leaves the house about crowds: it cuts the counted
// installs of one sealed window into rows of at least k, lets a measure stand on
// a row only where at least b installs are behind it, and seals each window once.
//
// It refuses anything about a single install: it knows no postback, no value and
// no identity, only groups of counted installs that are alike. It has no SQL, no
// HTTP and no clock of its own; the stores behind Sealer are interfaces.
package aggregate

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Dataset kinds. A qualifier is a losing postback (did-win false): it is counted
// apart from installs and never carries a value.
const (
	KindInstall      = "install"
	KindReengagement = "reengagement"
	KindQualifier    = "qualifier"
)

// Environments. Rows signed by development keys are never mixed with the others.
const (
	EnvProduction  = "production"
	EnvDevelopment = "development"
)

// Dataset is what one partition is made of. The three postbacks of an install
// can't be joined by anyone, so each sequence index is a dataset of its own.
type Dataset struct {
	AppID         int64  `json:"app_id"`
	SequenceIndex int    `json:"sequence_index"` // 0, 1, 2
	Kind          string `json:"kind"`           // install, reengagement, qualifier
	Environment   string `json:"environment"`    // production, development
}

// String is the dataset as it stands at the head of release ids.
func (d Dataset) String() string {
	return fmt.Sprintf("%d.%d.%s.%s", d.AppID, d.SequenceIndex, d.Kind, d.Environment)
}

// Id kinds: which of Apple's two members named the campaign.
const (
	IDSource   = "source"   // source-identifier, 2 to 4 digits (SKAdNetwork 4, AdAttributionKit)
	IDCampaign = "campaign" // campaign-id, 1 to 100 (SKAdNetwork 1-3)
)

// Short forms: which end of a source identifier Apple leaves when the crowd is
// small. A setting of the network.
const (
	ShortLast  = "last"  // 39 > 239 > 5239, as in Apple's samples
	ShortFirst = "first" // 52 > 523 > 5239
)

// Value kinds: what is known of what an install did. They add up to the installs.
const (
	ValueNull     = "null"     // withheld by Apple: unknown, never zero
	ValueUnset    = "unset"    // the app never set a value
	ValueUnmapped = "unmapped" // a value that the schema has no row for (or reserves)
	ValueCoarse   = "coarse"   // low, medium, high
	ValueFine     = "fine"     // 0 to 63
)

// Coarse levels, in their order.
const (
	CoarseLow    = "low"
	CoarseMedium = "medium"
	CoarseHigh   = "high"
)

// Counted is one group of counted installs that are alike in everything below;
// the store groups them, so N is a multiplicity. Counted means verified,
// deduplicated, winning, and signed by a key of the dataset's environment: the
// store lets nothing else in, since every row here lifts a cell towards k.
type Counted struct {
	N         int
	NetworkID string // lower case
	IDKind    string // source, campaign
	Source    string // digits or campaign id, as sent
	ShortForm string // last, first; read for IDKind source only

	Kind   string // null, unset, unmapped, coarse, fine
	Coarse string // low, medium, high; read for Kind coarse only

	// Read for Kind fine only; amounts are per install, in the app's currency,
	// clamped at the schema's cap. RevenueMax nil: the band is open.
	Fine       int // 0 to 63
	Payer      bool
	Clamped    bool // the cap cut an amount; what is published of it is read from the histogram
	RevenueMin decimal.Decimal
	RevenueEst decimal.Decimal
	RevenueMax *decimal.Decimal

	SchemaVersion int // 0: no schema decoded it

	Redownload bool // the app had been on the device before
	Ambiguous  bool // two schema versions may have set the value
}

// Batch is every unsealed counted install that a window takes.
type Batch struct {
	Groups []Counted
	// OpenRevenue: some schema version that may have decoded rows of this batch
	// has an open band and no cap. Decided by the versions, never by the rows:
	// then no row has a revenue_max, and its absence tells nothing.
	OpenRevenue bool
	// Schemas is what every schema version that may have decoded rows of this batch
	// says of fine values, ascending by version. Decided by the versions, never by
	// the rows, for the tree of the histograms hangs on it. Empty: the release has
	// no histograms and no events.
	Schemas []Meaning
	// Funnels of the app: names of events, stage after stage.
	Funnels [][]string
	// KnowsRedownloads: Redownload was read. If not, the measure is nil on every row.
	KnowsRedownloads bool
}

// Installs is the number of installs in the batch.
func (b Batch) Installs() int {
	n := 0
	for _, g := range b.Groups {
		n += g.N
	}
	return n
}

// Release kinds, views and states of the ledger.
const (
	ReleaseBase     = "base"
	ReleaseRedecode = "redecode"
	ReleaseModel    = "model"

	ViewCohort   = "cohort"
	ViewCrossing = "crossing/" // and the name of the view; see Release.Charges

	StatePrepared  = "prepared"  // in the ledger with its rows, not yet in the published store
	StatePublished = "published" // in the published store, for ever
	StateCarried   = "carried"   // below k: nothing was published and nothing will be
	StateCharged   = "charged"   // the epsilon of a crossing, spent with the base release of the window
)

// Release is one line of the ledger and, unless it was carried, the rows, remainders,
// bins and events that are published under it in one transaction. Settings, Carried, State and
// Digest are for operators; the public ledger has the columns of contract
// `release` only, and no line for a carried window.
type Release struct {
	ID           string  `json:"id"` // see ReleaseID
	Dataset      Dataset `json:"dataset"`
	View         string  `json:"view"`
	Kind         string  `json:"kind"`
	ModelVersion int     `json:"model_version"`
	// Window is the window that was sealed; with dataset, view, kind and model
	// version it is the unique key of the ledger.
	Window Window `json:"window"`
	// WindowStart is what is published as window_start: Window.Start, or the start
	// of the first of the windows whose installs were carried into this one.
	WindowStart time.Time `json:"window_start"`
	// Taken bounds the rows that were cut: unsealed, counted_at in [Start, End).
	Taken          Window    `json:"taken"`
	K              int       `json:"k"`
	B              int       `json:"b"`
	SchemaVersions []int     `json:"schema_versions"` // see Published; of a redecode, the one it was read by
	SealedAt       time.Time `json:"sealed_at"`
	Lab            bool      `json:"lab"`
	Settings       Settings  `json:"settings"`
	State          string    `json:"state"`
	// Rows and what stands beside them, see Published.
	Rows       []Row          `json:"rows,omitempty"`
	Remainders []Remainder    `json:"remainders,omitempty"`
	Values     []ValueBin     `json:"values,omitempty"`
	Events     []EventCount   `json:"events,omitempty"`
	Crossings  []CrossingCell `json:"crossings,omitempty"` // ordered by view, network, then as declared values sort
	Done       []DoneEvent    `json:"done,omitempty"`
	Funnels    []FunnelStage  `json:"funnels,omitempty"`
	Combined   []CombinedRow  `json:"combined,omitempty"`

	// Of a release of the model, which has none of the above. Explained and Drifts are
	// nil where there is no signal.
	Coverage  float64            `json:"coverage,omitempty"` // of the intervals, 0.90
	Modeled   []ModeledRow       `json:"modeled,omitempty"`
	Rollups   []ModeledRollup    `json:"rollups,omitempty"`
	Checks    []ModelCheck       `json:"checks,omitempty"`
	Explained []ModelExplanation `json:"explained,omitempty"`
	Drifts    []ModelDrift       `json:"drifts,omitempty"` // alarms that stand with it; operators only

	Installs int    `json:"installs"` // in Rows; for a carried release 0
	Carried  int    `json:"carried"`  // installs that wait; operators only
	Digest   string `json:"digest"`   // Digest of what was cut; operators only, keyed where shown

	Epsilon string `json:"epsilon,omitempty"` // of a line `charged`: what its view spent; a decimal
}

// Line is the release without what it publishes: its line of the ledger.
func (r Release) Line() Release {
	r.Rows, r.Remainders, r.Values, r.Events, r.Crossings = nil, nil, nil, nil, nil
	r.Done, r.Funnels, r.Combined = nil, nil, nil
	r.Modeled, r.Rollups, r.Checks, r.Explained, r.Drifts = nil, nil, nil, nil, nil
	return r
}

// ReleaseID is the deterministic, readable name of a release, for example
// "525463029.0.install.production.2026-11-16.week.cohort.base.0".
func ReleaseID(d Dataset, w Window, view, kind string, modelVersion int) string {
	return fmt.Sprintf("%s.%s.%s.%s.%s.%d", d, w.Start.UTC().Format(time.DateOnly), w.Kind(), view, kind, modelVersion)
}
