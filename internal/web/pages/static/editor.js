// The page around the editor: its tabs and keys, and the beginning.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var tabs = Array.prototype.slice.call(document.querySelectorAll('#tabs [role="tab"]'));
  E.tab = function (id, focused) {
    tabs.forEach(function (t) {
      var on = t.id === id;
      t.setAttribute("aria-selected", String(on));
      t.tabIndex = on ? 0 : -1;
      E.$(t.getAttribute("aria-controls")).hidden = !on;
      if (on && focused) t.focus();
    });
    if (id === "t-try") window.dispatchEvent(new Event("resize")); // a chart in a hidden tab has no width
  };
  tabs.forEach(function (t, i) {
    t.addEventListener("click", function () { E.tab(t.id); });
    t.addEventListener("keydown", function (e) {
      var to = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (to) { e.preventDefault(); E.tab(tabs[(i + to + tabs.length) % tabs.length].id, true); }
    });
  });
  document.addEventListener("keydown", function (e) {
    if (!E.may || !(e.ctrlKey || e.metaKey) || e.altKey || document.querySelector("dialog[open]")) return;
    var key = e.key.toLowerCase();
    if (e.target.id === "json-text") return; // a text has its own
    if (key === "z" && !e.shiftKey) { e.preventDefault(); E.undo(); }
    else if (key === "y" || key === "z") { e.preventDefault(); E.redo(); }
    else if (key === "s") { e.preventDefault(); E.save.flush(); }
  });
  if (E.may) {
    E.$("undo").addEventListener("click", E.undo);
    E.$("redo").addEventListener("click", E.redo);
    var gone = E.$("delete");
    gone.addEventListener("submit", function (e) { if (!confirm("Delete this draft? Versions and other drafts stay.")) e.preventDefault(); });
  }
  if (typeof E.doc !== "object" || !E.doc) E.doc = {};
  E.seen = E.eventNames();
  E.draw();
  if (E.save.begin) E.save.begin();
  if (E.resume) E.resume();
  E.root.dataset.ready = "1"; // for tests, which wait for it
})();
