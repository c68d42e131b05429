package conversion

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/schema"
	"skand/skan"
)

// Decoded is what a counted postback says under the version that its phone used.
type Decoded struct {
	AppID         int64
	Environment   skan.Environment
	Identity      []byte
	FirstSeen     time.Time // as it is in Pending
	CopyID        string    // the copy whose values were decoded
	DecodedAt     time.Time
	ValueKind     string // null, unset, unmapped, coarse, fine: how it is counted
	State         schema.State
	Flags         []string
	SchemaVersion int // 0: no schema yet
	Payer         bool
	RevenueMin    decimal.Decimal
	RevenueEst    decimal.Decimal
	RevenueMax    *decimal.Decimal // nil: an open band without a cap
	Launch        Launch
}

// How a value is counted in a cohort.
const (
	CountNull     = "null"
	CountUnset    = "unset"
	CountUnmapped = "unmapped"
	CountCoarse   = "coarse"
	CountFine     = "fine"
)

// Decode reads one counted postback. A value is never turned into zero and never
// dropped: without a schema it is kept as unmapped until there is one.
func Decode(p *Pending, versions []SchemaVersion, now time.Time) Decoded {
	d := Decoded{
		AppID: p.AppID, Environment: p.Environment, Identity: p.Identity, FirstSeen: p.FirstSeen, CopyID: p.CopyID, DecodedAt: now,
		RevenueMax: &decimal.Zero,
	}
	value := schema.Value{
		Index: p.Index, Fine: p.Fine, Coarse: p.Coarse, Digits: p.Digits(), Reengagement: p.Kind == KindReengagement,
	}
	if p.Kind == KindQualifier {
		// A losing postback has no value; one that claims to have was altered on its way.
		value.Fine, value.Coarse, value.Digits = nil, "", 0
	}
	v, flags := Bind(versions, p)
	d.Flags = flags
	lock := 0
	if v == nil {
		d.State = schema.Undecoded(value)
	} else {
		lock = lockHours(v.Document, p)
		d.SchemaVersion = v.Version
		x := v.Document.Decode(value)
		d.State, d.Payer = x.State, x.Payer
		d.RevenueMin, d.RevenueEst, d.RevenueMax = x.RevenueMin, x.RevenueEst, x.RevenueMax
		if x.Clamped && value.Fine != nil { // of a coarse level no amount is counted
			d.Flags = append(d.Flags, FlagClamped)
		}
		if x.Overlap {
			d.Flags = append(d.Flags, FlagOverlap)
		}
	}
	d.ValueKind = countAs(d.State, value)
	if d.ValueKind != CountFine {
		// Payers and revenue are counted among fine values only; a coarse level is
		// an estimate, which is the model's business.
		d.Payer, d.RevenueMin, d.RevenueEst, d.RevenueMax = false, decimal.Zero, decimal.Zero, &decimal.Zero
	}
	d.Launch = EstimateLaunch(p.ReceivedAt, p.Framework, p.Version, p.Index, value.Fine, lock).relayed(p.RelayDelay)
	return d
}

func countAs(s schema.State, v schema.Value) string {
	switch s {
	case schema.StateNull:
		return CountNull
	case schema.StateUnset:
		return CountUnset
	case schema.StateDecoded:
		if v.Fine != nil {
			return CountFine
		}
		return CountCoarse
	default:
		return CountUnmapped
	}
}

// DecodeStore is what the decoding job works on.
type DecodeStore interface {
	// UndecodeEarly lets those wait again that were decoded without a schema while the
	// first one of their app was being published.
	UndecodeEarly(ctx context.Context) error
	// Undecoded lists counted, unsealed postbacks that wait for a decode, oldest first.
	Undecoded(ctx context.Context, limit int) ([]Pending, error)
	// SchemaVersions lists an app's published versions in ascending order.
	SchemaVersions(ctx context.Context, appID int64) ([]SchemaVersion, error)
	// SaveDecoded keeps decodes; one whose copy has been replaced, or whose row has
	// been sealed since, is left out. It returns how many were kept.
	SaveDecoded(ctx context.Context, decoded []Decoded) (int, error)
}

const decodeBatch = 500

// DecodeAll decodes everything that waits and returns how many rows it decoded.
func DecodeAll(ctx context.Context, store DecodeStore, now func() time.Time) (int, error) {
	if err := store.UndecodeEarly(ctx); err != nil {
		return 0, fmt.Errorf("decode: %w", err)
	}
	total := 0
	versions := map[int64][]SchemaVersion{}
	for {
		pending, err := store.Undecoded(ctx, decodeBatch)
		if err != nil {
			return total, fmt.Errorf("decode: %w", err)
		}
		if len(pending) == 0 {
			return total, nil
		}
		decoded := make([]Decoded, 0, len(pending))
		for i := range pending {
			p := &pending[i]
			known, ok := versions[p.AppID]
			if !ok {
				known, err = store.SchemaVersions(ctx, p.AppID)
				if err != nil {
					return total, fmt.Errorf("decode: %w", err)
				}
				known = slices.Clone(known)
				versions[p.AppID] = known
			}
			decoded = append(decoded, Decode(p, known, now()))
		}
		n, err := store.SaveDecoded(ctx, decoded)
		if err != nil {
			return total, fmt.Errorf("decode: %w", err)
		}
		total += n
		if n == 0 {
			// Every row was replaced meanwhile; the next run takes them.
			return total, nil
		}
	}
}
