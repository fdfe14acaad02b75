// The form of an example: Ctrl+Enter saves, JSON is checked while it is written, and a page that
// is left asks first.

const form = document.querySelector("form[data-edit]");
let isChanged = false;

form.addEventListener("input", (event) => {
  isChanged = true;
  const area = event.target;
  const choice = area.matches("textarea") && form.elements[area.name.replace("value", "choice")];
  if (choice instanceof RadioNodeList) choice.value = "mine";
  if (!area.matches("textarea.json")) return;
  let isWrong = false;
  try {
    if (area.value.trim()) JSON.parse(area.value);
  } catch {
    isWrong = true;
  }
  area.setAttribute("aria-invalid", String(isWrong));
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.addEventListener("submit", () => {
  isChanged = false;
});
window.addEventListener("beforeunload", (event) => {
  if (isChanged) event.preventDefault();
});
document.querySelector("[aria-invalid=true]")?.focus();
