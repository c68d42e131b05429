package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/store"
	"skand/internal/web"
)

const (
	linkBundle = `
apps:
  - {app_id: 525463029}
  - {app_id: 10738027756, store_url: "https://apps.apple.com/de/app/puzzle/id10738027756?pt=1&mt=8"}
networks:
  - {network_id: open.net, aliases: [com.open]}
  - {network_id: signing.net, link_secret_env: SIGNING_LINKS}`
	linkSecret = "a secret of the network"
	safari     = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)

// linkBed is a public listener with tracking links.
type linkBed struct {
	*testBundle
	reg *prometheus.Registry
}

type deadLinks struct{ web.LinkReader }

func (deadLinks) Link(context.Context, string, int64) (store.Link, error) {
	return store.Link{}, errors.New("disk I/O error")
}

type deadIntake struct{ web.Intake }

func (deadIntake) Clicks(context.Context, []*conversion.Click) ([]conversion.Taken, error) {
	return nil, errors.New("disk I/O error")
}

func setupLinks(t *testing.T, change ...func(*web.Links)) *linkBed {
	t.Helper()
	l := &linkBed{reg: prometheus.NewRegistry()}
	var links *web.Links
	l.testBundle = setup(t, func(p *web.Public, a *web.Admin) {
		links = web.NewLinks(nil, p.Items.Intake, func(name string) string {
			return map[string]string{"SIGNING_LINKS": linkSecret}[name]
		}, a.Now, l.reg, p.Log)
		p.Links = links
	})
	links.From = l.store
	for _, f := range change {
		f(links)
	}
	b, err := apply.Parse([]byte(linkBundle))
	require.NoError(t, err)
	_, err = l.store.Apply(t.Context(), b, "test", false)
	require.NoError(t, err)
	return l
}

// followed is what a link answered.
type followed struct {
	StatusCode int
	Header     http.Header
}

// follow opens a link as a person's phone does, with headers beside its own, and
// does not go where it leads.
func (l *linkBed) follow(method, path string, headers ...string) followed {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.public.URL+path, nil)
	require.NoError(l.t, err)
	req.Header.Set("User-Agent", safari)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	require.NoError(l.t, err)
	require.NoError(l.t, res.Body.Close())
	return followed{res.StatusCode, res.Header}
}

func (l *linkBed) attributed(install string) string {
	l.t.Helper()
	require.Equal(l.t, 200, l.post("/v1/installs", "s2s", install).status)
	counts, err := l.store.Counts(l.t.Context())
	require.NoError(l.t, err)
	for name, n := range counts.Installs {
		if n > 0 {
			return name
		}
	}
	return ""
}

func TestLinkKeepsTheClickAndLeadsToTheStore(t *testing.T) {
	t.Parallel()
	l := setupLinks(t)
	res := l.follow("GET", "/click/COM.open/525463029?click_id=c1&campaign_id=39&campaign_name=Winter&adgroup_id=a&creative_id=k&partner=x&redirect=https://evil.example/&url=https://evil.example/")
	require.Equal(t, 302, res.StatusCode)
	require.Equal(t, "https://apps.apple.com/app/id525463029", res.Header.Get("Location"))
	require.Equal(t, "stored", res.Header.Get("Skand-Click"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", res.Header.Get("Referrer-Policy"))

	res = l.follow("GET", "/click/open.net/525463029?click_id=c1")
	require.Equal(t, 302, res.StatusCode)
	require.Equal(t, "duplicate", res.Header.Get("Skand-Click"))

	res = l.follow("GET", "/click/open.net/10738027756?idfa=SECRET")
	require.Equal(t, "https://apps.apple.com/de/app/puzzle/id10738027756?pt=1&mt=8", res.Header.Get("Location"))

	require.Equal(t, "attributed", l.attributed(`{"id":"i1","app_id":525463029,"time":"2026-11-02T09:00:00Z","click_id":"c1"}`))
	require.InDelta(t, 2, testutil.ToFloat64(counter(t, l.reg, "open.net", "stored")), 0)
	require.NotContains(t, l.log.String(), "SECRET")
}

// counter finds one series of skand_clicks_total.
func counter(t *testing.T, reg *prometheus.Registry, network, result string) prometheus.Collector {
	t.Helper()
	all, err := reg.Gather()
	require.NoError(t, err)
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "found"})
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if f.GetName() == "skand_clicks_total" && m.GetLabel()[0].GetValue() == network && m.GetLabel()[1].GetValue() == result {
				g.Set(m.GetCounter().GetValue())
			}
		}
	}
	return g
}

