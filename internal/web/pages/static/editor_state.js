// The editor's state: one document, every change of it undoable, each change checked by
// the server and shown. What it is drawn as is the other files' matter.
(function () {
  "use strict";
  var root = document.getElementById("editor");
  if (!root) return;
  var data = JSON.parse(document.getElementById("editor-data").textContent);
  var E = window.skandEditor = {
    data: data, root: root, doc: data.document, report: data.report, changes: data.changes || null,
    may: !!(data.may && data.draft), api: "/v1/apps/" + data.app + "/schemas", selected: [0], shares: null, palette: [], seen: [],
    checking: false, parts: [], past: [], future: []
  };
  E.draftPath = data.draft ? E.api + "/drafts/" + data.draft.id : "";
  E.$ = function (id) { return document.getElementById(id); };

  // el makes an element: attributes, then children (text, elements, lists, nothing).
  E.el = function el(tag, attrs) {
    var n = document.createElement(tag);
    Object.keys(attrs || {}).forEach(function (k) {
      var v = attrs[k];
      if (v == null || v === false) return;
      if (k.slice(0, 2) === "on") n.addEventListener(k.slice(2), v);
      else if (k === "value") n.value = v;
      else if (k === "checked" || k === "disabled" || k === "selected" || k === "hidden" || k === "required" || k === "open") n[k] = !!v;
      else n.setAttribute(k, v === true ? "" : v);
    });
    (function add(kids) {
      kids.forEach(function (kid) {
        if (Array.isArray(kid)) add(kid);
        else if (kid != null && kid !== false) n.append(kid);
      });
    })(Array.prototype.slice.call(arguments, 2));
    return n;
  };
  E.fill = function (box) { // replaceChildren that takes lists
    box.replaceChildren.apply(box, Array.prototype.slice.call(arguments, 1).flat(9).filter(function (x) { return x != null && x !== false && x !== ""; }));
  };
  E.icon = function (name) { // signs beside colours
    var paths = { alert: "M8 2 14.500 13.500h-13zM8 6.500v3.200M8 11.600v.1", watch: "M8 4.500V8l2.200 1.600M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0", good: "m5.200 8.200 2 2 3.600-4M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0" };
    var svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), p = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("class", "icon tone " + name); svg.setAttribute("viewBox", "0 0 16 16"); svg.setAttribute("aria-hidden", "true");
    p.setAttribute("d", paths[name]); svg.append(p);
    return svg;
  };

  // ask calls the API; the answer has status, body and header. It fails only where there
  // is no answer.
  E.ask = function (method, path, body, headers) {
    var opts = { method: method, headers: headers || {}, credentials: "same-origin" };
    if (body !== undefined) {
      opts.body = typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body);
      if (!(body instanceof Blob)) opts.headers["Content-Type"] = "application/json";
    }
    if (opts.headers.keepalive) { opts.keepalive = true; delete opts.headers.keepalive; }
    return fetch(path, opts).then(function (r) {
      return r.text().then(function (text) {
        var parsed = null;
        try { parsed = JSON.parse(text); } catch (e) { parsed = { detail: text.slice(0, 200) }; }
        return { status: r.status, body: parsed, header: function (n) { return r.headers.get(n); } };
      });
    });
  };
  E.why = function (a) { return a.status === 401 ? "Your session has ended: sign in again in another tab." : a.body && a.body.detail || "The server answered " + a.status + "."; };

  E.say = function (tone, text, action, what) { // a message above the grid, with one thing to do
    var box = E.el("div", { class: "notice " + tone, role: tone === "alert" ? "alert" : "status" }, E.icon(tone), E.el("p", {}, text, " ",
      action && E.el("button", { type: "button", class: "link", onclick: function () { box.remove(); action(); } }, what)),
      E.el("button", { type: "button", class: "tool close", "aria-label": "Close this message", onclick: function () { box.remove(); } }, "×"));
    E.$("messages").replaceChildren(box);
    return box;
  };

  // Changes. Each is a step to undo; what is typed into one field within a second is one.
  var last = { name: "", at: 0 };
  E.change = function (name, fn, opts) {
    if (!E.may) return;
    opts = opts || {};
    var before = JSON.stringify(E.doc), doc = JSON.parse(before);
    var to = fn(doc) || doc;
    if (JSON.stringify(to) === before) return;
    var now = Date.now(), same = opts.typing && last.name === name && now - last.at < 1000;
    if (!same) { E.past.push(before); if (E.past.length > 200) E.past.shift(); }
    last = { name: opts.typing ? name : "", at: now };
    E.future = [];
    E.doc = to;
    if (same && E.past[E.past.length - 1] === JSON.stringify(to)) E.past.pop(); // typed back
    E.changed(opts.expand);
  };
  E.changed = function (expand) {
    E.eventNames().forEach(function (n) { if (E.seen.indexOf(n) < 0) E.seen.push(n); });
    E.save.touched();
    E.draw();
    E.check(expand);
  };
  function step(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(E.doc));
    E.doc = JSON.parse(from.pop());
    last = { name: "", at: 0 };
    if (document.activeElement && document.activeElement.matches("input, textarea")) document.activeElement.blur(); // it shows what was
    E.changed(false);
  }
  E.undo = function () { step(E.past, E.future); };
  E.redo = function () { step(E.future, E.past); };

  // The check: the table of the layout, what is wrong, what changes.
  var asked = 0, timer = 0, wantsExpand = false;
  E.check = function (expand, at) {
    wantsExpand = wantsExpand || !!expand;
    asked++;
    clearTimeout(timer);
    E.checking = true;
    timer = setTimeout(send, at === 0 ? 0 : 250);
  };
  function send() {
    var mine = asked, expand = wantsExpand;
    wantsExpand = false;
    E.ask("POST", E.api + ":check", { document: E.doc, expand: expand }).then(function (a) {
      if (mine !== asked) { wantsExpand = wantsExpand || expand; return; } // typed on; the newer check expands too
      E.checking = false;
      if (a.status !== 200) { E.say("alert", "Not checked: " + E.why(a)); return; }
      if (a.body.document) {
        E.doc = a.body.document;
        E.save.touched();
      }
      E.report = a.body.report;
      E.changes = a.body.changes;
      E.draw();
    }, function () { // offline: the save says so, and the next change checks again
      E.checking = false;
      E.draw();
    });
  }

  // Where findings belong: the value of a cell, or a place in the document.
  E.window = function (index, doc) { return ((doc || E.doc).windows || []).find(function (w) { return w && w.index === index; }); };
  E.windowAt = function (index) { return (E.doc.windows || []).findIndex(function (w) { return w && w.index === index; }); };
  E.ensureWindow = function (doc, index) {
    doc.windows = Array.isArray(doc.windows) ? doc.windows : [];
    for (var i = 0; i <= index; i++) if (!E.window(i, doc)) doc.windows.push({ index: i });
    return E.window(index, doc);
  };
  E.valuesOf = function (pointer) {
    var p = pointer.split("/"), w = (E.doc.windows || [])[p[2]];
    if (p[1] !== "windows" || !w || w.index !== 0) return [];
    if (p[3] === "fine" && w.fine && w.fine[p[4]]) return [w.fine[p[4]].value];
    if (p[3] === "reserved" && w.reserved && w.reserved[p[4]]) {
      var out = [];
      for (var v = w.reserved[p[4]][0]; v <= w.reserved[p[4]][1] && v < 64; v++) out.push(v);
      return out;
    }
    return [];
  };
  // plain says a place within a sentence as people do: the value, not where its row stands.
  function plain(text) {
    return text.replace(/\/windows\/\d+\/fine\/\d+(\/[a-z_0-9/]+)?/g, function (p) { var v = E.valuesOf(p); return v.length ? "value " + v[0] : p; });
  }
  E.findings = function () {
    function toned(tone) { return function (f) { return Object.assign({}, f, { tone: tone, message: plain(f.message) }); }; }
    return (E.report.errors || []).map(toned("alert")).concat((E.report.warnings || []).map(toned("watch")));
  };

  // Drawing. A part that somebody types in is left as it is until they leave it; only
  // what is wrong is marked.
  E.part = function (id, draw) { if (E.$(id)) E.parts.push({ id: id, draw: draw }); };
  E.draw = function () {
    E.parts.forEach(function (p) {
      var box = E.$(p.id), on = document.activeElement;
      if (box.contains(on) && on.matches("input:not([type=checkbox]):not([type=radio]), textarea")) { p.stale = true; return; }
      redraw(p, box);
    });
    E.mark();
    if (E.$("undo")) { E.$("undo").disabled = !E.past.length; E.$("redo").disabled = !E.future.length; }
    root.dataset.checked = E.checking ? "" : "1";
  };
  function redraw(p, box) {
    var on = document.activeElement, key = on && box.contains(on) && on.dataset.key;
    p.stale = false;
    p.draw(box);
    if (key) {
      var again = box.querySelector('[data-key="' + CSS.escape(key) + '"]');
      if (again) again.focus();
    }
  }
  document.addEventListener("focusout", function (e) {
    setTimeout(function () {
      E.parts.forEach(function (p) {
        var box = E.$(p.id);
        if (p.stale && box.contains(e.target) && !(box.contains(document.activeElement) && document.activeElement.matches("input, textarea"))) { redraw(p, box); E.mark(); }
      });
    }, 0);
  });
  // mark puts findings beside their fields.
  E.mark = function () {
    var found = E.findings();
    root.querySelectorAll("[data-at]").forEach(function (field) {
      var mine = found.filter(function (f) { return f.pointer === field.dataset.at || "under" in field.dataset && f.pointer.indexOf(field.dataset.at + "/") === 0; }), note = field.querySelector(":scope > .finding");
      if (note) note.remove();
      field.classList.toggle("wrong", mine.some(function (f) { return f.tone === "alert"; }));
      var input = field.querySelector("input, select, textarea");
      if (input) { input.removeAttribute("aria-describedby"); input.toggleAttribute("aria-invalid", mine.some(function (f) { return f.tone === "alert"; })); if (input.hasAttribute("aria-invalid")) input.setAttribute("aria-invalid", "true"); }
      if (!mine.length) return;
      var id = "f-" + field.dataset.at.replace(/[^a-z0-9]/gi, "-");
      field.append(E.el("span", { class: "finding " + mine[0].tone, id: id }, E.icon(mine[0].tone), mine.map(function (f) { return f.message; }).join(" ")));
      if (input) input.setAttribute("aria-describedby", id);
    });
  };
})();
