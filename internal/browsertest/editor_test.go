package browsertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/internal/auth"
)

const schemaHome = "/schemas/525463029"

// TestEditor plays what editors do, each on a draft of their own; who publishes comes
// last.
func TestEditor(t *testing.T) {
	theBrowser(t)
	w := newWorld(t)
	w.parts.Histograms = w.store
	w.fill(4)
	for _, path := range []struct {
		name string
		play func(*testing.T, *world)
	}{{"conflict", editorConflict}, {"keyboard", editorByKeyboard}, {"offline", editorOffline}, {"daily path", editorDailyPath}} {
		t.Run(path.name, func(t *testing.T) { path.play(t, w) })
	}
}

// editing opens a draft, and waits for its script.
func (b *tab) editing(path string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(b.origin+path)))
	b.wait(`document.querySelector("#editor") && document.querySelector("#editor").dataset.ready === "1"`)
}

// draft makes a draft by the form of the app's page, and gives its path.
func (b *tab) draft(from string) string {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(b.origin+schemaHome)))
	b.wait(`document.querySelector("#from") !== null`)
	eval[any](b, `document.querySelector("#from").value = `+quoted(from)+`; document.querySelector("#note").value = "daily path"; document.querySelector("#note").form.requestSubmit(); null`)
	b.wait(`document.querySelector("#editor") && document.querySelector("#editor").dataset.ready === "1"`)
	return eval[string](b, `location.pathname`)
}

func (b *tab) saved() {
	b.t.Helper()
	b.wait(`document.querySelector("#editor").dataset.saved === "yes" && document.querySelector("#editor").dataset.checked === "1"`)
}

// fillIn types into a field of the editor as a person does: with its input event.
func (b *tab) fillIn(selector, value string) {
	b.t.Helper()
	b.wait(`!!document.querySelector(` + quoted(selector) + `)`)
	eval[any](b, `(function () { var i = document.querySelector(`+quoted(selector)+`); i.focus(); i.value = `+quoted(value)+`; i.dispatchEvent(new Event("input", {bubbles: true})); i.dispatchEvent(new Event("change", {bubbles: true})); i.blur(); })(); null`)
}

