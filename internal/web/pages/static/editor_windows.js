// Coarse levels and locks of the three windows, what is kept free, the members of the
// whole document, and the difference to the newest version.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el, field = E.field, assign = E.assign;
  var names = ["Window 0", "Window 1", "Window 2"], spans = ["days 0 to 2", "days 3 to 7", "days 8 to 35"], hours = [48, 120, 672];
  var opened = {}; // levels that are being edited
  function part(doc, i) { return doc.layout && (doc.layout.coarse || []).find(function (c) { return c.window === i; }); }
  function takeOver(i) { return function (doc) { // by hand from now on: what the model wrote stays
    if (part(doc, i)) { doc.layout.coarse = doc.layout.coarse.filter(function (c) { return c.window !== i; }); if (!doc.layout.coarse.length) delete doc.layout.coarse; }
  }; }
  function how(i) { var p = part(E.doc, i); return !p ? "" : p.revenue ? "revenue" : p.counts ? "counts" : p.days ? "days" : "levels"; }
  function choose(i, to) {
    E.change("coarse by", function (doc) {
      takeOver(i)(doc);
      if (!to) return;
      var ev = doc.layout.event || { name: E.eventNames()[0] || "purchase" };
      doc.layout.coarse = (doc.layout.coarse || []).concat({ revenue: { window: i, event: { name: ev.name }, revenue: ["0.01", "10"] }, counts: { window: i, event: { name: ev.name }, counts: [1, 10] }, days: { window: i, days: [[1, 2], [3, 6], [14, 28]][i] } }[to]);
    }, { expand: true });
  }
  function thresholds(i, k) {
    var pi = E.doc.layout.coarse.indexOf(part(E.doc, i)), at = "/layout/coarse/" + pi;
    var two = [0, 1].map(function (n) { return field({ at: at + "/" + k + "/" + n, label: (n ? "high from " : "medium from ") + (k === "days" ? "day" : ""), expand: true, numeric: true, size: 6, whole: k !== "revenue", get: function (d) { return part(d, i) && part(d, i)[k][n]; }, set: function (d, v) { part(d, i)[k][n] = v == null ? "" : v; } }); });
    return [k !== "days" ? field({ at: at + "/event/name", label: "Event", expand: true, get: function (d) { return part(d, i) && part(d, i).event.name; }, set: function (d, v) { part(d, i).event.name = v || ""; } }) : "", el("div", { class: "fields" }, two),
      k === "revenue" ? el("div", { class: "fields" }, ["medium", "high"].map(function (l) { return field({ at: at + "/revenue_est/" + l, label: l + " is worth", expand: true, numeric: true, size: 6, get: function (d) { var p = part(d, i); return p && p.revenue_est && p.revenue_est[l]; }, set: function (d, v) { var p = part(d, i); p.revenue_est = p.revenue_est || {}; assign(p.revenue_est, l, v); if (!Object.keys(p.revenue_est).length) delete p.revenue_est; } }); })) : ""];
  }
  function level(i, l) {
    var wi = E.windowAt(i), at = "/windows/" + wi + "/coarse/" + l, w = E.window(i), is = w && w.coarse && w.coarse[l], byModel = how(i);
    function lev(doc) { var w = E.window(i, doc); return w && w.coarse && w.coarse[l]; }
    return el("div", { class: "level", "data-at": at }, el("h4", {}, l),
      !is ? el("p", { class: "hint" }, "not mapped ", E.may && el("button", { type: "button", class: "link", "data-key": at + "map", onclick: function () { E.change("map level", function (doc) { takeOver(i)(doc); var w = E.ensureWindow(doc, i); w.coarse = w.coarse || {}; w.coarse[l] = { events: l === "low" ? [] : [{ name: E.eventNames()[0] || "purchase" }] }; }); } }, "Map it")) :
        byModel ? el("p", { class: "says" }, is.events.length ? is.events.map(E.wordsOf).join(" and ") : "installed, nothing else", is.revenue_est != null ? ", estimated at " + E.money(is.revenue_est) : "") :
          el("details", { "data-open": at, open: opened[at], ontoggle: function () { opened[at] = this.open; } }, el("summary", { "data-key": at + "open" }, is.events.length ? is.events.map(E.wordsOf).join(" and ") : "installed, nothing else", is.revenue_est != null ? ", worth " + E.money(is.revenue_est) : ""),
            E.events(at + "/events", function (d) { return lev(d) && lev(d).events; }, { before: takeOver(i) }),
            field({ at: at + "/revenue_est", label: "An install of it is worth", numeric: true, size: 7, get: function (d) { return lev(d) && lev(d).revenue_est; }, set: function (d, v) { takeOver(i)(d); assign(lev(d), "revenue_est", v); } }),
            E.may && el("button", { type: "button", class: "tool", "data-key": at + "x", onclick: function () { E.change("unmap level", function (doc) { takeOver(i)(doc); var w = E.window(i, doc); delete w.coarse[l]; if (!Object.keys(w.coarse).length) delete w.coarse; }); } }, "Take the meaning away")));
  }
  function lock(i) {
    var at = "/windows/" + E.windowAt(i) + "/lock", w = E.window(i), on = w && w.lock && w.lock.on || "";
    var value = { time: { label: "hours into the window", whole: true, numeric: true, size: 5 }, event: { label: "event", size: 12 }, fine: { label: "value", whole: true, numeric: true, size: 4 }, coarse: { label: "level", options: [["low", "low"], ["medium", "medium"], ["high", "high"]] } }[on];
    return el("div", { class: "fields lock", "data-at": at }, el("div", { class: "field" }, el("label", { for: "lock" + i }, "Ends early"), el("select", { id: "lock" + i, "data-key": at + "on", disabled: !E.may, onchange: function () {
      var to = this.value;
      E.change("lock", function (doc) { var w = E.ensureWindow(doc, i); if (!to) delete w.lock; else w.lock = { on: to, value: { time: Math.min(24, hours[i]), event: E.eventNames()[0] || "purchase", fine: 63, coarse: "high" }[to] }; });
    } }, [["", "never"], ["time", "after hours"], ["event", "at an event"]].concat(i ? [] : [["fine", "at a fine value"]], [["coarse", "at a coarse level"]]).map(function (x) { return el("option", { value: x[0], selected: x[0] === on }, x[1]); }))),
    value ? field(Object.assign({ at: at + "/value", get: function (d) { var w = E.window(i, d); return w && w.lock && w.lock.value; }, set: function (d, v) { E.window(i, d).lock.value = v == null ? "" : v; } }, value)) : "");
  }
  E.part("p-windows", function (box) {
    box.replaceChildren(el("div", { class: "windows" }, [0, 1, 2].map(function (i) {
      var k = how(i), by = [["", "by hand"], ["revenue", "by amount"], ["counts", "by count"], ["days", "by day"]];
      if (k === "levels") by.push(["levels", "by the model’s levels"]);
      return el("section", { class: "window", "data-at": "/windows/" + E.windowAt(i), "aria-label": names[i] }, el("h3", {}, names[i], " ", el("small", {}, spans[i])),
        E.doc.layout ? el("div", { class: "field" }, el("label", { for: "how" + i }, "Levels are written"), el("select", { id: "how" + i, "data-key": "how" + i, disabled: !E.may, onchange: function () { choose(i, this.value); } }, by.map(function (x) { return el("option", { value: x[0], selected: x[0] === k }, x[1]); }))) : "",
        k === "revenue" || k === "counts" || k === "days" ? thresholds(i, k) : "", ["low", "medium", "high"].map(function (l) { return level(i, l); }), lock(i));
    })),
    E.doc.reengagement_windows && E.doc.reengagement_windows.length ? el("p", { class: "hint" }, "Re-engagements have tables of their own in this schema; edit them under Files and JSON.") : "");
  });

  E.part("p-document", function (box) {
    function top(name, label, more) { return field(Object.assign({ at: "/" + name, label: label, get: function (d) { return d[name]; }, set: function (d, v) { assign(d, name, v); } }, more)); }
    box.replaceChildren(el("div", { class: "form" },
      top("name", "Name, for people", { class: "wide" }),
      el("div", { class: "fields" }, top("currency", "Currency of all amounts", { size: 4, placeholder: E.data.currency }), top("revenue_source", "Amounts come from", { options: [["", "not said"], ["iap", "purchases"], ["ads", "advertising"], ["all", "both"]] })),
      el("div", { class: "fields" }, top("revenue_cap", "One install counts for at most", { numeric: true, size: 7, expand: true }), top("open_band_mean", "An open band is worth", { numeric: true, size: 7 })),
      top("overlap_bit", "Bit that marks installs which you also measure with consent", { whole: true, expand: true, options: [["", "none"]].concat([0, 1, 2, 3, 4, 5].map(function (b) { return [String(b), "bit " + b + " (" + (1 << b) + ")"]; })) }),
      field({ at: "/windows/" + E.windowAt(0) + "/reserved", label: "Values kept free", expand: true, class: "wide", placeholder: "36-59, 62", get: function (d) { var w = E.window(0, d); return w && (w.reserved || []).map(function (r) { return r[0] === r[1] ? r[0] : r[0] + "-" + r[1]; }).join(", "); },
        set: function (d, v) { var w = E.ensureWindow(d, 0), out = String(v || "").split(/[,;]+/).map(function (s) { return /^\s*(\d+)\s*(?:[-–]\s*(\d+))?\s*$/.exec(s); }).filter(Boolean).map(function (m) { return [+m[1], +(m[2] || m[1])]; }); if (out.length) w.reserved = out; else delete w.reserved; } }),
      el("p", { class: "hint" }, "Values kept free are for what comes later. One that comes back is an alarm, not data.")));
  });

  if (E.$("t-changes")) E.part("p-changes", function (box) {
    var c = E.changes, n = E.data.newest;
    E.$("t-changes").textContent = "What changes" + (c && c.length ? " (" + c.length + ")" : "");
    if (!n) { box.replaceChildren(el("p", { class: "hint" }, "Nothing is published yet: this would be the first version, and decode everything that waits.")); return; }
    if (!c) { box.replaceChildren(el("p", { class: "hint" }, "It can’t be compared while it is not a whole schema: see the errors.")); return; }
    box.replaceChildren(el("p", { class: "hint" }, c.length ? "Compared with version " + n + ", the newest:" : "It means the same as version " + n + ", the newest."),
      el("ul", { class: "found changes" }, c.map(function (x) {
        var values = x.kind !== "removed" ? E.valuesOf(x.pointer) : [];
        return el("li", { class: x.kind }, el("span", { class: "tag" }, x.kind === "added" ? "new" : x.kind), " ", values.length ? el("button", { type: "button", class: "link", onclick: function () { E.select(values[0]); } }, x.words) : x.words);
      })));
  });
})();
