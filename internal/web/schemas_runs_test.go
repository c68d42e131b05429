package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/web"
	"skand/schema"

	"context"
)

// gated are published histograms that come when the test lets them.
type gated struct {
	histograms
	mu     sync.Mutex
	open   chan struct{}
	called chan struct{}
	ended  chan error // why reading ended early
}

func (g *gated) PublishedHistograms(ctx context.Context, appID int64, version int, from, to time.Time) ([]schema.Histogram, error) {
	g.called <- struct{}{}
	select {
	case <-g.open:
	case <-ctx.Done():
		g.ended <- ctx.Err()
		return nil, ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.histograms.PublishedHistograms(ctx, appID, version, from, to)
}

func (b *testBundle) prefers(path, role, body string) answer {
	b.t.Helper()
	return b.send(b.admin, http.MethodPost, path, role, strings.NewReader(body), "Prefer", "respond-async")
}

// ran waits for a run's end.
func (b *testBundle) ran(path, role string) answer {
	b.t.Helper()
	var a answer
	require.Eventually(b.t, func() bool {
		a = b.ask("GET", path, role, "")
		return a.status == 200 && a.at(b.t, "state") != "running"
	}, 10*time.Second, 5*time.Millisecond)
	return a
}

func gatedBundle(t *testing.T) (*testBundle, *gated) {
	g := &gated{open: make(chan struct{}), called: make(chan struct{}, 9), ended: make(chan error, 9)}
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Histograms = g })
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029}]}`).status)
	require.Equal(t, 201, b.publishes(priced("1"), `{}`).status)
	return b, g
}

const onPublished = `{"evidence":"published"}`

// A simulation goes on while nobody waits, and its answer is that of who waits.
func TestRunIsLeftAndComeBackTo(t *testing.T) {
	t.Parallel()
	b, g := gatedBundle(t)
	draft := b.drafts(priced("4"))
	a := b.prefers(draft+":simulate", "editor", onPublished)
	require.Equal(t, 202, a.status, a.body)
	require.Equal(t, "respond-async", a.header.Get("Preference-Applied"))
	path := a.header.Get("Location")
	require.Equal(t, "running draft:"+draft[strings.LastIndex(draft, "/")+1:], fmt.Sprint(a.at(t, "state"), " ", a.at(t, "of")))
	<-g.called
	require.Equal(t, "running reading", fmt.Sprint(b.ask("GET", path, "editor", "").at(t, "state"), " ", b.ask("GET", path, "editor", "").at(t, "step")))

	// It is its asker's alone, and of this app.
	require.Equal(t, "404 unknown_run", coded(t, b.ask("GET", path, "operator", "")))
	require.Equal(t, "404 unknown_run", coded(t, b.ask("DELETE", path, "operator", "")))
	require.Empty(t, b.ask("GET", schemasPath+"/runs", "operator", "").at(t, "data"))
	require.Equal(t, "404 unknown_run", coded(t, b.ask("GET", strings.Replace(path, "525463029", "7", 1), "editor", "")))

	close(g.open)
	done := b.ran(path, "editor")
	require.Equal(t, "done 200 1", fmt.Sprint(done.at(t, "state"), " ", done.at(t, "status"), " ", done.at(t, "revision")))
	waited := b.ask("POST", draft+":simulate", "editor", onPublished)
	require.Equal(t, 200, waited.status)
	require.Equal(t, waited.at(t, "simulation"), done.at(t, "answer", "simulation"))
	require.Equal(t, "published", done.at(t, "asked", "evidence"))
	list := b.ask("GET", schemasPath+"/runs", "editor", "")
	require.Len(t, list.at(t, "data"), 1)
	require.NotContains(t, list.body, "simulation")
	require.Len(t, b.trail("?action=schema.simulate"), 2, "the audit log was told of both")

	b.now.Advance(25 * time.Hour)
	require.Equal(t, 202, b.prefers(schemasPath+"/versions/1:simulate", "editor", onPublished).status)
	require.Equal(t, "404 unknown_run", coded(t, b.ask("GET", path, "editor", "")), "kept for a day")
}

func TestRunIsCalledOff(t *testing.T) {
	t.Parallel()
	b, g := gatedBundle(t)
	var paths []string
	for range 3 {
		paths = append(paths, b.prefers(schemasPath+"/versions/1:simulate", "editor", onPublished).header.Get("Location"))
		<-g.called
	}
	a := b.prefers(schemasPath+"/versions/1:simulate", "editor", onPublished)
	require.Equal(t, "429 busy", coded(t, a), "three at once are enough")
	require.Equal(t, "5", a.header.Get("Retry-After"))
	require.Equal(t, 202, b.prefers(schemasPath+"/versions/1:simulate", "operator", onPublished).status, "for one person")
	<-g.called
	a = b.ask("DELETE", paths[0], "editor", "")
	require.Equal(t, "200 cancelled", fmt.Sprint(a.status, " ", a.at(t, "state")))
	require.ErrorIs(t, <-g.ended, context.Canceled)
	require.Equal(t, 200, b.ask("DELETE", paths[0], "editor", "").status, "twice is as once")
	close(g.open)
	require.Equal(t, "done", b.ran(paths[1], "editor").at(t, "state"))
	require.Equal(t, "done", b.ran(paths[2], "editor").at(t, "state"))
	a = b.ask("DELETE", paths[1], "editor", "")
	require.Equal(t, "done", a.at(t, "state"), "what is done stays done")
	require.Equal(t, "cancelled", b.ask("GET", paths[0], "editor", "").at(t, "state"))
}

func TestRunThatIsRefused(t *testing.T) {
	t.Parallel()
	b, _ := gatedBundle(t)
	for path, code := range map[string]string{
		b.drafts(`{"windows":[]}`) + ":simulate": "invalid", schemasPath + "/versions/9:simulate": "unknown_version", draftsPath + "/none:simulate": "unknown_draft",
	} {
		a := b.prefers(path, "editor", onPublished)
		require.Equal(t, 202, a.status)
		done := b.ran(a.header.Get("Location"), "editor")
		require.Equal(t, "failed "+code, fmt.Sprint(done.at(t, "state"), " ", done.at(t, "answer", "code")))
	}
	a := b.prefers(schemasPath+":suggest", "editor", `{}`)
	done := b.ran(a.header.Get("Location"), "editor")
	require.Equal(t, "suggestion failed", fmt.Sprint(done.at(t, "of"), " ", done.at(t, "state")))
	require.Equal(t, "403 forbidden", coded(t, b.prefers(schemasPath+":suggest", "viewer", `{}`)))
	require.Equal(t, "413 too_large", coded(t, b.prefers(schemasPath+":suggest", "editor", strings.Repeat(" ", 1<<20+1))))
	require.Equal(t, "400 bad_parameter", coded(t, b.prefers("/v1/apps/x/schemas:suggest", "editor", `{}`)))
}
