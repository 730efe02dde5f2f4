// Marks what is newer than the reader's last visit. When that was is known to this browser alone; the server never
// learns it. A visit lasts as long as the tab, so that a reload does not take the marks away.
(function () {
  "use strict";
  var KEY = "riftwatch-last-visit";
  var bar = document.getElementById("since");
  if (!bar) return;
  var now = bar.dataset.now; // the server's clock, as all times on the page

  function number(count, one, many) {
    return count.toLocaleString("en") + " " + (count === 1 ? one : many);
  }

  function remember() {
    // throws where a browser keeps nothing
    if (window.sessionStorage.getItem(KEY) === null) {
      window.sessionStorage.setItem(KEY, window.localStorage.getItem(KEY) || "");
    }
    window.localStorage.setItem(KEY, now);
    return window.sessionStorage.getItem(KEY);
  }

  function newTexts(since) {
    var count = 0;
    var atLeast = false;
    document.querySelectorAll(".watched").forEach(function (section) {
      var finds = JSON.parse(section.dataset.finds);
      var newer = finds.filter(function (find) { return new Date(find[0]) > since; });
      newer.forEach(function (find) { count += find[1]; });
      if (section.dataset.wholeSince && since < new Date(section.dataset.wholeSince)) atLeast = true;
    });
    return (atLeast ? "at least " : "") + number(count, "new text", "new texts");
  }

  // Shows a gap where it reads otherwise than when the reader last saw it. Its readings: [time, words, whether that
  // was while the period was still running], newest first.
  function tellGap(element, since) {
    var readings = JSON.parse(element.dataset.readings);
    var reads = readings[0][1];
    var seen = readings.find(function (one) { return new Date(one[0]) <= since; });
    var others = readings.filter(function (one) { return one[1] !== reads; });
    var before = seen || others[others.length - 1]; // who saw none of them is told the oldest
    var then = before
      ? "before: " + before[1] + (before[2] ? ", while the period was still running" : "")
      : "the first gap it has";
    element.querySelector(".told").textContent = element.dataset.said + "; " + then;
    element.hidden = Boolean(seen) && seen[1] === reads;
  }

  function mark(since) {
    document.querySelectorAll(".fresh[data-at]").forEach(function (element) {
      element.hidden = !(new Date(element.dataset.at) > since);
    });
    document.querySelectorAll(".only-fresh").forEach(function (element) { tellGap(element, since); });
    var count = document.querySelectorAll(".news .fresh:not([hidden])").length;
    // a list that was cut may have left out more
    var cut = Array.prototype.some.call(document.querySelectorAll(".news[data-cut]"), function (list) {
      return !list.querySelector(".fresh[hidden]");
    });
    return { count: count, atLeast: cut, gaps: document.querySelectorAll(".only-fresh:not([hidden])").length };
  }

  // Takes what is said: text, and elements among it.
  function say() {
    var words = bar.querySelector("p");
    bar.hidden = false;
    words.replaceChildren.apply(words, arguments);
  }

  // A moment as the server writes it: in UTC, also on hover; times.js makes it local.
  function timeOf(moment) {
    var made = document.createElement("time");
    made.dateTime = moment.toISOString();
    made.title = made.dateTime.slice(0, 16).replace("T", " ") + " UTC";
    made.textContent = made.title;
    window.riftwatchLocal(made);
    return made;
  }

  function tell(last) {
    var since = new Date(last);
    if (!last || isNaN(since)) {
      say("This is the first visit in this browser. From the next one on, what is new is marked here.");
      return;
    }
    var changes = mark(since);
    var news = changes.count
      ? (changes.atLeast ? "at least " : "") + number(changes.count, "change of a state or alarm", "changes of states and alarms")
      : "no state has changed, no alarm was raised";
    if (changes.gaps) news += "; " + number(changes.gaps, "new gap", "new gaps");
    say("Since your last visit on ", timeOf(since), ": " + news + "; " + newTexts(since) + ".");
    bar.querySelector("button").hidden = false;
  }

  bar.querySelector("button").addEventListener("click", function () {
    window.sessionStorage.setItem(KEY, now);
    mark(new Date(now));
    bar.querySelector("button").hidden = true;
    say("All is marked as seen.");
  });

  try {
    tell(remember());
  } catch (error) {
    say("This browser keeps no data of this page, so nothing can be marked as new since your last visit.");
  }
})();
