package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"skand/conversion"
)

// Acts on installs that the audit log tells of; an install is told by its hash.
const (
	ActInstallRead = "installs.read"
	ActRecompute   = "installs.recompute"
)

// ErrNoInstall is returned for an install that is not kept (any more).
var ErrNoInstall = errors.New("no such install")

// InstallView is an install as operators see it: why it was decided so. Of what
// identifies a person it says what is kept, and never what it is.
type InstallView struct {
	AppID       int64               `json:"app_id"`
	ID          string              `json:"id"`
	Hash        string              `json:"hash"` // what it is called in the audit log and in the store
	InstalledAt time.Time           `json:"installed_at"`
	ReceivedAt  time.Time           `json:"received_at"`
	ReportedAt  *time.Time          `json:"reported_time,omitempty"` // by a clock that was ahead
	Decision    conversion.Decision `json:"decision"`
	DecidedAt   time.Time           `json:"decided_at"`
	IsTest      bool                `json:"is_test"`
	Review      string              `json:"review"`
	Reason      string              `json:"review_reason"`
	Consent     ConsentView         `json:"consent"`
	History     []ConsentView       `json:"consent_history"`
	Kept        []string            `json:"identifiers"` // idfa, idfv, ip: those that are kept
	Events      []EventView         `json:"events"`
}

// ConsentView is a line of consent. A member that is not there was not spoken of.
type ConsentView struct {
	At        time.Time `json:"at"`
	ATTStatus string    `json:"att_status,omitempty"`
	Limited   *bool     `json:"limited_data_sharing,omitempty"`
	GDPR      string    `json:"gdpr,omitempty"` // none, allowed, refused
}

// EventView is an event with what the app's settings said of it.
type EventView struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Time       time.Time        `json:"time"`
	ReceivedAt time.Time        `json:"received_at"`
	Revenue    *decimal.Decimal `json:"revenue,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	RevenueApp *decimal.Decimal `json:"revenue_app,omitempty"` // in the app's currency
	Flags      []string         `json:"flags"`
}

// InstallHash is what an install is called where it must not be named.
func (s *Store) InstallHash(id string) string { return s.vault.Hash(hashInstall, id) }

// ConsentedInstall reads an install; ErrNoInstall if it is not kept.
func (s *Store) ConsentedInstall(ctx context.Context, appID int64, id string) (InstallView, error) {
	v := InstallView{AppID: appID, ID: id, Hash: s.InstallHash(id), Kept: []string{}, History: []ConsentView{}, Events: []EventView{}}
	err := s.main.in(ctx, func(t *tx) error {
		var row installRow
		const text = `SELECT ` + installColumns + ` FROM install WHERE app_id = ? AND id = ?`
		err := t.GetContext(ctx, &row, t.q(text), appID, v.Hash)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoInstall
		}
		if err != nil {
			return fmt.Errorf("read install: %w", err)
		}
		in, err := s.keptInstall(&row)
		if err != nil {
			return err
		}
		v.fill(&row, &in)
		history, err := newLedger(s, t).Consents(ctx, appID, id)
		if err != nil {
			return err
		}
		for _, c := range history {
			v.History = append(v.History, ConsentView(c))
		}
		return s.viewEvents(ctx, t, &v)
	})
	return v, err
}

func (v *InstallView) fill(row *installRow, in *conversion.KeptInstall) {
	v.InstalledAt, v.ReceivedAt, v.DecidedAt = in.Time.UTC(), at(row.ReceivedAt), at(row.DecidedAt)
	v.Decision, v.IsTest, v.Review, v.Reason = in.Decision, in.IsTest, row.Review, row.ReviewReason
	if !in.Arrival.Reported.IsZero() {
		v.ReportedAt = &in.Arrival.Reported
	}
	v.Consent = ConsentView{At: at(consentAt(in)), ATTStatus: in.ATTStatus, Limited: &in.Limited, GDPR: in.Consent().GDPR()}
	if v.Consent.GDPR == "" {
		v.Consent.GDPR = conversion.GDPRNone
	}
	for _, id := range []struct{ name, value string }{{"idfa", in.IDFA}, {"idfv", in.IDFV}, {"ip", in.IP}} {
		if id.value != "" {
			v.Kept = append(v.Kept, id.name)
		}
	}
}

func (s *Store) viewEvents(ctx context.Context, t *tx, v *InstallView) error {
	var rows []eventRow
	if err := t.SelectContext(ctx, &rows, t.q(eventsSQL), v.AppID, v.Hash); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	for i := range rows {
		e, err := s.keptEvent(&rows[i])
		if err != nil {
			return err
		}
		one := EventView{
			ID: e.ID, Name: e.Name, Time: e.Time.UTC(), ReceivedAt: at(rows[i].ReceivedAt), Revenue: e.Revenue, Currency: e.Currency,
			RevenueApp: e.RevenueApp, Flags: e.Flags,
		}
		if one.Flags == nil {
			one.Flags = []string{}
		}
		v.Events = append(v.Events, one)
	}
	return nil
}

// Recompute decides installs again, and tells the audit log how many and of when.
func (s *Store) Recompute(ctx context.Context, r conversion.Recompute) (conversion.Recomputed, error) {
	if err := needApp(ctx, r.AppID); err != nil {
		return conversion.Recomputed{}, err
	}
	detail := map[string]any{"from": r.From, "to": r.To, "dry_run": r.DryRun}
	if err := s.Audit(ctx, "store", ActRecompute, r.AppID, fmt.Sprintf("app %d", r.AppID), detail); err != nil {
		return conversion.Recomputed{}, err
	}
	return (&conversion.Intake{Store: s}).Recompute(ctx, r)
}
