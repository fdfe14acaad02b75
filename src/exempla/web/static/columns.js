// The columns of a table: found, shown and hidden at once, kept in this browser, in every address.

const choices = document.querySelector("[data-columns]");
const table = document.querySelector("[data-columns-table]");

/** Return an address of this table with these columns; without any it has the usual ones. */
function withColumns(address, columns) {
  const url = new URL(address, location.href);
  url.searchParams.delete("columns");
  for (const name of columns) url.searchParams.append("columns", name);
  return url;
}

function chooseColumns() {
  const { columns: dataset, most, fields, usual: usualText } = choices.dataset;
  const place = `columns shown ${dataset}`;
  const open = `columns open ${dataset}`; // the field that was chosen last, for a page that is made anew
  const usual = JSON.parse(usualText);
  const boxes = [...choices.querySelectorAll("[name=columns]")];
  const tools = choices.querySelector(".tools");
  const said = tools.querySelector("[role=status]");
  const apply = choices.parentElement.querySelector(":scope > button");
  const search = tools.querySelector("input");
  const made = new Set([...(table?.querySelectorAll("th[data-column]") ?? [])].map((one) => one.dataset.column));
  const checked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  /** What an address tells of the columns: nothing for the usual ones. */
  const asked = () => {
    const names = checked();
    return names.length === usual.length && names.every((name, index) => name === usual[index]) ? [] : names;
  };

  const show = () => {
    const names = new Set(checked());
    for (const cell of table?.querySelectorAll("[data-column]") ?? []) cell.hidden = !names.has(cell.dataset.column);
    names.delete("id");
    document.getElementById("columns-count").textContent = `${names.size} of ${Number(fields).toLocaleString("en")}`;
    const columns = asked();
    history.replaceState(null, "", withColumns(location.href, columns));
    for (const link of document.querySelectorAll("main a[href]")) {
      if (link.origin === location.origin && link.pathname === location.pathname) link.href = withColumns(link.href, columns);
    }
  };
  /** Keep what was chosen; the page is made anew for a column that it has not. */
  const keep = (changed) => {
    const columns = asked();
    apply.disabled = checked().length === 0; // which an address cannot tell
    if (apply.disabled) said.textContent = "No column is left: choose one.";
    if (columns.length) localStorage.setItem(place, JSON.stringify(columns));
    else if (checked().length) localStorage.removeItem(place);
    const lacking = changed.find((box) => box.checked && !made.has(box.value));
    if (!lacking) return show();
    sessionStorage.setItem(open, lacking.value);
    choices.closest("form").requestSubmit();
  };
  const room = () => Number(most) - checked().length;

  const kept = JSON.parse(localStorage.getItem(place) ?? "[]");
  const listed = new Set(boxes.map((box) => box.value));
  if (!("chosen" in choices.dataset) && kept.some((name) => listed.has(name))) {
    if (kept.some((name) => listed.has(name) && !made.has(name)) && table) {
      location.replace(withColumns(location.href, kept));
      return;
    }
    for (const box of boxes) box.checked = kept.includes(box.value);
    show();
  }

  tools.hidden = false;
  const last = sessionStorage.getItem(open);
  if (last !== null) {
    sessionStorage.removeItem(open);
    choices.closest("details").open = true;
    boxes.find((box) => box.value === last)?.focus();
  }
  choices.addEventListener("change", ({ target }) => {
    if (target.name !== "columns") return;
    const isOver = target.checked && room() < 0;
    if (isOver) target.checked = false;
    said.textContent = isOver ? `At most ${most} are shown at once: take one away first.` : "";
    if (!isOver) keep([target]);
  });
  search.addEventListener("input", () => {
    const part = search.value.toLowerCase();
    let found = 0;
    for (const box of boxes) {
      const isFound = box.value.toLowerCase().includes(part);
      box.parentElement.hidden = !isFound;
      found += isFound;
    }
    said.textContent = part ? `${found.toLocaleString("en")} found` : "";
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // not the form, which shows the table anew
  });
  for (const button of tools.querySelectorAll("[data-check]")) {
    button.addEventListener("click", () => {
      const isAll = button.dataset.check === "all";
      const found = boxes.filter((box) => !box.parentElement.hidden && box.checked !== isAll && !(isAll && box.value === "id"));
      const taken = isAll ? found.slice(0, Math.max(room(), 0)) : found;
      for (const box of taken) box.checked = isAll;
      said.textContent = taken.length < found.length ? `At most ${most} are shown at once.` : "";
      keep(taken);
    });
  }
  choices.closest("form").addEventListener("formdata", (event) => {
    if (asked().length === 0) event.formData.delete("columns"); // an address for everyone
  });
}

if (choices) chooseColumns();