// drag paints from one value to another with the mouse.
func (b *tab) drag(from, to int) {
	b.t.Helper()
	at := func(v int) (x, y float64) {
		p := eval[[]float64](b, fmt.Sprintf(`(function () { var r = document.querySelector('[data-value="%d"]').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, v))
		return p[0], p[1]
	}
	mouse := func(kind input.DispatchMouseEventType, v int, buttons int64) {
		x, y := at(v)
		_, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: "left", Buttons: buttons, ClickCount: 1})
		require.NoError(b.t, err)
	}
	eval[any](b, `document.querySelector("#grid").scrollIntoView({block: "center"}); null`)
	mouse("mousePressed", from, 1)
	for v := from + 1; v <= to; v++ {
		mouse("mouseMoved", v, 1)
	}
	mouse("mouseReleased", to, 0)
}

// cell is what a cell says to who hears it.
func (b *tab) cell(v int) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf(`document.querySelector('[data-value="%d"]').querySelector(".quiet").textContent`, v))
}

// editorDailyPath is an editor's morning: a draft, painted, put right where the
// check says so, tried on history, published; and a postback that comes afterwards is
// read by the new version.
func editorDailyPath(t *testing.T, w *world) {
	b := newTab(t, w.admin.URL, w.tokens[auth.Editor], false)
	path := b.draft("newest")
	require.Contains(t, b.cell(14), "purchase worth $50 to $75")

	// Painting goes on from the highest band, which ends where the new one begins.
	b.click(`[data-brush="bands:purchase"]`)
	b.drag(22, 24)
	b.saved()
	require.Contains(t, b.cell(21), "purchase worth $500 to $505")
	require.Contains(t, b.cell(24), "purchase worth $515 or more; changed")

	// A reload in the middle loses nothing, also of what was typed a moment ago.
	b.fillIn(`#p-document [data-at="/name"] input`, "Narrower, from the browser")
	b.editing(path)
	b.saved()
	require.Equal(t, "Narrower, from the browser", eval[string](b, `skandEditor.doc.name`))
	require.Contains(t, b.cell(24), "purchase worth $515 or more")

	// What is wrong stands beside its cell and beside its field.
	b.click(`[data-brush="select"]`)
	b.drag(14, 14)
	field := `#cell [data-at$="/events/0/revenue_max"]`
	b.fillIn(field+" input", "20")
	b.wait(`document.querySelector("#checks").dataset.errors !== "0" && document.querySelector('[data-value="14"]').classList.contains("wrong")`)
	require.Contains(t, b.cell(14), "error: ")
	require.Contains(t, b.text(".panel"), "20", "the message says what is wrong")
	b.shot("schemas-editor-error-light")
	b.fillIn(field+" input", "75")
	b.wait(`document.querySelector("#checks").dataset.errors === "0"`)
	b.saved()

	// Undo and redo.
	b.click(`[data-brush="reserve"]`)
	b.drag(40, 41)
	b.saved()
	require.Contains(t, b.cell(41), "kept free")
	b.click("#undo")
	require.Contains(t, b.cell(41), "not mapped")
	b.click("#redo")
	require.Contains(t, b.cell(41), "kept free")
	b.saved()

	// Tried on what is published; the result is there again for who comes back.
	b.click("#t-try")
	b.click("#try")
	b.wait(`document.querySelector("#editor").dataset.tried === "done" && !!document.querySelector("#try-chart canvas")`)
	require.Contains(t, b.text("#p-try"), "Read differently")
	b.editing(path)
	b.wait(`document.querySelector("#editor").dataset.tried === "done"`)
	b.click("#t-try")
	b.shot("schemas-editor-light")

	// Published, after it was said what that does.
	b.click("#publish-open")
	b.wait(`document.querySelector("#publish-preview") && document.querySelector("#publish-preview").dataset.ready === "1"`)
	require.Contains(t, b.text("#publish"), "Value 24 now means purchase worth $515 or more")
	require.Contains(t, b.text("#publish"), "Ambiguous until")
	b.axe()
	b.fillIn("#publish-why", "larger baskets since the autumn sale")
	b.click("#publish-now")
	b.wait(`location.pathname === ` + quoted(schemaHome) + ` && document.readyState === "complete"`)
	require.Contains(t, b.text("main"), "Version 2 is published.")
	require.Contains(t, b.text("main"), "larger baskets since the autumn sale")
	b.shot("schemas-published-light")
	b.axe()
	b.clean()

	// When the ambiguous days are over, value 22 is what the draft said.
	w.now.Advance(16 * 24 * time.Hour)
	fine := 22
	body, err := w.apple.Body(apple.Postback{
		Version: apple.V40, Network: nets[0].id, Source: "5239", AppID: fixtures.PuzzleAppID, ID: "00abcdef-0000-4000-8000-00000000beef",
		Conversion: "download", Fidelity: 1, DidWin: true, Fine: &fine,
	})
	require.NoError(t, err)
	_, _, err = w.receiver().ReceiveAll(t.Context(), []conversion.Arrival{{Source: conversion.Network, Client: "192.0.2.0/24", Body: body}})
	require.NoError(t, err)
	w.run("decode")
	w.now.Advance(time.Hour)
	raw := w.ask(t, auth.Operator, "POST", "/v1/apps/525463029/schemas/versions/2:simulate", `{"evidence":"raw"}`)
	require.Contains(t, raw, `"version":2`)
	require.Contains(t, raw, `{"kind":"fine","value":"22","means":"purchase worth $505 to $510","installs":{"min":"1","est":"1","max":"1"}`)
}

// ask asks the API.
func (w *world) ask(t *testing.T, role auth.Role, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.admin.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+w.tokens[role])
	resp, err := w.admin.Client().Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
	return string(text)
}

// editorConflict: two tabs save one draft; the second sees both, and what it does
// not take is a step to undo.
func editorConflict(t *testing.T, w *world) {
	one := newTab(t, w.admin.URL, w.tokens[auth.Editor], false)
	path := one.draft("newest")
	two := newTab(t, w.admin.URL, w.tokens[auth.Operator], true)
	two.editing(path)
	one.fillIn(`#p-document [data-at="/name"] input`, "From the first")
	one.saved()
	eval[any](two, `skandEditor.paintWith([40, 41], {kind: "reserve"}); null`)
	two.wait(`document.querySelector("#conflict").open && !!document.querySelector("#conflict .found li")`)
	require.Contains(t, two.text("#conflict"), "editor@example.com saved it")
	require.Contains(t, two.text("#conflict"), "the values kept free are now 40 to 41")
	two.axe()
	two.shot("schemas-conflict-dark")
	two.click("#take-theirs")
	two.saved()
	require.Equal(t, "From the first", eval[string](two, `skandEditor.doc.name`))
	eval[any](two, `skandEditor.undo(); null`)
	two.saved()
	require.Contains(t, two.cell(40), "kept free", "undo brings back what was not taken")

	eval[any](one, `skandEditor.paintWith([50], {kind: "reserve"}); null`)
	one.wait(`document.querySelector("#conflict").open`)
	one.click("#keep-mine")
	one.saved()
	require.Contains(t, one.cell(50), "kept free")
	one.editing(path)
	require.Equal(t, "From the first", eval[string](one, `skandEditor.doc.name`))
	require.Contains(t, one.cell(50), "kept free")
	one.mu.Lock()
	one.said = nil // the browser notes the 412, which is the point here
	one.mu.Unlock()
	one.clean()
}

// editorByKeyboard paints, models and undoes with keys alone.
func editorByKeyboard(t *testing.T, w *world) {
	b := newTab(t, w.admin.URL, w.tokens[auth.Editor], false)
	b.draft("empty")
	eval[any](b, `document.querySelector("#new-event").focus(); null`)
	b.press(kb.Enter)
	b.press("registration")
	b.press(kb.Enter)
	b.wait(`!!document.querySelector('[data-brush="flag:registration"][aria-checked="true"]') && document.activeElement.classList.contains("cell")`)
	b.press(kb.ArrowRight)
	b.press(" ")
	b.saved()
	require.Contains(t, b.cell(1), "Value 1: registration")
	b.press(kb.ArrowDown)
	require.Equal(t, "9", eval[string](b, `document.activeElement.dataset.value`))
	require.Equal(t, 1, eval[int](b, `document.querySelectorAll('#grid [tabindex="0"]').length`), "one cell is in the tab order")
	b.press("4") // keep free: after select, registration and installed
	require.NoError(t, chromedp.Do(b.ctx, chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift))))
	b.press(" ")
	b.saved()
	require.Contains(t, b.cell(9), "kept free")
	require.Contains(t, b.cell(10), "kept free")
	require.NoError(t, chromedp.Do(b.ctx, chromedp.KeyEvent("z", chromedp.KeyModifiers(chromedp.ModifierCtrl))))
	b.saved()
	require.Contains(t, b.cell(9), "not mapped")
	b.axe()
	b.clean()
}