// What a link says of a phone is matched, by a hash: the id itself is nowhere.
func TestLinkMatchesItsIDFA(t *testing.T) {
	t.Parallel()
	l := setupLinks(t)
	const idfa = "AEBE52E7-03EE-455A-B3C4-E57283966239"
	require.Equal(t, "stored", l.follow("GET", "/click/open.net/525463029?click_id=c1&idfa="+idfa).Header.Get("Skand-Click"))
	require.Equal(t, "attributed", l.attributed(
		`{"id":"i1","app_id":525463029,"time":"2026-11-02T09:00:00Z","idfa":"`+idfa+`","att_status":"authorized"}`))
	require.NotContains(t, l.log.String(), idfa)
}

// Zeros, and a macro that nobody filled, are no device: they would match each other.
func TestLinkIgnoresNoIDFA(t *testing.T) {
	t.Parallel()
	for _, none := range []string{"00000000-0000-0000-0000-000000000000", "{idfa}", ""} {
		l := setupLinks(t)
		require.Equal(t, "stored", l.follow("GET", "/click/open.net/525463029?click_id=c1&idfa="+url.QueryEscape(none)).Header.Get("Skand-Click"))
		require.Equal(t, "organic", l.attributed(
			`{"id":"i1","app_id":525463029,"time":"2026-11-02T09:00:00Z","idfa":"`+none+`","att_status":"authorized"}`), none)
	}
}

