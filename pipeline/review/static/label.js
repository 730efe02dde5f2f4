// A coder's desk. The next text is here before the present one is answered, so a key shows it at once; answers are kept
// in this browser until the server has them, and sent again where the network fails.
(function () {
  "use strict";
  var BEFORE_HAND = 3; // texts here: the one that is read and the next two
  var TOO_FAST = 300; // milliseconds in which nobody has read a text: a double click or a bouncing key
  var RENEW = 5 * 60 * 1000;
  var AWAY = 30 * 60 * 1000; // without a key or the pointer nobody reads the texts here, and others may have them
  var LATER = [408, 425, 429]; // a server or a proxy that has no time now
  var WAITS = [2, 5, 10, 30, 60]; // seconds between tries

  var work = document.getElementById("progress").dataset;
  var ask = window.riftwatchAsk;
  var problem = window.riftwatchProblem;
  var at = function (id) { return document.getElementById(id); };
  var desk = at("desk"), said = at("said"), note = at("note");
  var BOXES = "riftwatch-answers:" + work.api + ":" + work.coder + ":";
  var BOX = BOXES + Math.random().toString(36).slice(2); // each window has its own

  var held = []; // texts, the first is shown
  var skipped = [];
  var outbox = read(); // answers that the server does not have yet
  var done = []; // items answered here, the newest last
  var remarks = {}; // item -> note that was typed
  var nothingLeft = false, fetching = false, sending = false, undoing = false;
  var tries = 0, timer = 0, offline = null, loggedOut = null, shownAt = 0, shown = null, seen = Date.now();

  // What other windows of this coder have left, closed ones too. A window that is still open sends its own as well:
  // the same answer twice is one coding.
  function read() {
    var found = [];
    try {
      Object.keys(localStorage).forEach(function (name) {
        if (name.indexOf(BOXES) !== 0) return;
        found = found.concat(JSON.parse(localStorage.getItem(name)));
        localStorage.removeItem(name);
      });
      if (found.length) localStorage.setItem(BOX, JSON.stringify(found));
    } catch (error) {
      // no storage, or something else stands there: there is nothing to send
    }
    return found;
  }
  function keep() {
    try {
      if (outbox.length) localStorage.setItem(BOX, JSON.stringify(outbox));
      else localStorage.removeItem(BOX);
    } catch (error) {
      // no storage: they are kept while the page is open
    }
  }

  // What must not come (again), the most important first.
  function known() {
    var ids = held.concat(outbox).map(function (one) { return one.item; });
    return ids.concat(done.slice().reverse()).slice(0, 50);
  }

  function choice() {
    return {
      variable: work.variable,
      queue: work.queue ? Number(work.queue) : null,
      languages: work.languages.split(",").map(function (one) { return one.trim(); }).filter(Boolean),
      held: known(),
      skipped: skipped.slice(-500),
    };
  }

  // -- what is shown ------------------------------------------------------------------------------------------------

  function show() {
    var item = held[0] || null;
    if (item && item === shown) return;
    if (shown && note.value.trim()) remarks[shown.item] = note.value;
    shown = item;
    desk.hidden = !item;
    at("empty").hidden = Boolean(item) || !nothingLeft || outbox.length > 0;
    if (!item) {
      if (nothingLeft && !at("empty").hidden) {
        at("empty-why").textContent = skipped.length ? "You skipped " + skipped.length + "; look again to have them back." : "";
        if (at("draw")) at("draw").open = true;
      }
      return;
    }
    at("item-title").textContent = item.title || "Without title";
    at("item-text").textContent = item.text;
    [at("item-title"), at("item-text")].forEach(function (part) {
      part.dir = item.direction;
      part.lang = item.language;
    });
    at("item-day").textContent = item.published || "without date";
    at("item-asked").hidden = !item.target;
    at("item-asked").textContent = item.target ? "Towards " + item.target_name : "";
    note.value = remarks[item.item] || "";
    openNote(Boolean(note.value));
    shownAt = performance.now();
    at("item").focus({ preventScroll: true });
    if (desk.getBoundingClientRect().top < 0) desk.scrollIntoView({ block: "start" });
    at("item-text").scrollTop = 0;
  }

  function openNote(open) {
    at("note-box").hidden = !open;
    at("note-button").setAttribute("aria-expanded", String(open));
  }

  // -- texts --------------------------------------------------------------------------------------------------------

  function receive(item) {
    nothingLeft = !item;
    // two requests at once may bring one text, and the second comes when it is answered or skipped
    if (item && known().concat(skipped).indexOf(item.item) < 0) held.push(item);
    show();
  }

  // Have the next texts here before they are wanted.
  function fill() {
    if (fetching || nothingLeft || held.length >= BEFORE_HAND) return;
    fetching = true;
    ask(work.api + "next", choice()).then(function (answer) {
      fetching = false;
      if (answer.status !== 200) return refused(answer, fill);
      connected();
      receive(answer.data.item);
      fill();
    }, function () {
      fetching = false;
      disconnected();
    });
  }

  function refused(answer, again) {
    var words = answer.data.detail || "The server refused this (" + answer.status + ").";
    if (answer.status !== 401 && answer.status !== 403) return problem(words, "Try again", again);
    if (loggedOut && loggedOut.isConnected) return loggedOut; // said once, however many answers wait
    loggedOut = problem(words + " Your answers are kept in this browser until then.", "Try again", resume);
    return loggedOut;
  }

  // -- answers ------------------------------------------------------------------------------------------------------

  function answer(value) {
    var item = held[0];
    if (!item || undoing || performance.now() - shownAt < TOO_FAST) return;
    var given = { item: item.item, value: value, note: note.value.trim() || null };
    delete remarks[item.item];
    note.value = "";
    outbox.push(given);
    keep();
    done.push(item.item);
    held.shift();
    said.textContent = "Answered: " + value + ". Undo takes it back.";
    show();
    send();
  }

  function send() {
    if (sending || !outbox.length) return;
    sending = true;
    var given = outbox[0];
    var wanted = held.length < BEFORE_HAND && !nothingLeft ? choice() : null;
    ask(work.api + "answer", { item: given.item, value: given.value, note: given.note, then: wanted }).then(
      function (answer) {
        sending = false;
        if (answer.status === 401 || answer.status === 403) return refused(answer, send);
        if (answer.status >= 500 || LATER.indexOf(answer.status) >= 0) return disconnected();
        connected();
        outbox.shift();
        keep();
        if (answer.status !== 200) {
          done = done.filter(function (one) { return one !== given.item; });
          var why = answer.data.detail || "The server refused this answer (" + answer.status + ").";
          problem(given.value + ": " + why + (given.note ? " Your note was: " + given.note : ""));
        } else if (wanted) {
          receive(answer.data.item);
        }
        window.riftwatchCount();
        send();
        fill();
        show();
      },
      function () {
        sending = false;
        disconnected();
      }
    );
  }

  function disconnected() {
    var wait = WAITS[Math.min(tries, WAITS.length - 1)];
    tries += 1;
    if (offline) offline.remove();
    var many = outbox.length === 1 ? "1 answer is" : outbox.length + " answers are";
    var kept = outbox.length ? many + " kept in this browser and will be sent; nothing is lost." : "";
    offline = problem("The server does not answer. " + kept + " Trying again in " + wait + " seconds.", "Try now", resume);
    clearTimeout(timer);
    timer = setTimeout(resume, 1000 * wait);
  }
  function connected() {
    tries = 0;
    clearTimeout(timer);
    if (loggedOut) loggedOut.remove();
    if (offline) {
      offline.remove();
      offline = null;
      said.textContent = "The server answers again.";
    }
  }
  function resume() {
    clearTimeout(timer);
    if (outbox.length) send();
    else fill();
  }

  // -- back, skip, keep ---------------------------------------------------------------------------------------------

  function restore(item, value, remark) {
    held = held.filter(function (one) { return one.item !== item.item; });
    held.unshift(item);
    if (remark) remarks[item.item] = remark;
    said.textContent = "Taken back: " + value + ". The text is before you again.";
    show();
  }

  function undo() {
    if (undoing) return;
    undoing = true;
    said.textContent = "Taking back …";
    (function whenSent(left) {
      // what is on its way has to arrive before it can be taken back
      if ((sending || outbox.length) && left > 0 && !offline) return setTimeout(whenSent, 50, left - 1);
      if (outbox.length) {
        undoing = false;
        said.textContent = "Your last answer is not sent yet; it can be taken back once the server answers.";
        return undefined;
      }
      var last = done.length ? done[done.length - 1] : null;
      var taken = { item: last, variable: work.variable, queue: work.queue ? Number(work.queue) : null };
      return ask(work.api + "undo", taken).then(function (answer) {
        undoing = false;
        if (answer.status === 409) { // it stays for good: the next undo is of the one before
          done.pop();
          said.textContent = "";
          return problem(answer.data.detail);
        }
        if (answer.status !== 200) return refused(answer, undo);
        done.pop();
        if (!answer.data.item) {
          said.textContent = "There is nothing to take back.";
          return undefined;
        }
        restore(answer.data.item, answer.data.value, answer.data.note);
        return window.riftwatchCount();
      }, function () {
        undoing = false;
        disconnected();
      });
    })(100);
  }

  function skip() {
    if (!held.length || undoing || performance.now() - shownAt < TOO_FAST) return;
    skipped.push(held.shift().item);
    said.textContent = "Skipped; others may have it.";
    nothingLeft = false;
    show();
    fetching = true;
    ask(work.api + "next", choice()).then(function (answer) {
      fetching = false;
      if (answer.status !== 200) return refused(answer, fill);
      receive(answer.data.item);
      return fill();
    }, function () {
      fetching = false;
      disconnected();
    });
  }

  function here() {
    var away = Date.now() - seen > AWAY;
    seen = Date.now();
    if (away) renew();
  }
  function renew() {
    if (!held.length || Date.now() - seen > AWAY) return;
    ask(work.api + "renew", { items: held.map(function (one) { return one.item; }) }).then(function (answer) {
      if (answer.status !== 200) return;
      var lost = answer.data.lost;
      held.forEach(function (one, place) {
        if (lost.indexOf(one.item) < 0) return;
        var remark = (place ? remarks[one.item] || "" : note.value).trim();
        delete remarks[one.item];
        if (place && !remark) return; // nobody has read it yet
        var which = place ? "A text that waited here" : "The text you were reading";
        var then = place ? "" : " Here is the next.";
        problem(which + " is not with you any more: it was left for more than half an hour, and another coder has it, or its queue was closed." + then + (remark ? " Your note was: " + remark : ""));
        if (!place) note.value = "";
      });
      held = held.filter(function (one) { return lost.indexOf(one.item) < 0; });
      show();
      fill();
    }).catch(function () {
      // the next time, or the next answer, tells
    });
  }

  // -- keys and buttons ---------------------------------------------------------------------------------------------

  var keys = {};
  document.querySelectorAll("button.answer").forEach(function (button) {
    [button.dataset.digit, button.dataset.letter].forEach(function (key) { if (key) keys[key] = button.dataset.value; });
    button.addEventListener("click", function () { answer(button.dataset.value); });
  });
  function toNote() {
    openNote(true);
    note.focus();
  }
  window.riftwatchKeys(function (key) {
    if (key === "u") undo();
    else if (desk.hidden) return false;
    else if (key === "n") toNote();
    else if (key === "s") skip();
    else if (keys[key]) answer(keys[key]);
    else return false;
    return true;
  });
  at("undo").addEventListener("click", undo);
  at("skip").addEventListener("click", skip);
  at("note-button").addEventListener("click", function () {
    if (at("note-box").hidden) toNote();
    else openNote(false);
  });
  note.addEventListener("keydown", function (event) {
    if (event.key === "Escape") at("item").focus({ preventScroll: true });
  });
  at("again").addEventListener("click", function () {
    skipped = [];
    nothingLeft = false;
    at("empty").hidden = true;
    fill();
  });

  at("draw-form").addEventListener("submit", function (event) {
    event.preventDefault();
    var form = event.target, told = at("draw-said");
    var wanted = {
      variable: work.variable,
      size: Number(form.elements.size.value),
      random: Number(form.elements.random.value),
      second: Number(form.elements.second.value),
      group: form.elements.group.value || null,
      seed: Number(form.dataset.seed || (form.dataset.seed = Math.floor(Math.random() * 2147483647))),
    };
    var button = form.querySelector("button");
    button.disabled = true;
    told.textContent = "Drawing …";
    ask(work.api + "draw", wanted).then(function (answer) {
      button.disabled = false;
      if (answer.status !== 200) {
        told.textContent = answer.data.detail || "The server refused this (" + answer.status + ").";
        return;
      }
      delete form.dataset.seed;
      var made = answer.data;
      told.textContent = ["Queue " + made.queue + ": " + made.texts + " texts, " + made.for_two + " of them for two coders."].concat(made.notes).join(" ");
      nothingLeft = false;
      window.riftwatchCount();
      fill();
    }, function () {
      button.disabled = false;
      told.textContent = "The server does not answer; draw again, nothing is drawn twice.";
    });
  });

  window.addEventListener("online", resume);
  ["keydown", "pointerdown", "pointermove"].forEach(function (sign) {
    document.addEventListener(sign, here, { capture: true, passive: true });
  });
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) return;
    seen = Date.now();
    renew();
  });
  setInterval(renew, RENEW);

  if (outbox.length) {
    said.textContent = "Sending " + outbox.length + " kept from before.";
    send();
  }
  fill();
})();