// editorOffline: what can't be saved is kept, said, and saved when it can be.
func editorOffline(t *testing.T, w *world) {
	b := newTab(t, w.admin.URL, w.tokens[auth.Editor], true)
	path := b.draft("bands")
	b.offline(true)
	b.fillIn(`#p-document [data-at="/name"] input`, "Typed on the train")
	b.wait(`document.querySelector("#editor").dataset.saved === "no"`)
	require.Contains(t, b.text("#saved"), "Kept in this browser")
	b.offline(false)
	b.saved()
	b.editing(path)
	require.Equal(t, "Typed on the train", eval[string](b, `skandEditor.doc.name`))
	require.LessOrEqual(t, eval[int](b, `document.documentElement.scrollWidth - window.innerWidth`), 0, "wider than the window")
	require.NoError(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(800, 900)))
	require.LessOrEqual(t, eval[int](b, `document.documentElement.scrollWidth - window.innerWidth`), 0, "wider than a small window")
	b.axe()
}

// offline takes the network away, and gives it back.
func (b *tab) offline(on bool) {
	b.t.Helper()
	rules := []*network.Conditions{}
	if on {
		rules = append(rules, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	_, err := chromedp.Call(b.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules})
	require.NoError(b.t, err)
	b.call(chromedp.Call(b.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: on, DownloadThroughput: -1, UploadThroughput: -1}))
}
