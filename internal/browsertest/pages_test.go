package browsertest

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"skand/internal/auth"
)

// shot writes a picture of the whole page, if pictures are wanted.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv(envShots)
	if dir == "" {
		return
	}
	height := eval[int64](b, `Math.min(2400, Math.max(800, document.documentElement.scrollHeight))`)
	width := eval[int64](b, `window.innerWidth`)
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, height)))
	b.settled()
	shot, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	require.NoError(b.t, err)
	path := filepath.Join("..", "..", dir, name+".png")
	require.NoError(b.t, os.WriteFile(path, small(b.t, shot.Data), 0o644)) //nolint:gosec // pictures of the documentation
}

// small makes a picture one of 256 colours: pages have few, and the repository keeps it.
func small(t *testing.T, data []byte) []byte {
	t.Helper()
	src, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	counts := map[color.RGBA]int{}
	bounds := src.Bounds()
	at := func(x, y int) color.RGBA {
		r, g, b, _ := src.At(x, y).RGBA()
		return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	palette := commonest(counts, 256)
	out := image.NewPaletted(bounds, palette)
	nearest := map[color.RGBA]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out))
	return b.Bytes()
}

// commonest is the commonest colour of each corner of the colour space, so that a small
// sign keeps its colour beside much text.
func commonest(counts map[color.RGBA]int, most int) color.Palette {
	best := map[[3]uint8]color.RGBA{}
	total := map[[3]uint8]int{}
	for c, n := range counts {
		key := [3]uint8{c.R >> 4, c.G >> 4, c.B >> 4}
		total[key] += n
		if b, ok := best[key]; !ok || n > counts[b] || n == counts[b] && fmt.Sprint(c) < fmt.Sprint(b) {
			best[key] = c
		}
	}
	keys := slices.SortedFunc(maps.Keys(best), func(a, b [3]uint8) int { return cmp.Or(cmp.Compare(total[b], total[a]), slices.Compare(a[:], b[:])) })
	var p color.Palette
	for _, key := range keys[:min(most, len(keys))] {
		p = append(p, best[key])
	}
	return p
}

// pagesOf are the views that are looked at, with the least role that has them.
var pagesOf = []struct {
	name, path string
	role       auth.Role
	once       bool // light alone
}{
	{"overview", "/", auth.Operator, false},
	{"overview-network", "/?by=network&days=30", auth.Operator, true},
	{"overview-viewer", "/", auth.Viewer, false},
	{"cohorts", "/cohorts", auth.Viewer, false},
	{"cohorts-campaigns", "/cohorts?network=example123.skadnetwork&measure=payers", auth.Viewer, false},
	{"cohorts-digits", "/cohorts?network=example123.skadnetwork&source=39", auth.Viewer, true},
	{"cohorts-4weeks", "/cohorts?from=2026-10-12&until=2026-11-08&level=campaign", auth.Viewer, true},
	{"cohorts-combined", "/cohorts?tab=combined", auth.Viewer, true},
	{"cohorts-empty", "/cohorts?from=2025-01-06&until=2025-01-12", auth.Viewer, true},
	{"schemas", "/schemas", auth.Viewer, false},
	{"schemas-app", "/schemas/525463029", auth.Editor, false},
	{"schemas-version", "/schemas/525463029/versions/1", auth.Viewer, false},
	{"not-found", "/cohorts?nothing=1", auth.Viewer, true},
}

// TestPages looks at pages in light and in dark, and walks through them: nothing leaves the origin, nothing
// complains, axe-core finds nothing, no page is wider than the window.
func TestPages(t *testing.T) {
	theBrowser(t)
	w := newWorld(t)
	w.fill(40)
	w.send()
	for _, p := range pagesOf {
		for _, dark := range []bool{false, true} {
			if dark && p.once {
				continue
			}
			name := p.name + map[bool]string{false: "-light", true: "-dark"}[dark]
			t.Run(name, func(t *testing.T) {
				b := newTab(t, w.admin.URL, w.tokens[p.role], dark)
				if p.name == "not-found" {
					require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate(b.origin+p.path)))
					b.settled()
					b.said = nil // the browser notes the status
				} else {
					b.open(p.path)
					require.Equal(t, int64(200), eval[int64](b, `performance.getEntriesByType("navigation")[0].responseStatus`), b.text("main"))
				}
				b.shot(name)
				b.clean()
				require.LessOrEqual(t, eval[int](b, `document.documentElement.scrollWidth - window.innerWidth`), 0, "wider than the window")
				b.axe()
			})
		}
	}
	t.Run("paths", func(t *testing.T) { paths(t, w) })
}
