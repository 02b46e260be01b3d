"use strict";
// Draws the figures of the page in its colours, and makes its tables sortable and searchable.

const figures = JSON.parse(document.getElementById("figures").textContent);
const config = {
  displaylogo: false,
  plotlyServerURL: "",
  responsive: true,
  showSendToCloud: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

// What Python leaves out: colours that differ between light and dark.
function themed(layout) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const change = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    "font.color": colour("--text"),
    "font.family": getComputedStyle(document.body).fontFamily,
    "hoverlabel.bgcolor": colour("--panel"),
    "hoverlabel.bordercolor": colour("--line"),
    "hoverlabel.font.color": colour("--text"),
    "modebar.bgcolor": "rgba(0,0,0,0)",
    "modebar.color": colour("--soft"),
    "modebar.activecolor": colour("--accent"),
  };
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
    change[`${axis}.gridcolor`] = colour("--grid");
    change[`${axis}.linecolor`] = colour("--line");
  }
  return change;
}

function put(layout, change) {
  for (const [path, value] of Object.entries(change)) {
    const keys = path.split(".");
    const last = keys.pop();
    let place = layout;
    for (const key of keys) {
      place = place[key] ??= {};
    }
    place[last] = value;
  }
  return layout;
}

async function draw() {
  for (const [name, figure] of Object.entries(figures)) {
    const layout = put(figure.layout, themed(figure.layout));
    await Plotly.newPlot(document.getElementById(name), figure.data, layout, config);
    // Gives the reader a chance to scroll between two figures.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  document.documentElement.dataset.ready = "true";
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const name of Object.keys(figures)) {
    const plot = document.getElementById(name);
    if (plot.layout) Plotly.relayout(plot, themed(plot.layout));
  }
});

function sortBy(table, column) {
  const header = table.tHead.rows[0].cells[column];
  const number = header.classList.contains("number");
  const order = header.getAttribute("aria-sort");
  const first = number ? "descending" : "ascending";
  const other = number ? "ascending" : "descending";
  reorder(table, column, order === first ? other : first);
}

function reorder(table, column, next) {
  const header = table.tHead.rows[0].cells[column];
  const number = header.classList.contains("number");
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", next);
  const sign = next === "ascending" ? 1 : -1;
  const key = (row) => {
    const cell = row.cells[column];
    return number ? Number(cell.dataset.value ?? -Infinity) : cell.textContent;
  };
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (number) return x === y ? 0 : sign * (x < y ? -1 : 1);
    return sign * x.localeCompare(y, "en", { numeric: true });
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    header.firstElementChild.addEventListener("click", () => sortBy(table, column));
  });
}

for (const input of document.querySelectorAll(".search input")) {
  const table = input.closest("section").querySelector(":scope > .scroll table");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

const drawn = draw();
