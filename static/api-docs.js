// Starts Swagger UI from a file of our own: the Content-Security-Policy allows no inline script.
"use strict";

const place = document.getElementById("api");
const problem = location.hash.startsWith("#problem") && document.getElementById(location.hash.slice(1));

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: !problem, // it takes every address for one of its own, and rewrites it
  validatorUrl: null,
});

if (problem) {
  // The calls push the problems down while they are drawn: stay at the one that is meant, until somebody moves.
  const drawing = new ResizeObserver(() => problem.scrollIntoView());
  drawing.observe(place);
  for (const moved of ["wheel", "touchstart", "keydown", "pointerdown"])
    addEventListener(moved, () => drawing.disconnect(), { once: true, passive: true });
}
