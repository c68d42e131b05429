package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/shopspring/decimal"
)

// demoModeled is what the model made of what was published, as readers and networks see
// it. Its numbers are of the newest week that was modelled; weeks are not added up.
type demoModeled struct {
	Rows     int              `json:"rows"`        // published rows with an estimate of their payers
	NoSignal int              `json:"no_signal"`   // of which nothing can be said
	Week     string           `json:"week"`        // "": none yet
	Seen     *int             `json:"payers_seen"` // on rows that tell them
	Withheld int              `json:"payers_withheld_rows"`
	Estimate *decimal.Decimal `json:"payers_estimate"`
	Low      *decimal.Decimal `json:"payers_low"`
	High     *decimal.Decimal `json:"payers_high"`
	Told     int              `json:"network_told"` // figures of the model that the networks took
}

// modeled asks for it over HTTP, as a viewer would.
func (w *labWorld) modeled(ctx context.Context) (demoModeled, error) {
	var m demoModeled
	t := &target{server: w.admin, token: w.token}
	of := fmt.Sprintf("app=%d&dataset=0.install.production&format=json&limit=10000", demoApp)
	var rows struct {
		Data []struct {
			Estimate *decimal.Decimal `json:"estimate"`
		} `json:"data"`
	}
	if err := getJSON(ctx, t, "/v1/modeled?metric=payers&"+of, &rows); err != nil {
		return m, err
	}
	for _, r := range rows.Data {
		if r.Estimate == nil {
			m.NoSignal++
		} else {
			m.Rows++
		}
	}
	var weeks struct {
		Data []struct {
			Week     string           `json:"week"`
			Payers   *int             `json:"payers"`
			Withheld int              `json:"payers_withheld_rows"`
			Estimate *decimal.Decimal `json:"payers_estimate"`
			Low      *decimal.Decimal `json:"payers_low"`
			High     *decimal.Decimal `json:"payers_high"`
		} `json:"data"`
	}
	if err := getJSON(ctx, t, "/v1/cohorts?group=week&modeled=true&"+of, &weeks); err != nil {
		return m, err
	}
	for _, x := range weeks.Data {
		if x.Estimate != nil {
			m.Week, m.Seen, m.Withheld, m.Estimate, m.Low, m.High = x.Week, x.Payers, x.Withheld, x.Estimate, x.Low, x.High
		}
	}
	for _, n := range w.networks {
		for _, hit := range n.Received() {
			if hit.Query.Get("modeled") == "true" && !hit.Again && hit.Status/100 == 2 {
				m.Told++
			}
		}
	}
	return m, nil
}

func getJSON(ctx context.Context, t *target, path string, into any) error {
	body, err := t.get(ctx, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// print adds the stage to the table.
func (m demoModeled) print(line func(stage, what string, n any, note string)) {
	line("model", "rows with an estimate", m.Rows, fmt.Sprintf("%d without any signal", m.NoSignal))
	if m.Estimate != nil {
		seen := "no row tells them"
		if m.Seen != nil {
			seen = fmt.Sprintf("rows tell of %d, %d rows withhold them", *m.Seen, m.Withheld)
		}
		line("", "payers of the newest week", m.Estimate, fmt.Sprintf("%s to %s, nine times in ten; %s", m.Low, m.High, seen))
	}
	line("", "figures told to the networks", m.Told, "marked as modelled")
}
