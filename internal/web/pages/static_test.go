package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
)

// vendored are the files of others, byte for byte as npm gave them: htmx.org 2.0.11 and
// uplot 1.6.32.
var vendored = map[string]string{
	"htmx-2.0.11.LICENSE":      "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
	"htmx-2.0.11.min.js":       "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
	"uplot-1.6.32.LICENSE":     "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
	"uplot-1.6.32.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
	"uplot-1.6.32.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}

func TestVendoredFilesAreAsPublished(t *testing.T) {
	t.Parallel()
	list, err := files.ReadDir("static/vendor")
	require.NoError(t, err)
	require.Len(t, list, len(vendored), "a file of others has its hash here, and its licence beside it")
	for _, f := range list {
		body, err := files.ReadFile("static/vendor/" + f.Name())
		require.NoError(t, err)
		sum := sha256.Sum256(body)
		require.Equal(t, vendored[f.Name()], hex.EncodeToString(sum[:]), f.Name())
	}
}

func get(path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Static(w, r)
	return w
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	t.Parallel()
	path := Asset("skand.css")
	require.Regexp(t, `^/static/skand\.[0-9a-f]{12}\.css$`, path)
	plain, packed := get(path), get(path, "Accept-Encoding", "br, gzip")
	require.Equal(t, "text/css; charset=utf-8", plain.Header().Get("Content-Type"))
	require.Contains(t, plain.Header().Get("Cache-Control"), "immutable")
	require.Equal(t, "nosniff", plain.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	z, err := gzip.NewReader(packed.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, plain.Body.String(), string(body))
	require.Equal(t, http.StatusNotModified, get(path, "If-None-Match", plain.Header().Get("ETag")).Code)
	require.Empty(t, get(path, "Accept-Encoding", "gzip;q=0").Header().Get("Content-Encoding"))
	for _, none := range []string{"/static/", "/static/skand.css", "/static/skand.000000000000.css", "/static/../pages.go", "/static/htmx-2.0.11.LICENSE"} {
		require.Equal(t, http.StatusNotFound, get(none).Code, none)
	}
	require.Panics(t, func() { Asset("nothing.css") })
}

// TestNoPageHasCodeInIt: the policy would stop it, and then something would not work.
func TestNoPageHasCodeInIt(t *testing.T) {
	t.Parallel()
	list, err := files.ReadDir("templates")
	require.NoError(t, err)
	names := map[string]bool{"layout": true, "parts": true, "icons": true}
	for _, name := range templateNames {
		names[name] = true
	}
	inline := regexp.MustCompile(`(?i)\son[a-z]+=|\sstyle=|<style|javascript:|hx-on|hx-vals=.js|<script(?:>| [^>]*>)`)
	for _, f := range list {
		body, err := files.ReadFile("templates/" + f.Name())
		require.NoError(t, err)
		require.True(t, names[strings.TrimSuffix(f.Name(), ".html")] || strings.HasSuffix(f.Name(), "_parts.html"), "%s is in no list, so no test renders it", f.Name())
		for _, found := range inline.FindAllString(string(body), -1) {
			require.Regexp(t, `^<script (type="application/json"|src="\{\{asset)`, found, f.Name())
		}
		require.NotRegexp(t, `(?:src|href|action)="(?:https?:)?//`, string(body), f.Name())
	}
}

func TestTemplatesParse(t *testing.T) {
	t.Parallel()
	for _, name := range templateNames {
		_, err := templateFor(name, english)
		require.NoError(t, err)
	}
}

// TestFirstPageIsLight: what a browser fetches for the first page, packed, is below 100 KiB.
func TestFirstPageIsLight(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/sign-in", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	require.NoError(t, WriteSignIn(w, r, http.StatusOK, FrameOf(r, auth.Principal{}), SignIn{}))
	z, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, err)
	page, err := io.ReadAll(z)
	require.NoError(t, err)
	total := w.Body.Len()
	found := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, found, 6)
	for _, m := range found {
		file := get(m[1], "Accept-Encoding", "gzip")
		require.Equal(t, http.StatusOK, file.Code)
		total += file.Body.Len()
	}
	require.Less(t, total, 75<<10, "a first page with figures adds some 10 KiB, and has to stay below 100")
	t.Logf("%d bytes", total)
}

func TestEveryPageHasThePolicy(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 418, 500, 503} {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		w := httptest.NewRecorder()
		WriteRefusal(w, r, status, FrameOf(r, auth.Principal{}), "the <b>detail</b>")
		require.Equal(t, status, w.Code)
		for name, want := range map[string]string{
			"Content-Security-Policy": Policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			require.Equal(t, want, w.Header().Get(name))
		}
		require.Contains(t, w.Body.String(), "the &lt;b&gt;detail&lt;/b&gt;")
		require.NotContains(t, w.Body.String(), "<nav", "who is not signed in has no pages")
	}
}

func TestThemeIsReadFromItsCookie(t *testing.T) {
	t.Parallel()
	for cookie, want := range map[string]string{"theme=dark": `data-theme="dark"`, "theme=light": `data-theme="light"`, `theme=x"y`: `<html lang="en">`, "": `<html lang="en">`} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		WriteRefusal(w, r, 404, FrameOf(r, auth.Principal{}), "")
		require.Contains(t, w.Body.String(), want, cookie)
	}
}
