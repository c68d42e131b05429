// Saving: nothing that was typed is lost. Every change is kept in this browser at once,
// sent to the server a moment later, and dropped here when the server has it. A copy that
// is still here when the page is opened was not saved, and is taken up again.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  E.save = { touched: function () {}, flush: function () { return Promise.resolve(true); }, revision: 0 };
  if (!E.may) return;
  var S = E.save, draft = E.data.draft, prefix = "skand.draft." + E.data.app + "." + draft.id + ".";
  var tab = sessionStorage.getItem("skand.tab") || String(Math.random()).slice(2);
  try { sessionStorage.setItem("skand.tab", tab); } catch (e) { /* private window */ }
  var key = prefix + tab, stored = JSON.stringify(E.doc), timer = 0, first = 0, tries = 0, running = null, stopped = false;
  S.revision = draft.revision;

  function state(name, text) { E.$("saved").className = "saved " + name; E.$("saved").textContent = text; E.root.dataset.saved = name; }
  function clock() { return new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }); }
  function keep() { try { localStorage.setItem(key, JSON.stringify({ revision: S.revision, document: E.doc, at: Date.now() })); return true; } catch (e) { return false; } }
  function drop() { try { localStorage.removeItem(key); } catch (e) { /* nothing was kept */ } }

  S.touched = function () {
    if (JSON.stringify(E.doc) === stored) { clearTimeout(timer); first = 0; drop(); if (!stopped) state("yes", "Saved"); return; }
    keep();
    if (stopped) return;
    state("pending", "Not saved yet");
    first = first || Date.now();
    clearTimeout(timer);
    timer = setTimeout(S.flush, Math.min(1200, Math.max(0, first + 5000 - Date.now())));
  };

  // flush saves what is not; it is told whether everything is saved then.
  S.flush = function (leaving) {
    clearTimeout(timer);
    if (running) return running.then(function () { return S.flush(); });
    var text = JSON.stringify(E.doc);
    if (text === stored) return Promise.resolve(true);
    if (stopped) return Promise.resolve(false);
    first = 0;
    state("busy", "Saving…");
    var headers = { "If-Match": '"' + S.revision + '"' };
    if (leaving === true && text.length < 60000) headers.keepalive = true;
    running = E.ask("PUT", E.draftPath, text, headers).then(function (a) {
      running = null;
      if (a.status === 200) return saved(text, a.body);
      if (a.status === 412) { conflict(a.body.current); return false; }
      if (a.status === 404) { stopped = true; state("no", "Not saved: the draft was deleted"); E.say("alert", "Somebody deleted this draft. What you have is kept in this browser; take it from Files and JSON."); return false; }
      return failed(E.why(a), a.status === 401);
    }, function () { running = null; return failed("no connection", false); });
    return running;
  };
  function saved(text, body) {
    stored = text;
    tries = 0;
    S.revision = body.revision;
    document.querySelectorAll('input[name="revision"]').forEach(function (i) { i.value = body.revision; });
    if (JSON.stringify(E.doc) === stored) { drop(); state("yes", "Saved " + clock()); return true; }
    keep();
    S.touched();
    return false;
  }
  function failed(why, signedOut) {
    tries++;
    state("no", "Not saved: " + why + ". Kept in this browser.");
    if (signedOut) {
      var box = E.say("alert", "Your session has ended. What you typed is kept in this browser. ");
      box.querySelector("p").append(E.el("a", { href: "/sign-in?next=" + encodeURIComponent(location.pathname), target: "_blank", rel: "noopener" }, "Sign in in another tab"), ", then go on here.");
    }
    clearTimeout(timer);
    timer = setTimeout(S.flush, Math.min(30000, 1000 * Math.pow(2, tries)));
    return false;
  }
  window.addEventListener("online", function () { tries = 0; S.flush(); });
  document.addEventListener("visibilitychange", function () { if (document.visibilityState === "hidden") S.flush(true); else if (tries) { tries = 0; S.flush(); } });
  window.addEventListener("pagehide", function () { S.flush(true); });

  // Somebody else saved. Both versions are shown by what differs; the one that is not
  // taken stays a step to undo.
  function conflict(theirs) {
    stopped = true;
    keep();
    state("no", "Not saved: " + theirs.updated_by + " saved in between");
    var box = E.$("conflict"), mine = E.doc, list = E.el("div", { class: "differences", "aria-live": "polite" }, "Comparing…");
    function done() { stopped = false; box.close(); }
    box.replaceChildren(
      E.el("h2", { id: "h-conflict" }, "Somebody else saved this draft"),
      E.el("p", {}, theirs.updated_by + " saved it at " + new Date(theirs.updated_at).toLocaleString() + ", while you were editing. Nothing is lost: choose what to go on with. Undo brings back the other."),
      E.el("h3", {}, "What yours says otherwise"), list,
      E.el("div", { class: "row-end" },
        E.el("button", { type: "button", class: "button", id: "take-theirs", onclick: function () {
          S.revision = theirs.revision; stored = JSON.stringify(theirs.document);
          E.past.push(JSON.stringify(E.doc)); E.future = []; E.doc = theirs.document;
          done(); drop(); state("yes", "Saved"); E.draw(); E.check(false, 0);
        } }, "Take theirs"),
        E.el("button", { type: "button", class: "button primary", id: "keep-mine", onclick: function () {
          S.revision = theirs.revision; stored = JSON.stringify(theirs.document);
          E.past.push(stored); done(); S.touched(); S.flush(); E.draw();
        } }, "Keep mine")));
    box.oncancel = function (e) { e.preventDefault(); }; // it has to be decided
    if (!box.open) box.showModal();
    E.ask("POST", E.api + ":check", { document: mine, against: theirs.document }).then(function (a) {
      var c = a.status === 200 && a.body.changes;
      if (!c) { list.replaceChildren(E.el("p", { class: "hint" }, "The two can't be compared in words: one of them is not a whole schema yet."), E.el("details", {}, E.el("summary", {}, "Theirs, as JSON"), E.el("pre", {}, JSON.stringify(theirs.document, null, 2)))); return; }
      list.replaceChildren(c.length ? E.el("ul", { class: "found" }, c.map(function (x) { return E.el("li", {}, x.words); })) : E.el("p", { class: "hint" }, "Both mean the same."));
    }, function () { list.textContent = "They can't be compared now: there is no connection."; });
  }
  S.conflict = conflict;

  // What an earlier page of this tab, or another tab that is gone, did not get saved.
  function copyAt(k) { try { return JSON.parse(localStorage.getItem(k)); } catch (e) { return null; } }
  function same(a, b) { return JSON.stringify(a) === JSON.stringify(b); }
  S.begin = function () {
    state("yes", "Saved");
    var copy = copyAt(key);
    if (copy && !same(copy.document, E.doc)) {
      if (copy.revision === S.revision) {
        E.past.push(JSON.stringify(E.doc));
        E.doc = copy.document;
        E.say("good", "What had not been saved when this page was left is here again.", E.undo, "Take it back");
        E.changed(false);
        return;
      }
      var theirs = { revision: S.revision, document: E.doc, updated_by: draft.updated_by, updated_at: draft.updated_at };
      E.doc = copy.document;
      E.draw();
      conflict(theirs);
      return;
    }
    drop();
    for (var i = 0; i < localStorage.length; i++) {
      var k = localStorage.key(i), other = k.indexOf(prefix) === 0 && k !== key && copyAt(k);
      if (!other || Date.now() - other.at < 30000) continue; // a tab that is still typing
      if (same(other.document, E.doc)) { localStorage.removeItem(k); continue; }
      (function (k, other) {
        E.say("watch", "Another tab was left with changes that were not saved, of " + new Date(other.at).toLocaleString() + ".", function () {
          localStorage.removeItem(k);
          E.change("other tab", function () { return other.document; });
        }, "Take them");
      })(k, other);
    }
  };
})();
