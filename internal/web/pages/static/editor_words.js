// What cells say: short in the cell, whole for who hears it.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  E.currency = function () { return E.doc.currency || ""; };
  E.money = function (m) {
    if (m == null || m === "") return "";
    var s = String(m).replace(/\.(\d)$/, ".$10");
    if (E.data.decimal && E.data.decimal !== ".") s = s.replace(".", E.data.decimal);
    return E.currency() === "USD" ? "$" + s : E.currency() ? s + " " + E.currency() : s;
  };
  E.number = function (n, digits) {
    if (n == null || n === "") return "–";
    var s = (+n).toFixed(digits == null ? (Math.abs(n) >= 100 || +n === Math.round(+n) ? 0 : 2) : digits).split(".");
    return s[0].replace(/\B(?=(\d{3})+(?!\d))/g, E.data.group || ",") + (s[1] ? (E.data.decimal || ".") + s[1] : "");
  };
  E.percent = function (x) { return x == null ? "–" : E.number(100 * x, Math.abs(x) < 0.1 && +x !== 0 ? 1 : 0) + "\u202f%"; };
  function has(v) { return v != null && v !== ""; }
  E.isBand = function (e) { return has(e.revenue_min) || has(e.revenue_max) || has(e.revenue_est); };
  E.isCount = function (e) { return has(e.count_max) || has(e.count_min) && +e.count_min !== 1; };
  function span(min, max, unit, write) {
    if (!has(max)) return (write(has(min) ? min : 0)) + "+";
    if (has(min) && +min === +max) return write(min);
    return write(has(min) ? min : 0).replace(/ [A-Z]{3}$/, "") + "–" + write(max).replace(/^\$/, "");
  }
  function nextBegins(e) { // a maximum where the next band begins is not in this one
    var w = E.window(0);
    return (w && w.fine || []).some(function (r) { return (r.events || []).some(function (o) { return o.name === e.name && +o.count_min === +e.count_max; }); });
  }
  E.shortEvent = function (e) {
    if (E.isBand(e) && (has(e.revenue_max) || +e.revenue_min > 0.01)) return span(e.revenue_min, e.revenue_max, "", E.money);
    if (E.isCount(e)) return span(e.count_min, has(e.count_max) ? e.count_max - (nextBegins(e) ? 1 : 0) : null, "", String) + "×";
    return e.name;
  };
  E.short = function (row) {
    if (!row.events || !row.events.length) return "installed";
    return row.events.map(function (e) { return E.shortEvent(e) || "?"; }).join(" + ");
  };
  E.wordsOf = function (e) {
    var s = e.name || "an event without a name";
    if (E.isCount(e)) s += " " + (has(e.count_max) ? e.count_min + " to " + e.count_max : e.count_min + " or more") + " times";
    if (E.isBand(e)) {
      if (has(e.revenue_max)) s += " worth " + (has(e.revenue_min) ? E.money(e.revenue_min) + " to " : "up to ") + E.money(e.revenue_max);
      else if (+e.revenue_min > 0) s += " worth " + E.money(e.revenue_min) + " or more";
      if (has(e.revenue_est)) s += ", estimated at " + E.money(e.revenue_est);
    }
    return s;
  };
  E.words = function (row) {
    if (!row.events || !row.events.length) return "installed, nothing else";
    return row.events.map(E.wordsOf).join(" and ");
  };
  // eventNames are all that rows and levels name, in the order of values.
  E.eventNames = function () {
    var seen = [];
    function take(events) { (events || []).forEach(function (e) { if (e && e.name && seen.indexOf(e.name) < 0) seen.push(e.name); }); }
    var w = E.window(0);
    if (w) (w.fine || []).forEach(function (r) { take(r.events); });
    (E.doc.windows || []).forEach(function (w) { Object.keys(w.coarse || {}).forEach(function (l) { take(w.coarse[l].events); }); });
    E.palette.forEach(function (p) { if (seen.indexOf(p.name) < 0) seen.push(p.name); });
    return seen;
  };
})();
