package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/apply"
)

// One line for each install and what it did within the horizon; what the catalogue
// keeps out is left out here too. App and backend tell the time by two clocks, so that
// up to a day before the install counts as done at once, as everywhere.
const consentedSQL = `
SELECT i.id, i.network_id, i.campaign_id, i.decision, i.installed_at, e.name, e.revenue_app
FROM (SELECT app_id, id, network_id, campaign_id, decision, installed_at FROM install
  WHERE app_id = ? AND received_at >= ? AND received_at < ? AND ` + sealableInstall + `) AS i
LEFT JOIN event e ON e.app_id = i.app_id AND e.install_id = i.id
  AND +e.happened_at >= i.installed_at - ? AND +e.happened_at <= i.installed_at + ?
  AND e.flags NOT LIKE '%' || '` + conversion.FlagBelowMinimum + `' || '%'
  AND e.flags NOT LIKE '%' || '` + conversion.FlagOutsideWindow + `' || '%'
ORDER BY i.id`

const twoClocks = 24 * time.Hour

var attributed = conversion.Decision{Attributed: true}.Name()

type consentedLine struct {
	ID          string              `db:"id"`
	NetworkID   string              `db:"network_id"`
	CampaignID  string              `db:"campaign_id"`
	Decision    string              `db:"decision"`
	InstalledAt int64               `db:"installed_at"`
	Name        *string             `db:"name"`
	Revenue     decimal.NullDecimal `db:"revenue_app"`
}

// groupConsented groups the consented installs that a window takes, one at a time, so
// that memory holds the groups alone.
func groupConsented(ctx context.Context, t *tx, d aggregate.Dataset, taken aggregate.Window) (b aggregate.Batch, err error) {
	g, err := newConsentedGroups(ctx, t, d.AppID, taken.End)
	if err != nil {
		return b, err
	}
	rows, err := t.QueryxContext(ctx, t.q(consentedSQL), d.AppID, since(taken.Start), ms(taken.End),
		twoClocks.Milliseconds(), aggregate.Horizon.Milliseconds())
	if err != nil {
		return b, fmt.Errorf("group consented installs of %s: %w", d, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var one consentedInstall
	for rows.Next() {
		var l consentedLine
		if err := rows.StructScan(&l); err != nil {
			return b, fmt.Errorf("group consented installs of %s: %w", d, err)
		}
		if l.ID != one.line.ID {
			g.add(one)
			one = consentedInstall{line: l}
		}
		g.did(&one, l)
	}
	if err := rows.Err(); err != nil {
		return b, fmt.Errorf("group consented installs of %s: %w", d, err)
	}
	g.add(one)
	return g.batch(), nil
}

// consentedInstall is one install as it is read.
type consentedInstall struct {
	line    consentedLine
	done    int
	payer   bool
	revenue decimal.Decimal
}

type consentedGroups struct {
	sources *campaignSources
	names   []string
	funnels [][]string
	limit   *decimal.Decimal // what one install counts for at most
	groups  []aggregate.Consented
	at      map[string]int
}

func newConsentedGroups(ctx context.Context, t *tx, appID int64, end time.Time) (*consentedGroups, error) {
	g := &consentedGroups{at: map[string]int{}}
	app, err := describedApp(ctx, t, appID)
	if err != nil {
		return nil, err
	}
	g.funnels, g.names = app.Funnel, doneNames(app)
	if g.sources, err = newCampaignSources(ctx, t, end); err != nil {
		return nil, err
	}
	versions, err := schemaVersions(ctx, t, appID)
	if err != nil {
		return nil, err
	}
	for _, v := range versions { // ascending; a cap in another currency says nothing here
		if own := v.Document.Currency; v.EffectiveFrom.Before(end) && (own == "" || own == app.Settings().Currency) {
			g.limit = v.Document.RevenueCap
		}
	}
	return g, nil
}

func doneNames(app *apply.App) []string {
	catalogue := make([]string, len(app.Events))
	for i, e := range app.Events {
		catalogue[i] = e.Name
	}
	return aggregate.DoneNames(app.Funnel, catalogue)
}

// describedApp is the app as it was applied; empty if it is not there any more.
func describedApp(ctx context.Context, t *tx, appID int64) (*apply.App, error) {
	app := &apply.App{AppID: appID}
	var definition string
	err := t.GetContext(ctx, &definition, t.q(`SELECT definition FROM app WHERE app_id = ?`), appID)
	if errors.Is(err, sql.ErrNoRows) {
		return app, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read app %d: %w", appID, err)
	}
	if err := json.Unmarshal([]byte(definition), app); err != nil {
		return nil, fmt.Errorf("read app %d: %w", appID, err)
	}
	return app, nil
}

func (g *consentedGroups) did(one *consentedInstall, l consentedLine) {
	if l.Name == nil {
		return
	}
	for i, name := range g.names {
		if name == *l.Name {
			one.done |= 1 << i
		}
	}
	if l.Revenue.Valid {
		one.payer = one.payer || l.Revenue.Decimal.IsPositive()
		one.revenue = one.revenue.Add(l.Revenue.Decimal)
	}
}

func (g *consentedGroups) add(one consentedInstall) {
	if one.line.ID == "" {
		return
	}
	c := aggregate.Consented{N: 1, Payer: one.payer, Done: one.done, ShortForm: aggregate.ShortLast}
	if one.line.Decision == attributed {
		c.NetworkID, c.Campaign, c.ShortForm = g.sources.of(one.line.NetworkID, one.line.CampaignID, at(one.line.InstalledAt))
	}
	if c.Payer {
		c.Revenue = decimal.Max(one.revenue, decimal.Zero) // what was paid back may be more than what was paid
		if g.limit != nil {
			c.Revenue = decimal.Min(c.Revenue, *g.limit)
		}
	}
	key := strings.Join([]string{
		c.NetworkID, c.IDKind, c.Source, c.ShortForm, fmt.Sprint(c.Payer, c.Done), c.Revenue.String(),
	}, "|")
	i, known := g.at[key]
	if !known {
		i = len(g.groups)
		g.at[key] = i
		g.groups = append(g.groups, c)
		g.groups[i].N = 0
	}
	g.groups[i].N++
}

func (g *consentedGroups) batch() aggregate.Batch {
	b := aggregate.Batch{Funnels: g.funnels}
	if len(g.names) > 0 {
		b.Schemas = []aggregate.Meaning{aggregate.DoneMeaning(g.names)}
	}
	for _, c := range g.groups {
		b.Groups = append(b.Groups, c.Counted())
	}
	return b
}
