// Say of what looks like a number, or other JSON, that it is taken as text, while it is written.

import { make } from "./exempla.js";

const form = document.querySelector("form[data-edit], form[data-grid]");

/** Tell whether a text is JSON and no string. */
function isJson(text) {
  try {
    return typeof JSON.parse(text) !== "string";
  } catch {
    return false;
  }
}

/** Return where to say it: under its field, or under the table. */
function placeOf(area) {
  return area.closest(".field") ?? area.closest("fieldset");
}

function say(area) {
  const place = placeOf(area);
  place.querySelector("[data-taken]")?.remove();
  if (!isJson(area.value)) return;
  const shown = area.value.trim().slice(0, 40);
  const hint = make("p", `${shown} is taken as text. `, { class: "quiet", "data-taken": "", role: "status" });
  const kind = place.querySelector("input[name^='kind.']");
  if (kind) {
    const button = make("button", "Take it as JSON", { type: "button" });
    button.addEventListener("click", () => {
      kind.value = "json";
      place.querySelector(".kind").textContent = "JSON";
      area.classList.replace("text", "json");
      hint.remove();
      area.focus();
    });
    hint.append(button);
  }
  place.append(hint);
}

form?.addEventListener("input", (event) => {
  if (event.target.matches("textarea.text, table.typed textarea")) say(event.target);
});
