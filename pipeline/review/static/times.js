// Times are written in UTC; here each is shown in the reader's own zone, with UTC on hover.
(function () {
  "use strict";
  var two = function (n) { return String(n).padStart(2, "0"); };
  function local(element) {
    var at = new Date(element.dateTime);
    if (isNaN(at)) return;
    var day = at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate());
    element.textContent = day + " " + two(at.getHours()) + ":" + two(at.getMinutes());
  }
  window.riftwatchLocal = local; // for times that a script writes
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("time[datetime]").forEach(local);
  });
})();
