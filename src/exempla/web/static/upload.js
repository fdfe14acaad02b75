// A file that is dropped or chosen, sent with its progress; what the server says is shown here.
// One that is dropped on a page with a link to import goes there.

import { newToken } from "./exempla.js";

let running = null; // the request that is under way, and whether it only tries

/** Take the token of another log-in of the same person into the form; tell whether there was one. */
async function isOld(form, data) {
  const token = await newToken(data.get("form_token"));
  if (token) form.elements.form_token.value = token;
  return token !== null;
}

function send(form, submitter) {
  const result = document.getElementById("result");
  const progress = form.querySelector("[data-progress]");
  const [bar, told] = progress.children;
  const buttons = form.querySelector("[data-buttons]");
  const request = new XMLHttpRequest();
  const data = new FormData(form, submitter);
  const hadFocus = buttons.contains(document.activeElement);
  const setBusy = (isBusy) => {
    running = isBusy ? { request, isTrial: submitter?.name === "trial" } : null;
    progress.hidden = !isBusy;
    for (const button of buttons.children) button.disabled = isBusy;
  };

  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
    told.textContent = `${Math.round(event.loaded / 1024).toLocaleString()} KiB sent`;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    told.textContent = "The server reads it…";
  });
  request.addEventListener("load", async () => {
    const isToSend = request.status === 403 && (await isOld(form, data));
    setBusy(false);
    if (isToSend) {
      send(form, submitter);
      return;
    }
    if (new URL(request.responseURL).pathname !== location.pathname) {
      location.assign(request.responseURL); // it was done
      return;
    }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = page.getElementById("result") ?? page.querySelector("main");
    result.replaceChildren(...said.childNodes);
    result.querySelector("[data-again]")?.remove(); // the form here still has the file
    result.scrollIntoView({ block: "nearest" });
    const next = page.querySelector("[data-buttons]");
    if (next) buttons.replaceChildren(...next.children);
    if (hadFocus) buttons.querySelector(".main").focus();
  });
  request.addEventListener("error", () => {
    setBusy(false);
    result.textContent = "The upload broke off: nothing was imported. Send it again; if the file was changed meanwhile, choose it again.";
  });
  request.addEventListener("abort", () => setBusy(false));
  setBusy(true);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(data);
}

/** Let the form send itself here; return what gives it files. */
function start(form) {
  const input = form.elements.file;
  form.querySelector("[data-drop-help]").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter);
  });
  form.addEventListener("change", (event) => {
    if (!input.files.length || !["file", "format", "mode"].includes(event.target.name)) return;
    const name = form.elements.name;
    if (name && !name.value) name.value = input.files[0].name.replace(/\.[^.]*$/, "");
    // What was shown holds no more: try anew, but let an import go on.
    if (running?.isTrial) running.request.abort();
    const trial = form.querySelector("[name=trial]");
    if (trial && !running && form.reportValidity()) form.requestSubmit(trial);
  });
  const take = () => input.dispatchEvent(new Event("change", { bubbles: true }));
  if (input.files.length) take(); // it was chosen before this script was there
  return (files) => {
    input.files = files;
    take();
  };
}

/** Show the page that this link leads to in place of this one; return what gives it files. */
async function follow(link) {
  const answer = await fetch(link.href).catch(() => null);
  const page = new DOMParser().parseFromString(answer ? await answer.text() : "", "text/html");
  const form = page.querySelector("form[data-upload]");
  if (!form) {
    location.assign(link.href); // which says why
    return null;
  }
  document.querySelector("main").replaceWith(page.querySelector("main"));
  document.title = page.title;
  history.pushState(null, "", link.href);
  shown = location.pathname;
  return start(form);
}

const form = document.querySelector("form[data-upload]");
const link = document.querySelector("a[data-import]");
let give = form && start(form);

let shown = location.pathname;
window.addEventListener("popstate", () => {
  if (location.pathname !== shown) location.reload(); // the page before `follow`, or after it
});

if (form || link) {
  const place = () => document.querySelector("[data-drop]") ?? document.querySelector("main");
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      place().classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) place().classList.remove("over");
  });
  document.addEventListener("drop", async (event) => {
    const files = event.dataTransfer.files;
    if (!files.length) return;
    event.preventDefault();
    place().classList.remove("over");
    give ??= await follow(link);
    give?.(files);
  });
}
