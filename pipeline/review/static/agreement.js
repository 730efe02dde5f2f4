// How far coders agree, and how far the work is: asked for when the page opens, and again after answers.
(function () {
  "use strict";
  var work = document.getElementById("progress");
  var place = document.getElementById("agreement");
  var query = "?variable=" + encodeURIComponent(work.dataset.variable);

  function count(n) { return n.toLocaleString("en"); }
  function figure(n) { return n.toFixed(3).replace("-", "−"); }

  function line(one) {
    var item = document.createElement("p");
    var name = document.createElement("strong");
    name.textContent = one.language === "all" ? (one.alpha === null ? "No figure yet" : "α " + figure(one.alpha)) : one.language;
    item.append(name);
    var texts = count(one.texts) + (one.texts === 1 ? " text" : " texts") + " coded twice";
    if (one.alpha === null) {
      item.append(": " + one.verdict + " (" + texts + ")");
      return item;
    }
    if (one.language !== "all") item.append(": α " + figure(one.alpha));
    item.append(", " + figure(one.low) + " to " + figure(one.high) + "; " + texts + ", " + Math.round(100 * one.percent) + "% of pairs agree. ");
    if (one.language === "all") item.append(one.verdict.charAt(0).toUpperCase() + one.verdict.slice(1) + ".");
    else item.className = "small";
    return item;
  }

  // What is not in the figures: said, since after the last answer of a queue nobody looks here again.
  function without(one) {
    var words = [];
    if (one.newest !== null) words.push("Of the newest " + count(one.newest) + " codings; there are more: riftwatch codings agreement reckons with all.");
    if (one.behind !== null) words.push("The newest answers are being counted.");
    var item = document.createElement("p");
    item.className = "soft small";
    item.textContent = words.join(" ");
    return words.length ? [item] : [];
  }

  var asked = 0;
  function agreement() {
    var mine = asked += 1;
    window.riftwatchAsk(work.dataset.api + "agreement" + query).then(function (answer) {
      if (answer.status !== 200) throw new Error(answer.data.detail);
      if (mine !== asked) return; // a slow answer to an earlier question lacks the newest answers
      place.replaceChildren.apply(place, answer.data.map(line).concat(without(answer.data[0])));
      if (answer.data[0].behind !== null) soon("agreement", agreement, 1000 * answer.data[0].behind);
    }).catch(function () {
      if (mine !== asked) return;
      place.textContent = "The figure can't be had just now; it is asked for again in half a minute.";
      soon("agreement", agreement, 30000);
    });
  }

  function progress() {
    var queue = work.dataset.queue ? "&queue=" + work.dataset.queue : "";
    window.riftwatchAsk(work.dataset.api + "progress" + query + queue).then(function (answer) {
      if (answer.status !== 200) return;
      var known = answer.data;
      var bar = work.querySelector("progress");
      bar.max = known.wanted || 1;
      bar.value = known.answered;
      document.getElementById("done-of").textContent = count(known.answered) + " of " + count(known.wanted) + " answers";
      var mine = document.getElementById("mine");
      if (mine) mine.textContent = count(known.mine) + " yours, " + count(known.mine_lately) + " in 24 hours";
      var second = known.waiting_for_second; // null while an alarm's queue is open
      document.getElementById("second").textContent = second === null ? "" : " · waiting for a second coder: " + count(second);
    }).catch(function () {
      // the next answer asks again
    });
  }

  var waiting = { progress: 0, agreement: 0 };
  function soon(name, ask, delay) {
    clearTimeout(waiting[name]);
    waiting[name] = setTimeout(ask, delay);
  }
  // not at every key: the newest of a row of answers asks
  window.riftwatchCount = function () {
    soon("progress", progress, 700);
    soon("agreement", agreement, 3000);
  };
  agreement();
})();
