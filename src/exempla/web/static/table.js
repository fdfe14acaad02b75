// The table of examples: what fits is not folded, and the filter is completed.

import { forget, make } from "./exempla.js";
import "./columns.js";

const WORDS = ["AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS NULL", "IS NOT NULL", "TRUE", "FALSE"];
const MOST = 12;

const NAME = String.raw`(?:"(?:[^"]|"")+"|[\p{L}\p{N}_]+)`;
/** A name, how it is compared, and the beginning of a value, at the end of what is written. */
const COMPARED = new RegExp(String.raw`(?:^|[\s(])(${NAME}(?:\.${NAME})*)\s*(?:[=<>]|!=|<=|>=|<>|\bIN\s*\((?:[^()]*,)?|\bLIKE\b)\s*('(?:[^']|'')*|[\w.+-]*)$`, "iu");

/** Mark the folded values that are seen whole, which have no more to show. */
function markWhatFits() {
  const folds = [...document.querySelectorAll(".fold:not([open])")];
  const fits = folds.map((fold) => {
    const cell = fold.querySelector(".cell");
    return cell.clientHeight > 0 && cell.scrollHeight <= cell.clientHeight + 1;
  });
  folds.forEach((fold, index) => fold.toggleAttribute("data-fits", fits[index]));
}

/** Tell whether what comes after this text is not inside a string. */
const isOutside = (text) => (text.match(/'/g)?.length ?? 0) % 2 === 0;

/** Complete the name, word or value that is being written in the filter. */
function completeFilter(input) {
  const known = JSON.parse(input.dataset.completions);
  const paths = Object.keys(known);
  const list = make("ul", "", { id: "filter-completions", role: "listbox", class: "completions", "aria-label": "Completions" });
  list.hidden = true;
  input.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-controls", list.id], ["aria-expanded", "false"], ["aria-autocomplete", "list"]]) {
    input.setAttribute(name, value);
  }
  let at = -1;
  let isBegun = false; // else Tab goes on to the next element

  /** What is being written, and what it could become. */
  const candidates = () => {
    const before = input.value.slice(0, input.selectionStart);
    const [, name, word] = before.match(COMPARED) ?? ["", "", ""];
    const values = isOutside(before.slice(0, before.length - word.length)) ? (known[name] ?? []) : [];
    if (values.length) {
      const low = word.replace(/^'/, "").toLowerCase();
      return { word, found: values.filter((value) => value.replace(/^'/, "").toLowerCase().startsWith(low)) };
    }
    if (!isOutside(before)) return { word: "", found: [] };
    const begun = before.match(/[\p{L}\p{N}_."]*$/u)[0];
    if (begun === "") return { word: "", found: [] };
    const low = begun.toLowerCase();
    const found = [
      ...paths.filter((path) => path.toLowerCase().startsWith(low)),
      ...paths.filter((path) => !path.toLowerCase().startsWith(low) && path.toLowerCase().includes(low)),
      ...WORDS.filter((one) => one.toLowerCase().startsWith(low)),
    ];
    return { word: begun, found };
  };
  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (text) => {
    const start = input.selectionStart - candidates().word.length;
    const isClosed = text.endsWith("'") && input.value[input.selectionStart] === "'";
    input.setRangeText(text, start, input.selectionStart + isClosed, "end");
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
    const { word, found: all } = candidates();
    const found = all.filter((text) => text !== word).slice(0, MOST);
    isBegun = word !== "";
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
    } else if ((event.key === "Enter" && at >= 0) || (event.key === "Tab" && !event.shiftKey && (isBegun || at >= 0))) {
      event.preventDefault();
      take(list.children[Math.max(at, 0)].textContent);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
  });
}

/** Go on with a search that is shown as far as it came, unless the filter is changed meanwhile. */
function lookAtTheRest(link, filter) {
  const text = link.textContent;
  link.textContent = "Looking at the rest…";
  filter.addEventListener("input", () => {
    stop();
    link.textContent = text;
  }, { once: true });
  location.replace(link.href);
}

const filter = document.getElementById("filter");
completeFilter(filter);
const rest = document.getElementById("rest");
if (rest) lookAtTheRest(rest, filter);
if (new URLSearchParams(location.search).has("whole")) forget("whole"); // so that it is answered soon
markWhatFits();
addEventListener("resize", markWhatFits);
