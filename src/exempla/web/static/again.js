// What is sent again after a log-in beside it carries the token of the session that there is now.

import { make, tokenNow } from "./exempla.js";

const form = document.querySelector("form.again");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const token = await tokenNow();
  if (token) {
    form.querySelector("[name=form_token]")?.remove();
    form.append(make("input", "", { type: "hidden", name: "form_token", value: token }));
  }
  form.submit();
});
