// Fields, the form of the chosen values, and the list of what is wrong.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el;
  // field is a labelled input that writes a member of the document. get and set work on
  // whatever the document is when they are called.
  E.field = function (o) {
    var input = el(o.options ? "select" : "input", { "data-key": o.at, id: "i" + o.at.replace(/[^a-z0-9]/gi, "-"), size: o.size || null, inputmode: o.numeric ? "decimal" : null, disabled: !E.may, placeholder: o.placeholder || null, autocomplete: "off", spellcheck: "false" });
    if (o.options) o.options.forEach(function (x) { input.append(el("option", { value: x[0] }, x[1])); });
    var v = o.get(E.doc);
    input.value = v == null ? "" : String(v);
    input.addEventListener(o.options ? "change" : "input", function () {
      var text = input.value.trim();
      E.change(o.at, function (doc) { o.set(doc, o.whole && /^\d{1,9}$/.test(text) ? +text : text === "" ? null : text); }, { typing: !o.options, expand: o.expand });
    });
    return el("div", { class: "field " + (o.class || ""), "data-at": o.at, "data-under": o.under }, el("label", { for: input.id }, o.label), input);
  };
  function assign(obj, name, v) { if (v == null || v === "") delete obj[name]; else obj[name] = v; }
  E.assign = assign;

  // events is the list of conditions at a place of the document. where finds the list in
  // a document.
  E.events = function (at, where, o) {
    o = o || {};
    var list = where(E.doc) || [];
    var changing = function (name, fn, opts) { E.change(name, function (doc) { if (o.before) o.before(doc); fn(where(doc)); }, opts); };
    function f(i, name, label, more) {
      return E.field(Object.assign({ at: at + "/" + i + "/" + name, label: label,
        get: function (doc) { return (where(doc) || [])[i] && where(doc)[i][name]; },
        set: function (doc, v) { if (o.before) o.before(doc); assign(where(doc)[i], name, v); } }, more));
    }
    return el("div", { class: "events" }, list.map(function (e, i) {
      var rich = E.isBand(e) || E.isCount(e) || e.partner_name;
      return el("fieldset", { class: "event", "data-at": at + "/" + i }, el("legend", { class: "quiet" }, "Event " + (i + 1)),
        el("div", { class: "fields" }, f(i, "name", "Event", { class: "wide" }),
          E.may && el("button", { type: "button", class: "tool", "aria-label": "Remove the event " + (e.name || i + 1), onclick: function () { changing("remove event", function (l) { l.splice(i, 1); }); } }, "×")),
        el("details", { open: rich }, el("summary", {}, "How often, how much, for networks"), el("div", { class: "fields" },
          f(i, "revenue_min", "Amount from", { numeric: true, size: 6 }), f(i, "revenue_max", "to", { numeric: true, size: 6 }), f(i, "revenue_est", "estimated at", { numeric: true, size: 6 }),
          f(i, "count_min", "Times from", { whole: true, size: 4, numeric: true }), f(i, "count_max", "to", { whole: true, size: 4, numeric: true }), f(i, "partner_name", "Networks call it", { size: 12 }))));
    }), E.may && el("button", { type: "button", class: "tool", "data-key": at + "+", onclick: function () {
      changing("add event", function (l) { l.push({ name: E.eventNames()[0] || "purchase" }); });
    } }, "+ Event"));
  };

  E.part("cell", function (box) {
    var s = E.selected, v = s[0], row = E.paint.row(E.doc, v), kept = E.paint.reserved(E.doc, v);
    var head = el("h2", { id: "h-cell" }, s.length === 1 ? "Value " + v : s.length + " values");
    var tools = E.may && el("div", { class: "inline" },
      el("button", { type: "button", class: "button small", "data-key": "set-installed", onclick: function () { E.paintWith(s, { kind: "installed" }); } }, "Installed"),
      el("button", { type: "button", class: "button small", "data-key": "set-reserved", onclick: function () { E.paintWith(s, { kind: "reserve" }); } }, kept ? "Free again" : "Keep free"),
      el("button", { type: "button", class: "button small", "data-key": "set-clear", onclick: function () { E.paintWith(s, { kind: "clear" }); } }, "Clear"));
    if (s.length !== 1) { box.replaceChildren(head, el("p", { class: "hint" }, "From " + Math.min.apply(null, s) + " to " + Math.max.apply(null, s) + ". Space paints them."), tools || ""); return; }
    var wi = E.windowAt(0), at = row ? "/windows/" + wi + "/fine/" + E.window(0).fine.indexOf(row) : "";
    var mine = E.findings().filter(function (f) { return E.valuesOf(f.pointer).indexOf(v) >= 0; });
    var share = E.shares && E.shares[v];
    box.replaceChildren(head, el("p", { class: "says" }, row ? E.words(row) : kept ? "Kept free for later. One that comes back is an alarm." : "Not mapped: an install with it counts, and says nothing."),
      share != null ? el("p", { class: "hint" }, E.percent(share) + " of installs, as simulated.") : "",
      mine.length ? el("ul", { class: "found" }, mine.map(function (f) { return el("li", {}, E.icon(f.tone), f.message); })) : "",
      E.paint.owns(E.doc, v) && E.may ? el("p", { class: "hint" }, "The model writes this value. An edit here sets all values by hand.") : "",
      row ? E.events(at + "/events", function (doc) { var r = E.paint.row(doc, v); return r && r.events; }, { before: function (doc) { if (E.paint.owns(doc, v)) E.paint.byHand(doc, "you edited a value of the model."); } }) :
        E.may ? el("button", { type: "button", class: "tool", "data-key": "map-it", onclick: function () { E.paintWith([v], { kind: "flag", name: E.eventNames()[0] || "purchase" }); } }, "+ Event") : "",
      tools || "");
  });

  E.part("checks", function (box) {
    var all = E.findings(), errors = (E.report.errors || []).length, warnings = (E.report.warnings || []).length;
    box.dataset.errors = errors;
    box.replaceChildren(
      el("h2", { id: "h-checks" }, errors ? errors + (errors === 1 ? " error" : " errors") : "No errors", warnings ? el("small", {}, " " + warnings + (warnings === 1 ? " warning" : " warnings")) : "", E.checking ? el("small", { class: "soft" }, " checking…") : ""),
      all.length ? el("ul", { class: "found checks" }, all.slice(0, 40).map(function (f) {
        var values = E.valuesOf(f.pointer), where = values.length ? "Value " + values[0] : place(f.pointer);
        return el("li", {}, E.icon(f.tone), el("span", {}, el("button", { type: "button", class: "link", "data-key": "go" + f.code + f.pointer, title: f.code + " " + f.pointer, onclick: function () { E.go(f.pointer); } }, where), " ", f.message));
      })) : el("p", { class: "hint" }, "Nothing is wrong with it."),
      all.length > 40 ? el("p", { class: "hint" }, all.length - 40 + " more.") : "");
  });
  function place(p) {
    var w = /^\/windows\/(\d+)(?:\/coarse\/(\w+))?/.exec(p), win = w && (E.doc.windows || [])[w[1]];
    if (w && win) return "Window " + win.index + (w[2] ? ", " + w[2] : /lock/.test(p) ? ", lock" : "");
    if (p.indexOf("/layout") === 0) return "Model";
    return p ? p.slice(1).replace(/_/g, " ").replace(/\//g, ", ") : "Schema";
  }
  E.go = function (p) { // to the cell or the field that a finding is about
    var values = E.valuesOf(p);
    if (values.length) { E.select(values[0]); return; }
    if (/^\/windows/.test(p)) E.tab("t-windows");
    else if (!/^\/layout/.test(p) && p) E.tab("t-document");
    var parts = p.split("/");
    var shut = E.root.querySelectorAll("details[data-open]");
    shut.forEach(function (d) { if (p.indexOf(d.dataset.open) === 0) d.open = true; });
    while (parts.length > 1) {
      var field = E.root.querySelector('[data-at="' + CSS.escape(parts.join("/")) + '"]');
      if (field) { var input = field.querySelector("input, select, button"); field.scrollIntoView({ block: "center" }); if (input) input.focus(); return; }
      parts.pop();
    }
  };
})();
