package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/store"
	"skand/internal/web"
)

const appPath = "/v1/apps/7"

// onBothWhole is onBoth with the whole admin listener on that database.
func onBothWhole(t *testing.T, test func(t *testing.T, b *testBundle, s *store.Store)) {
	t.Helper()
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		b.adminParts.Keeper, b.adminParts.Audit = s, s
		test(t, b, s)
	})
}

func TestDeleteApp(t *testing.T) {
	onBothWhole(t, func(t *testing.T, b *testBundle, s *store.Store) {
		reloaded := 0
		b.adminParts.Applied = func(context.Context) error { reloaded++; return nil }
		month(t, s)
		cohorts := b.ask("GET", "/v1/cohorts?app=7&format=csv", "viewer", "").body
		require.Equal(t, "404 unknown_app", coded(t, b.ask("GET", appPath, "viewer", "")))
		require.Equal(t, "428 if_match_required", coded(t, b.write("DELETE", appPath, "admin", "", "")))
		require.Equal(t, "404 unknown_app", coded(t, b.write("DELETE", appPath, "admin", "*", "")))

		const bundle = `{"apps":[{"app_id":7,"name":"Puzzle"}]}`
		require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", bundle).status)
		seen := b.ask("GET", appPath, "viewer", "")
		require.Equal(t, 200, seen.status)
		require.JSONEq(t, `{"id":"7","updated_at":"2026-11-02T09:00:00Z","definition":{"app_id":7,"name":"Puzzle"}}`, seen.body)
		tag := seen.header.Get("ETag")
		require.Regexp(t, `^"[0-9a-f]{24}"$`, tag)
		for path, etag := range map[string]string{appPath: "", appPath + "?erase=true": ""} {
			require.Equal(t, "428 if_match_required", coded(t, b.write("DELETE", path, "admin", etag, "")), path)
		}
		for _, other := range []string{`"x"`, `W/` + tag, `""`, `x, "1"`, tag[1 : len(tag)-1]} {
			stale := b.write("DELETE", appPath+"?erase=true", "admin", other, "")
			require.Equal(t, "412 stale", coded(t, stale), other)
			require.Equal(t, tag, stale.header.Get("ETag"))
			require.Equal(t, json.Number("7"), stale.at(t, "current", "definition", "app_id"))
		}
		for query, field := range map[string]string{"erase=yes": "erase", "destinations=keep": "destinations", "force=true": "force"} {
			bad := b.write("DELETE", appPath+"?"+query, "admin", tag, "")
			require.Equal(t, fmt.Sprint("400 ", field), fmt.Sprint(bad.status, " ", bad.at(t, "field")), query)
		}
		require.Equal(t, 200, b.ask("GET", appPath, "viewer", "").status, "so far nothing was done")

		reloaded = 0
		gone := b.write("DELETE", appPath, "admin", `"x", `+tag, "")
		require.Equal(t, 200, gone.status, gone.body)
		require.JSONEq(t, `{"app_id":7,"destinations":[],"undelivered":0}`, gone.body)
		require.Equal(t, 1, reloaded, "keys and destinations count at once")
		require.Equal(t, "404 unknown_app", coded(t, b.write("DELETE", appPath, "admin", tag, "")))
		require.Equal(t, cohorts, b.ask("GET", "/v1/cohorts?app=7&format=csv", "viewer", "").body, "what is published stays")
		again := b.write("DELETE", appPath+"?erase=true", "admin", "", "")
		require.Equal(t, 200, again.status, "what is not described is erased without a tag")
		require.Equal(t, json.Number("0"), again.at(t, "erased", "postback"))

		require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", bundle).status)
		require.NotEmpty(t, b.ask("GET", appPath, "viewer", "").header.Get("ETag"))
		log := b.ask("GET", "/v1/audit?app=7", "operator", "")
		var lines struct {
			Data []store.AuditEntry `json:"data"`
		}
		require.NoError(t, json.Unmarshal([]byte(log.body), &lines))
		var told []string
		for _, e := range lines.Data {
			told = append(told, e.Who+" "+e.Role+" "+e.Action)
		}
		require.Equal(t, []string{"admin admin apply", "admin admin app.erase", "admin admin app.delete", "admin admin apply"}, told)
		require.Equal(t, 200, b.ask("GET", "/v1/audit?action=app.delete", "operator", "").status)
	})
}

func TestDeleteAppNamesItsDestinations(t *testing.T) {
	onBothWhole(t, func(t *testing.T, b *testBundle, _ *store.Store) {
		const bundle = `{"apps":[{"app_id":7}],"destinations":[
			{"id":"east","app_id":7,"network_id":"n.example","url":"https://e.example/","kinds":["event"],"enabled":true},
			{"id":"west","app_id":7,"network_id":"n.example","url":"https://w.example/","kinds":["event"],"enabled":true}]}`
		a := b.ask("POST", "/v1/apply", "admin", bundle)
		require.Equal(t, 200, a.status, a.body)
		left := b.write("DELETE", appPath, "admin", "*", "")
		require.Equal(t, "409 destinations_left", coded(t, left))
		require.Equal(t, []any{"east", "west"}, left.at(t, "destinations"))
		require.Contains(t, left.at(t, "detail"), "east, west")
		done := b.write("DELETE", appPath+"?destinations=delete", "admin", "*", "")
		require.Equal(t, 200, done.status, done.body)
		require.Equal(t, []any{"east", "west"}, done.at(t, "destinations"))
		require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", "/v1/destinations", "operator", "").body)
	})
}

// interrupted deletes apps, and breaks off while it erases.
type interrupted struct{ web.Keeper }

func (k interrupted) DeleteApp(ctx context.Context, appID int64, d store.AppDeletion) (store.AppDeleted, error) {
	d.Erase = false
	_, err := k.Keeper.DeleteApp(ctx, appID, d)
	return store.AppDeleted{}, errors.Join(err, errors.New("disk is away"))
}

// TestEraseAppIsAskedForAgain: the caller of an erasure that broke off asks once more.
func TestEraseAppIsAskedForAgain(t *testing.T) {
	onBothWhole(t, func(t *testing.T, b *testBundle, s *store.Store) {
		require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":7}]}`).status)
		b.adminParts.Keeper = interrupted{s}
		require.Equal(t, "503 unavailable", coded(t, b.write("DELETE", appPath+"?erase=true", "admin", "*", "")))
		b.adminParts.Keeper = s
		require.Equal(t, "404 unknown_app", coded(t, b.ask("GET", appPath, "viewer", "")))
		require.Equal(t, 200, b.write("DELETE", appPath+"?erase=true", "admin", "*", "").status)
	})
}
