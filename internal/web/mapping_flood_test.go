package web_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/store"
	"skand/internal/web"
)

// slowReader answers only when it is let, and counts who asks at once.
type slowReader struct {
	let   chan struct{}
	asked chan int64 // app ids, as they come
	err   error

	mu               sync.Mutex
	now, most, calls int
}

func (s *slowReader) count(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += by
	s.most = max(s.most, s.now)
	s.calls += max(0, by)
}

func (s *slowReader) Mapping(ctx context.Context, appID int64, _ int, now time.Time) (store.Mapping, error) {
	s.count(1)
	defer s.count(-1)
	s.asked <- appID
	select {
	case <-s.let:
	case <-ctx.Done():
		return store.Mapping{}, ctx.Err()
	}
	return store.Mapping{Version: 1, EffectiveFrom: now, PublishedAt: now, Document: []byte(`{"windows":[]}`)}, s.err
}

func (s *slowReader) MappingHistory(context.Context, int64, time.Time, int, int) ([]store.Mapping, bool, error) {
	return nil, false, s.err
}

// A flood of questions works in two places and waits in one line; beyond that it is
// refused at once, and postbacks are none the worse.
func TestMappingFloodIsBounded(t *testing.T) {
	t.Parallel()
	slow := &slowReader{let: make(chan struct{}), asked: make(chan int64, 1000)}
	b := setup(t, func(p *web.Public, a *web.Admin) { p.Mappings = web.NewMappings(slow, a.Now, a.Log) })
	h := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		require.NoError(t, err)
		b.public.Config.Handler.ServeHTTP(w, r)
		return w
	}
	var all sync.WaitGroup
	answers := make(chan int, 400)
	for i := range 400 {
		all.Go(func() { answers <- h(fmt.Sprintf("/v1/apps/%d/schema", i+1)).Code })
	}
	<-slow.asked
	<-slow.asked
	for range 400 - 256 {
		require.Equal(t, 503, <-answers, "the line is full")
	}
	require.Equal(t, 200, b.post(networkPath, "", b.signed(func(*apple.Postback) {})).status)
	full := h("/v1/apps/9999/schema")
	require.Equal(t, 503, full.Code)
	require.Equal(t, "1", full.Header().Get("Retry-After"))
	close(slow.let)
	all.Wait()
	close(answers)
	for status := range answers {
		require.Equal(t, 200, status)
	}
	require.Equal(t, 2, slow.most)
	require.Equal(t, 256, slow.calls)
}

// Those who ask for the same at the same time share a look.
func TestMappingIsLookedUpOnceForMany(t *testing.T) {
	t.Parallel()
	slow := &slowReader{let: make(chan struct{}), asked: make(chan int64, 1000)}
	b := setup(t, func(p *web.Public, a *web.Admin) { p.Mappings = web.NewMappings(slow, a.Now, a.Log) })
	leave, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	ask := func(ctx context.Context) {
		all.Go(func() {
			w := httptest.NewRecorder()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/v1/apps/7/schema", nil)
			if err != nil {
				t.Error(err)
				return
			}
			b.public.Config.Handler.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("got %d", w.Code)
			}
		})
	}
	ask(leave)
	<-slow.asked
	cancel() // whoever asked first need not wait for it
	for range 50 {
		ask(t.Context())
	}
	close(slow.let)
	all.Wait()
	require.Equal(t, 1, slow.most, "never two looks for the same at once")
}

func TestMappingStoreFails(t *testing.T) {
	t.Parallel()
	slow := &slowReader{let: make(chan struct{}), asked: make(chan int64, 10), err: errors.New("SELECT document: disk I/O error")}
	close(slow.let)
	b := setup(t, func(p *web.Public, a *web.Admin) {
		p.Mappings = web.NewMappings(slow, a.Now, slog.New(slog.DiscardHandler))
	})
	for _, path := range []string{"", "/history", "/lost"} {
		a := b.get("/v1/apps/7/schema" + path)
		require.Equal(t, "503 unavailable", code(t, a))
		require.NotContains(t, a.body, "SELECT")
	}
}
