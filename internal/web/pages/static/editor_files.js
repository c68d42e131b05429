// Files in and out, and the document as JSON.
(function () {
  "use strict";
  var E = window.skandEditor;
  if (!E) return;
  var el = E.el;
  function lost(list, where) {
    E.$("lost").replaceChildren(list.length ? el("div", { class: "notice watch", role: "status" }, E.icon("watch"), el("div", {}, el("p", {}, list.length + (list.length === 1 ? " thing " : " things ") + where), el("ul", { class: "found" }, list.map(function (l) { return el("li", {}, el("code", {}, l.pointer || "(whole)"), " ", l.message); })))) : el("p", { class: "hint", role: "status" }, "Nothing is lost."));
  }
  function read(file) {
    if (file.size > 1 << 20) { E.say("alert", "The file is larger than 1 MiB; that is no schema."); return; }
    var format = E.$("file-format") && E.$("file-format").value;
    E.ask("POST", E.api + ":import" + (format ? "?format=" + format : ""), file).then(function (a) {
      E.tab("t-files");
      if (a.status !== 200) {
        var errors = a.body.report && a.body.report.errors || [];
        E.$("lost").replaceChildren(el("div", { class: "notice alert", role: "alert" }, E.icon("alert"), el("div", {}, el("p", {}, "Not read: " + E.why(a)), el("ul", { class: "found" }, errors.slice(0, 20).map(function (f) { return el("li", {}, el("code", {}, f.pointer), " ", f.message); })))));
        return;
      }
      E.change("import", function () { return a.body.document; });
      lost(a.body.lost, "did not come over from " + file.name + ":");
      E.say("good", file.name + " was read as " + a.body.format + ".", E.undo, "Undo");
    }, function () { E.say("alert", "There is no connection; the file was not read."); });
  }
  if (E.may) {
    var depth = 0;
    function files(e) { return e.dataTransfer && Array.prototype.indexOf.call(e.dataTransfer.types, "Files") >= 0; }
    document.addEventListener("dragenter", function (e) { if (files(e)) { depth++; E.root.classList.add("dropping"); } });
    document.addEventListener("dragleave", function (e) { if (files(e) && --depth <= 0) { depth = 0; E.root.classList.remove("dropping"); } });
    document.addEventListener("dragover", function (e) { if (files(e)) e.preventDefault(); });
    document.addEventListener("drop", function (e) {
      if (!files(e)) return;
      e.preventDefault();
      depth = 0;
      E.root.classList.remove("dropping");
      if (e.dataTransfer.files[0]) read(e.dataTransfer.files[0]);
    });
  }
  E.part("files", function (box) {
    if (!E.may || box.firstChild) return;
    box.replaceChildren(el("h3", {}, "A file of your vendor"), el("p", { class: "hint" }, "Drop it anywhere on this page, or choose it. It takes the place of what is here; undo brings that back."), el("div", { class: "filters" },
      el("div", {}, el("label", { for: "file-in" }, "File"), el("input", { type: "file", id: "file-in", accept: ".json,.csv,.txt", onchange: function () { if (this.files[0]) read(this.files[0]); this.value = ""; } })),
      el("div", {}, el("label", { for: "file-format" }, "Format"), el("select", { id: "file-format" }, E.data.formats.map(function (f) { return el("option", { value: f.Value }, f.Name); })))));
  });
  document.querySelectorAll("[data-export]").forEach(function (a) {
    a.addEventListener("click", function (e) { // as it is now, with what the format can't say
      e.preventDefault();
      E.save.flush().then(function () {
        return E.ask("GET", a.getAttribute("href") + "&as=report").then(function (r) {
          if (r.status !== 200) { E.say("alert", "Not written: " + E.why(r)); return; }
          lost(r.body.lost.concat(r.body.warnings || []), "are not in the file:");
          location.assign(a.getAttribute("href"));
        });
      }).catch(function () { E.say("alert", "There is no connection."); });
    });
  });
  E.part("json", function (box) {
    var text = JSON.stringify(E.doc, null, 2), area = el("textarea", { id: "json-text", rows: "18", spellcheck: "false", "data-key": "json", readonly: !E.may, "aria-label": "The document as JSON", value: text }), said = el("span", { class: "hint", "aria-live": "polite" });
    box.replaceChildren(el("h3", {}, "JSON"), el("div", { class: "field wide" }, area), E.may ? el("div", { class: "inline" }, el("button", { type: "button", class: "button", id: "json-apply", onclick: function () {
      var doc;
      try { doc = JSON.parse(area.value); } catch (e) { said.textContent = "This is no JSON: " + e.message; return; }
      if (!doc || typeof doc !== "object" || Array.isArray(doc)) { said.textContent = "It is to be one object."; return; }
      said.textContent = "Taken.";
      E.change("json", function () { return doc; });
    } }, "Take it"), said) : "");
  });
})();
