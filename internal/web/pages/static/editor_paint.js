// Painting: what a brush makes of values. Where the model can say it, the model is
// changed and writes its values anew; where not, the values are set by hand from then
// on, and that is said.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var P = E.paint = {};
  P.row = function (doc, v) { var w = E.window(0, doc); return w && (w.fine || []).find(function (r) { return r.value === v; }); };
  P.reserved = function (doc, v) { var w = E.window(0, doc); return !!w && (w.reserved || []).some(function (r) { return v >= r[0] && v <= r[1]; }); };
  P.owns = function (doc, v) {
    var l = doc.layout;
    if (!l || !l.kind) return false;
    if (l.kind === "bits" || l.kind === "fields") return true;
    return v === 0 || v >= (l.first || 1) && v <= (l.last || 63);
  };
  function put(doc, v, events) {
    var w = E.ensureWindow(doc, 0);
    w.fine = (w.fine || []).filter(function (r) { return r.value !== v; });
    w.fine.push({ value: v, events: events });
    w.fine.sort(function (a, b) { return a.value - b.value; });
  }
  function clear(doc, v) { var w = E.ensureWindow(doc, 0); w.fine = (w.fine || []).filter(function (r) { return r.value !== v; }); }
  function reserve(doc, values, on) {
    var w = E.ensureWindow(doc, 0), set = {};
    (w.reserved || []).forEach(function (r) { for (var v = r[0]; v <= r[1]; v++) set[v] = true; });
    values.forEach(function (v) { set[v] = on; });
    var all = Object.keys(set).filter(function (v) { return set[v]; }).map(Number).sort(function (a, b) { return a - b; });
    w.reserved = [];
    all.forEach(function (v) {
      var last = w.reserved[w.reserved.length - 1];
      if (last && last[1] === v - 1) last[1] = v; else w.reserved.push([v, v]);
    });
    if (!w.reserved.length) delete w.reserved;
  }
  P.setReserved = reserve;
  // dec adds decimals exactly, as strings of digits.
  P.add = function (a, b) {
    var x = String(a).split("."), y = String(b).split("."), n = Math.max((x[1] || "").length, (y[1] || "").length);
    function whole(p) { return BigInt(p[0] + (p[1] || "").padEnd(n, "0")); }
    var s = (whole(x) + whole(y)).toString();
    if (!n) return s;
    s = s.padStart(n + 1, "0");
    return (s.slice(0, -n) + "." + s.slice(-n)).replace(/\.?0+$/, "");
  };
  P.isAmount = function (s) { return /^\d{1,12}(\.\d{1,6})?$/.test(String(s).trim()); };

  // byHand lets the values stand and the model go.
  function byHand(doc, why) {
    if (!doc.layout) return;
    var kind = doc.layout.kind;
    delete doc.layout;
    setTimeout(function () { E.say("watch", "The values are now set by hand: " + why + " The model “" + (E.modelNames[kind] || kind) + "” no longer writes them; coarse levels stay as they are.", E.undo, "Undo"); }, 0);
  }
  P.byHand = byHand;

  // edgesOf writes equal bands by their edges, so that one can go or come.
  function edgesOf(l) {
    if (l.edges) return l.edges.slice();
    var edges = [String(l.from)];
    for (var i = 0; i < l.count; i++) edges.push(P.add(edges[i], l.step));
    return edges;
  }
  function toEdges(doc) {
    var l = doc.layout;
    if (l.kind !== "bands" || l.edges) return;
    var closed = doc.revenue_cap != null && +doc.revenue_cap <= +edgesOf(l)[l.count];
    l.edges = edgesOf(l);
    if (l.open === true || l.open == null && !closed) { l.edges.pop(); delete l.open; } // the open band begins at its last edge
    delete l.from; delete l.step; delete l.count;
  }
  // place finds which step of the model wrote a value; -1: none.
  function place(doc, v) {
    var w = E.window(0, doc), l = doc.layout, first = l.first || 1, last = l.last || 63;
    if (v < first || v > last) return -1;
    return (w.fine || []).filter(function (r) { return r.value >= first && r.value <= last; }).map(function (r) { return r.value; }).indexOf(v);
  }
  var lists = { bands: "edges", counts: "thresholds", funnel: "steps" };

  // apply paints values with a brush; it says whether the model has to write anew.
  P.apply = function (doc, values, brush) {
    values = values.slice().sort(function (a, b) { return a - b; });
    var l = doc.layout, owned = values.some(function (v) { return P.owns(doc, v); }), dealt = l && lists[l.kind] || l && l.kind === "retention";
    if (brush.kind === "reserve") {
      var on = !values.every(function (v) { return P.reserved(doc, v); });
      if (owned && !dealt) byHand(doc, "a value of bits can’t be kept free.");
      reserve(doc, values, on);
      if (on) values.forEach(function (v) { clear(doc, v); });
      return !!doc.layout;
    }
    if (brush.kind === "clear") {
      reserve(doc, values, false);
      if (!owned) { values.forEach(function (v) { clear(doc, v); }); return false; }
      var at = dealt && l.kind !== "retention" ? values.map(function (v) { return place(doc, v); }) : [-1];
      if (at.every(function (i) { return i >= 0; })) {
        toEdges(doc);
        var list = l[lists[l.kind]];
        if (list.length - at.length >= 1) {
          at.reverse().forEach(function (i) { list.splice(i, 1); });
          E.told = l.kind === "funnel" ? "The step is gone." : "The band is gone; the one below it takes its place.";
          return true;
        }
      }
      byHand(doc, "a value of its own was cleared.");
      values.forEach(function (v) { clear(doc, v); });
      return false;
    }
    // More steps at the model's end: it grows.
    if (owned && grows(doc, values, brush)) return true;
    if (owned) byHand(doc, "you painted over a value of the model.");
    values.forEach(function (v) {
      reserve(doc, [v], false);
      if (brush.kind === "installed") { put(doc, v, []); return; }
      var row = P.row(doc, v), events = row ? row.events.slice() : [];
      if (brush.kind === "flag") {
        var i = events.findIndex(function (e) { return e.name === brush.name; });
        if (i >= 0 && brush.erase) events.splice(i, 1);
        else if (i < 0 && !brush.erase) events.push({ name: brush.name });
        put(doc, v, events);
        return;
      }
      put(doc, v, [next(doc, v, brush)].concat(events.filter(function (e) { return e.name !== brush.name && !E.isBand(e) && !E.isCount(e) && brush.beside; })));
    });
    return false;
  };

  // next is the band that goes on from the highest one below v. The last band stays
  // open, so that nobody who did more falls out, unless the one below was closed.
  function next(doc, v, brush) {
    var w = E.window(0, doc), below = null, amount = brush.kind === "bands", min = amount ? "revenue_min" : "count_min", max = amount ? "revenue_max" : "count_max";
    (w.fine || []).forEach(function (r) {
      r.events.forEach(function (e) { if (r.value < v && e.name === brush.name && (amount ? E.isBand(e) : e.count_min != null)) below = e; });
    });
    var out = { name: brush.name }, step = amount ? brush.step || "5" : +brush.step || 1;
    function more(x) { return amount ? P.add(x || 0, step) : (+x || 1) + step; }
    if (!below) { out[min] = amount ? brush.from || "0.01" : +brush.from || 1; return out; }
    if (below.partner_name) out.partner_name = below.partner_name;
    var closed = below[max] != null && below[max] !== "";
    if (!closed) below[max] = more(below[min]);
    out[min] = below[max];
    if (closed) out[max] = more(below[max]);
    return out;
  }
  function grows(doc, values, brush) {
    var l = doc.layout, w = E.window(0, doc);
    if (!lists[l.kind] || l.kind === "bands" && (brush.kind !== "bands" || brush.name !== l.event.name) || l.kind === "counts" && (brush.kind !== "counts" || brush.name !== l.event.name) || l.kind === "funnel" && brush.kind !== "flag") return false;
    if (l.kind === "funnel" && (values.length !== 1 || l.steps.some(function (s) { return s.name === brush.name; }))) return false;
    var top = Math.max.apply(null, (w.fine || []).map(function (r) { return r.value; })), free = [];
    for (var v = top + 1; v <= (l.last || 63) && free.length < values.length; v++) if (!P.reserved(doc, v)) free.push(v);
    if (free.length !== values.length || free.some(function (v, i) { return v !== values[i]; })) return false;
    if (l.kind === "funnel") { l.steps.push({ name: brush.name }); return true; }
    toEdges(doc);
    var list = l[lists[l.kind]];
    values.forEach(function () {
      var end = list[list.length - 1];
      list.push(l.kind === "bands" ? P.add(end, brush.step || "5") : +end + (+brush.step || 1));
    });
    return true;
  }
})();
