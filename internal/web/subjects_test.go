package web_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/store"
)

func TestEraseSubject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const phone = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
	install := `{"id":"i-own-1","app_id":1,"time":"2026-11-01T09:00:00Z","idfa":"` + phone + `","att_status":"authorized"}`
	event := `{"id":"e1","app_id":1,"install_id":"i-own-1","name":"purchase","time":"2026-11-01T10:00:00Z"}`
	require.Contains(t, b.post("/v1/installs", "s2s", install).body, "accepted")
	require.Contains(t, b.post("/v1/events", "s2s", event).body, "accepted")

	a := b.ask(http.MethodDelete, "/v1/subjects", "operator", `{"idfa":"`+phone+`"}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	var e store.Erasure
	require.NoError(t, json.Unmarshal([]byte(a.body), &e))
	require.Equal(t, 1, e.Installs)
	require.Equal(t, 1, e.Events)
	require.Equal(t, monday, e.At)
	require.NotContains(t, a.body, phone)

	// Sent again it is refused, and told so for each item.
	require.Contains(t, b.post("/v1/installs", "s2s", install).body, `"code":"erased"`)
	require.Contains(t, b.post("/v1/events", "s2s", event).body, `"code":"erased"`)
	require.Contains(t, b.post("/v1/installs", "s2s", "["+install+"]").body, `"code":"erased"`)

	entries, _, err := b.store.AuditLog(t.Context(), store.AuditFilter{Action: store.ActSubjectErase}, "", 5)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "operator", entries[0].Role)
	require.Equal(t, "subject idfa "+e.Subject, entries[0].Object)
	for _, text := range []string{string(entries[0].Detail), b.log.String()} {
		require.NotContains(t, text, phone)
		require.NotContains(t, text, "i-own-1")
	}

	a = b.ask(http.MethodDelete, "/v1/subjects", "operator", `{"install_id":"unknown"}`)
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `"installs":0`)
}

func TestEraseSubjectRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, want := range map[string]string{
		`{}`:                      "give one of idfa, idfv and install_id",
		`{"idfa":"a","idfv":"b"}`: "give one of idfa, idfv and install_id",
		`{"idfa":"00000000-0000-0000-0000-000000000000"}`: "nobody's",
		`{"install_id":"i","app_id":-1}`:                  "app_id",
		`{"device":"a"}`:                                  "unknown field",
	} {
		a := b.ask(http.MethodDelete, "/v1/subjects", "operator", body)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, a.body)
		require.Contains(t, a.body, want)
	}
	require.Equal(t, http.StatusForbidden, b.ask(http.MethodDelete, "/v1/subjects", "editor", `{"install_id":"i"}`).status)
}
