// The grid of the 64 values: eight by eight, one of them in the tab order. Mouse and
// finger paint or select by dragging; keys do the same.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el, cells = [], brush = { kind: "select" }, anchor = 0, focus = 0, stroke = null;
  E.brushes = function () {
    var out = [{ kind: "select", label: "Select" }];
    E.eventNames().forEach(function (name, i) {
      var kind = "flag", w = E.window(0);
      (w && w.fine || []).forEach(function (r) { (r.events || []).forEach(function (e) { if (e.name === name && E.isBand(e)) kind = "bands"; else if (e.name === name && E.isCount(e) && kind === "flag") kind = "counts"; }); });
      var own = E.palette.find(function (p) { return p.name === name; });
      if (own && kind === "flag") kind = own.kind;
      out.push({ kind: kind, name: name, colour: i, label: name + (kind === "bands" ? " by amount" : kind === "counts" ? " by count" : "") });
    });
    return out.concat([{ kind: "installed", label: "Installed" }, { kind: "reserve", label: "Keep free" }, { kind: "clear", label: "Clear" }]);
  };
  function same(a, b) { return a.kind === b.kind && a.name === b.name; }
  E.part("brushes", function (box) {
    if (!E.may) { box.hidden = true; return; }
    var all = E.brushes();
    brush = all.find(function (b) { return same(b, brush); }) || all[0];
    box.replaceChildren.apply(box, all.map(function (b, i) {
      var on = same(b, brush);
      return el("button", { type: "button", role: "radio", "aria-checked": String(on), tabindex: on ? "0" : "-1", class: "brush", "data-key": "brush-" + b.kind + (b.name || ""), "data-brush": b.kind + (b.name ? ":" + b.name : ""), title: i < 9 ? "Key " + (i + 1) : null, onclick: function () { pick(b); },
        onkeydown: function (e) { var to = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key]; if (to) { e.preventDefault(); pick(all[(i + to + all.length) % all.length], true); } } },
        b.colour != null ? el("i", { class: "dot c" + b.colour % 6 }) : null, b.label);
    }).concat([el("button", { type: "button", class: "brush new", id: "new-event", onclick: newEvent }, "+ Event")]));
  });
  function pick(b, focused) {
    brush = b;
    E.draw();
    if (focused) E.$("brushes").querySelector('[aria-checked="true"]').focus();
  }
  var amounts = { from: "0.01", step: "5" }, counts = { from: "1", step: "1" };
  E.part("brush-options", function (box) {
    var of = brush.kind === "bands" ? amounts : brush.kind === "counts" ? counts : null;
    if (!E.may) { box.hidden = true; return; }
    if (brush.kind === "select") { box.replaceChildren(el("span", { class: "hint" }, "Drag over values to choose them, or pick what to paint with.")); return; }
    if (brush.kind === "installed" || brush.kind === "reserve" || brush.kind === "clear") { box.replaceChildren(el("span", { class: "hint" }, { installed: "Painted values mean: installed, nothing else.", reserve: "Painted values are kept free for later; painted again they are free to use.", clear: "Painted values mean nothing any more." }[brush.kind])); return; }
    if (brush.kind === "flag") { box.replaceChildren(el("span", { class: "hint" }, "Adds “" + brush.name + "” to the values that you paint; with Alt it takes it away.")); return; }
    function input(name, label) { return el("label", {}, label, " ", el("input", { value: of[name], size: 6, inputmode: "decimal", "data-key": "opt-" + name, oninput: function () { of[name] = this.value.trim(); } })); }
    box.replaceChildren(el("span", { class: "hint" }, "Each painted value gets the next band."), input("from", "the first from"), input("step", "width"));
  });
  function newEvent() {
    var name = el("input", { "aria-label": "Name of the event", placeholder: "name, as your app sends it", id: "new-event-name" }), kind = el("select", { "aria-label": "What counts", id: "new-event-kind" }, el("option", { value: "flag" }, "happened"), el("option", { value: "bands" }, "by amount"), el("option", { value: "counts" }, "by count"));
    var form = el("form", { class: "brush-new", onsubmit: function (e) {
      e.preventDefault();
      if (!name.value.trim()) return;
      E.palette.push({ name: name.value.trim(), kind: kind.value });
      brush = { kind: kind.value, name: name.value.trim() };
      form.remove(); E.draw(); focusCell(focus);
    } }, name, kind, el("button", { class: "button" }, "Add"));
    E.$("brush-options").hidden = false;
    E.$("brush-options").replaceChildren(form);
    name.focus();
  }
  function brushNow(alt) {
    return Object.assign({}, brush, brush.kind === "bands" ? valid(amounts) : brush.kind === "counts" ? counts : {}, { erase: !!alt });
  }
  function valid(a) { return { from: E.paint.isAmount(a.from) ? a.from : "0.01", step: E.paint.isAmount(a.step) && +a.step > 0 ? a.step : "5" }; }
  E.paintWith = function (values, b) {
    if (!values.length) return;
    var expand = false;
    E.told = "";
    E.change("paint", function (doc) { expand = E.paint.apply(doc, values, b); });
    if (expand) E.check(true);
    if (E.told) E.announce(E.told);
  };
  E.announce = function (text) { var n = E.$("announce"); if (n) n.textContent = text; };

  // Cells.
  function build() {
    var grid = E.$("grid");
    for (var r = 0; r < 8; r++) {
      var row = el("div", { role: "row", class: "vrow" });
      for (var c = 0; c < 8; c++) {
        var cell = el("div", { role: "gridcell", class: "cell", "data-value": r * 8 + c, tabindex: "-1" });
        cells.push(cell);
        row.append(cell);
      }
      grid.append(row);
    }
    grid.after(el("p", { class: "quiet", id: "announce", "aria-live": "polite" }));
    grid.addEventListener("pointerdown", down);
    grid.addEventListener("pointermove", move);
    grid.addEventListener("pointerup", up);
    grid.addEventListener("pointercancel", function () { stroke = null; E.draw(); });
    grid.addEventListener("keydown", keys);
  }
  function valueAt(e) {
    var at = document.elementFromPoint(e.clientX, e.clientY), cell = at && at.closest(".cell");
    return cell ? +cell.dataset.value : -1;
  }
  function down(e) {
    var v = valueAt(e);
    if (v < 0 || e.button > 0) return;
    e.preventDefault();
    if (E.may && brush.kind !== "select") {
      stroke = { values: [v], alt: e.altKey };
    } else {
      if (e.shiftKey) run(anchor, v);
      else if (e.ctrlKey || e.metaKey) { var i = E.selected.indexOf(v); if (i >= 0 && E.selected.length > 1) E.selected.splice(i, 1); else if (i < 0) E.selected.push(v); anchor = v; }
      else { E.selected = [v]; anchor = v; }
      stroke = { select: true };
    }
    focus = v;
    try { E.$("grid").setPointerCapture(e.pointerId); } catch (err) { /* a pointer that is gone */ }
    E.draw();
    focusCell(v);
  }
  function move(e) {
    if (!stroke) return;
    var v = valueAt(e);
    if (v < 0 || v === focus) return;
    focus = v;
    if (stroke.select) run(anchor, v);
    else if (stroke.values.indexOf(v) < 0) stroke.values.push(v);
    E.draw();
  }
  function up() {
    if (!stroke) return;
    var s = stroke;
    stroke = null;
    if (s.select) { E.draw(); return; }
    E.selected = s.values.slice();
    anchor = focus;
    E.paintWith(s.values, brushNow(s.alt));
    E.draw();
  }
  function run(a, b) {
    E.selected = [];
    for (var v = Math.min(a, b); v <= Math.max(a, b); v++) E.selected.push(v);
  }
  function focusCell(v) { if (cells[v]) { focus = v; cells[v].focus({ preventScroll: false }); } }
  E.select = function (v, quietly) { E.selected = [v]; anchor = focus = v; E.draw(); if (!quietly) focusCell(v); };
  function keys(e) {
    var to = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[e.key], v = focus;
    if (to) v = focus + to;
    else if (e.key === "Home") v = e.ctrlKey ? 0 : focus - focus % 8;
    else if (e.key === "End") v = e.ctrlKey ? 63 : focus - focus % 8 + 7;
    else if (e.key === "PageDown") v = focus % 8 + 56;
    else if (e.key === "PageUp") v = focus % 8;
    else if (e.key === "a" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); run(0, 63); E.draw(); return; }
    else if (e.key === " ") {
      e.preventDefault();
      if (!E.may) return;
      if (brush.kind === "select") { E.announce("Choose what to paint with first: digits pick it."); return; }
      E.paintWith(E.selected, brushNow(e.altKey));
      return;
    } else if (e.key === "Delete" || e.key === "Backspace") { e.preventDefault(); if (E.may) E.paintWith(E.selected, { kind: "clear" }); return; }
    else if (e.key === "Enter") {
      e.preventDefault();
      var first = E.$("cell").querySelector("input, select, button");
      if (first) first.focus();
      return;
    } else if (/^[1-9]$/.test(e.key) && !e.ctrlKey && !e.metaKey && E.may) {
      var b = E.brushes()[+e.key - 1];
      if (b) { pick(b); focusCell(focus); E.announce("Painting with " + b.label); }
      return;
    } else return;
    e.preventDefault();
    v = Math.max(0, Math.min(63, v));
    if (e.shiftKey) run(anchor, v);
    else { E.selected = [v]; anchor = v; }
    focus = v;
    E.draw();
    focusCell(v);
  }

  function levelsOf() { // amounts from low to high, for how strong a band is drawn
    var all = [], w = E.window(0);
    (w && w.fine || []).forEach(function (r) { (r.events || []).forEach(function (e) { if (E.isBand(e)) all.push(+e.revenue_min || 0); }); });
    all.sort(function (a, b) { return a - b; });
    return function (x) { return all.length < 2 ? 4 : Math.round(7 * all.indexOf(x) / (all.length - 1)); };
  }
  E.part("grid", function () {
    if (!cells.length) build();
    var names = E.eventNames(), level = levelsOf(), by = {}, changed = {};
    E.findings().forEach(function (f) { E.valuesOf(f.pointer).forEach(function (v) { (by[v] = by[v] || []).push(f); }); });
    (E.changes || []).forEach(function (c) { if (c.kind !== "removed") E.valuesOf(c.pointer).forEach(function (v) { changed[v] = c.words; }); });
    var most = E.shares ? Math.max.apply(null, Object.values(E.shares).concat(0.0001)) : 0;
    cells.forEach(function (cell, v) {
      var row = E.paint.row(E.doc, v), kept = E.paint.reserved(E.doc, v), found = by[v] || [], cls = "cell", text = "", words = "not mapped";
      if (row) {
        text = E.short(row); words = E.words(row);
        var band = (row.events || []).find(E.isBand);
        cls += !row.events || !row.events.length ? " installed" : band ? " band b" + level(+band.revenue_min || 0) : " mapped";
      } else if (kept) { cls += " reserved"; text = "kept free"; words = "kept free: one that comes back is an alarm"; }
      else cls += " free";
      if (found.some(function (f) { return f.tone === "alert"; })) cls += " wrong"; else if (found.length) cls += " watch";
      if (E.selected.indexOf(v) >= 0) cls += " selected";
      if (stroke && stroke.values && stroke.values.indexOf(v) >= 0) cls += " stroke";
      if (changed[v]) cls += " changed";
      cell.className = cls;
      cell.setAttribute("aria-selected", String(E.selected.indexOf(v) >= 0));
      cell.tabIndex = v === focus ? 0 : -1;
      var share = E.shares && E.shares[v];
      var heard = ("Value " + v + ": " + words + (changed[v] ? "; changed" : "") + (share != null ? "; " + E.percent(share) + " of installs" : "") + found.map(function (f) { return "; " + (f.tone === "alert" ? "error: " : "warning: ") + f.message; }).join(""));
      cell.title = v + ": " + words + (changed[v] ? "\nChanged: " + changed[v] : "") + found.map(function (f) { return "\n" + f.message; }).join("");
      var dots = row && row.events.length && names.length > 1 && names.length <= 6 ? el("span", { class: "dots", "aria-hidden": "true" }, names.map(function (n, i) { return el("i", { class: "dot c" + i + (row.events.some(function (e) { return e.name === n; }) ? "" : " off") }); })) : null;
      cell.replaceChildren(el("span", { class: "quiet" }, heard), el("span", { class: "v", "aria-hidden": "true" }, String(v)), el("span", { class: "t", "aria-hidden": "true" }, row && row.events && row.events.length > 1 ? row.events.slice(0, 2).map(function (e) { return el("span", {}, E.shortEvent(e) || "?"); }).concat(row.events.length > 2 ? el("span", { class: "more-of" }, "+" + (row.events.length - 2)) : []) : el("span", {}, text)), dots || "",
        found.length ? E.icon(found.some(function (f) { return f.tone === "alert"; }) ? "alert" : "watch") : "");
      if (share != null) { var bar = el("span", { class: "share", "aria-hidden": "true" }); bar.style.width = Math.max(3, 100 * share / most) + "%"; cell.append(bar); }
    });
  });
  E.part("legend", function (box) {
    var names = E.eventNames(), against = E.data.version ? E.data.version - 1 : E.data.newest;
    box.replaceChildren.apply(box, (names.length > 1 && names.length <= 6 ? names.map(function (n, i) { return el("span", { class: "key" }, el("i", { class: "dot c" + i }), " " + n); }) : [])
      .concat(against ? el("span", { class: "key" }, el("i", { class: "swatch changed" }), " differs from version " + against) : [], el("span", { class: "key" }, el("i", { class: "swatch reserved" }), " kept free"), el("span", { class: "key" }, el("i", { class: "swatch free" }), " not mapped"), E.shares ? el("span", { class: "key" }, el("i", { class: "swatch share" }), " share of installs, as simulated") : []));
  });
})();
