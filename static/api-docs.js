// Starts Swagger UI from a file of our own: the Content-Security-Policy allows no inline script.
"use strict";

const place = document.getElementById("api");

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
});
