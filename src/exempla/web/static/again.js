// A form that is sent again carries the token of the session that there is now: there may have been
// another log-in, beside this page.

const form = document.querySelector("form.again");
const NAME = "form_token";

/** Return the token that the forms of a page have; null if no one is logged in. */
async function tokenNow() {
  const answer = await fetch("/help").catch(() => null);
  const page = new DOMParser().parseFromString(answer ? await answer.text() : "", "text/html");
  return page.querySelector(`[name=${NAME}]`)?.value ?? null;
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const token = await tokenNow();
  if (token) {
    for (const field of form.querySelectorAll(`[name=${NAME}]`)) field.remove();
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: NAME, value: token }));
  }
  form.submit();
});
