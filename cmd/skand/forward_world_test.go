package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/config"
)

// receiver is a network's endpoint: a real HTTP server that notes what it answered to
// each delivery id, and how many requests it had at a time.
type receiver struct {
	name string
	url  string

	mu       sync.Mutex
	status   int           // the standing answer
	share    float64       // of requests that are answered 500 instead
	pause    time.Duration // before each answer
	rng      *rand.Rand
	taken    map[string]int // 2xx, by delivery id
	requests int
	failed   int // answers that were no 2xx
	flying   int
	most     int           // the most at a time since rest was called
	changed  chan struct{} // closed and replaced at every answer
}

func newReceiver(t *testing.T, name string, seed uint64) *receiver {
	t.Helper()
	r := &receiver{
		name: name, status: http.StatusOK, rng: rand.New(rand.NewPCG(seed, 7)),
		taken: map[string]int{}, changed: make(chan struct{}),
	}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// ServeHTTP implements http.Handler. A caller that goes away before the answer gets
// none, so it is not noted.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests++
	r.flying++
	r.most = max(r.most, r.flying)
	pause := r.pause
	r.mu.Unlock()
	if pause > 0 {
		select {
		case <-clock.Real{}.After(pause):
		case <-req.Context().Done():
		}
	}
	r.mu.Lock()
	status := r.status
	if r.share > 0 && r.rng.Float64() < r.share {
		status = http.StatusInternalServerError
	}
	r.flying--
	switch {
	case req.Context().Err() != nil:
	case status/100 == 2:
		r.taken[req.URL.Query().Get("id")]++
	default:
		r.failed++
	}
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	w.WriteHeader(status)
}

// answer sets the standing answer.
func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// counts are how many deliveries were taken, how often again, and all requests.
func (r *receiver) counts() (taken, again, requests int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.taken {
		again += n - 1
	}
	return len(r.taken), again, r.requests
}

// rest waits until nobody is being answered, and returns the most at a time so far.
func (r *receiver) rest(t *testing.T) (most int) {
	t.Helper()
	for {
		r.mu.Lock()
		flying, changed := r.flying, r.changed
		most, r.most = max(most, r.most), r.flying
		r.mu.Unlock()
		if flying == 0 {
			return most
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			require.NoError(t, t.Context().Err())
		}
	}
}

// sender is a skand in a process of its own, or several on one store, that sends the
// installs of one app to receivers.
type sender struct {
	t     *testing.T
	args  []string
	p     *program
	token string
	sent  int
}

const senderApp = 2718281828

// newSender starts `skand serve` as a lab, whose clock the test moves.
func newSender(t *testing.T, cfg config.Config, args ...string) *sender {
	t.Helper()
	s := &sender{t: t, args: append([]string{"--lab", "--db", cfg.DB}, args...)}
	if cfg.Published != "" {
		s.args = append(s.args, "--published", cfg.Published)
	}
	s.start()
	s.apply(map[string]any{
		"apps":    []any{map[string]any{"app_id": senderApp, "name": "Puzzle"}},
		"forward": map[string]any{"allow_private_cidrs": []string{"127.0.0.0/8"}},
	})
	var token struct {
		Token string `json:"token"`
	}
	s.post("/v1/tokens", map[string]any{"name": "backend", "role": "none", "scopes": []string{"s2s"}}, &token)
	s.token = token.Token
	return s
}

func (s *sender) start() { s.p = serveProgram(s.t, s.args...) }

func (s *sender) admin() *target { return &target{server: s.p.Admin, token: testAdminToken} }

func (s *sender) post(path string, body, into any) {
	s.t.Helper()
	require.NoError(s.t, s.admin().post(s.t.Context(), path, body, into), "POST %s", path)
}

func (s *sender) apply(bundle map[string]any) {
	s.t.Helper()
	var ignored any
	s.post("/v1/apply", bundle, &ignored)
}

