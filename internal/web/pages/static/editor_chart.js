// The chart of a simulation: what was seen under the version in force as bars, what the
// draft would have reported as a diamond with its bounds. The table says the same.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el, drawn = null, again = null, payers = false;
  function css(n) { return getComputedStyle(document.documentElement).getPropertyValue(n).trim(); }
  E.tryChart = function (box, table, draft, live) {
    var values = [], xs = [], seen = [], est = [];
    for (var v = 0; v < 64; v++) if (draft[v] || live && live[v]) values.push(v);
    if (!values.length) { box.replaceChildren(el("p", { class: "hint" }, "No install of it has a fine value.")); return; }
    for (v = 0; v <= values[values.length - 1]; v++) { xs.push(v); seen.push(live && live[v] ? live[v].est : null); est.push(draft[v] ? draft[v].est : null); }
    var name = "version " + E.data.live;
    function pays(v) { var row = E.paint.row(E.doc, v); return row && (row.events || []).some(E.isBand) || live && live[v] && / worth /.test(live[v].means || ""); }
    if (payers) xs.forEach(function (v) { if (!pays(v)) { seen[v] = est[v] = null; } });
    box.replaceChildren(el("p", { class: "legend" }, live ? el("span", { class: "key" }, el("i", { class: "swatch seen" }), " seen under " + name) : "", el("span", { class: "key" }, el("i", { class: "swatch est" }), " this draft, with bounds"), values.some(pays) ? el("label", { class: "check" }, el("input", { type: "checkbox", checked: payers, "data-key": "payers-only", onchange: function () { payers = this.checked; E.tryChart(box, table, draft, live); } }), " only values with an amount") : ""), el("div", { class: "plot", "aria-hidden": "true" }));
    table.replaceChildren(el("details", {}, el("summary", {}, "The same as a table"), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Installs by value" }, el("table", {}, el("thead", {}, el("tr", {}, ["Value", "Means"].map(function (h) { return el("th", { scope: "col" }, h); }), live ? el("th", { scope: "col", class: "n" }, "Seen under " + name) : "", el("th", { scope: "col", class: "n modelled" }, "This draft"), el("th", { scope: "col", class: "n modelled" }, "Share"))),
      el("tbody", {}, values.map(function (v) {
        var d = draft[v], row = E.paint.row(E.doc, v), bounds = d && d.min != null && (d.min !== d.est || d.max !== d.est) ? " (" + E.number(d.min, 0) + " – " + (d.max == null ? "no bound" : E.number(d.max, 0)) + ")" : "";
        return el("tr", {}, el("th", { scope: "row" }, String(v)), el("td", { class: "wrap" }, d && d.means || row && E.words(row) || ""), live ? el("td", { class: "n" }, live[v] ? E.number(live[v].est, 0) : "–") : "", el("td", { class: "n modelled" }, d ? E.number(d.est, 0) + bounds : "–"), el("td", { class: "n modelled" }, d ? E.percent(d.share) : "–"));
      }))))));
    again = function () { draw(box.querySelector(".plot"), xs, seen, est, draft); };
    if (typeof uPlot !== "undefined") again();
  };
  function draw(plot, xs, seen, est, draft) {
    if (!plot || !plot.isConnected) return;
    if (drawn) drawn.destroy();
    plot.replaceChildren();
    var width = plot.clientWidth || 900, ink = css("--soft"), accent = css("--accent"), violet = css("--modelled"), font = "12px system-ui, sans-serif";
    var top = Math.max.apply(null, seen.concat(est).map(function (x) { return x || 0; }).concat(Object.keys(draft).map(function (v) { return est[v] != null && draft[v].max || 0; })));
    var most = Math.max.apply(null, seen.concat(est).map(function (x) { return x || 0; }));
    drawn = new uPlot({
      width: width, height: 220, padding: [8, 8, 0, 0], legend: { show: true }, cursor: { y: false, points: { show: false }, drag: { setScale: false } },
      scales: { x: { time: false, range: [-0.7, xs[xs.length - 1] + 0.7] }, y: { range: [0, (Math.min(top, most * 2.5) || 1) * 1.08] } },
      axes: [{ stroke: ink, font: font, grid: { show: false }, ticks: { show: false }, space: 28, gap: 6, size: 28, incrs: [1, 2, 4, 8] }, { stroke: ink, font: font, grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, size: 64, gap: 8, space: 44, values: function (u, v) { return v.map(function (n) { return E.number(n); }); } }],
      series: [{ label: "value" }, { label: "seen", fill: accent, stroke: accent, width: 0, paths: uPlot.paths.bars({ size: [0.72, 30], radius: 0.08 }), points: { show: false }, value: function (u, v) { return v == null ? "–" : E.number(v, 0); } },
        { label: "this draft", stroke: violet, paths: function () { return null; }, points: { show: false }, value: function (u, v) { return v == null ? "–" : E.number(v, 0); } }],
      hooks: { draw: [function (u) {
        var g = u.ctx, px = devicePixelRatio || 1;
        g.save();
        g.beginPath(); g.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); g.clip();
        xs.forEach(function (x, i) {
          if (est[i] == null) return;
          var at = u.valToPos(x, "x", true), y = u.valToPos(est[i], "y", true), d = draft[x];
          g.strokeStyle = violet; g.lineWidth = 1.5 * px;
          if (d.max != null && d.max !== d.min) { g.beginPath(); g.moveTo(at, u.valToPos(d.min, "y", true)); g.lineTo(at, u.valToPos(d.max, "y", true)); g.stroke(); }
          g.fillStyle = violet; g.beginPath(); g.moveTo(at, y - 5 * px); g.lineTo(at + 5 * px, y); g.lineTo(at, y + 5 * px); g.lineTo(at - 5 * px, y); g.closePath(); g.fill();
          g.strokeStyle = css("--bg"); g.lineWidth = px; g.stroke();
        });
        g.restore();
      }] }
    }, [xs, seen, est], plot);
  }
  new MutationObserver(function () { if (again) again(); }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.addEventListener("resize", function () { if (again) again(); });
})();
