// While an address is looked at: say so, and take no second press.
(function () {
  "use strict";
  var form = document.querySelector("form.new-source");
  if (!form) return;
  form.addEventListener("submit", function () {
    form.querySelector("button").disabled = true;
    form.querySelector("[role=status]").textContent = "Looking; this takes up to half a minute …";
  });
})();
