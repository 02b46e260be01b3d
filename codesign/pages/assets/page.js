"use strict";
// Draws the figures of the page in its colours, and makes its tables sortable and searchable.
// A figure is drawn when it is one window away from being seen, or when the page is printed: to
// draw all of them at once would keep a reader of the first lines waiting. One whose data change is
// drawn again by the same rule.

const figures = JSON.parse(document.getElementById("figures").textContent);
const hovers = JSON.parse(document.getElementById("hovers")?.textContent ?? "[]");
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
  // The ground of labels that stand on lines is the page's.
  for (const [place, note] of (layout.annotations ?? []).entries()) {
    if (note.bgcolor) change[`annotations[${place}].bgcolor`] = colour("--page");
  }
  return change;
}

function put(layout, change) {
  for (const [path, value] of Object.entries(change)) {
    const keys = path.split(/[.[\]]+/); // of `annotations[1].bgcolor` too
    const last = keys.pop();
    let place = layout;
    for (const key of keys) {
      place = place[key] ??= {};
    }
    place[last] = value;
  }
  return layout;
}

const names = Object.keys(figures);
const stale = new Set(names); // figures that do not show what their data are now
const drawings = new Map(); // of the figures that are drawn or being drawn, a promise for each

// The texts that several figures share, in the traces that refer to them.
function told(data) {
  if (!hovers.length) return data;
  for (const trace of data) trace.hovertext ??= trace.customdata?.map((number) => hovers[number]);
  return data;
}

function drawFigure(name) {
  if (stale.delete(name)) {
    const before = drawings.get(name);
    const redraw = () => Plotly.redraw(document.getElementById(name));
    drawings.set(name, before ? before.then(redraw) : drawFirst(name));
  }
  return drawings.get(name);
}

function drawFirst(name) {
  const { layout, detail } = figures[name];
  const data = told(figures[name].data);
  const place = document.getElementById(name);
  const drawing = Plotly.newPlot(place, data, put(layout, themed(layout)), config);
  if (detail) drawing.then(() => (detail.brush ? brush : refine)(place, detail));
  return drawing;
}

const drawAll = () => Promise.all(names.map(drawFigure));

// -- finer bars where a reader zooms in, as codesign/pages/timeline_detail.py says ----------------

function refine(plot, detail) {
  const traces = detail.traces.filter((number) => number >= 0).map((number) => plot.data[number]);
  const coarse = traces.map(({ base, x, y, hovertext, marker }) => ({
    ...{ base, x, y, hovertext },
    marker: { ...marker },
  }));
  let isFine = false;
  plot.on("plotly_relayout", (change) => {
    if (!Object.keys(change).some((path) => path.startsWith("xaxis"))) return;
    const bars = finest(detail, ...plot.layout.xaxis.range);
    if (!bars && !isFine) return;
    isFine = Boolean(bars);
    traces.forEach((trace, place) => {
      const shown = isFine ? stretch(detail, bars, plot.data.indexOf(trace)) : coarse[place];
      const marker = Object.assign(trace.marker, shown.marker);
      Object.assign(trace, shown, { marker });
    });
    Plotly.redraw(plot);
  });
}

// The bars between two cycles, of the finest level that has not too many there.
function finest(detail, first, last) {
  for (const level of detail.levels.toReversed()) {
    level.starts ??= startsOf(level);
    const places = [...level.starts.keys()].filter(
      (bar) => level.starts[bar] < last && level.starts[bar] + level.lengths[bar] > first,
    );
    if (places.length <= detail.most) return { level, places };
  }
  return null;
}

function startsOf({ resource, gaps, lengths }) {
  let end = 0;
  return gaps.map((gap, bar) => {
    const start = (resource[bar] === resource[bar - 1] ? end : 0) + gap;
    end = start + lengths[bar];
    return start;
  });
}

// What of a trace differs between levels, as codesign/pages/timeline.py makes it.
function stretch(detail, { level, places }, number) {
  const { starts, lengths, idle } = level;
  const bars = places.filter((bar) => detail.traces[level.stream[bar]] === number);
  return {
    base: bars.map((bar) => starts[bar]),
    x: bars.map((bar) => lengths[bar]),
    y: bars.map((bar) => detail.resources[level.resource[bar]]),
    hovertext: bars.map((bar) => said(detail, level, bar)),
    marker: {
      color: bars.map((bar) => detail.colours[level.stream[bar]][level.layer[bar]]),
      opacity: bars.map((bar) => 1 - (0.8 * idle[bar]) / Math.max(lengths[bar], 1)),
    },
  };
}

function said(detail, level, bar) {
  const [start, length] = [level.starts[bar], level.lengths[bar]];
  const number = (value) => value.toLocaleString("en-US");
  const more = level.layers[bar] - 1;
  const [first, last] = [level.timesteps[bar], level.timesteps[bar] + level.more[bar]];
  const lines = [
    `<b>${detail.resources[level.resource[bar]]}</b>`,
    detail.layers[level.layer[bar]] + (more ? ` and ${more} more layers` : ""),
    first === last ? `timestep ${first}` : `timesteps ${first} to ${last}`,
    `cycles ${number(start)} to ${number(start + length)}`,
  ];
  if (level.rows[bar] > 1) {
    const share = `${((100 * (length - level.idle[bar])) / length).toFixed(1)} %`;
    const busy = length ? share : "all";
    lines.push(`${number(level.rows[bar])} jobs or transfers, busy ${busy} of this time`);
  }
  return lines.join("<br>");
}

// In pixels from the window; 0 for what is in it.
function distance(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return Math.max(top - innerHeight, -bottom, 0);
}

let reach = 0; // how many windows from this one figures are drawn

function nextFigure() {
  const known = [...stale].map((name) => [distance(document.getElementById(name)), name]);
  const near = known.filter(([pixels]) => pixels <= reach * innerHeight);
  return near.sort(([one], [other]) => one - other)[0]?.[1];
}

// The nearest first, with a chance for the reader to act between two figures.
async function drawAllNear() {
  for (let name = nextFigure(); name !== undefined; name = nextFigure()) {
    await drawFigure(name);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

let drawingNear = null;
const drawNear = () =>
  (drawingNear ??= drawAllNear().finally(() => {
    drawingNear = null;
  }));

async function start() {
  await drawNear();
  document.documentElement.dataset.ready = "true";
  performance.mark("ready");
  reach = 1;
  const observer = new IntersectionObserver(drawNear, { rootMargin: "100% 0px" });
  for (const name of names) observer.observe(document.getElementById(name));
}

addEventListener("beforeprint", drawAll);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [name, drawing] of drawings) {
    const plot = document.getElementById(name);
    drawing.then(() => Plotly.relayout(plot, themed(plot.layout)));
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

const opened = start();
