"use strict";
// Prices the page again under factors on coefficients, as codesign/pages/repricing.py says.
// Everything that shows an energy keeps what the file gives, and gets it back at factors of 1.
{
  const data = JSON.parse(document.getElementById("repricing").textContent);
  const panel = document.getElementById("sliders");
  const inputs = new Map(
    data.sliders.map(({ name }) => [name, document.getElementById(`factor-${name}`)]),
  );
  const middle = (data.factors.length - 1) / 2;
  const largest = data.factors.at(-1);
  const sliderOf = new Map(
    data.sliders.flatMap(({ name, components }) => components.map((each) => [each, name])),
  );
  const REST_MS = 40;
  let factors = {};

  const factorOf = (component) => factors[sliderOf.get(component)] ?? 1;
  const isChanged = () => Object.keys(factors).length > 0;
  const energy = (parts) =>
    Object.entries(parts).reduce((sum, [name, value]) => sum + factorOf(name) * value, 0);

  // As codesign.units.si: three digits, rounded before the prefix is chosen.
  const PREFIXES = ["a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"];
  function quantity(value, unit) {
    const [digits, power] = value.toExponential(2).split("e");
    const exponent = value ? Math.min(Math.max(Math.floor(power / 3) * 3, -18), 18) : 0;
    const shown = Number(`${digits}e${power - exponent}`);
    return `${shown} ${PREFIXES[exponent / 3 + 6]}${unit}`;
  }
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  // -- numbers in tiles and tables --------------------------------------------------------------

  const numbers = [...document.querySelectorAll("[data-parts]")].map((element) => {
    const words = element.dataset.parts.split(" ").filter(Boolean);
    const parts = {};
    for (let i = 0; i < words.length; i += 2) parts[words[i]] = Number(words[i + 1]);
    const { unit = "J", size = "1", value } = element.dataset;
    return { element, parts, unit, size: Number(size), value, text: element.textContent };
  });
  const rankings = [...document.querySelectorAll("[data-ranking]")].map((element) => {
    const cells = numbers.filter((each) => each.element.parentNode === element.parentNode);
    return { element, cells, text: element.textContent };
  });
  const sorted = [...new Set(numbers.map(({ element }) => element.closest("table")))].filter(
    (table) => table !== null,
  );

  function put(element, value, text) {
    if (value === undefined) delete element.dataset.value;
    else element.dataset.value = value;
    if (element.textContent !== text) element.textContent = text;
  }

  function showNumbers() {
    const whole = energy(data.runs[0].parts_pj);
    for (const each of numbers) {
      if (isChanged()) {
        const sum = energy(each.parts);
        const isShare = each.unit === "%";
        const value = isShare ? (whole ? sum / whole : 0) : sum;
        const note = isShare && each.element.className === "note" ? " of energy" : "";
        const text = isShare ? percent(value) + note : quantity(value * each.size, each.unit);
        put(each.element, value, text);
      } else put(each.element, each.value, each.text);
    }
    for (const { element, cells, text } of rankings) {
      const values = cells.map(({ parts }) => energy(parts));
      element.textContent = isChanged() ? ranking(values) : text;
    }
    for (const table of sorted) {
      const header = table.querySelector("th[aria-sort]");
      if (header) reorder(table, header.cellIndex, header.getAttribute("aria-sort"));
    }
  }

  // -- figures ----------------------------------------------------------------------------------

  // Bars are energies of one component, or (on a second horizontal axis) its share of the sum.
  const pictures = data.figures
    .filter((name) => name in figures)
    .map((name) => {
      const traces = figures[name].data.filter((trace) => trace.type === "bar");
      const bars = traces.map((trace) => {
        const axis = trace.orientation === "h" ? "x" : "y";
        const isShare = trace.xaxis === "x2";
        return { trace, axis, isShare, component: trace.legendgroup, file: trace[axis] };
      });
      return { name, bars };
    });

  function priceFigure({ bars }) {
    const absolute = bars.filter(({ isShare }) => !isShare);
    for (const bar of bars) {
      const factor = factorOf(bar.component);
      bar.now = isChanged() ? bar.file.map((value) => factor * value) : bar.file;
    }
    if (isChanged() && absolute.length < bars.length) {
      const totals = absolute[0].now.map((_, i) => absolute.reduce((sum, b) => sum + b.now[i], 0));
      for (const bar of bars.filter(({ isShare }) => isShare)) {
        const own = absolute.find(({ component }) => component === bar.component);
        bar.now = own.now.map((value, i) => (totals[i] ? (100 * value) / totals[i] : 0));
      }
    }
    for (const { trace, axis, now } of bars) trace[axis] = now;
  }

  function isInView({ name }) {
    const { top, bottom } = document.getElementById(name).getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }

  // Figures in view follow a slider at once, the others when it rests.
  let latest = 0;
  async function drawFigures() {
    const mine = ++latest;
    pictures.forEach(priceFigure);
    await drawn;
    const seen = pictures.filter(isInView);
    for (const picture of [...seen, null, ...pictures.filter((each) => !seen.includes(each))]) {
      await new Promise((resolve) => setTimeout(resolve, picture ? 0 : REST_MS));
      if (mine !== latest) return;
      if (picture) await Plotly.redraw(document.getElementById(picture.name));
    }
    document.documentElement.dataset.factors = fragment(false);
  }

  // -- the panel --------------------------------------------------------------------------------

  function ranking(values) {
    const order = values.map((_, run) => run).sort((a, b) => values[a] - values[b]);
    return order.reduce((said, run, place) => {
      const sign = place && values[run] === values[order[place - 1]] ? " = " : " < ";
      return said + (place ? sign : "") + data.runs[run].name;
    }, "");
  }

  function flips(before, after) {
    const found = [];
    for (let one = 0; one < before.length; one++) {
      for (let other = one + 1; other < before.length; other++) {
        const [less, more] = before[one] <= before[other] ? [one, other] : [other, one];
        if (before[less] < before[more] && after[less] > after[more]) found.push([less, more]);
      }
    }
    return found;
  }

  function say(selector, text) {
    const place = panel.querySelector(selector);
    if (place.textContent !== text) place.textContent = text;
  }

  function showOutcome() {
    const after = data.runs.map(({ parts_pj }) => energy(parts_pj));
    const before = data.runs.map(({ parts_pj }) =>
      Object.values(parts_pj).reduce((sum, value) => sum + value, 0),
    );
    const totals = data.runs.map(({ name }, run) => {
      const change = percent(after[run] / before[run] - 1);
      const sign = after[run] < before[run] ? "" : "+";
      return `${name} ${quantity(after[run] * 1e-12, "J")} (${sign}${change})`;
    });
    const several = after.length > 1 ? ` By energy ${ranking(after)}.` : "";
    const said = isChanged() ? `${totals.join(", ")} against the file.${several}` : "";
    say(".totals", said || "All numbers are at the file's coefficients.");
    const pairs = flips(before, after).map(
      ([less, more]) => `${data.runs[more].name} now spends less than ${data.runs[less].name}`,
    );
    say(".flips", pairs.length ? `The ranking by energy flips: ${pairs.join("; ")}.` : "");
  }

  function showSliders() {
    for (const { name, unit, coefficient } of data.sliders) {
      const factor = factors[name] ?? 1;
      const input = inputs.get(name);
      const stop = Math.round(Math.log10(factor) * middle);
      if (data.factors[Number(input.value) + middle] !== factor) input.value = stop;
      const digits = Number(factor.toPrecision(4));
      const pj = Number(((coefficient ?? 0) * factor).toPrecision(3));
      const text = `× ${digits}${coefficient === null ? "" : `, ${pj} ${unit}`}`;
      input.setAttribute("aria-valuetext", text);
      input.closest(".factor").querySelector("output").textContent = text;
      input.closest(".factor").classList.toggle("changed", factor !== 1);
    }
    panel.querySelector("button").disabled = !isChanged();
  }

  function show() {
    showSliders();
    if (isChanged()) document.documentElement.dataset.repriced = "true";
    else delete document.documentElement.dataset.repriced;
    delete document.documentElement.dataset.factors;
    showNumbers();
    showOutcome();
    // What is jumped to must not lie under the panel.
    const height = isChanged() ? panel.offsetHeight : 0;
    document.documentElement.style.scrollPaddingTop = `${height}px`;
    drawFigures();
  }

  // -- the address ------------------------------------------------------------------------------

  const pieces = () => location.hash.slice(1).split("&").filter(Boolean);
  const isOurs = (piece) => inputs.has(piece.split("=")[0]);

  function fragment(others) {
    const ours = data.sliders
      .filter(({ name }) => name in factors)
      .map(({ name }) => `${name}=${factors[name]}`);
    return [...(others ? pieces().filter((each) => !isOurs(each)) : []), ...ours].join("&");
  }

  function read() {
    factors = {};
    for (const [name, text] of pieces().filter(isOurs).map((each) => each.split("="))) {
      const factor = /^\d*\.?\d+$/.test(text ?? "") ? Number(text) : NaN;
      if (factor >= 1 / largest && factor <= largest && factor !== 1) factors[name] = factor;
      else delete factors[name];
    }
    if (isChanged()) panel.querySelector("details").open = true;
  }

  function write() {
    const hash = fragment(true);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  // One drawing a frame, however many events there are.
  let isAwaited = false;
  function showSoon() {
    if (isAwaited) return;
    isAwaited = true;
    requestAnimationFrame(() => {
      isAwaited = false;
      write();
      show();
    });
  }

  for (const [name, input] of inputs) {
    input.addEventListener("input", () => {
      const factor = data.factors[Number(input.value) + middle];
      if (factor === 1) delete factors[name];
      else factors[name] = factor;
      showSoon();
    });
  }
  panel.querySelector("button").addEventListener("click", () => {
    factors = {};
    showSoon();
    inputs.values().next().value.focus();
  });
  addEventListener("hashchange", () => {
    read();
    show();
  });

  panel.hidden = false;
  document.documentElement.dataset.sliders = "true";
  read();
  if (isChanged()) show();
  else {
    showSliders();
    showOutcome();
    drawn.then(() => (document.documentElement.dataset.factors = ""));
  }
}
