// The model: a short way to say what the values are. Its parameters are edited here; the
// server writes the values.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el, field = E.field, assign = E.assign;
  E.modelNames = { "": "By hand", bands: "Revenue bands", bits: "Bits", funnel: "Funnel", counts: "Counts", retention: "Retention", fields: "Bit fields" };
  var about = {
    "": "Every value as you paint it.", bands: "What an install spent, in bands from low to high.", bits: "Exactly which of up to six events happened.",
    funnel: "How far people got on one path.", counts: "How often something happened.", retention: "Whether people come back on days 1 and 2.", fields: "The six bits in parts, each with a meaning of its own."
  };
  function kind() { return E.doc.layout && E.doc.layout.kind || ""; }
  function event(doc, wants) { // the event that a new model begins with
    var w = E.window(0, doc), found = null;
    (w && w.fine || []).forEach(function (r) { (r.events || []).forEach(function (e) { if (!found || wants(e) && !wants(found)) found = e; }); });
    return found && wants(found) ? { name: found.name, partner_name: found.partner_name } : null;
  }
  function fresh(k, doc) {
    var pays = event(doc, E.isBand) || { name: "purchase" }, names = E.eventNames();
    if (!pays.partner_name) delete pays.partner_name;
    var edges = [], w = E.window(0, doc);
    (w && w.fine || []).forEach(function (r) { (r.events || []).forEach(function (e) { if (e.name === pays.name && e.revenue_min != null && edges.indexOf(String(e.revenue_min)) < 0) edges.push(String(e.revenue_min)); }); });
    edges.sort(function (a, b) { return a - b; });
    var known = E.seen.concat(names.filter(function (n) { return E.seen.indexOf(n) < 0; }));
    var six = (known.length > 1 ? known : ["registration", "tutorial", "purchase"]).slice(0, 6).map(function (n) { return { name: n }; });
    // What stands below the lowest band stays as it is.
    var lowest = Math.min.apply(null, (w && w.fine || []).filter(function (r) { return (r.events || []).some(function (e) { return e.name === pays.name && E.isBand(e); }); }).map(function (r) { return r.value; }));
    var bands = { kind: "bands", event: pays, edges: edges.length > 1 ? edges : ["0.01", "2", "5", "10", "20", "50", "100"] };
    if (!doc.layout && lowest > 1 && isFinite(lowest)) bands.first = lowest;
    return {
      bands: bands,
      bits: { kind: "bits", events: six }, funnel: { kind: "funnel", steps: six },
      counts: { kind: "counts", event: event(doc, E.isCount) || { name: names[0] || "level_up" }, thresholds: [1, 3, 5, 10, 20] },
      retention: { kind: "retention", days: 2 },
      fields: { kind: "fields", fields: [{ bits: [0, 0], flags: [{ name: "registration" }] }, { bits: [1, 3], bands: { event: pays, edges: ["0.01", "2", "5", "10", "20", "50", "100"] } }] }
    }[k];
  }
  function choose(k) {
    E.change("model", function (doc) {
      if (!k) { delete doc.layout; return; }
      var coarse = doc.layout && doc.layout.coarse;
      doc.layout = fresh(k, doc);
      if (coarse) doc.layout.coarse = coarse;
      E.ensureWindow(doc, 2);
    }, { expand: !!k });
  }
  // Of lists that are written in one line.
  function list(at, label, get, set, whole, hint) {
    return el("div", {}, field({ at: at, label: label, expand: true, under: true, class: "wide", get: function (d) { var l = get(d); return l && l.join(", "); },
      set: function (d, v) { set(d, String(v || "").split(/[,;\s]+/).filter(Boolean).map(function (x) { return whole && /^\d{1,9}$/.test(x) ? +x : x; })); } }),
    hint && el("p", { class: "hint" }, hint));
  }
  function L(doc) { return doc.layout; }
  function text(at, label, obj, name, more) { // a member of an object of the layout
    return field(Object.assign({ at: at + "/" + name, label: label, expand: true, get: function (d) { var o = obj(d); return o && o[name]; }, set: function (d, v) { assign(obj(d), name, v); } }, more));
  }
  function who(at, obj) { return el("div", { class: "fields" }, text(at, "Event", obj, "name"), text(at, "Networks call it", obj, "partner_name", { size: 12 })); }
  function bands(at, obj) {
    var o = obj(E.doc), equal = !o.edges;
    return [who(at + "/event", function (d) { return obj(d).event; }),
      el("div", { class: "fields" }, el("div", { class: "field" }, el("label", { for: "equal" + at }, "Bands"), el("select", { id: "equal" + at, "data-key": at + "equal", disabled: !E.may, onchange: function () {
        var to = this.value;
        E.change("bands", function (doc) {
          var b = obj(doc);
          if (to === "equal") { var first = b.edges[0] || "1"; delete b.edges; b.from = first; b.step = "5"; b.count = 10; }
          else { b.edges = [String(b.from || "0.01")]; for (var i = 0; i + 1 < (b.count || 1) && E.paint.isAmount(b.step); i++) b.edges.push(E.paint.add(b.edges[i], b.step)); delete b.from; delete b.step; delete b.count; }
        }, { expand: true });
      } }, el("option", { value: "edges", selected: !equal }, "by their edges"), el("option", { value: "equal", selected: equal }, "of equal width")))),
      equal ? el("div", { class: "fields" }, text(at, "From", obj, "from", { numeric: true, size: 6 }), text(at, "Width", obj, "step", { numeric: true, size: 6 }), text(at, "How many", obj, "count", { whole: true, numeric: true, size: 4 })) :
        list(at + "/edges", "Edges", function (d) { return obj(d).edges; }, function (d, v) { obj(d).edges = v; }, false, "Each band begins at an edge and ends below the next one."),
      el("div", { class: "fields" }, field({ at: at + "/open", label: "The last band", expand: true, options: [["", "as the cap says"], ["true", "open upwards"], ["false", "closed"]], get: function (d) { var v = obj(d).open; return v == null ? "" : String(v); }, set: function (d, v) { if (v == null) delete obj(d).open; else obj(d).open = v === "true"; } }))];
  }
  // steps is a list of events in order.
  function steps(at, get, o) {
    o = o || {};
    var l = get(E.doc) || [];
    function changing(fn) { return function () { E.change("steps", function (d) { fn(get(d)); }, { expand: true }); }; }
    return el("ol", { class: "steps-edit", start: o.start || 1 }, l.map(function (s, i) {
      var obj = function (d) { return get(d)[i]; }, p = at + "/" + i;
      return el("li", { "data-at": p }, el("div", { class: "fields" },
        s === null ? el("span", { class: "hint" }, "left out") : [text(p, o.label ? o.label(i) : "Event", obj, "name"), text(p, "least amount", obj, "revenue_min", { numeric: true, size: 5 }), text(p, "least times", obj, "count_min", { whole: true, numeric: true, size: 3 })],
        o.implies && s ? el("label", { class: "check" }, el("input", { type: "checkbox", checked: s.implies_lower, disabled: !E.may, "data-key": p + "imp", onchange: changing(function (x) { if (x[i].implies_lower) delete x[i].implies_lower; else x[i].implies_lower = true; }) }), " with all before") : "",
        E.may && el("span", { class: "moves" },
          el("button", { type: "button", class: "tool", "data-key": p + "up", "aria-label": "Earlier", disabled: i === 0, onclick: changing(function (x) { x.splice(i - 1, 0, x.splice(i, 1)[0]); }) }, "↑"),
          el("button", { type: "button", class: "tool", "data-key": p + "down", "aria-label": "Later", disabled: i === l.length - 1, onclick: changing(function (x) { x.splice(i + 1, 0, x.splice(i, 1)[0]); }) }, "↓"),
          el("button", { type: "button", class: "tool", "data-key": p + "x", "aria-label": "Remove", onclick: changing(function (x) { x.splice(i, 1); }) }, "×"))));
    }), E.may && l.length < (o.most || 63) ? el("li", { class: "add" }, el("button", { type: "button", class: "tool", "data-key": at + "+", onclick: changing(function (x) {
      var n = 1;
      while (x.some(function (s) { return s && s.name === "event_" + n; })) n++;
      x.push({ name: "event_" + n });
    }) }, "+ Event"), o.gaps ? el("button", { type: "button", class: "tool", onclick: changing(function (x) { x.push(null); }) }, "+ Bit left out") : "") : "");
  }
  var forms = {
    bands: function () { return bands("/layout", L); },
    bits: function () { return [el("p", { class: "hint" }, "The first has bit 1, then 2, 4, 8, 16, 32. What matters most comes last."), steps("/layout/events", function (d) { return d.layout.events; }, { most: 6, gaps: true, label: function (i) { return "Bit " + (1 << i); } })]; },
    funnel: function () { return [steps("/layout/steps", function (d) { return d.layout.steps; }, { implies: true })]; },
    counts: function () { return [who("/layout/event", function (d) { return d.layout.event; }), list("/layout/thresholds", "Values begin at", function (d) { return d.layout.thresholds; }, function (d, v) { d.layout.thresholds = v; }, true)]; },
    retention: function () { return [field({ at: "/layout/days", label: "Days after the first", expand: true, options: [["1", "day 1"], ["2", "days 1 and 2"]], whole: true, get: function (d) { return d.layout.days; }, set: function (d, v) { d.layout.days = v; } }), el("p", { class: "hint" }, "Later days fit into the coarse levels of windows 1 and 2.")]; },
    fields: function () {
      return [E.doc.layout.fields.map(function (f, i) {
        var at = "/layout/fields/" + i, obj = function (d) { return d.layout.fields[i]; }, k = f.bands ? "bands" : f.enum ? "enum" : "flags";
        return el("fieldset", { class: "event", "data-at": at }, el("legend", {}, "Part " + (i + 1)), el("div", { class: "fields", "data-at": at + "/bits" },
          [0, 1].map(function (n) { return field({ at: at + "/bits/" + n, label: n ? "to bit" : "Bit", expand: true, whole: true, options: [0, 1, 2, 3, 4, 5].map(function (b) { return [String(b), String(b)]; }), get: function (d) { return obj(d).bits[n]; }, set: function (d, v) { obj(d).bits[n] = v; } }); }),
          el("div", { class: "field" }, el("label", { for: "part" + i }, "says"), el("select", { id: "part" + i, "data-key": at + "kind", disabled: !E.may, onchange: function () {
            var to = this.value;
            E.change("part", function (d) { var o = obj(d); delete o.bands; delete o.enum; delete o.flags; o[to] = to === "bands" ? { event: { name: "purchase" }, edges: ["0.01", "5", "20"] } : [{ name: "event_1" }]; }, { expand: true });
          } }, [["bands", "an amount"], ["enum", "one of several"], ["flags", "a bit each"]].map(function (x) { return el("option", { value: x[0], selected: x[0] === k }, x[1]); }))),
          E.may && el("button", { type: "button", class: "tool", "aria-label": "Remove part " + (i + 1), "data-key": at + "x", onclick: function () { E.change("part", function (d) { d.layout.fields.splice(i, 1); }, { expand: true }); } }, "×")),
        k === "bands" ? bands(at + "/bands", function (d) { return obj(d).bands; }) : steps(at + "/" + k, function (d) { return obj(d)[k]; }));
      }), E.may && el("button", { type: "button", class: "tool", "data-key": "part+", onclick: function () { E.change("part", function (d) { var top = Math.max.apply(null, d.layout.fields.map(function (f) { return f.bits[1]; }).concat(-1)); d.layout.fields.push({ bits: [Math.min(5, top + 1), Math.min(5, top + 1)], flags: [{ name: "event_" + (d.layout.fields.length + 1) }] }); }, { expand: true }); } }, "+ Part")];
    }
  };
  E.part("model", function (box) {
    var k = kind(), own = E.findings().filter(function (f) { return f.pointer === "/layout" || f.code === "layout_differs"; });
    box.replaceChildren(el("h2", { id: "h-model" }, "Model"),
      el("div", { class: "field" }, el("label", { for: "model-kind" }, "Values are written as"), el("select", { id: "model-kind", "data-key": "model-kind", disabled: !E.may, onchange: function () { choose(this.value); } },
        Object.keys(E.modelNames).map(function (n) { return el("option", { value: n, selected: n === k }, E.modelNames[n]); }))),
      el("p", { class: "hint" }, about[k] || ""),
      own.length ? el("ul", { class: "found" }, own.map(function (f) { return el("li", {}, E.icon(f.tone), el("span", {}, f.message, f.code === "layout_differs" && E.may ? [" ", el("button", { type: "button", class: "link", onclick: function () { E.check(true, 0); } }, "Write them anew")] : "")); })) : "");
    if (!forms[k]) return;
    try { [].concat(forms[k]()).flat(9).forEach(function (n) { if (n) box.append(n); }); } catch (e) { box.append(el("p", { class: "hint" }, "This model is not whole; put it right under Files and JSON.")); }
    if (k !== "bits" && k !== "fields") box.append(el("div", { class: "fields" }, text("/layout", "First value", L, "first", { whole: true, numeric: true, size: 3, placeholder: "1" }), text("/layout", "Last value", L, "last", { whole: true, numeric: true, size: 3, placeholder: "63" })));
  });
})();
