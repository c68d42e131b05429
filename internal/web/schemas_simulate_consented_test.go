package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/internal/store"
	"skand/internal/web"
)

const wholeWeek = `"from":"2026-11-02T00:00:00Z","to":"2026-11-09T00:00:00Z"`

// report sends items of the app's backend, all of them accepted.
func (b *testBundle) report(path string, items []string) {
	b.t.Helper()
	a := b.post(path, "s2s", "["+strings.Join(items, ",")+"]")
	require.Equal(b.t, 200, a.status, a.body)
	require.Equal(b.t, len(items), strings.Count(a.body, `"accepted"`), a.body)
}

// live reports installs of one moment, of which the first so many pay.
func (b *testBundle) live(tag string, installs, payers int) {
	b.t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	at := b.now.Now().Format(time.RFC3339)
	var born, paid []string
	for n := range installs {
		born = append(born, fmt.Sprintf(`{"id":"%s%d","app_id":525463029,"time":"%s"}`, tag, n, at))
		if n < payers {
			paid = append(paid, fmt.Sprintf(`{"id":"%s%d","app_id":525463029,"install_id":"%s%d","name":"purchase","time":"%s","revenue":"%.2f","currency":"USD"}`,
				tag, n, tag, n, at, 1+r.ExpFloat64()*9))
		}
	}
	b.report("/v1/installs", born)
	if len(paid) > 0 {
		b.report("/v1/events", paid)
	}
}

