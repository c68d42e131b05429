// Trying the draft on history, and bands that fit it. Both run on the server while one
// does something else: the answer waits for who comes back.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E || !E.may) return;
  var el = E.el, runs = E.api + "/runs", jobs = { draft: null, live: null, suggest: null }, poll = 0;
  var steps = { waiting: "waiting for its turn", reading: "reading what happened", trying: "running the schema over it" };
  var evidence = E.data.newest ? "published" : "consented", bands = "20", from = "1";

  function begin(name, path, body) {
    return E.ask("POST", path, body, { Prefer: "respond-async" }).then(function (a) {
      if (a.status !== 202) { jobs[name] = { state: "failed", answer: a.body, status: a.status }; return; }
      jobs[name] = a.body;
    }, function () { jobs[name] = { state: "failed", answer: { detail: "There is no connection." } }; });
  }
  function run() {
    jobs.draft = { state: "running", step: "waiting", started_at: new Date().toISOString() };
    jobs.live = null; E.shares = null;
    E.draw();
    E.save.flush().then(function (ok) {
      if (!ok) { jobs.draft = { state: "failed", answer: { detail: "The draft is not saved yet; see above." } }; E.draw(); return; }
      var body = { evidence: evidence };
      begin("draft", E.draftPath + ":simulate", body).then(function () {
        if (E.data.live && jobs.draft.state === "running") return begin("live", E.api + "/versions/" + E.data.live + ":simulate", body);
      }).then(follow);
    });
  }
  function suggest() {
    jobs.suggest = { state: "running", step: "waiting", started_at: new Date().toISOString() };
    E.draw();
    begin("suggest", E.api + ":suggest", { bands: +bands || 20, from_value: +from || 1, currency: E.currency() || E.data.currency }).then(follow);
  }
  function going() { return Object.keys(jobs).filter(function (k) { return jobs[k] && jobs[k].state === "running" && jobs[k].id; }); }
  function follow() {
    clearTimeout(poll);
    show();
    var open = going();
    if (!open.length) return;
    Promise.all(open.map(function (k) {
      return E.ask("GET", runs + "/" + jobs[k].id).then(function (a) {
        if (!jobs[k]) return;
        if (a.status === 200) jobs[k] = a.body;
        else jobs[k] = { state: "failed", answer: a.body };
      }, function () { /* asked again */ });
    })).then(function () { show(); poll = setTimeout(follow, going().length ? 500 : 0); if (!going().length) clearTimeout(poll); });
  }
  function cancel(k) {
    [].concat(k).forEach(function (k) {
      var j = jobs[k];
      if (!j) return;
      if (j.id) E.ask("DELETE", runs + "/" + j.id).catch(function () { /* it ends by itself */ });
      jobs[k] = null;
    });
    E.draw();
  }
  function show() {
    var s = jobs.draft && jobs.draft.state === "done" && jobs.draft.answer;
    if (s) E.shares = sharesOf(s.simulation);
    E.draw();
    E.root.dataset.tried = jobs.draft && jobs.draft.state !== "running" && (!jobs.live || jobs.live.state !== "running") ? jobs.draft.state : "";
    E.root.dataset.suggested = jobs.suggest && jobs.suggest.state !== "running" ? jobs.suggest.state : "";
  }
  // fine installs by value: those that share a run of values are spread evenly.
  E.fineOf = function (sim) {
    var out = {}, p = (sim.published || []).find(function (w) { return w.index === 0; }), d = (sim.deterministic || []).find(function (t) { return t.index === 0 && t.kind === "fine"; });
    if (p && p.values.some(function (v) { return v.kind === "fine"; })) p.values.forEach(function (v) { if (v.kind === "fine") out[v.value] = { est: +v.installs.est, min: +v.installs.min, max: v.installs.max == null ? null : +v.installs.max, share: +v.share, means: v.means }; });
    else if (d) d.values.forEach(function (v) { if (!/^\d+$/.test(v.from)) return; var n = v.to - v.from + 1; for (var i = +v.from; i <= +v.to; i++) out[i] = { est: v.installs / n, share: v.share / n, run: n > 1 ? v.from + "–" + v.to : "" }; });
    return out;
  };
  function sharesOf(sim) { var f = E.fineOf(sim), out = {}; Object.keys(f).forEach(function (v) { out[v] = f[v].share; }); return out; }

  function progress(j, names) {
    var started = new Date(j.started_at), lab = E.data.now && Math.abs(Date.now() - started) > 3600e3;
    return el("div", { class: "running", role: "status" }, el("progress", { "aria-label": "Progress", value: { waiting: 0.1, reading: 0.35, trying: 0.7 }[j.step] || 0.1, max: "1" }), el("span", {}, steps[j.step] || "starting", lab ? "" : ", " + Math.max(0, Math.round((Date.now() - started) / 1000)) + " s"),
      el("button", { type: "button", class: "button small", "data-key": "cancel", onclick: function () { cancel(names); } }, "Call off"), el("p", { class: "hint" }, "You may leave: the result waits for you here."));
  }
  function failure(j) { return el("div", { class: "notice alert", role: "alert" }, E.icon("alert"), el("p", {}, j.answer && j.answer.detail || "It failed; try again.", j.answer && j.answer.code === "no_evidence" || j.answer && j.answer.code === "too_few_installs" ? " Other evidence may do." : "")); }

  E.part("p-try", function (box) {
    var d = jobs.draft, l = jobs.live, busy = d && d.state === "running" || l && l.state === "running";
    var choices = [["published", "what is published of sealed windows"], ["consented", "installs that the app reported, with consent"]];
    if (E.data.raw) choices.push(["raw", "raw rows (the audit log is told)"]);
    box.replaceChildren(el("div", { class: "filters" },
      el("div", {}, el("label", { for: "evidence" }, "Try it on"), el("select", { id: "evidence", "data-key": "evidence", onchange: function () { evidence = this.value; } }, choices.map(function (c) { return el("option", { value: c[0], selected: c[0] === evidence }, c[1]); }))),
      el("button", { type: "button", class: "button", id: "try", "data-key": "try", disabled: busy || (E.report.errors || []).length > 0, onclick: run }, d ? "Try again" : "Try"),
      (E.report.errors || []).length ? el("span", { class: "hint" }, "Put the errors right first.") : el("span", { class: "hint" }, "The last four weeks of it.")));
    if (busy) box.append(progress(d && d.state === "running" ? d : l, ["draft", "live"]));
    else if (d && d.state === "failed") box.append(failure(d));
    else if (d && d.state === "done") { box.append(el("div", { id: "tried" })); results(E.$("tried"), d, l); }
    else box.append(el("p", { class: "hint" }, "Shows what this draft would have reported of installs that there were: how many each value has, what the revenue is estimated at, and how many installs both versions read differently."));
  });

  function results(box, d, l) {
    var s = d.answer.simulation, p = (s.published || []).find(function (w) { return w.index === 0; }), t = (s.deterministic || []).find(function (t) { return t.index === 0 && t.kind === "fine"; });
    var tiles = [];
    function tile(name, value, note) { tiles.push(el("div", { class: "figure words" }, el("dt", {}, name), el("dd", {}, el("span", { class: "value" }, value), el("span", { class: "note" }, note || "")))); }
    function range(r, f) { return r ? f(r.est) + (r.max !== null && +r.min === +r.est && +r.max === +r.est ? "" : " (" + f(r.min) + " – " + (r.max == null ? "no bound" : f(r.max)) + ")") : "–"; }
    var cash = function (x) { return E.money(E.number(x, 2).replace(/[^0-9.,\u202f\u00a0’−-]/g, "")); };
    if (t) {
      var e = t.error, c = t.current_error;
      tile("Off per install", e ? cash(e.mean_absolute) : "withheld", c ? "version " + d.answer.version + ": " + cash(c.mean_absolute) : "");
      tile("Total revenue off by", e ? (e.total_share > 0 ? "+" : "") + E.percent(e.total_share) : "withheld", c ? "version " + d.answer.version + ": " + (c.total_share > 0 ? "+" : "") + E.percent(c.total_share) : "");
      tile("Installs", E.number(t.installs, 0), t.payers == null ? "" : E.number(t.payers, 0) + " of them paid");
    }
    if (p) {
      tile("Revenue it would report", cash(p.revenue.est), range(p.revenue, cash).replace(/^[^(]*/, "") + (p.current_revenue ? "; now " + cash(p.current_revenue.est) : ""));
      tile("Payers it would report", E.number(p.payers.est, 0), range(p.payers, function (x) { return E.number(x, 0); }).replace(/^[^(]*/, "") + (p.current_payers ? "; now " + E.number(p.current_payers.est, 0) : ""));
      tile("Read differently", E.percent(p.disputed_share), "of installs with a value: not usable while both versions are on phones");
      tile("Without a value", E.percent(p.null_share), "Apple leaves it out; no schema changes that");
    }
    var unused = (p && p.unused || []).concat(t && t.unused || []);
    box.replaceChildren(el("dl", { class: "figures-row facts" }, tiles), el("div", { id: "try-chart" }), el("div", { id: "try-table" }),
      unused.length ? el("p", { class: "hint" }, "Nobody would have had: " + unused.slice(0, 24).join(", ") + (unused.length > 24 ? ", …" : "") + ".") : "",
      s.notes && s.notes.length ? el("details", {}, el("summary", {}, "What the figures assume"), el("ul", { class: "found" }, s.notes.map(function (n) { return el("li", {}, n); }))) : "",
      el("p", { class: "hint" }, "Tried as saved" + (d.revision ? " in revision " + d.revision : "") + ", on " + d.answer.evidence + " evidence" + (d.answer.from ? " of " + d.answer.from.slice(0, 10) + " to " + d.answer.to.slice(0, 10) : "") + (d.revision && +d.revision !== E.save.revision ? ". The draft has changed since: try again." : ".")));
    E.tryChart(E.$("try-chart"), E.$("try-table"), E.fineOf(s), l && l.state === "done" ? E.fineOf(l.answer.simulation) : null);
  }

  E.part("p-suggest", function (box) {
    var j = jobs.suggest, busy = j && j.state === "running";
    function input(id, label, value, set) { return el("div", {}, el("label", { for: id }, label), el("input", { id: id, "data-key": id, value: value, size: 4, inputmode: "numeric", oninput: function () { set(this.value); } })); }
    box.replaceChildren(el("div", { class: "filters" }, input("bands", "At most so many bands", bands, function (v) { bands = v; }), input("from-value", "From value", from, function (v) { from = v; }),
      el("button", { type: "button", class: "button", id: "suggest", "data-key": "suggest", disabled: busy, onclick: suggest }, "Suggest bands")));
    if (busy) { box.append(progress(j, ["suggest"])); return; }
    if (!j) { box.append(el("p", { class: "hint" }, "Finds bands that keep estimates near to what installs really spent. It needs installs that the app reported with consent.")); return; }
    if (j.state === "failed") { box.append(failure(j)); return; }
    if (j.state !== "done") return;
    var s = j.answer.suggestion, cur = s.schema.currency || "";
    function off(e) { return e ? (cur === "USD" ? "$" : "") + E.number(e.mean_absolute, 3) + (cur && cur !== "USD" ? " " + cur : "") : "–"; }
    box.append(el("p", { class: "says" }, s.method), el("table", { class: "narrow" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Bands"), el("th", { scope: "col", class: "n" }, "Off per install"))),
      el("tbody", {}, [["suggested", s.suggested], ["as many, equally wide", s.best_equal], ["version " + j.answer.version, s.current]].filter(function (r) { return r[1]; }).map(function (r) { return el("tr", {}, el("th", { scope: "row" }, r[0]), el("td", { class: "n" }, off(r[1]))); }))),
    el("p", { class: "hint" }, s.bands.length + " bands, from " + s.installs + " installs, " + s.payers + " of them payers."),
    el("p", {}, s.bands.slice(0, 63).map(function (b) { return el("span", { class: "tag" }, b.value + ": " + b.revenue_min + (b.revenue_max == null ? "+" : "–" + b.revenue_max)); })),
    el("button", { type: "button", class: "button primary", id: "use-bands", onclick: function () {
      E.change("suggested bands", function (doc) {
        var theirs = s.schema.windows.find(function (w) { return w.index === 0; }), w = E.ensureWindow(doc, 0), first = +from || 1;
        w.fine = (w.fine || []).filter(function (r) { return r.value < first && !r.events.some(E.isBand) && !theirs.fine.some(function (t) { return t.value === r.value; }); }).concat(theirs.fine).sort(function (a, b) { return a.value - b.value; });
        if (theirs.coarse) w.coarse = theirs.coarse;
        doc.currency = doc.currency || s.schema.currency;
        E.paint.byHand(doc, "suggested bands have estimates of their own.");
      });
    } }, "Use these bands"), el("ul", { class: "found" }, (s.notes || []).map(function (n) { return el("li", { class: "hint" }, n); })));
  });

  // What was asked for before this page was opened.
  E.resume = function () {
    E.ask("GET", runs).then(function (a) {
      if (a.status !== 200) return;
      var mine = a.body.data.find(function (r) { return r.of === "draft:" + E.data.draft.id && r.state !== "cancelled"; }), s = a.body.data.find(function (r) { return r.of === "suggestion" && r.state !== "cancelled"; });
      var live = mine && a.body.data.find(function (r) { return r.of === "version:" + E.data.live && r.state !== "cancelled" && r.started_at >= mine.started_at; });
      [["draft", mine], ["live", live], ["suggest", s]].forEach(function (x) { if (x[1]) jobs[x[0]] = Object.assign({}, x[1], { state: "running" }); });
      if (mine && mine.asked && mine.asked.evidence) evidence = mine.asked.evidence;
      if (mine || s) follow();
    }, function () { /* nothing is known of them now */ });
  };
})();
