// Annotations without the mouse: a digit sets a label, a change is saved at once.

import { make, newToken, onKey } from "./exempla.js";

const forms = [...document.querySelectorAll("form[data-annotate]")];

const LONGEST_KEPT = 60_000; // characters of a request that outlives its page

const isKept = (body) => String(body).length < LONGEST_KEPT;

function post(form, body) {
  const headers = { Accept: "application/json" };
  return fetch(form.action, { method: "POST", body, headers, keepalive: isKept(body) }).catch(() => null);
}

/** Send the form; once more if there was another log-in since the page was loaded. */
async function send(form, body) {
  const answer = await post(form, body);
  const token = answer?.status === 403 ? await newToken(body.get("form_token")) : null;
  if (!token) return answer;
  for (const one of forms) one.elements.form_token.value = token;
  body.set("form_token", token);
  return post(form, body);
}

async function save(form) {
  const body = new URLSearchParams(new FormData(form));
  const output = form.querySelector("output");
  if (form.dataset.sent === String(body)) { // Enter submits, and leaving the field changes it
    if ("saved" in form.dataset) output.textContent = "saved";
    delete form.dataset.changed;
    return;
  }
  form.dataset.sent = body;
  delete form.dataset.saved;
  if (isKept(body)) delete form.dataset.changed;
  output.textContent = "saving…";
  const answer = await send(form, body);
  if (answer?.ok) {
    output.textContent = "saved";
    form.dataset.saved = "";
    delete form.dataset.changed;
    await showWrite(form).catch(() => {}); // the page was left, or the config deleted
    return;
  }
  delete form.dataset.sent;
  form.dataset.changed = "";
  // What is typed next corrects it, and is no key of the page.
  if (document.activeElement === document.body) form.querySelector("[name=score], [name=text]")?.focus();
  if (answer?.status === 412) await showWrite(form).catch(() => {}); // what it would replace is seen then
  const problem = answer ? await answer.json().catch(() => null) : null;
  output.textContent = problem?.detail ?? "not saved: the server cannot be reached";
  if (answer?.status === 401) {
    const login = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    output.append(" ", make("a", "Log in", { href: login, target: "_blank" }));
  }
}

/** Show the write to this form's annotation in the history, and beside its name. */
async function showWrite(form) {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const name = form.elements.name.value;
  const now = [...page.querySelectorAll("form[data-annotate]")].find((one) => one.elements.name.value === name);
  form.elements.seen.value = now.elements.seen.value;
  form.querySelector(".by").replaceWith(now.querySelector(".by"));
  document.querySelector(".events").replaceWith(page.querySelector(".events"));
}

/** Check a score as it is written: a field for numbers would leave out a decimal comma. */
function check(score) {
  const { low, high } = score.dataset;
  const number = Number(score.value);
  let wrong = "";
  if (score.value.trim() && !/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(score.value.trim())) wrong = "It must be a number, as in 0.5.";
  else if (number < Number(low) || number > Number(high)) wrong = `It must lie from ${low} to ${high}.`;
  score.setCustomValidity(wrong);
}

window.addEventListener("beforeunload", (event) => {
  if (forms.some((form) => "changed" in form.dataset)) event.preventDefault();
});

for (const form of forms) {
  form.querySelector("button").hidden = true;
  form.addEventListener("input", ({ target }) => {
    form.dataset.changed = "";
    if (target.name === "score") check(target);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.activeElement.blur();
    save(form);
  });
  form.addEventListener("change", () => {
    if (form.reportValidity()) save(form);
  });
  // A label that could not be saved is sent again by the same key.
  form.addEventListener("click", ({ target }) => {
    if (target.name === "label" && "changed" in form.dataset) save(form);
  });
  form.addEventListener("invalid", (event) => {
    form.querySelector("output").textContent = `not saved: ${event.target.validationMessage}`;
  }, true);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) form.requestSubmit();
  });
}

// Digits set a label: of the form with the focus, else of the first one that has none yet.
const labelled = forms.filter((form) => form.querySelector("[name=label]"));
function target() {
  return (
    labelled.find((form) => form.contains(document.activeElement)) ??
    labelled.find((form) => !form.querySelector(":checked")) ??
    labelled[0]
  );
}
if (labelled.length) {
  const most = Math.min(9, Math.max(...labelled.map((form) => form.querySelectorAll("[name=label]").length)));
  for (let digit = 1; digit <= most; digit += 1) {
    onKey(String(digit), `Set label ${digit}`, () => target().querySelectorAll("[name=label]")[digit - 1]?.click());
  }
  for (const form of labelled) {
    form.querySelectorAll("label").forEach((label, index) => {
      if (index < 9) label.dataset.digit = String(index + 1);
    });
  }
}
const score = document.querySelector("[data-annotate] [name=score]");
if (score) onKey("s", "Write a score", () => score.select());
const note = document.querySelector("[data-annotate] [name=text]");
if (note) onKey("m", "Write a note", () => note.focus());
