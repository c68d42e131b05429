package web_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/store"
	"skand/internal/web"
)

type adviser struct {
	asked []aggregate.Dataset
	err   error
}

func (a *adviser) Advise(_ context.Context, d aggregate.Dataset) ([]aggregate.Outlook, error) {
	a.asked = append(a.asked, d)
	share := 85
	return []aggregate.Outlook{{Window: aggregate.Week, K: 20, B: 5, Depth: 4, Source4: &share}}, a.err
}

// TestAdviceIsAskedOnceAWeek: what it costs is paid once, and a question that failed
// is not remembered.
func TestAdviceIsAskedOnceAWeek(t *testing.T) {
	t.Parallel()
	from := &adviser{err: aggregate.ErrTooFew}
	var now time.Time
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Advice = web.NewAdvice(from, func() time.Time { return now }) })
	now = time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	get := func(path string) (int, string) {
		a := b.ask(http.MethodGet, path, "editor", "")
		return a.status, a.body
	}

	code, body := get("/v1/apps/1/advice")
	require.Equal(t, http.StatusConflict, code, body)
	require.Contains(t, body, "too_few")
	from.err = store.ErrNoApp
	code, _ = get("/v1/apps/1/advice")
	require.Equal(t, http.StatusNotFound, code)
	from.err = nil
	for range 3 {
		code, body = get("/v1/apps/1/advice")
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, body, `"source_4":85`)
		require.Contains(t, body, `"payers":null`)
		require.Contains(t, body, `"from":"2026-10-19T00:00:00Z","to":"2026-11-16T00:00:00Z"`)
	}
	require.Len(t, from.asked, 3)
	now = now.AddDate(0, 0, 7)
	_, _ = get("/v1/apps/1/advice")
	_, _ = get("/v1/apps/1/advice?dataset=1.reengagement")
	require.Equal(t, aggregate.Dataset{AppID: 1, SequenceIndex: 1, Kind: "reengagement", Environment: "production"}, from.asked[4])

	code, body = get("/v1/apps/1/advice?dataset=3")
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, "dataset")
	code, _ = get("/v1/apps/x/advice")
	require.Equal(t, http.StatusBadRequest, code)
}