// lived is a bundle whose app had 200 installs in one week, and 9 in the next; both
// weeks have settled.
func lived(t *testing.T, change ...func(*web.Public, *web.Admin)) *testBundle {
	t.Helper()
	b := setup(t, change...)
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029,"k":10,"b":3}]}`).status)
	b.live("a", 200, 90)
	b.now.Advance(7 * 24 * time.Hour)
	b.live("b", 9, 4)
	b.now.Advance(42 * 24 * time.Hour)
	return b
}

func (b *testBundle) simulates(role, more string) answer {
	b.t.Helper()
	a := b.ask("POST", schemasPath+":simulate", role, `{"document":`+priced("5")+more+`}`)
	require.Equal(b.t, 200, a.status, a.body)
	return a
}

func TestSimulateConsented(t *testing.T) {
	t.Parallel()
	b := lived(t)
	operator := b.simulates("operator", "")
	require.Equal(t, "2026-10-19T00:00:00Z 2026-11-16T00:00:00Z consented 0", fmt.Sprint(
		operator.at(t, "from"), " ", operator.at(t, "to"), " ", operator.at(t, "evidence"), " ", operator.at(t, "version")), "the last four weeks")
	require.JSONEq(t, `{"exact":true,"k":10,"b":3,"installs":209,"weeks":["2026-11-09","2026-11-02","2026-10-26","2026-10-19"],"weeks_left_out":[],
		"weeks_cut":[],"limited_data_sharing":0,"other_currency":0,"refunds":0,"late":0}`, member(t, operator, "consented"))
	editor := b.simulates("editor", "")
	require.JSONEq(t, `{"exact":false,"k":10,"b":3,"installs":201,"weeks":["2026-11-02"],"weeks_left_out":["2026-11-09","2026-10-26","2026-10-19"],
		"weeks_cut":[],"limited_data_sharing":0,"other_currency":0,"refunds":0}`, member(t, editor, "consented"), "fewer than k are not looked at")
	table := func(a answer) map[string]any {
		return a.at(t, "simulation", "deterministic").([]any)[0].(map[string]any)
	}
	require.Equal(t, "209 94", fmt.Sprint(table(operator)["installs"], " ", table(operator)["payers"]))
	require.Equal(t, "201 90", fmt.Sprint(table(editor)["installs"], " ", table(editor)["payers"]))
	errors := table(editor)["error"].(map[string]any)
	for _, name := range []string{"true", "estimated", "mean_absolute", "total"} {
		requireTwoDigits(t, fmt.Sprint(errors[name]))
	}
	require.Contains(t, editor.body, "crowds of at least 3")

	// What comes late never changes what editors see, for it would be seen alone.
	b.report("/v1/installs", []string{`{"id":"late","app_id":525463029,"time":"2026-11-02T12:00:00Z"}`})
	b.report("/v1/events", []string{`{"id":"late","app_id":525463029,"install_id":"a3","name":"purchase","time":"2026-11-02T12:00:00Z","revenue":"5","currency":"USD"}`})
	require.Equal(t, editor.body, b.simulates("editor", "").body)
	require.Equal(t, "210", fmt.Sprint(b.simulates("operator", "").at(t, "consented", "installs")))

	for more, want := range map[string]string{
		`,"from":"2026-11-09T00:00:00Z","to":"2026-11-16T00:00:00Z"`: "422 too_few_installs from",
		`,"from":"2026-11-03T00:00:00Z"`:                             "422 invalid from",
		`,"from":"2026-11-02T00:00:00+01:00"`:                        "422 invalid from",
		`,"to":"2026-11-16T01:00:00Z"`:                               "422 invalid to",
		`,"to":"2026-11-23T00:00:00Z"`:                               "422 invalid to",
		`,"from":"2025-11-03T00:00:00Z","to":"2026-11-16T00:00:00Z"`: "422 invalid from",
		`,"from":"2026-11-16T00:00:00Z","to":"2026-11-16T00:00:00Z"`: "422 invalid from",
		`,"from":"yesterday"`:                                        "400 bad_request ",
	} {
		a := b.ask("POST", schemasPath+":simulate", "editor", `{"document":`+priced("5")+more+`}`)
		require.Equal(t, want, fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")), more)
		if strings.Contains(want, "too_few") {
			require.Contains(t, a.body, "at least 10 ")
			require.NotContains(t, a.body, "9 ")
		}
	}
	trail := strings.Join(b.trail("?action=schema.simulate"), "\n")
	require.Contains(t, trail, "editor/editor schema.simulate document")
	require.Contains(t, trail, "operator/operator schema.simulate document")
}

// member is one member of an answer as JSON.
func member(t *testing.T, a answer, name string) string {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(a.body), &m))
	return string(m[name])
}

func requireTwoDigits(t *testing.T, amount string) {
	t.Helper()
	digits := strings.Trim(strings.ReplaceAll(strings.TrimPrefix(amount, "-"), ".", ""), "0")
	require.LessOrEqual(t, len(digits), 2, amount)
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	b := lived(t)
	ask := `{"bands":6,"from_value":3,` + wholeWeek + `}`
	editor := b.ask("POST", schemasPath+":suggest", "editor", ask)
	require.Equal(t, 200, editor.status, editor.body)
	bands := editor.at(t, "suggestion", "bands").([]any)
	require.Greater(t, len(bands), 3)
	for n, one := range bands {
		band := one.(map[string]any)
		require.Equal(t, fmt.Sprint(3+n), fmt.Sprint(band["value"]))
		for _, name := range []string{"revenue_min", "revenue_max", "revenue_est"} {
			if band[name] != nil {
				requireTwoDigits(t, fmt.Sprint(band[name]))
			}
		}
		installs, err := decimal.NewFromString(fmt.Sprint(band["installs"]))
		require.NoError(t, err)
		require.True(t, installs.GreaterThanOrEqual(decimal.NewFromInt(9)), "10 at least, rounded to a multiple of 3")
	}
	for _, name := range []string{"suggested", "equal", "best_equal"} {
		requireTwoDigits(t, fmt.Sprint(editor.at(t, "suggestion", name, "mean_absolute")))
	}
	var suggestion map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(member(t, editor, "suggestion")), &suggestion))
	draft := b.drafts(string(suggestion["schema"]))
	require.Equal(t, true, b.ask("GET", draft, "viewer", "").at(t, "report", "ok"))
	require.Equal(t, 201, b.write("POST", draft+":publish", "editor", `"1"`, `{}`).status)

	// Beside the version in force, which it keeps what it can of.
	second := b.ask("POST", schemasPath+":suggest", "editor", ask)
	require.Equal(t, 200, second.status, second.body)
	require.Equal(t, "1 525463029", fmt.Sprint(second.at(t, "version"), " ", second.at(t, "suggestion", "schema", "app_id")))
	requireTwoDigits(t, fmt.Sprint(second.at(t, "suggestion", "current", "mean_absolute")))
	require.Equal(t, member(t, editor, "consented"), member(t, second, "consented"))

	operator := b.ask("POST", schemasPath+":suggest", "operator", ask)
	require.Equal(t, 200, operator.status, operator.body)
	require.Equal(t, "200 90", fmt.Sprint(operator.at(t, "suggestion", "installs"), " ", operator.at(t, "suggestion", "payers")))
	require.Len(t, b.trail("?action=schema.simulate"), 3)
	for body, want := range map[string]string{
		`{"bands":0,` + wholeWeek + `}`:         "422 invalid",
		`{"bands":99,` + wholeWeek + `}`:        "422 invalid",
		`{"bands":"x"}`:                         "400 bad_request",
		`{"currency":"EUR",` + wholeWeek + `}`:  "422 too_few_installs",
		`{"currency":"what",` + wholeWeek + `}`: "422 too_few_installs",
		`{"cap":"-1",` + wholeWeek + `}`:        "422 invalid",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", schemasPath+":suggest", "editor", body)), body)
	}
}

func TestSuggestNeedsPayers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029,"k":10,"b":3}]}`).status)
	b.live("a", 100, 8)
	b.now.Advance(43 * 24 * time.Hour)
	a := b.ask("POST", schemasPath+":suggest", "editor", `{"bands":3}`)
	require.Equal(t, "422 too_few_installs", coded(t, a))
	require.Contains(t, a.body, "at least 10 payers")
	require.NotContains(t, a.body, "8")
	require.Equal(t, 200, b.ask("POST", schemasPath+":suggest", "operator", `{"bands":3}`).status)
	payers := b.simulates("editor", "").at(t, "simulation", "deterministic").([]any)[0].(map[string]any)
	require.Nil(t, payers["payers"])
	require.Nil(t, payers["error"])
}

