// The table to type examples into: rows and fields can be added, cells grow with their text.

const table = document.querySelector("table.typed");

function grow(area) {
  area.rows = Math.min(12, Math.max(area.value.split("\n").length, Math.ceil(area.value.length / 40)));
}

function empty(cell, label) {
  const copy = cell.cloneNode(true);
  const field = copy.querySelector("input, textarea");
  field.value = "";
  field.setAttribute("aria-label", label);
  return copy;
}

function addRow() {
  const rows = table.tBodies[0].rows;
  const row = document.createElement("tr");
  [...rows[0].cells].forEach((cell, index) => {
    row.append(empty(cell, `Row ${rows.length + 1}, field ${index + 1}`));
  });
  table.tBodies[0].append(row);
  return row;
}

function addColumn() {
  const head = table.tHead.rows[0];
  const number = head.cells.length + 1;
  head.append(empty(head.cells[0], `Name of field ${number}`));
  [...table.tBodies[0].rows].forEach((row, index) => {
    row.append(empty(row.cells[0], `Row ${index + 1}, field ${number}`));
  });
  head.lastElementChild.querySelector("input").focus();
}

if (table) {
  for (const button of document.querySelectorAll("[data-add]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (button.dataset.add === "column") addColumn();
      else addRow().querySelector("textarea").focus();
    });
  }
  table.addEventListener("input", (event) => {
    if (!event.target.matches("textarea")) return;
    grow(event.target);
    // There is always an empty row to go on with.
    if (event.target.closest("tr") === table.tBodies[0].lastElementChild) addRow();
  });
}
