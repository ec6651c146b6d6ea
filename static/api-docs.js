// Starts Swagger UI from a file of our own: the Content-Security-Policy allows no inline script.
"use strict";

const place = document.getElementById("api");

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  // The calls push the problems down when they are drawn: go again to the one that the address names.
  onComplete: () => location.hash.startsWith("#problem") && document.querySelector(location.hash)?.scrollIntoView(),
});
