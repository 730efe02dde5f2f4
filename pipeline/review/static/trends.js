// Makes one table of the pages of the trend table: all rows are fetched once and only those in sight are drawn, so that
// ten thousand scroll and sort at once. Filters and columns ask the server; sorting is done here. The address of the
// page always says what is shown.
(function () {
  "use strict";
  var box = document.getElementById("grid");
  var form = document.getElementById("filter");
  if (!box || !form) return;
  var ROW = 34; // height of a row in trends.css
  var SPARE = 6; // rows drawn above and below those in sight
  var WIDEST = 280;
  var PERIODS = ["week", "month", "quarter", "year"];
  var table = box.querySelector("table");
  var head = table.tHead;
  var body = table.tBodies[0];
  var count = document.getElementById("count");
  var data = null; // the answer of the API
  var shown = []; // columns on the page: {name, said, kind, meaning, place}
  var order = []; // places of data.rows, as they are sorted
  var drawn = { first: -1, last: -1, rows: {} }; // what is in the table now
  var at = { row: 0, column: 0 }; // the active cell; row -1 is the head
  var parked = false; // the active cell was scrolled out of sight while it had the focus
  var asking = null;

  // ---- what is asked for

  function sortNow() {
    var field = form.elements.sort;
    var value = field ? field.value : "";
    return { name: value.replace(/^-/, ""), down: value.charAt(0) === "-" };
  }

  function setSort(value) {
    var field = form.elements.sort;
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = "sort";
      form.prepend(field);
    }
    field.value = value;
  }

  function query() {
    var usual = form.querySelector("fieldset").dataset.usual;
    var columns = [];
    var kept = new URLSearchParams();
    new FormData(form).forEach(function (value, name) {
      if (name === "column") columns.push(value);
      else if (value !== "" || name === "period") kept.append(name, value);
    });
    if (columns.join(" ") !== usual) columns.forEach(function (name) { kept.append("column", name); });
    return kept;
  }

  function showAddress() {
    var kept = query().toString();
    window.history.replaceState(null, "", "?" + kept);
    document.querySelectorAll("a[data-form]").forEach(function (link) {
      link.href = "trends." + link.dataset.form + "?" + kept;
    });
  }

  // A view that is cut must be sorted before it is cut, and one by a column that is not shown where that column is.
  function serverSorts() {
    var by = sortNow().name;
    var known = data.columns.some(function (column) { return column.name === by; });
    return data.total > data.rows.length || (by !== "" && !known);
  }

  function load() {
    var asked = query();
    if (!data || !serverSorts()) asked.delete("sort");
    if (asking) asking.abort();
    asking = new AbortController();
    showAddress();
    fetch(box.dataset.api + "?" + asked, { signal: asking.signal, credentials: "same-origin" })
      .then(function (answer) {
        return answer.json().then(function (read) {
          if (!answer.ok) throw new Error(read.detail);
          return read;
        });
      })
      .then(function (read) {
        data = read;
        data.sorted = asked.has("sort");
        if (!data.sorted && sortNow().name && serverSorts()) load();
        else take();
      })
      .catch(function (error) {
        if (error.name !== "AbortError") count.textContent = "The table could not be read: " + error.message;
      });
  }

  // ---- values in words, as the server writes them

  function two(n) { return String(n).padStart(2, "0"); }

  function said(value, kind) {
    if (value === null || value === undefined) return "";
    if (kind === "datetime") {
      var time = new Date(value);
      return time.getFullYear() + "-" + two(time.getMonth() + 1) + "-" + two(time.getDate()) + " " + two(time.getHours()) + ":" + two(time.getMinutes());
    }
    if (typeof value === "number") {
      return (Number.isInteger(value) ? String(value) : value.toFixed(4)).replace("-", "\u2212");
    }
    if (Array.isArray(value)) return value.join("; ");
    if (typeof value === "object") {
      return Object.keys(value).map(function (name) { return name + " " + said(value[name]); }).join(", ");
    }
    return String(value);
  }

  function isNumber(column) { return column.kind === "number" || column.kind === "integer"; }

  function textOf(row, column) {
    if (column.name === "start") return data.labels[row];
    var values = data.rows[row];
    if (column !== shown[0]) return said(values[column.place], column.kind);
    var names = data.names;
    function named(id) { return names[id] || id; }
    return data.table === "dyads" ? named(values[0]) + " less " + named(values[1]) : named(values[0]);
  }

  // The columns that say which row it is come first: group (or both groups), period, start, end.
  function hrefOf(row) {
    var values = data.rows[row];
    if (data.table === "dyads") return "dyads/" + values[0] + "/" + values[1] + "?period=" + values[2] + "#p-" + data.labels[row];
    return "texts?group=" + values[0] + "&start=" + values[2] + "&end=" + values[3];
  }

  // ---- sorting

  function keyOf(column) {
    var ranks = Object.keys(data.names);
    var isGroup = column.name === "group_id" || column.name === "a" || column.name === "b";
    return function (row) {
      var value = data.rows[row][column.place];
      if (isGroup) return ranks.indexOf(value);
      if (column.name === "period") return PERIODS.indexOf(value);
      if (value === null) return null;
      if (column.name === "flags") return value.length;
      if (column.name === "companions") return value.cc === undefined ? null : value.cc;
      return value;
    };
  }

  function sort() {
    order = data.rows.map(function (_, place) { return place; });
    var by = sortNow();
    var column = data.columns.map(function (one, place) { return { name: one.name, place: place }; })
      .filter(function (one) { return one.name === by.name; })[0];
    if (!column || data.sorted) return; // newest first, or sorted by the server
    var keys = order.map(keyOf(column));
    var turn = by.down ? -1 : 1;
    order.sort(function (one, other) {
      var left = keys[one];
      var right = keys[other];
      if (left === right) return one - other;
      if (left === null) return 1;
      if (right === null) return -1;
      return left < right ? -turn : turn;
    });
  }

  // ---- drawing

  function element(name, text, kind) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function drawHead() {
    var row = element("tr");
    var by = sortNow();
    row.setAttribute("aria-rowindex", "1");
    shown.forEach(function (column) {
      var cell = element("th", "", isNumber(column) ? "num" : "");
      var link = element("a", column.said);
      cell.scope = "col";
      link.href = "?sort=" + column.name;
      link.title = column.meaning;
      link.dataset.sort = column.name;
      link.tabIndex = -1;
      if (column.name === by.name) cell.setAttribute("aria-sort", by.down ? "descending" : "ascending");
      cell.append(link);
      row.append(cell);
    });
    head.replaceChildren(row);
  }

  // Rows hold as little as can be: what a cell's place is, is told by where it stands.

  function drawRow(place) {
    var row = order[place];
    var made = element("tr");
    made.setAttribute("aria-rowindex", String(place + 2));
    shown.forEach(function (column, index) {
      var text = textOf(row, column);
      var cell = element(index ? "td" : "th", "", isNumber(column) ? "num" : "");
      if (!index) cell.scope = "row";
      if (column.name === "start") {
        var link = element("a", text);
        link.href = hrefOf(row);
        link.title = data.table === "dyads" ? "this period on the page of the dyad" : "the texts behind this cell";
        link.tabIndex = -1;
        cell.append(link);
      } else {
        cell.textContent = text;
        if (column.kind === "datetime" && text) cell.title = data.rows[row][column.place].slice(0, 16).replace("T", " ") + " UTC";
        else if (text.length > 24) cell.title = text;
      }
      made.append(cell);
    });
    return made;
  }

  function space(rows) {
    var made = element("tr", "", "space");
    var cell = element("td");
    made.setAttribute("aria-hidden", "true");
    cell.colSpan = shown.length;
    cell.style.height = rows * ROW + "px";
    made.append(cell);
    return made;
  }

  function draw(always) {
    var first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
    var last = Math.min(order.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + SPARE);
    if (!always && first === drawn.first && last === drawn.last) return;
    var focused = body.contains(document.activeElement);
    var old = always ? {} : drawn.rows;
    var rows = {};
    var children = [];
    if (first) children.push(space(first));
    for (var place = first; place < last; place += 1) {
      rows[place] = old[place] || drawRow(place);
      children.push(rows[place]);
    }
    if (last < order.length) children.push(space(order.length - last));
    drawn = { first: first, last: last, rows: rows };
    body.replaceChildren.apply(body, children);
    makeStop();
    if (!focused && !(parked && document.activeElement === box)) return;
    var cell = cellAt();
    parked = !cell;
    (cell || box).focus({ preventScroll: true });
  }

  function widths() {
    var pen = document.createElement("canvas").getContext("2d");
    var style = window.getComputedStyle(table);
    var step = Math.max(1, Math.floor(order.length / 300));
    var columns = element("colgroup");
    var sum = 0;
    pen.font = style.fontSize + " " + style.fontFamily;
    shown.forEach(function (column) {
      var width = pen.measureText(column.said).width * 1.08 + 14; // bold, and an arrow
      var bold = column === shown[0] ? 1.08 : 1;
      for (var place = 0; place < order.length; place += step) {
        width = Math.max(width, pen.measureText(textOf(order[place], column)).width * bold);
      }
      var one = element("col");
      width = Math.min(WIDEST, Math.ceil(width) + 28);
      one.style.width = width + "px";
      sum += width;
      columns.append(one);
    });
    var old = table.querySelector("colgroup");
    if (old) old.remove();
    table.prepend(columns);
    table.style.minWidth = sum + "px";
  }

  function take() {
    var chosen = data.columns.slice(data.table === "dyads" ? 5 : 4);
    var first = data.columns[0];
    var places = {};
    data.columns.forEach(function (column, place) { places[column.name] = place; });
    var period = data.columns[places.start];
    shown = [
      { name: first.name, said: data.table === "dyads" ? "dyad" : "group", kind: "string", meaning: first.meaning, place: 0 },
      { name: "start", said: "period", kind: "string", meaning: period.meaning, place: places.start },
    ].concat(chosen.map(function (column) {
      return { name: column.name, said: column.name, kind: column.kind, meaning: column.meaning, place: places[column.name] };
    }));
    sort();
    // where the server said why nothing is here and what to do, that stays as long as it is so
    var empty = document.getElementById("empty");
    var nothing = Boolean(empty) && !data.total;
    box.hidden = nothing;
    box.tabIndex = -1;
    box.classList.add("whole");
    box.style.height = Math.min(640, (order.length + 1) * ROW + 24) + "px";
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", "Trend table");
    table.setAttribute("aria-rowcount", String(order.length + 1));
    table.setAttribute("aria-colcount", String(shown.length));
    document.getElementById("pager").replaceChildren();
    document.getElementById("keys").hidden = nothing;
    if (empty) empty.hidden = !nothing;
    box.scrollTop = 0;
    at = { row: order.length ? 0 : -1, column: 0 };
    parked = false;
    drawHead();
    widths();
    draw(true);
    tell();
  }

  function tell() {
    var total = data.total;
    var words = total === 1 ? "1 row" : total.toLocaleString("en") + " rows";
    if (!total && box.hidden) words = "0 rows";
    else if (!total) words = "No row fits this choice";
    else if (total > order.length) {
      words += ", of which the first " + order.length.toLocaleString("en") + " are shown; choose a group, a period or days to see the others, or save the view";
    }
    count.textContent = words;
  }

  // ---- keys, clicks, scrolling

  // What takes the focus in the active cell: its link, else the cell; null where it is not drawn.
  function cellAt() {
    var row = at.row < 0 ? head.rows[0] : drawn.rows[at.row];
    var cell = row && row.cells[at.column];
    return cell ? cell.querySelector("a") || cell : null;
  }

  function placeOf(element) {
    var cell = element.closest("th, td");
    var row = cell && cell.closest("tr");
    if (!row || !row.hasAttribute("aria-rowindex")) return null;
    return { row: Number(row.getAttribute("aria-rowindex")) - 2, column: cell.cellIndex };
  }

  // The tab key stops once in the table: at the active cell.
  function makeStop() {
    table.querySelectorAll("[tabindex='0']").forEach(function (element) { element.tabIndex = -1; });
    var cell = cellAt();
    if (cell) cell.tabIndex = 0;
  }

  function moveTo(row, column) {
    at.row = Math.max(-1, Math.min(order.length - 1, row));
    at.column = Math.max(0, Math.min(shown.length - 1, column));
    var above = head.offsetHeight;
    if (at.row >= 0) {
      if (at.row * ROW < box.scrollTop) box.scrollTop = at.row * ROW;
      var foot = (at.row + 1) * ROW + above - box.clientHeight;
      if (foot > box.scrollTop) box.scrollTop = foot;
      draw(false);
    }
    parked = false;
    makeStop();
    var cell = cellAt();
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function onKey(event) {
    if (!data || event.altKey || event.metaKey) return;
    var page = Math.max(1, Math.floor((box.clientHeight - head.offsetHeight) / ROW) - 1);
    var last = shown.length - 1;
    var moves = {
      ArrowUp: [at.row - 1, at.column],
      ArrowDown: [at.row + 1, at.column],
      ArrowLeft: [at.row, at.column - 1],
      ArrowRight: [at.row, at.column + 1],
      PageUp: [Math.max(0, at.row - page), at.column],
      PageDown: [at.row + page, at.column],
      Home: event.ctrlKey ? [0, 0] : [at.row, 0],
      End: event.ctrlKey ? [order.length - 1, last] : [at.row, last],
    };
    if (!Object.prototype.hasOwnProperty.call(moves, event.key)) return;
    event.preventDefault();
    moveTo(moves[event.key][0], moves[event.key][1]);
  }

  function onSort(event) {
    var link = event.target.closest("a[data-sort]");
    if (!link || !data) return;
    event.preventDefault();
    var by = sortNow();
    var name = link.dataset.sort;
    // upwards, then downwards, then newest first again
    setSort(by.name !== name ? name : by.down ? "" : "-" + name);
    if (data.sorted || serverSorts()) {
      load();
      return;
    }
    sort();
    showAddress();
    at = placeOf(link) || { row: -1, column: 0 };
    box.scrollTop = 0;
    drawHead();
    draw(true);
    makeStop();
    cellAt().focus({ preventScroll: true });
    var now = sortNow();
    tell();
    count.textContent += now.name ? ", sorted by " + link.textContent + (now.down ? ", downwards" : "") : ", newest first";
  }

  var waiting = null;
  var typing = null;
  box.addEventListener("scroll", function () {
    if (!data || waiting) return;
    waiting = window.requestAnimationFrame(function () {
      waiting = null;
      draw(false);
    });
  });
  box.addEventListener("keydown", onKey);
  box.addEventListener("mousedown", function (event) {
    var place = data && placeOf(event.target);
    if (!place || event.button !== 0) return;
    at = place;
    makeStop(); // now the browser's own way of focusing finds it
  });
  head.addEventListener("click", onSort);
  form.addEventListener("change", load);
  form.addEventListener("input", function (event) {
    if (event.target.type !== "search") return;
    window.clearTimeout(typing);
    typing = window.setTimeout(load, 250);
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    load();
  });
  load();
})();