// destine applies a destination for each receiver; change may be nil.
func (s *sender) destine(change func(d map[string]any), to ...*receiver) {
	s.t.Helper()
	var all []any
	for _, r := range to {
		d := map[string]any{
			"id": r.name, "app_id": senderApp, "kinds": []string{"install"}, "scope": "all",
			"url": r.url + "/pb?id={delivery_id}&e={event_name}", "in_flight": senderInFlight,
		}
		if change != nil {
			change(d)
		}
		all = append(all, d)
	}
	s.apply(map[string]any{"destinations": all})
}

const senderInFlight = 4

// report reports n new installs, each of which is a delivery to every destination.
func (s *sender) report(n int) {
	s.t.Helper()
	to := target{server: s.p.Public, token: s.token}
	for n > 0 {
		some := make([]any, 0, 1000)
		for range min(n, 1000) {
			s.sent++
			some = append(some, map[string]any{
				"id": fmt.Sprintf("install-%d", s.sent), "app_id": senderApp, "time": s.now().Format(time.RFC3339),
				"idfv": fmt.Sprintf("%08x-0000-4000-8000-%012x", s.sent, s.sent), "att_status": "authorized", // or a destination of no network hears nothing
			})
		}
		var answer struct{ Results []struct{ Status string } }
		require.NoError(s.t, to.post(s.t.Context(), "/v1/installs", some, &answer))
		require.Len(s.t, answer.Results, len(some))
		for _, a := range answer.Results {
			require.Equal(s.t, "accepted", a.Status)
		}
		n -= len(some)
	}
}

// now is the lab's time, which a move tells.
func (s *sender) now() time.Time { return s.move(time.Millisecond) }

// move lets time pass.
func (s *sender) move(d time.Duration) time.Time {
	s.t.Helper()
	var answer struct {
		Now time.Time `json:"now"`
	}
	s.post("/v1/lab/clock", map[string]any{"advance": d.String()}, &answer)
	require.False(s.t, answer.Now.IsZero())
	return answer.Now
}

// states counts the deliveries by state.
func (s *sender) states() map[string]int64 {
	s.t.Helper()
	return statusOf(s.t, s.p).Outbox
}

// seen is a delivery as operators see it.
type seen struct {
	ID          string
	Destination string
	State       string
	Attempts    int
	Log         []struct{ Class string }
}

// deliveries lists all that there are, or those of one destination.
func (s *sender) deliveries(destination string) (all []seen) {
	s.t.Helper()
	q := url.Values{"limit": {"1000"}}
	if destination != "" {
		q.Set("destination", destination)
	}
	for {
		raw, err := s.admin().get(s.t.Context(), "/v1/deliveries?"+q.Encode())
		require.NoError(s.t, err)
		var page struct {
			Data       []seen
			NextCursor *string `json:"next_cursor"`
		}
		require.NoError(s.t, json.Unmarshal(raw, &page))
		all = append(all, page.Data...)
		if page.NextCursor == nil {
			return all
		}
		q.Set("cursor", *page.NextCursor)
	}
}

// settle lets time pass, an hour whenever nothing moves any more, until no delivery is
// pending.
func (s *sender) settle(to ...*receiver) {
	s.t.Helper()
	last, still, hours := -1, 0, 0
	require.Eventually(s.t, func() bool {
		if s.states()["pending"] == 0 {
			return true
		}
		requests := 0
		for _, r := range to {
			_, _, n := r.counts()
			requests += n
		}
		if still++; requests != last {
			last, still = requests, 0
		}
		if still >= 3 {
			still, hours = 0, hours+1
			s.move(time.Hour)
		}
		return false
	}, 4*time.Minute, 50*time.Millisecond)
	s.t.Logf("the clock was moved by %d h until nothing was pending", hours)
}

// metric reads one sample of /metrics, 0 if it is not there.
func (s *sender) metric(name, destination string) (value float64) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.p.Admin+"/metrics", nil)
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+testAdminToken)
	resp, err := postClient.Do(req)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, fmt.Sprintf("%s{destination=%q} ", name, destination)); ok {
			_, err := fmt.Sscan(rest, &value)
			require.NoError(s.t, err)
		}
	}
	return value
}

// stop ends the program as its owner would.
func (s *sender) stop() {
	s.t.Helper()
	require.NoError(s.t, s.p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(s.t, s.p.cmd.Wait(), "log: %s", s.p.log)
}
