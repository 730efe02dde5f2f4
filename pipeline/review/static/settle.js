// Settle one disagreement, then show the next. A note that is typed stays in this tab until its text is settled.
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
  var of = dispute.dataset;
  var NOTE = ["riftwatch-settle-note", of.api, of.coder, of.variable, of.document, of.target].join(":");
  var sending = false;

  function keep() {
    try {
      if (note.value.trim()) sessionStorage.setItem(NOTE, note.value);
      else sessionStorage.removeItem(NOTE);
      return true;
    } catch (error) {
      return !note.value.trim(); // no storage, or it is full
    }
  }
  try {
    note.value = sessionStorage.getItem(NOTE) || "";
  } catch (error) {
    // no storage: no note was kept
  }
  note.addEventListener("input", keep);
  document.getElementById("another").addEventListener("click", function (event) {
    if (!keep() && !confirm("Your note can't be kept in this browser and would be lost. Go to another text?")) event.preventDefault();
  });

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
      if (answer.status !== 200) return refused(answer, value);
      note.value = "";
      keep();
      try {
        sessionStorage.setItem(SAID, "Settled: " + value + ".");
      } catch (error) {
        // see above
      }
      return location.reload();
    }, function () {
      sending = false;
      window.riftwatchProblem("The server does not answer; nothing was settled, and your note stands.", "Try again", function () {
        settle(value);
      });
    });
  }

  function refused(answer, value) {
    var words = answer.data.detail || "The server refused this (" + answer.status + ").";
    var kept = note.value.trim() ? " Your note stands below." : "";
    // 409: there is nothing to settle any more; all else, such as who is logged out, can be mended, and tried again
    if (answer.status !== 409) return window.riftwatchProblem(words + kept, "Try again", function () { settle(value); });
    var told = note.value.trim() ? " Your note was: " + note.value.trim() : "";
    return window.riftwatchProblem(words + told, "Show the next", function () {
      note.value = "";
      keep();
      location.reload();
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
