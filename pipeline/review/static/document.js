// Buttons that copy what stands beside them. Without a clipboard (plain http on a network) they stay hidden.
(function () {
  "use strict";
  if (!navigator.clipboard) return;
  document.querySelectorAll("button[data-copies]").forEach(function (button) {
    var name = button.dataset.copies;
    var says = document.querySelector("[data-says='" + name + "']");
    button.hidden = false;
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(document.getElementById(name).textContent).then(
        function () { says.textContent = "Copied"; },
        function () { says.textContent = "The browser did not allow it; mark the address and copy it."; }
      );
    });
  });
})();
