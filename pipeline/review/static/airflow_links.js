// Links from our pages into Airflow's own. Inside Airflow's frame they lead the page around the frame there: the frame
// may not do that itself (its sandbox lets no navigation out), but it may click a link in the outer page.
(function () {
  "use strict";
  if (window.parent === window) return;
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-airflow]");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    try {
      var outer = window.parent.document;
      var way = outer.createElement("a");
      way.href = link.href;
      outer.body.append(way);
      way.click();
      way.remove();
      event.preventDefault();
    } catch (error) {
      // a frame of another origin: the link opens in this one
    }
  });
})();
