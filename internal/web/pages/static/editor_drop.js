// A file may be dropped where a form takes one.
(function () {
  "use strict";
  document.querySelectorAll("[data-drop]").forEach(function (form) {
    var input = form.querySelector('input[type="file"]');
    form.addEventListener("dragover", function (e) { e.preventDefault(); form.classList.add("dropping"); });
    form.addEventListener("dragleave", function () { form.classList.remove("dropping"); });
    form.addEventListener("drop", function (e) {
      e.preventDefault();
      form.classList.remove("dropping");
      if (!e.dataTransfer.files.length) return;
      input.files = e.dataTransfer.files;
      form.requestSubmit();
    });
  });
})();
