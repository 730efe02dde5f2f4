// Settle one disagreement, then show the next.
(function () {
  "use strict";
  var SAID = "riftwatch-settled";
  try {
    var before = sessionStorage.getItem(SAID);
    sessionStorage.removeItem(SAID);
    if (before) document.getElementById("said").textContent = before;
  } catch (error) {
    // no storage: the page that follows says nothing of the one before
  }
  var dispute = document.getElementById("dispute");
  if (!dispute) return;
  var note = document.getElementById("note");
  var sending = false;

  function settle(value) {
    if (sending) return;
    sending = true;
    window.riftwatchAsk(dispute.dataset.api + "settle", {
      document: Number(dispute.dataset.document),
      variable: dispute.dataset.variable,
      target: dispute.dataset.target,
      value: value,
      note: note.value.trim() || null,
    }).then(function (answer) {
      sending = false;
      if (answer.status !== 200) {
        window.riftwatchProblem(answer.data.detail || "The server refused this (" + answer.status + ").", "Show the next", function () {
          location.reload();
        });
        return;
      }
      try {
        sessionStorage.setItem(SAID, "Settled: " + value + ".");
      } catch (error) {
        // see above
      }
      location.reload();
    }, function () {
      sending = false;
      window.riftwatchProblem("The server does not answer; nothing was settled, and your note stands.", "Try again", function () {
        settle(value);
      });
    });
  }

  var keys = {};
  document.querySelectorAll("button.answer").forEach(function (button) {
    [button.dataset.digit, button.dataset.letter].forEach(function (key) { if (key) keys[key] = button.dataset.value; });
    button.addEventListener("click", function () { settle(button.dataset.value); });
  });
  window.riftwatchKeys(function (key) {
    if (!keys[key]) return false;
    settle(keys[key]);
    return true;
  });
})();
