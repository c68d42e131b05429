package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"skand/conversion"
	"skand/internal/apply"
)

// Device implements conversion.Touches. The idfv keeps its hash whatever the consent:
// without it nobody could be erased by it, or known again.
func (l *ledger) Device(in *conversion.Install) conversion.Device {
	d := conversion.Device{IDFV: l.hashOf(hashIDFV, conversion.KnownIDFA(in.IDFV)).String}
	if in.Consent().Permit().Match {
		d.IDFA = l.hashOf(hashIDFA, conversion.KnownIDFA(in.IDFA)).String
	}
	return d
}

const (
	knownByIDFASQL = `SELECT id, installed_at, body FROM install
		WHERE app_id = ? AND idfa_hash = ? AND installed_at <= ? ORDER BY installed_at LIMIT ?`
	knownByIDFVSQL = `SELECT id, installed_at, body FROM install
		WHERE app_id = ? AND idfv_hash = ? AND installed_at <= ? ORDER BY installed_at LIMIT ?`
)

// sameMoment is how many installs of one device in one millisecond are told apart.
const sameMoment = 50

// Known implements conversion.Touches.
func (l *ledger) Known(ctx context.Context, in *conversion.KeptInstall) (*conversion.KnownDevice, error) {
	var best *conversion.KnownDevice
	own := l.hashOf(hashInstall, in.ID).String
	for text, hash := range map[string]string{knownByIDFASQL: in.Device.IDFA, knownByIDFVSQL: in.Device.IDFV} {
		if hash == "" {
			continue
		}
		var rows []struct {
			ID          string `db:"id"`
			InstalledAt int64  `db:"installed_at"`
			Body        string `db:"body"`
		}
		if err := l.all(ctx, &rows, text, in.AppID, hash, ms(in.Time), sameMoment); err != nil {
			return nil, fmt.Errorf("look up device: %w", err)
		}
		for _, r := range rows {
			if r.ID == own || best != nil && ms(best.Time) < r.InstalledAt {
				continue
			}
			var one conversion.Install
			if err := l.s.openJSON(kindInstall, r.Body, &one); err != nil {
				return nil, fmt.Errorf("read install: %w", err)
			}
			if r.InstalledAt == ms(in.Time) && one.ID > in.ID {
				continue // of the same moment: the smaller id is the earlier
			}
			if best == nil || ms(best.Time) > r.InstalledAt || best.InstallID > one.ID {
				best = &conversion.KnownDevice{InstallID: one.ID, Time: at(r.InstalledAt)}
			}
		}
	}
	return best, nil
}

type touchRow struct {
	NetworkID   string         `db:"network_id"`
	CampaignID  string         `db:"campaign_id"`
	Interaction string         `db:"interaction"`
	ClickedAt   int64          `db:"clicked_at"`
	UsedBy      sql.NullString `db:"used_by"`
	Body        string         `db:"body"`
}

// touch is a row as attribution sees it. Who used it is a hash but for the install at
// hand, which is told by its id.
func (l *ledger) touch(r *touchRow, id string, in *conversion.KeptInstall) conversion.Touch {
	t := conversion.Touch{
		ID: id, NetworkID: r.NetworkID, CampaignID: r.CampaignID, Interaction: r.Interaction, Time: at(r.ClickedAt), UsedBy: r.UsedBy.String,
	}
	if r.UsedBy == l.hashOf(hashInstall, in.ID) {
		t.UsedBy = in.ID
	}
	return t
}

const touchColumns = `network_id, campaign_id, interaction, clicked_at, used_by, body`

// Named implements conversion.Touches.
func (l *ledger) Named(ctx context.Context, in *conversion.KeptInstall) (*conversion.Touch, error) {
	if in.ClickID == "" {
		return nil, nil
	}
	const text = `SELECT ` + touchColumns + ` FROM click WHERE app_id = ? AND id = ?`
	var row touchRow
	err := l.get(ctx, &row, text, in.AppID, l.hashOf(hashClick, in.ClickID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up click: %w", err)
	}
	t := l.touch(&row, in.ClickID, in)
	return &t, nil
}

const (
	matchedSQL = `SELECT ` + touchColumns + ` FROM click
		WHERE app_id = ? AND idfa_hash = ? AND clicked_at >= ? AND clicked_at <= ? ORDER BY clicked_at DESC LIMIT ?`
	// mostMatched is how many touches of one device are looked at, the last first.
	mostMatched = 1000
)

// Matched implements conversion.Touches: the touches that a window could reach.
func (l *ledger) Matched(ctx context.Context, in *conversion.KeptInstall) ([]conversion.Touch, error) {
	if in.Device.IDFA == "" {
		return nil, nil
	}
	var rows []touchRow
	err := l.all(ctx, &rows, matchedSQL, in.AppID, in.Device.IDFA, ms(in.Time.Add(-apply.MaxClickWindow)), ms(in.Time), mostMatched)
	if err != nil {
		return nil, fmt.Errorf("list touches: %w", err)
	}
	touches := make([]conversion.Touch, len(rows))
	for i := range rows {
		var c conversion.Click
		if err := l.s.openJSON(kindClick, rows[i].Body, &c); err != nil {
			return nil, fmt.Errorf("read click: %w", err)
		}
		touches[i] = l.touch(&rows[i], c.ID, in)
	}
	return touches, nil
}

// Waiting implements conversion.Touches.
func (l *ledger) Waiting(ctx context.Context, c *conversion.Click) ([]conversion.KeptInstall, error) {
	waiting, err := l.installs(ctx, `app_id = ? AND click_id = ? AND click_id <> '' AND decision = 'organic'`,
		c.AppID, l.hashOf(hashClick, c.ID))
	if err != nil {
		return nil, err
	}
	idfa := l.hashOf(hashIDFA, conversion.KnownIDFA(c.IDFA))
	if !idfa.Valid {
		return waiting, nil
	}
	named := map[string]bool{}
	for i := range waiting {
		named[waiting[i].ID] = true
	}
	same, err := l.installs(ctx, `app_id = ? AND idfa_hash = ? AND installed_at >= ? AND installed_at <= ? AND decision = 'organic'`,
		c.AppID, idfa, ms(c.Time), ms(c.Time.Add(apply.MaxClickWindow)))
	if err != nil {
		return nil, err
	}
	for i := range same {
		if !named[same[i].ID] {
			waiting = append(waiting, same[i])
		}
	}
	return waiting, nil
}
