package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"skand/conversion"
	"skand/forward"
)

// clickBody, installBody and eventBody are what is sealed of an item: with the time
// that it reported, where that was ahead of ours.
type clickBody struct {
	*conversion.Click
	Reported time.Time `json:"reported_time,omitzero"`
}

type installBody struct {
	*conversion.Install
	Reported time.Time `json:"reported_time,omitzero"`
}

type eventBody struct {
	*conversion.Event
	Reported time.Time `json:"reported_time,omitzero"`
}

const addClickSQL = `
INSERT INTO click (app_id, id, network_id, clicked_at, received_at, interaction, campaign_id, idfa_hash, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddClick implements conversion.Keeper. Of the device only the hash of its idfa is
// kept: a network saw it, and whether the person lets the app know it is not known.
func (l *ledger) AddClick(ctx context.Context, c *conversion.Click) (bool, error) {
	return l.addClick(ctx, c, ms(l.Now()))
}

func (l *ledger) addClick(ctx context.Context, c *conversion.Click, received int64) (bool, error) {
	kept := *c
	kept.IDFA, kept.IP, kept.UserAgent = "", "", ""
	body, err := l.sealJSON(kindClick, clickBody{&kept, c.Arrival.Reported})
	if err != nil {
		return false, err
	}
	return l.added(ctx, "click", addClickSQL,
		c.AppID, l.hashOf(hashClick, c.ID), strings.ToLower(c.NetworkID), ms(c.Time), received,
		cmp.Or(c.Interaction, conversion.InteractionClick), c.CampaignID, l.hashOf(hashIDFA, conversion.KnownIDFA(c.IDFA)), body)
}

const addInstallSQL = `
INSERT INTO install (app_id, id, installed_at, received_at, click_id, idfa_hash, idfv_hash, network_id, campaign_id,
	decision, reason, method, interaction, flags, is_test, att_status, limited, gdpr, consent_at, decided_at, detail, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddInstall implements conversion.Keeper.
func (l *ledger) AddInstall(ctx context.Context, in *conversion.KeptInstall) (bool, error) {
	now := ms(l.Now())
	ok, err := l.addInstall(ctx, in, now, now)
	if err != nil {
		return false, err
	}
	if !ok {
		l.noteRepeat(in.AppID, forward.KindInstall)
		return false, nil
	}
	return true, l.use(ctx, in)
}

func (l *ledger) addInstall(ctx context.Context, in *conversion.KeptInstall, received, decided int64) (bool, error) {
	body, err := l.sealJSON(kindInstall, installBody{&in.Install, in.Arrival.Reported})
	if err != nil {
		return false, err
	}
	d := in.Decision
	detail, err := l.sealJSON(kindDecision, d)
	if err != nil {
		return false, err
	}
	return l.added(ctx, "install", addInstallSQL,
		in.AppID, l.hashOf(hashInstall, in.ID), ms(in.Time), received, l.hashOf(hashClick, in.ClickID).String,
		orNull(in.Device.IDFA), orNull(in.Device.IDFV), d.NetworkID, d.CampaignID,
		d.Name(), d.Reason, d.Method, d.Interaction, strings.Join(d.Flags, ","), in.IsTest,
		in.ATTStatus, in.Limited, in.Consent().GDPR(), consentAt(in), decided, detail, body)
}

// consentAt is when consent was given or refused; where nothing was said, the install.
func consentAt(in *conversion.KeptInstall) int64 {
	if in.ConsentTime.IsZero() {
		return ms(in.Time)
	}
	return ms(in.ConsentTime)
}

// use marks the click of an attributed install as spent.
func (l *ledger) use(ctx context.Context, in *conversion.KeptInstall) error {
	if !in.Decision.Attributed {
		return nil
	}
	const text = `UPDATE click SET used_by = ? WHERE app_id = ? AND id = ?`
	err := l.run(ctx, text, l.hashOf(hashInstall, in.ID), in.AppID, l.hashOf(hashClick, in.Decision.ClickID))
	if err != nil {
		return fmt.Errorf("mark click used: %w", err)
	}
	return nil
}

// Free implements conversion.Touches.
func (l *ledger) Free(ctx context.Context, in *conversion.KeptInstall) error {
	const text = `UPDATE click SET used_by = NULL WHERE app_id = ? AND used_by = ?`
	if err := l.run(ctx, text, in.AppID, l.hashOf(hashInstall, in.ID)); err != nil {
		return fmt.Errorf("give back click: %w", err)
	}
	return nil
}

const decideSQL = `
UPDATE install SET decision = ?, network_id = ?, campaign_id = ?, reason = ?, method = ?, interaction = ?, flags = ?,
	detail = ?, decided_at = ? WHERE app_id = ? AND id = ?`

// Decide implements conversion.Keeper.
func (l *ledger) Decide(ctx context.Context, in *conversion.KeptInstall) error {
	d := in.Decision
	detail, err := l.sealJSON(kindDecision, d)
	if err != nil {
		return err
	}
	err = l.run(ctx, decideSQL, d.Name(), d.NetworkID, d.CampaignID, d.Reason, d.Method, d.Interaction,
		strings.Join(d.Flags, ","), detail, ms(l.Now()), in.AppID, l.hashOf(hashInstall, in.ID))
	if err != nil {
		return fmt.Errorf("keep decision: %w", err)
	}
	return l.use(ctx, in)
}

const addEventSQL = `
INSERT INTO event (app_id, id, install_id, name, happened_at, received_at, revenue, currency, revenue_app, flags, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// AddEvent implements conversion.Keeper.
func (l *ledger) AddEvent(ctx context.Context, e *conversion.KeptEvent) (bool, error) {
	ok, err := l.addEvent(ctx, e, ms(l.Now()))
	if err == nil && !ok {
		l.noteRepeat(e.AppID, forward.KindEvent)
	}
	return ok, err
}

func (l *ledger) addEvent(ctx context.Context, e *conversion.KeptEvent, received int64) (bool, error) {
	body, err := l.sealJSON(kindEvent, eventBody{&e.Event, e.Arrival.Reported})
	if err != nil {
		return false, err
	}
	return l.added(ctx, "event", addEventSQL, e.AppID, l.hashOf(hashEvent, e.ID), l.hashOf(hashInstall, e.InstallID), e.Name,
		ms(e.Time), received, amount(e.Revenue), e.Currency, amount(e.RevenueApp), strings.Join(e.Flags, ","), body)
}

// amount is exact text: SQLite has no exact numbers.
func amount(d *decimal.Decimal) any {
	if d == nil {
		return nil
	}
	return d.String()
}

// Judge implements conversion.Keeper.
func (l *ledger) Judge(ctx context.Context, e *conversion.KeptEvent) error {
	const text = `UPDATE event SET flags = ?, revenue_app = ? WHERE app_id = ? AND id = ?`
	err := l.run(ctx, text, strings.Join(e.Flags, ","), amount(e.RevenueApp), e.AppID, l.hashOf(hashEvent, e.ID))
	if err != nil {
		return fmt.Errorf("judge event: %w", err)
	}
	return nil
}
