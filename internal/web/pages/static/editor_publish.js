// Publishing: what changes, from when, and what will be ambiguous until when; then why.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el, home = "/schemas/" + E.data.app;
  function utc(iso) { return new Date(iso).toLocaleString("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }) + " UTC"; }
  function effects(list) {
    if (!list.length) return el("p", { class: "hint" }, "It is the first version: it decodes everything, whenever it came.");
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What will be certain when" }, el("table", { class: "effects" }, el("thead", {}, el("tr", {}, ["Postbacks", "Old for certain until", "Ambiguous until", "New, unless a late retry, until"].map(function (h) { return el("th", { scope: "col" }, h); }))),
      el("tbody", {}, list.map(function (e) { return el("tr", {}, el("th", { scope: "row" }, e.postbacks === "legacy" ? "SKAdNetwork 1 to 3" : (e.postbacks === "reengagement" ? "Re-engagement, window " : "Window ") + e.index), [e.old_until, e.ambiguous_to, e.retry_possible_until].map(function (t) { return el("td", {}, utc(t)); })); }))));
  }
  // preview asks what a publication would do, whenever its time changes.
  function preview(path, when, headers, box, button) {
    var n = 0;
    function ask() {
      var mine = ++n, body = when.value ? { effective_from: when.value + ":00Z" } : {};
      if (button) button.disabled = true;
      E.ask("POST", path, body, headers()).then(function (a) {
        if (mine !== n) return;
        if (a.status !== 200) { box.replaceChildren(el("div", { class: "notice alert", role: "alert" }, E.icon("alert"), el("p", {}, E.why(a)))); return; }
        if (button) button.disabled = false;
        E.fill(box, el("h3", {}, "Version " + a.body.version + " changes"), a.body.changes.length ? el("ul", { class: "found changes" }, a.body.changes.map(function (c) { return el("li", {}, c.words); })) : el("p", { class: "hint" }, a.body.against ? "Nothing." : "Everything: nothing is published yet."),
          a.body.warnings.length ? [el("h3", {}, "Warnings, which do not stop it"), el("ul", { class: "found" }, a.body.warnings.map(function (w) { return el("li", {}, E.icon("watch"), el("span", {}, w.message)); }))] : "",
          el("h3", {}, "What will be uncertain"), effects(a.body.effects), a.body.effects.length ? el("p", { class: "hint" }, "Ambiguous values are decoded with the likelier version, marked, and not sent to networks unless both agree. A version that is published can’t be withdrawn, only followed by another.") : "");
        box.dataset.ready = "1";
      }, function () { box.replaceChildren(el("p", { class: "hint" }, "There is no connection.")); });
    }
    when.addEventListener("change", ask);
    ask();
  }
  E.openPublish = function () {
    E.save.flush().then(function (ok) {
      if (!ok) return;
      var box = E.$("publish"), what = el("div", { id: "publish-preview" }, el("p", { class: "hint" }, "Looking what it would do…")), when = el("input", { type: "datetime-local", id: "publish-when", disabled: true }), why = el("textarea", { id: "publish-why", rows: "2", maxlength: "1000", required: true, placeholder: "for who asks in a year" });
      var button = el("button", { class: "button primary", id: "publish-now" }, "Publish"), said = el("div", { "aria-live": "assertive" });
      function later(on) { when.disabled = !on; if (!on) { when.value = ""; when.dispatchEvent(new Event("change")); } else when.focus(); }
      box.replaceChildren(el("form", { onsubmit: function (e) {
        e.preventDefault();
        button.disabled = true;
        var body = { why: why.value.trim() };
        if (when.value) body.effective_from = when.value + ":00Z";
        E.ask("POST", E.draftPath + ":publish", body, { "If-Match": '"' + E.save.revision + '"' }).then(function (a) {
          if (a.status === 201) { location.assign(home + "?published=" + a.body.version); return; }
          button.disabled = false;
          if (a.status === 412) { box.close(); E.save.conflict(a.body.current); return; }
          said.replaceChildren(el("div", { class: "notice alert", role: "alert" }, E.icon("alert"), el("p", {}, E.why(a))));
        }, function () { button.disabled = false; said.replaceChildren(el("p", { class: "hint" }, "There is no connection: nothing is known to be published. Look at the history before you try again.")); });
      } }, el("h2", { id: "h-publish" }, "Publish this draft"),
      el("fieldset", { class: "when" }, el("legend", {}, "In effect"), el("label", { class: "check" }, el("input", { type: "radio", name: "when", checked: true, onchange: function () { later(false); } }), " now"), el("label", { class: "check" }, el("input", { type: "radio", name: "when", id: "publish-later", onchange: function () { later(true); } }), " from "), el("label", { class: "quiet", for: "publish-when" }, "Time, in UTC"), when, el("span", { class: "hint" }, " UTC, at most 90 days ahead")),
      el("div", { class: "field wide" }, el("label", { for: "publish-why" }, "Why"), why), what, said,
      el("div", { class: "row-end" }, el("button", { type: "button", class: "button", onclick: function () { box.close(); } }, "Not yet"), button)));
      box.showModal();
      why.focus();
      preview(E.draftPath + ":preview", when, function () { return { "If-Match": '"' + E.save.revision + '"' }; }, what, button);
    });
  };
  if (E.$("publish-open")) E.$("publish-open").addEventListener("click", E.openPublish);
  var back = E.$("rollback");
  if (back) {
    var box = E.$("back-effects"), asked = false;
    back.addEventListener("focusin", function () {
      if (asked) return;
      asked = true;
      preview(E.api + "/versions/" + back.dataset.version + ":preview", E.$("back-when"), function () { return {}; }, box, null);
    });
  }
})();
