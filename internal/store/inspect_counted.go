package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

// InspectedCounts is what counts for an identity.
type InspectedCounts struct {
	Environment   skan.Environment  `json:"environment"`
	FirstSeen     time.Time         `json:"first_seen"`  // when the first copy came
	CountedAt     time.Time         `json:"counted_at"`  // decides the window
	ReceivedAt    time.Time         `json:"received_at"` // of the copy whose values count
	CopyID        string            `json:"copy_id"`
	Source        conversion.Source `json:"source"` // the best that has said the same
	Framework     skan.Framework    `json:"framework"`
	Version       string            `json:"version"`
	NetworkID     string            `json:"network_id"`
	SequenceIndex int               `json:"sequence_index"`
	Kind          conversion.Kind   `json:"kind"`
	IDKind        string            `json:"id_kind"`
	SourceID      string            `json:"source_id"`
	Redownload    bool              `json:"redownload"`
	Fine          *int              `json:"fine"`
	Coarse        string            `json:"coarse"`
	Country       string            `json:"country"`
	Interaction   string            `json:"interaction"`
	Publisher     string            `json:"publisher"`
	Decode        *InspectedDecode  `json:"decode"` // null: it waits for its decode
	Launch        *InspectedLaunch  `json:"launch"` // likewise
	Placed        *InspectedPlace   `json:"placed"` // null: in no window yet
	Waits         *InspectedWait    `json:"waits"`  // why not; null once it is in one
}

// InspectedDecode is what the value says under the version that the phone used.
type InspectedDecode struct {
	DecodedAt     time.Time           `json:"decoded_at"`
	SchemaVersion int                 `json:"schema_version"` // 0: there was no schema
	CountsAs      string              `json:"counts_as"`      // null, unset, unmapped, coarse, fine
	State         schema.State        `json:"state"`
	Flags         []string            `json:"flags"`
	Payer         bool                `json:"payer"`
	RevenueMin    decimal.Decimal     `json:"revenue_min"`
	RevenueEst    decimal.Decimal     `json:"revenue_est"`
	RevenueMax    decimal.NullDecimal `json:"revenue_max"` // null: an open band without a cap
	Currency      string              `json:"currency"`    // "": there was no schema
	// Events that the value vouches for, as the version maps them.
	Events []schema.MappedEvent `json:"events"`
}

// InspectedLaunch is between which times the app was first opened, by Apple's delays.
type InspectedLaunch struct {
	From  time.Time `json:"from"`
	Point time.Time `json:"point"` // the likeliest
	To    time.Time `json:"to"`
}

const countedOfSQL = `
SELECT c.environment, c.first_seen, c.counted_at, c.received_at, c.copy_id, c.source, c.framework, c.version, c.network_id,
  c.sequence_index, c.kind, c.id_kind, c.source_id, c.redownload, c.fine, c.coarse, c.country, c.interaction, c.publisher,
  c.decoded_at, c.value_kind, c.state, c.flags, c.schema_version, c.payer, c.revenue_min, c.revenue_est, c.revenue_max,
  c.install_point, c.install_from, c.install_to, c.sealed_in
FROM postback_identity i CROSS JOIN counted_postback c
WHERE i.app_id = ? AND i.environment = ? AND i.identity = ?
  AND c.app_id = i.app_id AND c.environment = i.environment AND c.first_seen = i.first_seen AND c.identity = i.identity`

