package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	b := described(t)
	a := b.publishes(priced("1"), `{"why":"begin"}`)
	require.Equal(t, 201, a.status, a.body)
	require.Equal(t, "[]", fmt.Sprint(a.at(t, "effects")), "there was nothing before it")
	require.Equal(t, monday.Format(time.RFC3339), a.at(t, "effective_from"))
	require.NotEmpty(t, a.at(t, "from_draft"))
	require.NotEmpty(t, a.at(t, "warnings"), "they don't stand in the way")

	a = b.publishes(priced("1.00"), `{}`)
	require.Equal(t, "409 same", coded(t, a))
	require.Equal(t, "1", fmt.Sprint(a.at(t, "version")))
	a = b.publishes(strings.Replace(priced("1"), `"value":1`, `"value":99`, 1), `{}`)
	require.Equal(t, "422 invalid", coded(t, a))
	require.Contains(t, a.body, `"value_out_of_range"`)
	require.Contains(t, a.body, `"pointer":"/windows/0/fine/1/value"`)
	require.Equal(t, false, a.at(t, "report", "ok"))

	draft := b.drafts(priced("2"))
	for body, want := range map[string]string{
		`{"effective_from":"2026-11-01T00:00:00Z"}`:   "422 bad_effective_from",
		`{"effective_from":"2027-11-02T00:00:00Z"}`:   "422 bad_effective_from",
		`{"effective_from":"tomorrow"}`:               "400 bad_request",
		`{"effective_from":"2026-11-03"}`:             "400 bad_request",
		`{"why":"` + strings.Repeat("x", 1001) + `"}`: "422 invalid",
		`{"why":"\u0000"}`:                            "422 invalid",
		`{"reason":"typing error"}`:                   "400 bad_request",
		``:                                            "400 bad_request",
		`{"effective_from":"` + monday.Format(time.RFC3339) + `"}`: "422 bad_effective_from",
	} {
		a := b.write("POST", draft+":publish", "editor", `"1"`, body)
		require.Equal(t, want, coded(t, a), "%.80s: %s", body, a.body)
	}
	require.Equal(t, "428 if_match_required", coded(t, b.write("POST", draft+":publish", "editor", "", `{}`)))
	a = b.write("POST", draft+":publish", "editor", `"1"`, `{"effective_from":"2026-11-03T02:00:00.5+02:00"}`)
	require.Equal(t, 201, a.status, a.body)
	require.Equal(t, "2026-11-03T00:00:00.5Z", a.at(t, "effective_from"))
	for _, e := range a.at(t, "effects").([]any) {
		e := e.(map[string]any)
		require.Equal(t, "2026-11-04T00:00:00.5Z", e["old_until"])
		require.Equal(t, e["old_until"], e["ambiguous_from"])
		if e["postbacks"] == "window" && fmt.Sprint(e["index"]) == "0" {
			require.Equal(t, "2026-11-08T00:00:00.5Z", e["ambiguous_to"])
			require.Equal(t, "2026-11-17T00:00:00.5Z", e["retry_possible_until"])
		}
	}
	a = b.publishes(priced("3"), `{}`)
	require.Equal(t, "422 bad_effective_from", coded(t, a), "nothing comes before a version that waits")
	require.Contains(t, a.at(t, "detail"), "2026-11-03T00:00:00Z; give a later time")
	require.Equal(t, "effective_from", a.at(t, "field"))
	require.Contains(t, b.log.String(), "schema published")
}

func TestRollBackByAPI(t *testing.T) {
	t.Parallel()
	b := described(t)
	b.publishes(priced("1"), `{}`)
	b.now.Advance(time.Hour)
	b.publishes(priced("2"), `{}`)
	b.now.Advance(time.Hour)
	a := b.ask("POST", schemasPath+"/versions/1:rollback", "editor", `{"why":"2 was wrong"}`)
	require.Equal(t, 201, a.status, a.body)
	require.Equal(t, "3 1 2 was wrong", fmt.Sprint(a.at(t, "version"), " ", a.at(t, "rolled_back_from"), " ", a.at(t, "why")))
	require.Len(t, a.at(t, "effects"), 4)
	for path, want := range map[string]string{
		"/versions/1:rollback": "409 same", "/versions/9:rollback": "404 unknown_version", "/versions/x:rollback": "400 bad_parameter",
		"/versions/1": "404 not_found", "/versions/1:publish": "404 not_found",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", schemasPath+path, "editor", `{}`)), path)
	}
	require.Equal(t, "422 bad_effective_from", coded(t, b.ask("POST", schemasPath+"/versions/2:rollback", "editor", `{"effective_from":"2026-11-01T00:00:00Z"}`)))
}
