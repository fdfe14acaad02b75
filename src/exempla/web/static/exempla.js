// What every page can do: keys, tables that are walked with j and k, forms that send themselves.

const typing = (target) => target.closest("input:not([type=radio], [type=checkbox]), select, textarea") !== null;

/** Keys of this page, by what they do; the dialog lists them. */
const keys = new Map();

/** Let a key do something on this page. */
export function onKey(key, label, action) {
  keys.set(key, { label, action });
}

/** Make an element with text and attributes. */
export function make(name, text = "", attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Take a parameter out of the address, for who loads the page again or passes it on. */
export function forget(name) {
  const address = new URL(location.href);
  address.searchParams.delete(name);
  history.replaceState(null, "", address);
}

function showKeys() {
  let dialog = document.querySelector("dialog.shortcuts");
  if (!dialog) {
    dialog = make("dialog", "", { class: "shortcuts", "aria-labelledby": "shortcuts-title" });
    dialog.append(make("h2", "Keyboard shortcuts", { id: "shortcuts-title" }));
    const list = make("dl");
    for (const [key, { label }] of keys) {
      const term = make("dt");
      term.append(make("kbd", key));
      list.append(term, make("dd", label));
    }
    const form = make("form", "", { method: "dialog" });
    form.append(make("button", "Close"));
    dialog.append(list, form);
    document.body.append(dialog);
  }
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return; // does what it does
  const known = keys.get(event.key);
  if (known) {
    event.preventDefault();
    known.action(event);
  }
});

/** Walk the rows of a table: the current one is marked, and Enter opens its link. */
function walkRows(table) {
  const rows = [...table.tBodies[0].rows];
  let at = -1;
  const move = (step) => {
    rows[at]?.removeAttribute("data-current");
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[at].setAttribute("data-current", "");
    rows[at].querySelector("a")?.focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };
  onKey("j", "Next row", () => move(1));
  onKey("k", "Row before", () => move(-1));
  onKey("Enter", "Open the row", () => rows[at]?.querySelector("a")?.click());
}

for (const table of document.querySelectorAll("table[data-rows]")) walkRows(table);

for (const field of document.querySelectorAll("[data-submit]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// A form with GET sends no empty fields, so that addresses stay short.
for (const form of document.querySelectorAll("form:not([method])")) {
  form.addEventListener("formdata", (event) => {
    for (const name of new Set(event.formData.keys())) {
      if (event.formData.getAll(name).every((value) => value === "")) event.formData.delete(name);
    }
  });
}

// Who names a new version chooses it.
document.addEventListener("input", ({ target }) => {
  if (target.name === "new_version" && target.value) target.form.elements.into.value = "new";
});

const WHOSE = 16; // characters of a token that tell whose it is

/** Return the token that forms have now, if it is another one of the same person; else null. */
export async function newToken(token) {
  const text = await fetch("/help").then((answer) => answer.text()).catch(() => "");
  const page = new DOMParser().parseFromString(text, "text/html");
  const now = page.querySelector("[name=form_token]")?.value ?? token;
  return now !== token && now.slice(0, WHOSE) === token.slice(0, WHOSE) ? now : null;
}

// A form that changes something is sent once, also when its button is pressed twice.
const AGAIN_AFTER_MS = 5000; // when the person has stopped it
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, AGAIN_AFTER_MS);
});

for (const link of document.querySelectorAll("[data-key]")) {
  const label = link.dataset.keyLabel ?? link.textContent.trim() ?? "";
  const name = link.placeholder ?? label;
  onKey(link.dataset.key, name || label, () => (link.matches("input, textarea") ? link.focus() : link.click()));
}

// Loading the page again repeats neither what was said nor the form that led to it, and a link to it says neither.
if (document.querySelector(".said")) forget("said");

// A menu closes with Escape, and when something outside is used.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}

onKey("?", "Show these keys", showKeys);
const help = document.querySelector(".keys-help");
if (help) {
  help.hidden = false;
  help.addEventListener("click", showKeys);
}
