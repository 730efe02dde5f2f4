// Follow the light or dark mode of the Airflow page around this frame. Alone in a tab, the system's choice holds.
(function () {
  "use strict";
  var own = document.documentElement;
  function follow() {
    var outer = window.parent.document.documentElement;
    own.dataset.theme = outer.classList.contains("dark") ? "dark" : "light";
  }
  if (window.parent === window) return;
  try {
    follow();
    new MutationObserver(follow).observe(window.parent.document.documentElement, {
      attributes: true,
      attributeFilter: ["class"],
    });
  } catch (error) {
    // a frame of another origin: the system's choice holds
  }
})();
