package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"skand/conversion"
	"skand/internal/apply"
)

// Rules implements conversion.Ledger.
func (l *ledger) Rules(ctx context.Context, appID int64) (*conversion.AppRules, error) {
	if r := l.rules[appID]; r != nil {
		return r, nil
	}
	var definition string
	err := l.get(ctx, &definition, `SELECT definition FROM app WHERE app_id = ?`, appID)
	var r *conversion.AppRules
	switch {
	case errors.Is(err, sql.ErrNoRows):
		r = &conversion.AppRules{Keeps: apply.DefaultConsentedRetention, IsTest: func(string, string, string) bool { return false }}
	case err != nil:
		return nil, fmt.Errorf("rules of app %d: %w", appID, err)
	default:
		if r, err = readRules(definition); err != nil {
			return nil, fmt.Errorf("rules of app %d: %w", appID, err)
		}
	}
	l.rules[appID] = r
	return r, nil
}

func readRules(definition string) (*conversion.AppRules, error) {
	var app apply.App
	if err := json.Unmarshal([]byte(definition), &app); err != nil {
		return nil, err
	}
	keeps, err := app.KeepsConsented()
	if err != nil {
		return nil, err
	}
	events := make([]conversion.CatalogueEvent, len(app.Events))
	for i, e := range app.Events {
		window, err := e.WithinInstall()
		if err != nil {
			return nil, err
		}
		events[i] = conversion.CatalogueEvent{
			Name: e.Name, Definition: e.Definition, FiresWhen: e.FiresWhen, Owner: e.Owner, Window: window, MinValue: e.MinValue,
		}
	}
	return &conversion.AppRules{
		Currency: app.Settings().Currency, Catalogue: conversion.NewCatalogue(events), Keeps: keeps, IsTest: testDevices(app.TestDevices),
	}, nil
}

// testDevices knows the devices of an app's own people. Phones write their ids in
// upper case, servers in either; ids of installs are the app's own and told apart.
func testDevices(ids []string) func(idfa, idfv, id string) bool {
	exact, folded := map[string]bool{}, map[string]bool{}
	for _, id := range ids {
		id = strings.TrimSpace(id)
		exact[id] = true
		if id = conversion.KnownIDFA(id); id != "" {
			folded[id] = true
		}
	}
	return func(idfa, idfv, id string) bool {
		return exact[id] || folded[conversion.KnownIDFA(idfa)] || folded[conversion.KnownIDFA(idfv)]
	}
}

// Windows implements conversion.Touches: of the networks that touches are of.
func (l *ledger) Windows(ctx context.Context, networks []string) (func(string) conversion.Windows, error) {
	for _, id := range networks {
		id = strings.ToLower(id)
		if _, known := l.windows[id]; known {
			continue
		}
		w, err := l.networkWindows(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("windows of network %s: %w", id, err)
		}
		l.windows[id] = w
	}
	return func(id string) conversion.Windows {
		if w, known := l.windows[strings.ToLower(id)]; known {
			return w
		}
		return conversion.DefaultWindows()
	}, nil
}

// networkWindows reads them under the network's id or under one of its aliases.
func (l *ledger) networkWindows(ctx context.Context, id string) (conversion.Windows, error) {
	const text = `SELECT definition FROM network WHERE network_id = ?
		UNION ALL SELECT n.definition FROM network_alias a JOIN network n ON n.network_id = a.network_id WHERE a.alias = ?`
	var definitions []string
	if err := l.all(ctx, &definitions, text, id, id); err != nil || len(definitions) == 0 {
		return conversion.DefaultWindows(), err
	}
	var n apply.NetworkConsented
	if err := json.Unmarshal([]byte(definitions[0]), &n); err != nil {
		return conversion.Windows{}, err
	}
	click, view, err := n.Windows()
	return conversion.Windows{Click: click, View: view}, err
}

// rateSpan is a day more than the age up to which a rate holds.
const rateSpan = 8 * 24 * time.Hour

// Rates implements conversion.Ledger.
func (l *ledger) Rates(ctx context.Context, when time.Time, currencies ...string) (conversion.Rates, error) {
	const text = `SELECT currency, day, rate FROM rate WHERE currency = ? AND day > ? AND day <= ?`
	var lines []conversion.Rate
	for _, currency := range slices.Compact(slices.Sorted(slices.Values(currencies))) {
		var rows []struct {
			Currency string          `db:"currency"`
			Day      int64           `db:"day"`
			Rate     decimal.Decimal `db:"rate"`
		}
		if err := l.all(ctx, &rows, text, currency, ms(when.Add(-rateSpan)), ms(when)); err != nil {
			return conversion.Rates{}, fmt.Errorf("rates of %s: %w", currency, err)
		}
		for _, r := range rows {
			lines = append(lines, conversion.Rate{Currency: r.Currency, Day: at(r.Day), Rate: r.Rate})
		}
	}
	return conversion.NewRates(lines), nil
}