// slow is a store whose consented installs take a while.
type slow struct {
	web.SchemaKeeper
	begun, end chan struct{}
}

func (s slow) ConsentedWeeks(ctx context.Context, q store.EvidenceQuery) ([]store.EvidenceWeek, error) {
	close(s.begun)
	<-s.end
	return s.SchemaKeeper.ConsentedWeeks(ctx, q)
}

func TestOneLookAtATime(t *testing.T) {
	t.Parallel()
	s := slow{begun: make(chan struct{}), end: make(chan struct{})}
	b := lived(t, func(_ *web.Public, a *web.Admin) { s.SchemaKeeper, a.Schemas = a.Schemas, &s })
	first := make(chan int)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.admin.URL+schemasPath+":suggest", strings.NewReader(`{"bands":3}`))
		if err != nil {
			first <- 0
			return
		}
		r.Header.Set("Authorization", "Bearer "+b.tokens["editor"])
		resp, err := b.admin.Client().Do(r)
		if err != nil {
			first <- 0
			return
		}
		_ = resp.Body.Close() // its status is all that is asked for
		first <- resp.StatusCode
	}()
	<-s.begun
	a := b.ask("POST", schemasPath+":suggest", "editor", `{"bands":3}`)
	require.Equal(t, "503 busy", coded(t, a))
	require.Equal(t, "5", a.header.Get("Retry-After"))
	close(s.end)
	require.Equal(t, 200, <-first)
}
