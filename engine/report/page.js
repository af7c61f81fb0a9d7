"use strict";
const table = document.getElementById("photos"), body = table.tBodies[0];

// Sorting by a column.
const key = (row, column) => {
  const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  return text === "" ? null : isNaN(text) ? text.toLowerCase() : Number(text);
};
for (const head of table.tHead.rows[0].cells) {
  head.querySelector("button")?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending", column = head.cellIndex;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].map(row => [key(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);  // what has none comes last
      return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    });
    body.append(...rows.map(([, row]) => row));
  });
}

// A large view of a thumbnail that has no file; Escape, a click or its button closes it.
const dialog = document.querySelector("dialog"), close = dialog.querySelector("button");
body.addEventListener("click", event => {
  const image = event.target.closest(".enlarge")?.querySelector("img");
  if (!image) return;
  dialog.replaceChildren(close, image.cloneNode());
  dialog.showModal();
});
dialog.addEventListener("click", () => dialog.close());
