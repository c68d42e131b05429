// What a page does beyond links and forms: charts, copying, the theme. Without it every
// page is whole: the tables say what the charts show.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");

  // The theme: light, dark, or what the system says. The server reads the cookie, so
  // that no page flashes.
  function dark() {
    var t = root.getAttribute("data-theme");
    return t ? t === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function setTheme(to) {
    root.setAttribute("data-theme", to);
    document.cookie = "theme=" + to + "; Path=/; Max-Age=31536000; SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : "");
    drawAll();
  }
  document.addEventListener("click", function (e) {
    if (e.target.closest("[data-theme-switch]")) setTheme(dark() ? "light" : "dark");
    var copy = e.target.closest("[data-copy]");
    if (copy) copyOf(copy);
    document.querySelectorAll("details.sql[open]").forEach(function (d) { if (!d.contains(e.target)) d.open = false; });
  });
  document.addEventListener("keydown", function (e) {
    if (e.key !== "Escape") return;
    document.querySelectorAll("details.sql[open]").forEach(function (d) { d.open = false; d.querySelector("summary").focus(); });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  function copyOf(button) {
    var from = button.dataset.copy, text = from === "here" ? location.href : document.getElementById(from).textContent;
    var word = button.querySelector("span"), was = button.dataset.was || word.textContent;
    button.dataset.was = was;
    function said(s) { word.textContent = s; setTimeout(function () { word.textContent = was; }, 1600); }
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(function () { said("Copied"); }, function () { said("Not copied"); });
    else said("Select and copy by hand");
  }

  // Times are UTC; the reader's own zone is a title away.
  function localTimes() {
    document.querySelectorAll("time[datetime]:not([data-local])").forEach(function (t) {
      var d = new Date(t.getAttribute("datetime"));
      if (isNaN(d)) return;
      t.dataset.local = "1";
      t.title = (t.title ? t.title + "; " : "") + "here: " + d.toLocaleString();
    });
  }

  // Charts.
  var charts = [];
  function css(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }
  function utc(ts) { return uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"); }
  var months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  function day(ts) { var d = utc(ts); return d.getDate() + " " + months[d.getMonth()]; }
  function number(c, v) {
    if (v == null) return "–";
    var s = (Math.abs(v) >= 1000 || v === Math.round(v) ? Math.round(v) : Math.round(v * 100) / 100).toString().split(".");
    return s[0].replace(/\B(?=(\d{3})+(?!\d))/g, c.group) + (s[1] ? c.decimal + s[1] : "");
  }
  function axes(c) {
    var ink = css("--soft"), line = css("--line"), font = "12px system-ui, sans-serif";
    return [
      { stroke: ink, font: font, grid: { show: false }, ticks: { show: false }, space: 64, gap: 6, size: 28,
        splits: function (u) { var x = u.data[0], every = Math.max(1, Math.ceil(x.length / Math.max(2, Math.floor(u.width / 90)))); return x.filter(function (_, i) { return (x.length - 1 - i) % every === 0; }); },
        values: function (u, v) { return v.map(day); } },
      { stroke: ink, font: font, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 64, gap: 8, space: 44,
        values: function (u, v) { return v.map(function (n) { return number(c, n); }); } }
    ];
  }
  function base(c, width) {
    return {
      width: width, height: 208, padding: [8, 8, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { setScale: false } },
      scales: { x: { time: false, range: function (u, lo, hi) { return [lo - c.step * 0.6, hi + c.step * 0.6]; } }, y: { range: function (u, lo, hi) { return [0, (hi || 1) * 1.08]; } } },
      axes: axes(c), legend: { live: true, markers: { width: 0 } }
    };
  }
  function bars(c) { return uPlot.paths.bars({ size: [0.72, 34], radius: 0.08 }); }
  function stacked(c, width) {
    var opts = base(c, width), data = [c.x], sum = c.x.map(function () { return 0; }), parts = [];
    c.series.forEach(function (s) {
      sum = sum.map(function (v, i) { return v + (s.values[i] || 0); });
      parts.push(sum);
    });
    opts.series = [{ label: "Day", value: function (u, v) { return v == null ? "all" : day(v); } }];
    for (var i = c.series.length - 1; i >= 0; i--) { // the tallest first, the others over it
      (function (i) {
        var colour = css("--part-" + Math.min(i, 5));
        data.push(parts[i]);
        opts.series.push({ label: c.series[i].name, fill: colour, stroke: colour, width: 0, paths: bars(c), points: { show: false },
          value: function (u, v, si, at) { return number(c, at == null ? sumOf(c.series[i].values) : c.series[i].values[at]); } });
      })(i);
    }
    opts.legend.markers = { width: 2 };
    return [opts, data];
  }
  function sumOf(values) { return values.reduce(function (a, v) { return a + (v || 0); }, 0); }
  function compare(c, width) {
    var opts = base(c, width), data = [c.x], seen = c.series.find(function (s) { return s.means === "observed"; }), model = c.series.find(function (s) { return s.means === "modelled"; });
    opts.series = [{ label: "Week of", value: function (u, v) { return v == null ? "–" : day(v); } }];
    var accent = css("--accent"), violet = css("--modelled"), grey = css("--withheld");
    opts.series.push({ label: seen.name, fill: accent, stroke: accent, width: 0, paths: bars(c), points: { show: false },
      value: function (u, v, si, at) { return at == null ? "–" : v == null ? "withheld" : (seen.least && seen.least[at] ? "≥ " : "") + number(c, v); } });
    data.push(seen.values);
    if (model) {
      data.push(model.values);
      opts.series.push({ label: model.name, stroke: violet, width: 0, paths: function () { return null; }, points: { show: false },
        value: function (u, v, si, at) { return at == null || v == null ? "–" : number(c, v) + (model.low && model.low[at] != null ? " (" + number(c, model.low[at]) + " – " + number(c, model.high[at]) + ")" : ""); } });
      var top = model.high || model.values;
      opts.scales.y.range = function (u, lo, hi) { return [0, Math.max.apply(null, [hi || 1].concat(top.filter(function (v) { return v != null; }))) * 1.08]; };
    }
    opts.hooks = { draw: [function (u) {
      var g = u.ctx, px = devicePixelRatio || 1;
      g.save();
      c.x.forEach(function (x, i) {
        var at = u.valToPos(x, "x", true), ground = u.valToPos(0, "y", true);
        if (c.from && x >= c.from && x < c.to) { g.fillStyle = accent; g.fillRect(at - 9 * px, ground + 2 * px, 18 * px, 2 * px); }
        if (seen.values[i] == null && seen.least && seen.least[i]) { // known and withheld: a hatched stub, never a bar of zero
          g.strokeStyle = grey; g.lineWidth = px; g.beginPath();
          for (var k = -8; k <= 6; k += 4) { g.moveTo(at + k * px, ground); g.lineTo(at + (k + 4) * px, ground - 10 * px); }
          g.stroke();
        } else if (seen.least && seen.least[i]) { // a lower bound: an arrow over the bar
          var tip = u.valToPos(seen.values[i], "y", true) - 3 * px;
          g.strokeStyle = accent; g.lineWidth = 1.5 * px; g.beginPath(); g.moveTo(at - 4 * px, tip); g.lineTo(at, tip - 4 * px); g.lineTo(at + 4 * px, tip); g.stroke();
        }
        if (!model || model.values[i] == null) return;
        var y = u.valToPos(model.values[i], "y", true), off = 0;
        g.strokeStyle = violet; g.fillStyle = violet; g.lineWidth = 1.5 * px;
        if (model.low && model.low[i] != null) {
          var a = u.valToPos(model.low[i], "y", true), b = u.valToPos(model.high[i], "y", true);
          g.beginPath(); g.moveTo(at + off, a); g.lineTo(at + off, b); g.moveTo(at - 5 * px, a); g.lineTo(at + 5 * px, a); g.moveTo(at - 5 * px, b); g.lineTo(at + 5 * px, b); g.stroke();
        }
        g.beginPath(); g.moveTo(at, y - 5 * px); g.lineTo(at + 5 * px, y); g.lineTo(at, y + 5 * px); g.lineTo(at - 5 * px, y); g.closePath();
        g.fill(); g.strokeStyle = css("--bg"); g.lineWidth = px; g.stroke();
      });
      g.restore();
    }] };
    opts.legend.show = true;
    return [opts, data];
  }
  function draw(figure) {
    var c = JSON.parse(figure.querySelector("script").textContent), plot = figure.querySelector(".plot");
    plot.textContent = "";
    var made = (c.kind === "stacked" ? stacked : compare)(c, plot.clientWidth);
    return new uPlot(made[0], made[1], plot);
  }
  var sizes = new ResizeObserver(function (entries) {
    entries.forEach(function (e) {
      var c = charts.find(function (c) { return c.plot === e.target; });
      if (c && Math.abs(c.u.width - e.contentRect.width) > 1) c.u.setSize({ width: e.contentRect.width, height: 208 });
    });
  });
  function drawAll() {
    charts.forEach(function (c) { sizes.unobserve(c.plot); c.u.destroy(); });
    charts = [];
    if (typeof uPlot === "undefined") return;
    document.querySelectorAll("[data-chart]").forEach(function (f) {
      var plot = f.querySelector(".plot");
      charts.push({ plot: plot, u: draw(f) });
      sizes.observe(plot);
    });
    root.dataset.drawn = charts.length; // for tests, which wait for it
  }
  function ready() { localTimes(); drawAll(); }
  document.addEventListener("DOMContentLoaded", ready);
  document.addEventListener("htmx:afterSettle", ready);
})();
