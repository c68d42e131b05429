package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/internal/apply"
	"skand/internal/pgtest"
	"skand/internal/store/storetest"
)

const (
	puzzleBase     = "525463029.0.install.production.2026-11-02.week.cohort.base.0"
	puzzleRedecode = "525463029.0.install.production.2026-11-02.week.cohort.redecode.0"
	redecodePath   = "/v1/releases/" + puzzleBase + ":redecode"
)

// dearer is published, then a second version by which value 4 is worth 3 to 4 USD and
// not 2 to 4, and a third that says what the first did.
func dearer(t *testing.T, main string) *testBundle {
	t.Helper()
	b := publishedOn(t, main)
	first := fixtures.PuzzleSchemaJSON()
	second := bytes.Replace(first, []byte(`{"value": 4, "events": [{"name": "purchase", "partner_name": "Purchase", "revenue_min": "2", "revenue_max": "4"}]}`),
		[]byte(`{"value": 4, "events": [{"name": "purchase", "partner_name": "Purchase", "revenue_min": "3", "revenue_max": "4"}]}`), 1)
	require.NotEqual(t, string(first), string(second))
	for _, document := range [][]byte{second, first} {
		b.now.Advance(time.Hour)
		_, err := b.store.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: fixtures.PuzzleAppID, Schema: document}}}, "test", false)
		require.NoError(t, err)
	}
	return b
}

func onBothStores(t *testing.T, test func(t *testing.T, b *testBundle)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, dearer(t, storetest.New(t))) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, dearer(t, pgtest.URL(t))) })
}

// One value's meaning changed: the window is read again, its base stays in the ledger
// as it was, and every path gives the newest decode.
func TestRedecode(t *testing.T) {
	onBothStores(t, func(t *testing.T, b *testBundle) {
		before := b.ask("GET", "/v1/cohorts", "viewer", "")
		require.Contains(t, before.body, `"payers":12,"revenue_min":"24","revenue_est":"36","revenue_max":"48"`)
		base := b.ask("GET", "/v1/releases", "viewer", "").at(t, "data").([]any)
		require.Len(t, base, 1)

		a := b.ask("POST", redecodePath, "operator", `{"schema_version":2}`)
		require.Equal(t, 201, a.status, a.body)
		sealed := b.now.Now().UTC().Format(time.RFC3339)
		require.JSONEq(t, fmt.Sprintf(`{"release_id":%q,"base":%q,"app_id":525463029,"dataset":"525463029.0.install.production","kind":"redecode",
			"window_start":"2026-11-02T00:00:00Z","window_end":"2026-11-09T00:00:00Z","k":20,"b":5,"schema_versions":"2","model_version":0,
			"lab":true,"sealed_at":%q}`, puzzleRedecode, puzzleBase, sealed), a.body)

		ledger := b.ask("GET", "/v1/releases", "viewer", "").at(t, "data").([]any)
		require.Len(t, ledger, 2)
		require.Equal(t, base[0], ledger[0], "the base's line is what it was")
		answer := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(a.body), &answer))
		delete(answer, "base")
		require.JSONEq(t, asText(t, answer), asText(t, ledger[1]))

		after := b.ask("GET", "/v1/cohorts", "viewer", "")
		require.NotEqual(t, before.header.Get("ETag"), after.header.Get("ETag"))
		require.Equal(t, "1", after.header.Get("Skand-Releases"))
		require.Equal(t, sealed, after.header.Get("Skand-Sealed-At"))
		rows, was := after.at(t, "data").([]any), before.at(t, "data").([]any)
		require.Len(t, rows, len(was))
		for i := range rows {
			now, then := rows[i].(map[string]any), was[i].(map[string]any)
			require.Equal(t, strings.Replace(fmt.Sprint(then["row_id"]), puzzleBase, puzzleRedecode, 1), now["row_id"])
			for _, name := range []string{"installs", "null_installs", "unset_installs", "unmapped_installs", "fine_installs", "payers", "coarse_low", "redownloads"} {
				require.Equal(t, then[name], now[name], name)
			}
			require.Equal(t, "2", now["schema_versions"])
		}
		const row = `"payers":12,"revenue_min":"36","revenue_est":"42","revenue_max":"48"`
		for path, want := range map[string]string{
			"?app=525463029": row, "?format=ndjson": row, "?format=csv": ",24,12,36,42,48,USD,", "?group=week&format=csv": ",12,1,36,1,42,1,48,1,",
			"?group=network,week": `"revenue_min":"36","revenue_min_withheld_rows":1,"revenue_est":"42"`,
		} {
			text := b.ask("GET", "/v1/cohorts"+path, "viewer", "").body
			require.NotContains(t, text, ".base.0", path)
			require.Contains(t, text, want, path)
		}
		require.Contains(t, b.trail(""), "operator/operator release.redecode release "+puzzleRedecode)
		require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", "/v1/deliveries", "operator", "").body)
		require.Contains(t, b.log.String(), "release decoded again")
	})
}

func asText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestRedecodeIsRefused(t *testing.T) {
	onBothStores(t, func(t *testing.T, b *testBundle) {
		at := func(release, body string) string {
			t.Helper()
			a := b.ask("POST", "/v1/releases/"+release+":redecode", "operator", body)
			return fmt.Sprint(coded(t, a), " ", a.at(t, "field"))
		}
		require.Equal(t, "422 same schema_version", at(puzzleBase, `{"schema_version":1}`))
		require.Equal(t, "422 same schema_version", at(puzzleBase, `{"schema_version":3}`))
		require.Equal(t, "422 unknown_version schema_version", at(puzzleBase, `{"schema_version":4}`))
		require.Equal(t, "422 invalid schema_version", at(puzzleBase, `{}`))
		require.Equal(t, "422 invalid schema_version", at(puzzleBase, `{"schema_version":-2}`))
		require.Equal(t, "400 bad_request ", at(puzzleBase, `{"schema_version":"2"}`))
		require.Equal(t, "400 bad_request ", at(puzzleBase, `{"version":2}`))
		require.Equal(t, "400 bad_request ", at(puzzleBase, ``))
		require.Equal(t, "404 unknown_release release", at("1"+puzzleBase, `{"schema_version":2}`))
		require.Equal(t, "404 unknown_release release", at("%00", `{"schema_version":2}`))
		require.Equal(t, "400 unknown_parameter app", fmt.Sprint(coded(t, b.ask("POST", redecodePath+"?app=1", "operator", `{}`)), " app"))
		require.Equal(t, "404 not_found", coded(t, b.ask("POST", "/v1/releases/"+puzzleBase, "operator", `{"schema_version":2}`)))
		require.Equal(t, "404 not_found", coded(t, b.ask("POST", "/v1/releases/"+puzzleBase+":publish", "operator", `{"schema_version":2}`)))

		require.Equal(t, 201, b.ask("POST", redecodePath, "operator", `{"schema_version":2}`).status)
		a := b.ask("POST", redecodePath, "operator", `{"schema_version":2}`)
		require.Equal(t, "409 in_the_way", coded(t, a), "once")
		for name, want := range map[string]string{
			"in_the_way": puzzleRedecode, "state": "published", "field": "release",
			"window_start": "2026-11-02T00:00:00Z", "window_end": "2026-11-09T00:00:00Z",
		} {
			require.Equal(t, want, a.at(t, name), name)
		}
		require.Contains(t, a.at(t, "detail"), "window 2026-11-02T00:00:00Z to 2026-11-09T00:00:00Z is held by "+puzzleRedecode)
		require.Equal(t, "409 not_base release", at(puzzleRedecode, `{"schema_version":3}`))
	})
}
