package web_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/internal/jobs"
	"skand/internal/store"
	"skand/internal/web"
)

const appliedBundle = `{"apps":[{"app_id":10738027756,"name":"Puzzle"}],"networks":[{"network_id":"Example.Net"}]}`

func TestApply(t *testing.T) {
	t.Parallel()
	told := 0
	b := setup(t, func(_ *web.Public, a *web.Admin) {
		a.Applied = func(context.Context) error { told++; return nil }
	})
	dry := b.ask("POST", "/v1/apply?dry_run=true", "admin", appliedBundle)
	require.Equal(t, true, dry.at(t, "dry_run"))
	require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", "/v1/apps", "viewer", "").body, "a dry run stores nothing")
	require.Zero(t, told)

	a := b.ask("POST", "/v1/apply", "admin", appliedBundle)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, dry.at(t, "changes"), a.at(t, "changes"), "a dry run tells the same")
	require.Contains(t, a.body, `{"what":"app 10738027756","action":"create"}`)
	require.Equal(t, 1, told)
	a = b.ask("POST", "/v1/apply?dry_run=false", "admin", "apps: [{app_id: 10738027756, name: Puzzle}]")
	require.Contains(t, a.body, `{"what":"app 10738027756","action":"same"}`, "YAML is as good")
	require.Contains(t, b.log.String(), "configuration applied")
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, want := range map[string]string{
		"":                                 "400 bad_bundle there is nothing in it",
		"{":                                "400 bad_bundle unexpected",
		`{"apps":[{"app_id":1}]}x`:         "400 bad_bundle more than one document",
		`{"app":[]}`:                       `400 bad_bundle "app" is not a setting`,
		`{"apps":[{"app_id":1,"k":3}]}`:    "422 invalid apps[0].k: 3 is below the floor",
		`{"networks":[{"network_id":""}]}`: "422 invalid networks[0]",
		`{"forward":{"allow_private_cidrs":["all"]}}`: "422 invalid forward.allow_private_cidrs[0]",
	} {
		a := b.ask("POST", "/v1/apply", "admin", body)
		got := fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "detail"))
		status, rest, _ := strings.Cut(want, " ")
		code, detail, _ := strings.Cut(rest, " ")
		require.True(t, strings.HasPrefix(got, status+" "+code) && strings.Contains(got, detail), "%s: %s", body, got)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	}
	for _, query := range []string{"dry_run=1", "dry_run", "dry_run=yes", "dryrun=true", "dry_run=true&dry_run=false"} {
		require.Equal(t, 400, b.ask("POST", "/v1/apply?"+query, "admin", appliedBundle).status, query)
	}
	require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", "/v1/apps", "viewer", "").body, "nothing was stored")
	a := b.ask("POST", "/v1/apply", "admin", strings.Repeat(" ", 8<<20+1))
	require.Equal(t, "413 too_large", fmt.Sprint(a.status, " ", a.at(t, "code")))
}

// brokenKeeper fails as a database does.
type brokenKeeper struct{ web.Keeper }

func (brokenKeeper) Apply(context.Context, *apply.Bundle, string, bool) ([]store.Change, error) {
	return nil, fmt.Errorf("publish: INSERT INTO schema_version: %w", context.DeadlineExceeded)
}

func TestApplyHidesTheStoresErrors(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Keeper = brokenKeeper{} })
	a := b.ask("POST", "/v1/apply", "admin", appliedBundle)
	require.Equal(t, "503 unavailable", fmt.Sprint(a.status, " ", a.at(t, "code")))
	require.NotContains(t, a.body, "INSERT")
	require.Contains(t, b.log.String(), "INSERT INTO schema_version")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask("POST", "/v1/tokens", "admin", `{"name":"bi","role":"viewer","scopes":["s2s"]}`)
	require.Equal(t, 201, a.status, a.body)
	plain := fmt.Sprint(a.at(t, "token"))
	require.Equal(t, 200, b.ask("GET", "/v1/apps", plain, "").status)
	require.Equal(t, 403, b.ask("GET", "/v1/jobs", plain, "").status)
	require.Equal(t, 200, b.post("/v1/clicks", plain, click).status)
	require.NotEmpty(t, a.at(t, "id"))

	for body, want := range map[string]string{
		`{"name":"n","role":"root"}`:                  "422 invalid",
		`{"name":"","role":"viewer"}`:                 "422 invalid",
		`{"name":"n","role":"none"}`:                  "422 invalid",
		`{"name":"n","role":"none","scopes":["all"]}`: "422 invalid",
		`{"name":"n"}`:                                "422 invalid",
		`{"name":"n","role":"viewer","admin":true}`:   "400 bad_request",
		`{"name":"n","role":"viewer"}{}`:              "400 bad_request",
		`{"name":"n","role":"viewer"}}`:               "400 bad_request",
		``:                                            "400 bad_request",
		`[]`:                                          "400 bad_request",
		`{"name":"` + strings.Repeat("x", 64<<10) + `"}`: "413 too_large",
	} {
		a := b.ask("POST", "/v1/tokens", "admin", body)
		require.Equal(t, want, fmt.Sprint(a.status, " ", a.at(t, "code")), "%.80s", body)
	}
}

var errMove = errors.New("2025-01-01 is before the lab's time: the clock only goes forward")

// lab notes how it was moved.
type lab struct {
	advance time.Duration
	set     time.Time
}

func (l *lab) Move(_ context.Context, advance time.Duration, set time.Time) (time.Time, []jobs.Report, error) {
	if set.Year() == 2025 {
		return time.Time{}, nil, errMove
	}
	l.advance, l.set = advance, set
	return monday.Add(advance), nil, nil
}

func TestLabClock(t *testing.T) {
	t.Parallel()
	l := &lab{}
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Lab = l })
	a := b.ask("POST", "/v1/lab/clock", "operator", `{"advance":"25h"}`)
	require.JSONEq(t, `{"now":"2026-11-03T10:00:00Z","jobs":[]}`, a.body)
	require.Equal(t, 25*time.Hour, l.advance)
	require.Equal(t, 200, b.ask("POST", "/v1/lab/clock", "operator", `{"set":"2026-12-01T00:00:00Z"}`).status)
	require.Equal(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), l.set.UTC())
	for body, want := range map[string]string{
		`{}`:                  "400 bad_request",
		``:                    "400 bad_request",
		`{"advance":"0s"}`:    "400 bad_request",
		`{"advance":"-1h"}`:   "400 bad_request",
		`{"advance":"a day"}`: "400 bad_request",
		`{"advance":25}`:      "400 bad_request",
		`{"set":"tomorrow"}`:  "400 bad_request",
		`{"forward":"1h"}`:    "400 bad_request",
		`{"advance":"1h","set":"2026-12-01T00:00:00Z"}`: "400 bad_request",
		`{"set":"2025-01-01T00:00:00Z"}`:                "409 clock_not_moved",
	} {
		a := b.ask("POST", "/v1/lab/clock", "operator", body)
		require.Equal(t, want, fmt.Sprint(a.status, " ", a.at(t, "code")), body)
	}
	require.Equal(t, "404 not_a_lab", func() string {
		a := setup(t).ask("POST", "/v1/lab/clock", "operator", `{"advance":"1h"}`)
		return fmt.Sprint(a.status, " ", a.at(t, "code"))
	}())
}
