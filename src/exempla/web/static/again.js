// What is sent again after a log-in beside it carries the token of the session that there is now.

import { newToken } from "./exempla.js";

const form = document.querySelector("form.again");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const field = form.elements.form_token;
  field.value = (await newToken(field.value)) ?? field.value;
  delete form.dataset.sent; // for who stops it, or comes back
  form.submit();
});
