// Fetch the part of a page that takes long to make.

const part = document.querySelector("[data-load]");
if (part) {
  part.firstElementChild.textContent = part.dataset.loading;
  const answer = await fetch(part.dataset.load).catch(() => null);
  const text = answer ? await answer.text() : "";
  const page = new DOMParser().parseFromString(text, "text/html");
  const made = page.getElementById(part.id);
  if (made) part.replaceWith(made);
  else part.textContent = page.querySelector(".lead")?.textContent ?? "The server cannot be reached. Load the page again.";
}
