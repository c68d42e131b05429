package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"skand/aggregate"
)

// Deterministic is the store as the sealer of consented installs sees it: the same
// ledger and the same two phases, other rows. Nothing in it reads a postback.
type Deterministic struct{ *Store }

var _ aggregate.SealStore = Deterministic{}

// What can be sealed: installs that are nobody's test, that nobody rejected, of people
// who let them be measured. The text is the condition of the index install_open.
const sealableInstall = `sealed_in IS NULL AND is_test = FALSE AND limited = FALSE AND gdpr <> 'refused' AND review <> 'rejected'`

const openConsentedSQL = `
SELECT a.app_id FROM app a
WHERE (SELECT MIN(i.received_at) FROM install i WHERE i.app_id = a.app_id AND ` + sealableInstall + `) IS NOT NULL
ORDER BY a.app_id`

// Open implements aggregate.SealStore. What an install did is known a horizon after it,
// so a window is due that much later. Noised views are of postbacks alone.
func (s Deterministic) Open(ctx context.Context) ([]aggregate.Open, error) {
	var open []aggregate.Open
	err := s.main.in(ctx, func(t *tx) error {
		var apps []int64
		if err := t.SelectContext(ctx, &apps, openConsentedSQL); err != nil {
			return fmt.Errorf("list open consented installs: %w", err)
		}
		for _, app := range apps {
			o, err := openConsented(ctx, t, app)
			if err != nil {
				return err
			}
			o.Lab = s.lab
			open = append(open, o)
		}
		return nil
	})
	return open, err
}

func openConsented(ctx context.Context, t *tx, app int64) (aggregate.Open, error) {
	o := aggregate.Open{Dataset: aggregate.DeterministicDataset(app)}
	history, err := settingsHistory(ctx, t, app)
	if err != nil {
		return o, err
	}
	if len(history) == 0 {
		history = []aggregate.SettingsAt{{Settings: aggregate.DefaultSettings()}}
	}
	for i := range history {
		history[i].SealDelay += aggregate.Horizon
		history[i].Crossings, history[i].CrossingEpsilon = nil, ""
	}
	o.History = history
	return o, ledgerEndsOf(ctx, t, aggregate.ViewDeterministic, &o)
}

// NextCounted implements aggregate.SealStore: an install counts when it is received.
func (s Deterministic) NextCounted(ctx context.Context, d aggregate.Dataset, from time.Time) (time.Time, bool, error) {
	const text = `SELECT MIN(received_at) FROM install WHERE app_id = ? AND received_at >= ? AND ` + sealableInstall
	var next sql.NullInt64
	if err := s.main.r.GetContext(ctx, &next, s.main.q(text), d.AppID, since(from)); err != nil {
		return time.Time{}, false, fmt.Errorf("next consented install of %s: %w", d, err)
	}
	return at(next.Int64), next.Valid, nil
}

// Counted implements aggregate.SealStore.
func (s Deterministic) Counted(ctx context.Context, d aggregate.Dataset, taken aggregate.Window) (aggregate.Batch, error) {
	var b aggregate.Batch
	err := s.main.in(ctx, func(t *tx) error {
		var err error
		b, err = groupConsented(ctx, t, d, taken)
		return err
	})
	return b, err
}

// Crossed implements aggregate.SealStore: consented installs have no noised views.
func (s Deterministic) Crossed(context.Context, aggregate.Dataset, aggregate.Window, []string) ([]aggregate.Crossed, error) {
	return nil, nil
}

// Prepare implements aggregate.SealStore. Nothing of it is forwarded: a network hears
// of each consented install as far as the person allows it.
func (s Deterministic) Prepare(ctx context.Context, r aggregate.Release) error {
	return s.main.in(ctx, func(t *tx) error {
		if err := stillDescribed(ctx, t, r.Dataset.AppID); err != nil {
			return err
		}
		if err := insertRelease(ctx, t, r); err != nil || r.State == aggregate.StateCarried {
			return err
		}
		taken := []any{r.Dataset.AppID, since(r.Taken.Start), ms(r.Taken.End)}
		const which = ` WHERE app_id = ? AND received_at >= ? AND received_at < ? AND ` + sealableInstall
		if t.dialect == postgres { // what is decided, reviewed or erased meanwhile waits
			var n int
			text := `SELECT COUNT(*) FROM (SELECT 1 FROM install` + which + ` ORDER BY id FOR UPDATE) AS locked`
			if err := t.GetContext(ctx, &n, t.q(text), taken...); err != nil {
				return fmt.Errorf("lock consented installs: %w", err)
			}
		}
		b, err := groupConsented(ctx, t, r.Dataset, r.Taken)
		if err != nil {
			return err
		}
		if aggregate.DigestCrossed(aggregate.Digest(b.Groups), nil) != r.Digest {
			return aggregate.ErrRowsChanged
		}
		res, err := t.ExecContext(ctx, t.q(`UPDATE install SET sealed_in = ?`+which), append([]any{r.ID}, taken...)...)
		if err != nil {
			return fmt.Errorf("mark sealed installs: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return fmt.Errorf("mark sealed installs: %w", err)
		}
		if n != int64(b.Installs()) {
			return aggregate.ErrRowsChanged
		}
		return nil
	})
}

// Pending implements aggregate.SealStore.
func (s Deterministic) Pending(ctx context.Context) ([]aggregate.Release, error) {
	all, err := s.Store.Pending(ctx)
	var own []aggregate.Release
	for _, r := range all {
		if r.View == aggregate.ViewDeterministic {
			own = append(own, r)
		}
	}
	return own, err
}
