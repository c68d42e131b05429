package browsertest

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/web"
)

// paths walks through pages as people do.
func paths(t *testing.T, w *world) {
	t.Run("a viewer finds a campaign and takes its file", func(t *testing.T) {
		b := newTab(t, w.admin.URL, w.tokens[auth.Viewer], false)
		b.open("/")
		b.click(`nav a[href^="/cohorts"]`)
		b.wait(`location.pathname === "/cohorts" && document.documentElement.dataset.drawn === "1"`)
		b.click(`table.cohorts tbody th a`)
		b.wait(`location.search.includes("network=") && document.querySelector(".crumbs")`)
		b.settled()
		require.Equal(t, "All networksNorthwind Ads", b.text(".crumbs"))
		b.click(`table.cohorts tbody th a`)
		b.wait(`location.search.includes("source=")`)
		b.settled()
		address := eval[string](b, `location.href`)
		table := b.text("table.cohorts tbody")
		require.Contains(t, table, "5239")

		file := b.fetch(eval[string](b, `document.querySelector('.exports a[href*="format=csv"]').getAttribute("href")`))
		lines, err := csv.NewReader(strings.NewReader(file)).ReadAll()
		require.NoError(t, err)
		shown := eval[[]string](b, `Array.from(document.querySelectorAll("table.cohorts tbody tr")).map(function (r) { return r.querySelector("td data").value; })`)
		var installs []string
		for _, line := range lines[1:] {
			installs = append(installs, line[13])
		}
		require.Equal(t, installs, shown)

		b.click(`#crumb-1`)
		b.wait(`!location.search.includes("source=")`)
		b.click(`#crumb-0`)
		b.wait(`!location.search.includes("network=")`)
		require.NoError(t, chromedp.Do(b.ctx, chromedp.NavigateBack(), chromedp.NavigateBack()))
		b.wait(`location.search.includes("source=")`)
		other := newTab(t, w.admin.URL, w.tokens[auth.Viewer], false)
		other.open(strings.TrimPrefix(address, w.admin.URL))
		require.Equal(t, table, other.text("table.cohorts tbody"), "a link opens the same view")
		b.clean()
	})

	t.Run("a picker changes the view, and its state stays", func(t *testing.T) {
		b := newTab(t, w.admin.URL, w.tokens[auth.Viewer], true)
		b.open("/cohorts?measure=payers&sort=name")
		eval[bool](b, `(function () { var s = document.getElementById("level"); s.value = "campaign"; s.dispatchEvent(new Event("change", {bubbles: true})); return true; })()`)
		b.wait(`location.search.includes("level=campaign")`)
		b.settled()
		require.Contains(t, eval[string](b, `location.search`), "measure=payers")
		require.Contains(t, eval[string](b, `location.search`), "sort=name")
		require.Equal(t, "Payers by week", b.text("#h-chart"))
		b.clean()
	})

	t.Run("a keyboard is enough", func(t *testing.T) {
		b := newTab(t, w.admin.URL, w.tokens[auth.Viewer], false)
		b.open("/cohorts")
		b.press(kb.Tab)
		require.Equal(t, "Skip to the content", eval[string](b, `document.activeElement.textContent`))
		require.True(t, eval[bool](b, `document.activeElement.getBoundingClientRect().top >= 0`), "it can be seen")
		b.press(kb.Enter)
		b.wait(`document.activeElement.id === "main"`)
		seen := map[string]bool{}
		for range 60 {
			b.press(kb.Tab)
			at := eval[map[string]any](b, `(function () { var e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
				return {id: e.id || e.tagName, focus: s.outlineStyle !== "none" && s.outlineWidth !== "0px", size: r.width > 0 && r.height > 0}; })()`)
			require.Equal(t, true, at["focus"], "where the focus is can be seen: %v", at)
			require.Equal(t, true, at["size"], at)
			seen[at["id"].(string)] = true
			if at["id"] == "sort-payers" {
				break
			}
		}
		for _, id := range []string{"app", "from", "to", "dataset", "level", "measure-1", "sort-name", "sort-payers"} {
			require.True(t, seen[id], "%s is reached, in order: %v", id, seen)
		}
		b.press(kb.Enter)
		b.wait(`document.querySelector('th[aria-sort="descending"] a').id === "sort-payers"`)
		b.wait(`document.activeElement.id === "sort-payers"`)
		b.clean()
	})

	t.Run("a theme that was chosen stays", func(t *testing.T) {
		b := newTab(t, w.admin.URL, w.tokens[auth.Viewer], false)
		b.open("/cohorts")
		light := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
		b.click(`[data-theme-switch]`)
		b.wait(`document.documentElement.dataset.theme === "dark"`)
		b.open("/")
		require.Equal(t, "dark", eval[string](b, `document.documentElement.dataset.theme`))
		require.NotEqual(t, light, eval[string](b, `getComputedStyle(document.body).backgroundColor`))
		b.click(`[data-theme-switch]`)
		b.clean()
	})

	t.Run("an operator tries the endpoint", func(t *testing.T) {
		b := newTab(t, w.admin.URL, w.tokens[auth.Operator], false)
		b.open("/")
		b.click(`details.more summary`)
		eval[bool](b, `(function () { document.getElementById("endpoint").value = "https://example.com"; return true; })()`)
		b.click(`form[action="/endpoint"] button`)
		b.wait(`document.querySelector(".findings")`)
		b.settled()
		require.Contains(t, b.text(".findings"), "Apple follows no redirect")
		b.shot("endpoint-light")
		b.axe()
		b.clean()
	})
}

// TestNewcomer looks at the first page of a store that nothing has reached, and at the
// page before it.
func TestNewcomer(t *testing.T) {
	theBrowser(t)
	w := newWorld(t)
	for _, dark := range []bool{false, true} {
		theme := map[bool]string{false: "light", true: "dark"}[dark]
		b := newTab(t, w.admin.URL, w.tokens[auth.Admin], dark)
		b.open("/")
		require.Contains(t, b.text("main"), "Nothing has arrived yet")
		b.shot("newcomer-" + theme)
		b.axe()
		b.clean()
		require.Less(t, b.bytes, 100.0*1024, "all that the first page fetches")
		require.LessOrEqual(t, b.requests, 8)

		in := newTab(t, serveSignIn(t, w), "", dark)
		in.open("/sign-in")
		require.Equal(t, "password", eval[string](in, `document.activeElement.id`), "after a mistake only the password is asked for again")
		in.shot("sign-in-" + theme)
		in.axe()
		in.clean()
	}
}

// serveSignIn serves the sign-in page alone, as after a mistake.
func serveSignIn(t *testing.T, w *world) string {
	t.Helper()
	pages := web.NewPages(w.parts.Site, w.now.Now, w.parts.Log)
	mux := http.NewServeMux()
	mux.Handle("/static/", w.parts.Handler())
	mux.HandleFunc("/sign-in", func(rw http.ResponseWriter, r *http.Request) {
		pages.SignIn(rw, r, http.StatusOK, web.SignInPage{
			Error: "This e-mail and password do not go together.", Email: "mara@example.com", Next: "/cohorts",
			Providers: []web.SignInProvider{{Name: "Example SSO", URL: "/sign-in/oidc?next=%2Fcohorts"}},
		})
	})
	return serve(t, mux)
}
