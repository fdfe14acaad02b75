// The table of examples: columns are shown and hidden at once, and the filter is completed.

import { make } from "./exempla.js";

const WORDS = ["AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS NULL", "IS NOT NULL", "TRUE", "FALSE"];
const MOST = 12;

/** Show the chosen columns. The choice is kept in this browser, and put into the address. */
function chooseColumns(choices) {
  const boxes = [...choices.querySelectorAll("input")];
  const table = document.querySelector("[data-columns-table]");
  const place = `columns ${choices.dataset.columns}`;
  const hidden = () => boxes.filter((box) => !box.checked).map((box) => box.value);
  const shown = new Set([...table.tHead.querySelectorAll("th[data-column]")].map((one) => one.dataset.column));

  const apply = () => {
    const off = new Set(hidden());
    for (const cell of table.querySelectorAll("[data-column]")) cell.hidden = off.has(cell.dataset.column);
    document.getElementById("columns-count").textContent = `${[...shown].filter((name) => !off.has(name)).length} of ${choices.dataset.fields}`;
  };

  if (!("chosen" in choices.dataset)) {
    const kept = new Set(JSON.parse(localStorage.getItem(place) ?? "[]"));
    if (boxes.some((box) => !kept.has(box.value))) {
      for (const box of boxes) box.checked = shown.has(box.value) && !kept.has(box.value);
      apply();
    }
  }
  choices.addEventListener("change", () => {
    if (boxes.some((box) => box.checked && !shown.has(box.value))) {
      choices.closest("form").requestSubmit(); // a column that this page was made without
      return;
    }
    const off = hidden();
    localStorage.setItem(place, JSON.stringify(off));
    const address = new URL(location.href);
    address.searchParams.delete("columns");
    if (off.length) {
      for (const box of boxes) if (box.checked) address.searchParams.append("columns", box.value);
    }
    history.replaceState(null, "", address);
    apply();
  });
  for (const [text, checked] of [["All", true], ["None", false]]) {
    const button = make("button", text, { type: "button" });
    button.addEventListener("click", () => {
      for (const box of boxes) box.checked = checked;
      choices.dispatchEvent(new Event("change"));
    });
    choices.before(button);
  }
  choices.closest("form").addEventListener("formdata", (event) => {
    if (hidden().length === 0) event.formData.delete("columns"); // all: an address for everyone
  });
}

/** Complete the name or word that is being written in the filter. */
function completeFilter(input) {
  const paths = JSON.parse(input.dataset.paths);
  const list = make("ul", "", { id: "filter-completions", role: "listbox", class: "completions", "aria-label": "Completions" });
  list.hidden = true;
  input.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-controls", list.id], ["aria-expanded", "false"], ["aria-autocomplete", "list"]]) {
    input.setAttribute(name, value);
  }
  let at = -1;

  const written = () => {
    const before = input.value.slice(0, input.selectionStart);
    if ((before.match(/'/g)?.length ?? 0) % 2) return null; // inside a string
    return before.match(/[\w."]*$/u)[0];
  };
  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (text) => {
    const end = input.selectionStart;
    const start = end - written().length;
    input.setRangeText(`${text} `, start, end, "end");
    close();
    input.focus();
  };
  const mark = (step) => {
    const options = [...list.children];
    options[at]?.setAttribute("aria-selected", "false");
    at = (at + step + options.length) % options.length;
    options[at].setAttribute("aria-selected", "true");
    options[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[at].id);
  };
  const show = () => {
    const word = written();
    if (word === null || word === "") return close();
    const low = word.toLowerCase();
    const found = [
      ...paths.filter((path) => path.toLowerCase().startsWith(low)),
      ...paths.filter((path) => !path.toLowerCase().startsWith(low) && path.toLowerCase().includes(low)),
      ...WORDS.filter((known) => known.toLowerCase().startsWith(low)),
    ].filter((text) => text !== word).slice(0, MOST);
    list.replaceChildren(
      ...found.map((text, index) => {
        const option = make("li", text, { role: "option", id: `completion-${index}`, "aria-selected": "false" });
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(text);
        });
        return option;
      }),
    );
    at = -1;
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
  };

  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(event.key === "ArrowDown" ? 1 : -1);
    } else if ((event.key === "Enter" && at >= 0) || (event.key === "Tab" && !event.shiftKey)) {
      event.preventDefault();
      take(list.children[Math.max(at, 0)].textContent);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
  });
}

const choices = document.querySelector("[data-columns]");
if (choices && document.querySelector("[data-columns-table]")) chooseColumns(choices);
completeFilter(document.getElementById("filter"));
