// One key for each answer. Keys do nothing while something is typed, and can be switched off (they are single letters).
(function () {
  "use strict";
  var SWITCH = "riftwatch-single-keys";

  function typing(target) {
    return Boolean(target.closest && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]"));
  }

  // The character of a key; on a keyboard of another script the place of the key, so that 1 is 1 and u is u there too.
  function character(event) {
    var place = /^(?:Digit|Numpad)([0-9])$/.exec(event.code) || /^Key([A-Z])$/.exec(event.code);
    var key = event.key.length === 1 ? event.key.toLowerCase() : "";
    if (/^[a-z0-9]$/.test(key)) return key;
    return place && key && key.charCodeAt(0) > 127 ? place[1].toLowerCase() : "";
  }

  // Calls act(character) for a single key; act says whether it was one of its own.
  window.riftwatchKeys = function (act) {
    var box = document.getElementById("keys-on");
    try {
      box.checked = localStorage.getItem(SWITCH) !== "off";
    } catch (error) {
      // no storage in this browser: keys are on
    }
    box.addEventListener("change", function () {
      document.documentElement.classList.toggle("no-keys", !box.checked);
      try {
        localStorage.setItem(SWITCH, box.checked ? "on" : "off");
      } catch (error) {
        // holds until the page is left
      }
    });
    document.documentElement.classList.toggle("no-keys", !box.checked);
    document.addEventListener("keydown", function (event) {
      if (!box.checked || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (typing(event.target)) return;
      var pressed = character(event);
      if (pressed && act(pressed)) event.preventDefault();
    });
  };

  // POSTs JSON. Resolves to {status, data}; rejects where there is no answer of ours: none at all, or what is no JSON
  // and says "ok", or was sent on to elsewhere (a proxy's log-in page).
  window.riftwatchAsk = function (address, body) {
    var stop = new AbortController();
    var timer = setTimeout(function () { stop.abort(); }, 20000);
    var asked = { credentials: "same-origin", signal: stop.signal, headers: { Accept: "application/json" } };
    if (body !== undefined) {
      asked.method = "POST";
      asked.headers["Content-Type"] = "application/json";
      asked.body = JSON.stringify(body);
    }
    return fetch(address, asked).then(function (answer) {
      if (answer.redirected) throw new Error("sent on to another page");
      return answer.json().then(
        function (data) { return { status: answer.status, data: data }; },
        function (error) {
          if (answer.ok) throw error;
          return { status: answer.status, data: {} };
        }
      );
    }).finally(function () { clearTimeout(timer); });
  };

  // What went wrong, in words that stay until they are read.
  window.riftwatchProblem = function (said, action, act) {
    var box = document.createElement("div");
    box.className = "note warn";
    var words = document.createElement("p");
    words.textContent = said + " ";
    var button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = action || "Understood";
    button.addEventListener("click", function () {
      box.remove();
      if (act) act();
    });
    words.append(button);
    box.append(words);
    document.getElementById("problems").append(box);
    return box;
  };
})();
