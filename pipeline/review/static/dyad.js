// Charts that can be read point by point: pointer or arrow keys move a ring, the line beneath says what it is on.
(function () {
  "use strict";
  var SVG = "http://www.w3.org/2000/svg";
  var NEAR = 28; // pixels of the drawing within which a click counts as one on the point
  var X = 0, Y = 1, SAID = 2, HREF = 3, LINE = 4;

  function made(name, kind, parent) {
    var element = document.createElementNS(SVG, name);
    element.setAttribute("class", kind);
    element.setAttribute("visibility", "hidden");
    parent.appendChild(element);
    return element;
  }

  function prepare(plot) {
    var svg = plot.querySelector("svg");
    var source = document.getElementById(plot.dataset.spots);
    var readout = document.getElementById(plot.getAttribute("aria-describedby"));
    if (!svg || !source || !readout) return;
    var spots = JSON.parse(source.textContent);
    if (!spots.length) return;
    var box = svg.viewBox.baseVal;
    var cursor = made("line", "cursor", svg);
    var ring = made("circle", "ring", svg);
    cursor.setAttribute("y1", 0);
    cursor.setAttribute("y2", box.height);
    ring.setAttribute("r", 8);
    var at = -1;

    function show(index) {
      if (index === at) return;
      at = index;
      var spot = spots[index];
      ring.setAttribute("cx", spot[X]);
      ring.setAttribute("cy", spot[Y]);
      cursor.setAttribute("x1", spot[X]);
      cursor.setAttribute("x2", spot[X]);
      ring.setAttribute("visibility", "visible");
      cursor.setAttribute("visibility", "visible");
      readout.textContent = spot[SAID];
      if (spot[HREF]) {
        var link = document.createElement("a");
        link.href = spot[HREF];
        link.textContent = spot[HREF].indexOf("#") >= 0 ? "its row, with the texts of both" : plot.dataset.opens || "its texts";
        readout.append(" ", link);
      }
    }

    function place(event) {
      var frame = svg.getBoundingClientRect();
      return {
        x: ((event.clientX - frame.left) * box.width) / frame.width,
        y: ((event.clientY - frame.top) * box.height) / frame.height,
      };
    }

    // the nearest in time; of several lines the nearest in height
    function nearest(where) {
      var best = 0, least = Infinity;
      spots.forEach(function (spot, i) {
        var far = Math.abs(spot[X] - where.x) * 4 + Math.abs(spot[Y] - where.y);
        if (far < least) { least = far; best = i; }
      });
      return best;
    }

    function along(step) {
      if (at < 0) return step > 0 ? 0 : spots.length - 1;
      var line = spots[at][LINE];
      for (var i = at + step; i >= 0 && i < spots.length; i += step) {
        if (spots[i][LINE] === line) return i;
      }
      return at;
    }

    function across() {
      if (at < 0) return 0;
      var best = at, least = Infinity;
      spots.forEach(function (spot, i) {
        var far = Math.abs(spot[X] - spots[at][X]);
        if (spot[LINE] !== spots[at][LINE] && far < least) { least = far; best = i; }
      });
      return best;
    }

    function follow() {
      if (at >= 0 && spots[at][HREF]) window.location.assign(spots[at][HREF]);
    }

    plot.addEventListener("pointermove", function (event) { show(nearest(place(event))); });
    plot.addEventListener("click", function (event) {
      var where = place(event);
      var known = at;
      show(nearest(where));
      // a link of the drawing itself works without this script; a finger reads first and opens with a second tap
      if (event.target.closest("a") || (event.pointerType === "touch" && known !== at)) return;
      var spot = spots[at];
      if (Math.abs(spot[X] - where.x) <= NEAR && Math.abs(spot[Y] - where.y) <= NEAR) follow();
    });
    plot.addEventListener("keydown", function (event) {
      var next = {
        ArrowRight: function () { return along(1); },
        ArrowLeft: function () { return along(-1); },
        ArrowUp: across,
        ArrowDown: across,
        Home: function () { return 0; },
        End: function () { return spots.length - 1; },
      }[event.key];
      if (next) {
        event.preventDefault();
        show(next());
      } else if (event.key === "Enter" && !event.target.closest("a")) {
        follow(); // a link that has the focus, of the drawing or of the readout, is followed by the browser itself
      }
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll(".plot").forEach(prepare);
  });
})();
