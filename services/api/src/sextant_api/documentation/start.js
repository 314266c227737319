"use strict";

// no address of others: without the null, Swagger UI shows a badge from a validator on the web
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  docExpansion: "none",
  tagsSorter: "alpha",
  persistAuthorization: false,
  validatorUrl: null,
});