func TestLinkWithoutAPerson(t *testing.T) {
	t.Parallel()
	l := setupLinks(t)
	for _, c := range []struct {
		want, method string
		headers      []string
	}{
		{"prefetch", "HEAD", nil},
		{"prefetch", "GET", []string{"Sec-Purpose", "prefetch;prerender"}},
		{"prefetch", "GET", []string{"Purpose", "prefetch"}},
		{"prefetch", "GET", []string{"X-Moz", "prefetch"}},
		{"prefetch", "GET", []string{"X-Purpose", "preview"}},
		{"bot", "GET", []string{"User-Agent", ""}},
		{"bot", "GET", []string{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}},
		{"bot", "GET", []string{"User-Agent", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"}},
		{"bot", "GET", []string{"User-Agent", "WhatsApp/2.23.20.0 i"}},
		{"bot", "GET", []string{"User-Agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}},
		{"bot", "GET", []string{"User-Agent", "Twitterbot/1.0"}},
		{"bot", "GET", []string{"User-Agent", "curl/8.5.0"}},
		{"bot", "GET", []string{"User-Agent", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36"}},
	} {
		res := l.follow(c.method, "/click/open.net/525463029?click_id=c1", c.headers...)
		require.Equal(t, 302, res.StatusCode, c.headers)
		require.Equal(t, c.want, res.Header.Get("Skand-Click"), c.headers)
	}
	for _, agent := range []string{
		safari,
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 309.0.0.17.113 (iPhone14,5; iOS 17_1; de_DE; de; scale=3.00; 1170x2532; 537288535)",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/438.0.0.33.118;FBDV/iPhone15,2]",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/290.0.573 Mobile/15E148 Safari/604.1",
	} {
		require.NotEqual(t, "bot", l.follow("GET", "/click/open.net/525463029?click_id=c1", "User-Agent", agent).Header.Get("Skand-Click"), agent)
	}
}

// A link never leads to anybody that nobody described, and nothing is kept of it.
func TestLinkOfStrangers(t *testing.T) {
	t.Parallel()
	l := setupLinks(t)
	for path, want := range map[string]int{
		"/click/nobody.net/525463029": 404, "/click/open.net/1": 404, "/click/open.net/x": 404, "/click/open.net/-1": 404,
		"/click/open.net": 404, "/click//525463029": 307, // cleaned by the router, to a path of ours
	} {
		res := l.follow("GET", path)
		require.Equal(t, want, res.StatusCode, path)
		require.NotContains(t, res.Header.Get("Location"), "apple", path)
	}
	require.Equal(t, 405, l.follow("POST", "/click/open.net/525463029").StatusCode)
	got := l.follow("GET", "/click/open.net/525463029?click_id="+url.QueryEscape("a\x00b"))
	require.Equal(t, 302, got.StatusCode, "the person is on the way all the same")
	require.Equal(t, "refused", got.Header.Get("Skand-Click"))
}

func TestLinkSigned(t *testing.T) {
	t.Parallel()
	l := setupLinks(t)
	sign := func(path, query string) string { // as a network would, by the words of the docs
		mac := hmac.New(sha256.New, []byte(linkSecret))
		mac.Write([]byte(path + "?" + query))
		return path + "?" + query + "&sig=" + hex.EncodeToString(mac.Sum(nil))
	}
	const path, query = "/click/signing.net/525463029", "campaign_name=W+%26+S&click_id=c1"
	require.Equal(t, "unsigned", l.follow("GET", path+"?"+query).Header.Get("Skand-Click"))
	require.Equal(t, "unsigned", l.follow("GET", sign(path, query)+"00").Header.Get("Skand-Click"))
	require.Equal(t, "unsigned", l.follow("GET", sign(path, query)+"&adgroup_id=more").Header.Get("Skand-Click"))
	const other = "/click/signing.net/10738027756"
	moved := path + strings.TrimPrefix(sign(other, query), other)
	require.Equal(t, "unsigned", l.follow("GET", moved).Header.Get("Skand-Click"), "the signature of another app's link")
	res := l.follow("GET", sign(path, query))
	require.Equal(t, 302, res.StatusCode)
	require.Equal(t, "stored", res.Header.Get("Skand-Click"))
}

// A network whose secret is not there has no links, and the log says why.
func TestLinkWithoutItsSecret(t *testing.T) {
	t.Parallel()
	l := setupLinks(t, func(links *web.Links) { links.Secret = func(string) string { return "" } })
	require.Equal(t, "unsigned", l.follow("GET", "/click/signing.net/525463029?click_id=c1&sig=00").Header.Get("Skand-Click"))
	require.Contains(t, l.log.String(), "SIGNING_LINKS")
}

func TestLinkOfAView(t *testing.T) {
	t.Parallel()
	l := setupLinks(t)
	res := l.follow("GET", "/click/open.net/525463029?click_id=v1&interaction=view")
	require.Equal(t, 204, res.StatusCode)
	require.Equal(t, "stored", res.Header.Get("Skand-Click"))
	l.now.Set(monday.Add(25 * time.Hour))
	require.Equal(t, "organic", l.attributed(`{"id":"i1","app_id":525463029,"time":"2026-11-03T09:30:00Z","click_id":"v1"}`), "a day is a view's window")
}

// Whatever fails here, the person reaches the store.
func TestLinkWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*web.Links){
		"look-up": func(links *web.Links) { links.From = deadLinks{} },
		"intake":  func(links *web.Links) { links.Intake = deadIntake{} },
	} {
		l := setupLinks(t, change)
		res := l.follow("GET", "/click/open.net/525463029?click_id=c1&idfa=AEBE52E7-03EE-455A-B3C4-E57283966239")
		require.Equal(t, 302, res.StatusCode, name)
		require.Equal(t, "https://apps.apple.com/app/id525463029", res.Header.Get("Location"), name)
		require.Equal(t, "lost", res.Header.Get("Skand-Click"), name)
		require.NotContains(t, l.log.String(), "AEBE52E7", name)
		require.Contains(t, l.log.String(), "disk I/O error", name)
	}
}
