package store

import (
	"context"
	"fmt"
	"time"

	"skand/conversion"
)

// peopleTables hold rows of people. The keys of all begin with app_id.
var peopleTables = []string{"install", "event", "click", "consent_change", "outbox"}

// appsOfPeople lists the apps that have rows in them, registered or not: one step
// down the index for each app, however many rows it has.
func appsOfPeople(ctx context.Context, t *tx) ([]int64, error) {
	seen := map[int64]bool{}
	var all []int64
	for _, table := range peopleTables {
		var apps []int64
		text := `WITH RECURSIVE a (app_id) AS (
				SELECT MIN(app_id) FROM ` + table + `
				UNION ALL
				SELECT (SELECT MIN(x.app_id) FROM ` + table + ` x WHERE x.app_id > a.app_id) FROM a WHERE a.app_id IS NOT NULL)
			SELECT app_id FROM a WHERE app_id IS NOT NULL`
		if err := t.SelectContext(ctx, &apps, text); err != nil {
			return nil, fmt.Errorf("list apps of %s: %w", table, err)
		}
		for _, app := range apps {
			if !seen[app] {
				seen[app] = true
				all = append(all, app)
			}
		}
	}
	return all, nil
}

// subjectIDs are the hashes of what an item says of whom it is about; "": it says
// nothing.
type subjectIDs struct {
	Install, Click, IDFA, IDFV string
}

// Erased implements conversion.Keeper.
func (l *ledger) Erased(ctx context.Context, appID int64, installID string, d conversion.Device, when time.Time) (bool, error) {
	if nobody, err := l.nobodyErased(ctx); nobody || err != nil {
		return false, err
	}
	ids := subjectIDs{Install: l.hashOf(hashInstall, installID).String, IDFA: d.IDFA, IDFV: d.IDFV}
	return wasErased(ctx, l.t, appID, ids, when)
}

// ErasedClick implements conversion.Keeper.
func (l *ledger) ErasedClick(ctx context.Context, c *conversion.Click) (bool, error) {
	if nobody, err := l.nobodyErased(ctx); nobody || err != nil {
		return false, err
	}
	ids := subjectIDs{Click: l.hashOf(hashClick, c.ID).String, IDFA: l.hashOf(hashIDFA, conversion.KnownIDFA(c.IDFA)).String}
	return wasErased(ctx, l.t, c.AppID, ids, c.Time)
}

// nobodyErased is asked once for a transaction, beside which no erasure runs.
func (l *ledger) nobodyErased(ctx context.Context) (bool, error) {
	if l.erasures == nil {
		var some bool
		if err := l.get(ctx, &some, `SELECT EXISTS (SELECT 1 FROM erasure)`); err != nil {
			return false, fmt.Errorf("look for erasures: %w", err)
		}
		l.erasures = &some
	}
	return !*l.erasures, nil
}

// wasErased reports whether an item is about somebody who was erased. The id of an
// erased install or click stays erased, whatever the item's time: a phone that goes
// on reporting under it would be kept without an end. A device id is erased up to
// the moment of the erasure: who installs again after that, and allows it, is new.
func wasErased(ctx context.Context, t *tx, app int64, ids subjectIDs, happened time.Time) (bool, error) {
	const text = `SELECT EXISTS (SELECT 1 FROM erasure WHERE subject IN (?, ?, ?, ?) AND app_id IN (0, ?)
		AND (kind IN ('install', 'click') OR at >= ?))`
	if ids == (subjectIDs{}) {
		return false, nil
	}
	var erased bool
	if err := t.GetContext(ctx, &erased, t.q(text), ids.Install, ids.Click, ids.IDFA, ids.IDFV, app, ms(happened)); err != nil {
		return false, fmt.Errorf("look for an erasure: %w", err)
	}
	return erased, nil
}
