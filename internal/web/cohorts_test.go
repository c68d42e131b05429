package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/internal/apply"
	"skand/internal/store"
	"skand/internal/store/storetest"
)

// published is a bundle with one sealed week of two campaigns: 39 has 40 postbacks
// with a fine value and 2 without, 77 has 24 of which 12 pay 2 to 4 USD.
func published(t *testing.T) *testBundle {
	t.Helper()
	return publishedOn(t, storetest.New(t))
}

func publishedOn(t *testing.T, main string) *testBundle {
	t.Helper()
	b := setupOn(t, main)
	_, err := b.store.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{
		AppID: fixtures.PuzzleAppID, Schema: fixtures.PuzzleSchemaJSON(),
	}}}, "test", false)
	require.NoError(t, err)
	for i := range 42 + 24 {
		body := b.signed(func(p *apple.Postback) {
			value := 4 * (i % 2)
			p.Source, p.Fine = "39", &value
			switch {
			case i >= 42:
				p.Source = "77"
			case i >= 40:
				p.Fine = nil
			}
		})
		require.JSONEq(t, `{"status":"accepted"}`, b.post(networkPath, "", body).body)
	}
	b.now.Advance(8 * 24 * time.Hour)
	for _, job := range []string{"decode", "seal"} {
		a := b.ask("POST", "/v1/jobs/"+job, "operator", "")
		require.Equal(t, "200 ok", fmt.Sprint(a.status, " ", a.at(t, "status")), a.body)
	}
	return b
}

// Of the 42 installs of campaign 39 all but 2 have a fine value, so that this is not
// told, nor what is taken from it: null, never 0.
func TestCohortsWithholdAsNull(t *testing.T) {
	t.Parallel()
	b := published(t)
	rows := b.ask("GET", "/v1/cohorts", "viewer", "").at(t, "data").([]any)
	require.Len(t, rows, 2)
	few, enough := rows[0].(map[string]any), rows[1].(map[string]any)
	require.Equal(t, "39 42 77 24", fmt.Sprint(few["source_2"], " ", few["installs"], " ", enough["source_2"], " ", enough["installs"]))
	for name, told := range map[string]string{
		"fine_installs": "24", "payers": "12", "revenue_min": "24", "revenue_est": "36", "revenue_max": "48",
	} {
		v, there := few[name]
		require.True(t, there)
		require.Nil(t, v, name)
		require.Equal(t, told, fmt.Sprint(enough[name]), name)
	}
	require.IsType(t, "", enough["revenue_est"], "money is a string")
	table := b.ask("GET", "/v1/cohorts?format=csv", "viewer", "")
	require.Contains(t, table.body, ",,,,,USD,", "an empty cell each")
	require.Contains(t, table.body, ",24,12,24,36,48,USD,")
}

func TestCohortFilters(t *testing.T) {
	t.Parallel()
	b := published(t)
	rows := func(query string) int {
		a := b.ask("GET", "/v1/cohorts?"+query, "viewer", "")
		require.Equal(t, 200, a.status, a.body)
		return len(a.at(t, "data").([]any))
	}
	all := rows("")
	require.Positive(t, all)
	for query, want := range map[string]int{
		"app=525463029": all, "app=1": 0,
		"from=2026-11-02": all, "from=2026-11-03": 0, "to=2026-11-02": 0, "to=2026-11-03": all,
		"from=2026-11-02T00:00:00Z": all, "from=2026-11-02T00:00:01Z": 0, "to=2026-11-02T01:00:00%2B01:00": 0,
		"dataset=install": all, "dataset=0": all, "dataset=0.install.production": all, "dataset=production.0": all,
		"dataset=525463029.0.install.production": all, "app=525463029&dataset=525463029.0.install.production": all, "dataset=1.0.install.production": 0,
		"dataset=1": 0, "dataset=qualifier": 0, "dataset=development": 0,
		"network=EXAMPLE123.skadnetwork": all, "network=other.net": 0,
		"level=total": 0, "app=525463029&dataset=0&from=2026-11-01&to=2026-12-01&format=json": all,
	} {
		require.Equal(t, want, rows(query), query)
	}
	empty := b.ask("GET", "/v1/cohorts?app=1&format=csv", "viewer", "")
	require.Equal(t, strings.Join(store.CohortColumns(), ",")+"\n", empty.body)
	require.Empty(t, b.ask("GET", "/v1/cohorts?app=1&format=ndjson", "viewer", "").body)
}

// A filter with a typing error is never silently no filter.
func TestCohortParametersAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for query, want := range map[string]string{
		"ap=1": "unknown_parameter ap", "Group=network": "unknown_parameter Group",
		"group=": "bad_parameter group", "group=network,campaign": "bad_parameter group", "group=week,week": "bad_parameter group",
		"group=network%20": "bad_parameter group", "from=2026-11-02&to=2026-11-02": "bad_parameter to", "network=%00": "bad_parameter network",
		"limit=0": "bad_parameter limit", "limit=10001": "bad_parameter limit", "limit=": "bad_parameter limit", "format=csv&limit=-1": "bad_parameter limit",
		"cursor=x": "bad_cursor cursor", "group=week&cursor=x": "bad_cursor cursor", "group=week&cursor=MXxh": "bad_cursor cursor",
		"format=csv&cursor=x": "bad_parameter cursor", "format=": "bad_parameter format",
		"app=x": "bad_parameter app", "app=-1": "bad_parameter app", "app=99999999999999999999": "bad_parameter app",
		"from=monday": "bad_parameter from", "to=2026-13-01": "bad_parameter to", "level=src5": "bad_parameter level",
		"dataset=0.1": "bad_parameter dataset", "dataset=install.reengagement": "bad_parameter dataset",
		"dataset=test": "bad_parameter dataset", "app=1&dataset=2.0.install.production": "bad_parameter dataset",
		"dataset=x.0.install.production": "bad_parameter dataset", "dataset=0.0.0.install": "bad_parameter dataset", "dataset=0..install": "bad_parameter dataset",
		"format=xlsx": "bad_parameter format", "app=1&app=2": "bad_parameter app", "app=%zz": "bad_parameter ", "app=1;level=total": "bad_parameter ",
	} {
		a := b.ask("GET", "/v1/cohorts?"+query, "viewer", "")
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Equal(t, want, fmt.Sprint(a.at(t, "code"), " ", a.at(t, "field")), query)
	}
}