type countedRow struct {
	Environment   skan.Environment    `db:"environment"`
	FirstSeen     int64               `db:"first_seen"`
	CountedAt     int64               `db:"counted_at"`
	ReceivedAt    int64               `db:"received_at"`
	CopyID        string              `db:"copy_id"`
	Source        conversion.Source   `db:"source"`
	Framework     skan.Framework      `db:"framework"`
	Version       string              `db:"version"`
	NetworkID     string              `db:"network_id"`
	Index         int                 `db:"sequence_index"`
	Kind          conversion.Kind     `db:"kind"`
	IDKind        string              `db:"id_kind"`
	SourceID      string              `db:"source_id"`
	Redownload    bool                `db:"redownload"`
	Fine          *int                `db:"fine"`
	Coarse        string              `db:"coarse"`
	Country       string              `db:"country"`
	Interaction   string              `db:"interaction"`
	Publisher     string              `db:"publisher"`
	DecodedAt     *int64              `db:"decoded_at"`
	ValueKind     string              `db:"value_kind"`
	State         schema.State        `db:"state"`
	Flags         string              `db:"flags"`
	SchemaVersion int                 `db:"schema_version"`
	Payer         bool                `db:"payer"`
	RevenueMin    decimal.Decimal     `db:"revenue_min"`
	RevenueEst    decimal.Decimal     `db:"revenue_est"`
	RevenueMax    decimal.NullDecimal `db:"revenue_max"`
	Point         *int64              `db:"install_point"`
	From          *int64              `db:"install_from"`
	To            *int64              `db:"install_to"`
	SealedIn      *string             `db:"sealed_in"`
}

// countedOf reads what counts for an identity; nil: nothing does.
func (s *Store) countedOf(ctx context.Context, appID int64, environment skan.Environment, identity []byte) (*InspectedCounts, error) {
	var r countedRow
	err := getRow(ctx, s.main.r, &r, countedOfSQL, appID, string(environment), identity)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what counts for a postback: %w", err)
	}
	c := &InspectedCounts{
		Environment: r.Environment, FirstSeen: at(r.FirstSeen), CountedAt: at(r.CountedAt), ReceivedAt: at(r.ReceivedAt),
		CopyID: r.CopyID, Source: r.Source, Framework: r.Framework, Version: r.Version, NetworkID: r.NetworkID,
		SequenceIndex: r.Index, Kind: r.Kind, IDKind: r.IDKind, SourceID: r.SourceID, Redownload: r.Redownload,
		Fine: r.Fine, Coarse: r.Coarse, Country: r.Country, Interaction: r.Interaction, Publisher: r.Publisher,
	}
	if r.DecodedAt != nil {
		if c.Decode, err = s.decodeOf(ctx, appID, &r); err != nil {
			return nil, err
		}
	}
	if r.DecodedAt != nil && r.From != nil && r.Point != nil && r.To != nil {
		c.Launch = &InspectedLaunch{at(*r.From), at(*r.Point), at(*r.To)}
	}
	if r.SealedIn != nil {
		c.Placed, err = s.placeOf(ctx, appID, c, *r.SealedIn)
	} else {
		c.Waits, err = s.waitOf(ctx, appID, c)
	}
	return c, err
}

// decodeOf tells the decode as it was made, and reads the names of the events from the
// version that made it: they are kept nowhere else.
func (s *Store) decodeOf(ctx context.Context, appID int64, r *countedRow) (*InspectedDecode, error) {
	d := &InspectedDecode{
		DecodedAt: at(*r.DecodedAt), SchemaVersion: r.SchemaVersion, CountsAs: r.ValueKind, State: r.State,
		Flags: strings.Fields(r.Flags), Payer: r.Payer, RevenueMin: r.RevenueMin, RevenueEst: r.RevenueEst,
		RevenueMax: r.RevenueMax, Events: []schema.MappedEvent{},
	}
	if r.SchemaVersion == 0 {
		return d, nil
	}
	versions, err := schemaVersions(ctx, s.main.r, appID)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.Version != r.SchemaVersion {
			continue
		}
		d.Currency = v.Document.Currency
		if r.Kind == conversion.KindQualifier {
			continue // what a losing postback claims to have is not read
		}
		digits := 0
		if r.IDKind == "source" {
			digits = len(r.SourceID)
		}
		read := v.Document.Decode(schema.Value{
			Index: r.Index, Fine: r.Fine, Coarse: r.Coarse, Digits: digits, Reengagement: r.Kind == conversion.KindReengagement,
		})
		d.Events = append(d.Events, read.Events...)
	}
	return d, nil
}
