// The API's document, shown by Swagger UI from our own copy.
const place = document.getElementById("api");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.url,
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["x-csrf-token"] = place.dataset.token;
    return request;
  },
});
