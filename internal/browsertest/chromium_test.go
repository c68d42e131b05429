package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const (
	envAll   = "SKAND_TEST_BROWSER" // "all": Chromium and axe-core may not be missing
	envAxe   = "SKAND_TEST_AXE"     // a folder with axe-core in node_modules
	envShots = "SKAND_PAGES_SHOTS"  // a folder for pictures
)

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv(envAll) == "all" {
		require.Fail(t, why)
	}
	t.Skip(why)
}

// chromium is the one browser of all tests.
type chromium struct {
	ctx    context.Context
	cancel func()
}

var browser struct {
	sync.Mutex
	*chromium
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.chromium != nil {
		browser.cancel()
	}
	os.Exit(code)
}

// theBrowser starts Chromium at its first use.
func theBrowser(t *testing.T) *chromium {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		missing(t, "chromium is not installed: apt-get install chromium")
	}
	browser.Lock()
	defer browser.Unlock()
	if browser.chromium != nil {
		return browser.chromium
	}
	profile, err := os.MkdirTemp("", "skand-chromium-")
	require.NoError(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-US"), chromedp.WindowSize(1280, 800))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	browser.chromium = &chromium{ctx: ctx, cancel: func() {
		stop()
		stopAlloc()
		_ = os.RemoveAll(profile) // a temporary folder; the system sweeps what is left
	}}
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	return browser.chromium
}

// tab is a tab that notes what it should not have to.
type tab struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu       sync.Mutex
	outside  []string // requests to other origins
	said     []string // errors of the console, of scripts, of the policy
	requests int
	bytes    float64
}

// newTab opens a tab that sends the role's token, and prefers a theme.
func newTab(t *testing.T, origin, token string, dark bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(theBrowser(t).ctx)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, 40*time.Second)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx, origin: origin}
	require.NoError(t, chromedp.Listen(ctx, b.heard))
	b.call(chromedp.Call(ctx, log.Enable, struct{}{}))
	b.call(chromedp.Call(ctx, network.Enable, network.EnableParams{}))
	b.call(chromedp.Call(ctx, network.ClearBrowserCookies, struct{}{})) // a theme that another test chose
	if token != "" {
		b.call(chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Authorization": "Bearer " + token}}))
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.call(chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
	b.call(chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.policy = []; document.addEventListener("securitypolicyviolation", function (e) { window.policy.push(e.violatedDirective + " " + e.blockedURI); });`,
	}))
	return b
}

func (b *tab) call(_ any, err error) {
	b.t.Helper()
	require.NoError(b.t, err)
}

func (b *tab) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		b.requests++
		if u, err := url.Parse(ev.Request.URL); err != nil || u.Scheme+"://"+u.Host != b.origin && u.Scheme != "data" && ev.Request.URL != "about:blank" {
			b.outside = append(b.outside, ev.Request.URL)
		}
	case *network.EventLoadingFinished:
		b.bytes += ev.EncodedDataLength
	case *log.EventEntryAdded:
		if ev.Entry.Level == "error" || ev.Entry.Level == "warning" {
			b.said = append(b.said, fmt.Sprintf("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if ev.Type == "error" || ev.Type == "warning" {
			b.said = append(b.said, fmt.Sprintf("console.%s", ev.Type))
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, ev.ExceptionDetails.Text)
	}
}

// open goes to a path and waits until its charts are drawn.
func (b *tab) open(path string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(b.origin+path)))
	b.settled()
}

func (b *tab) settled() {
	b.t.Helper()
	b.wait(`document.readyState === "complete" && document.documentElement.dataset.drawn !== undefined && !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling")`)
}

// wait waits until an expression is true.
func (b *tab) wait(expression string) {
	b.t.Helper()
	for again := 0; ; again++ {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(15*time.Second)))
		// A page that goes takes the question with it.
		if err != nil && (strings.Contains(err.Error(), "context") || strings.Contains(err.Error(), "navigated")) && b.ctx.Err() == nil && again < 20 {
			continue
		}
		require.NoError(b.t, err, expression)
		return
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err, expression)
	return v
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, `(document.querySelector(`+quoted(selector)+`) || {textContent: ""}).textContent.trim().replace(/\s+/g, " ")`)
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (b *tab) press(keys string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// clean holds what no page may do.
func (b *tab) clean() {
	b.t.Helper()
	require.Empty(b.t, eval[[]string](b, `window.policy`), "the policy of the page is broken")
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.outside, "requests that leave the origin")
	require.Empty(b.t, b.said, "the console")
}

// axe finds what people with other senses would stumble over.
func (b *tab) axe() {
	b.t.Helper()
	dir := os.Getenv(envAxe)
	if dir == "" {
		if os.Getenv(envAll) == "all" {
			require.Fail(b.t, envAxe+" is not set: npm ci in a copy of .ci/browser")
		}
		return
	}
	source, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	require.NoError(b.t, err)
	eval[bool](b, string(source)+"; true")
	eval[any](b, `window.found = null; axe.run(document, {resultTypes: ["violations"]}).then(function (r) {
		window.found = r.violations.filter(function (v) { return v.impact === "serious" || v.impact === "critical" || v.impact === "moderate"; })
			.map(function (v) { return v.id + ": " + v.help + " — " + v.nodes.map(function (n) { return n.target.join(" ") + " " + (n.any.concat(n.all)[0] || {message: ""}).message; }).slice(0, 4).join(" | "); });
	}); null`)
	b.wait(`window.found !== null`)
	require.Empty(b.t, strings.Join(eval[[]string](b, `window.found`), "\n"))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.wait(`document.querySelector(` + quoted(selector) + `) !== null`)
	eval[bool](b, `(function () { document.querySelector(`+quoted(selector)+`).click(); return true; })()`)
}

// fetch asks as the page would.
func (b *tab) fetch(path string) string {
	b.t.Helper()
	eval[bool](b, `(function () { window.got = null; fetch(`+quoted(path)+`).then(function (r) { return r.text(); }).then(function (t) { window.got = t; }); return true; })()`)
	b.wait(`window.got !== null`)
	return eval[string](b, `window.got`)
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
