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
  const REST_MS = 150;
  let factors = {};

  const factorOf = (component) => factors[sliderOf.get(component)] ?? 1;
  const isChanged = () => Object.keys(factors).length > 0;
  const energy = (parts) =>
    Object.entries(parts).reduce((sum, [name, value]) => sum + factorOf(name) * value, 0);

  const atFile = (parts) => Object.values(parts).reduce((sum, value) => sum + value, 0);

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

  // By table, null for what stands in none: functions that show its cells as they are now.
  const cells = new Map();
  function follows(element, show) {
    const table = element.closest("table");
    if (!cells.has(table)) cells.set(table, []);
    cells.get(table).push(show);
  }

  const numbers = [...document.querySelectorAll("[data-parts]")].map((element) => {
    const words = element.dataset.parts.split(" ").filter(Boolean);
    const parts = {};
    for (let i = 0; i < words.length; i += 2) parts[words[i]] = Number(words[i + 1]);
    const { unit = "J", size = "1", value } = element.dataset;
    return { element, parts, unit, size: Number(size), value, text: element.textContent };
  });
  for (const number of numbers) follows(number.element, () => showNumber(number));
  for (const element of document.querySelectorAll("[data-ranking]")) {
    const own = numbers.filter((each) => each.element.parentNode === element.parentNode);
    const text = element.textContent;
    follows(element, () => {
      element.textContent = isChanged() ? ranking(own.map(({ parts }) => energy(parts))) : text;
    });
  }
  [...document.querySelectorAll("[data-front]")].forEach((element, place) => {
    const text = element.textContent;
    follows(element, () => {
      element.textContent = isChanged() ? (isOnFront(timed[place]) ? "yes" : "no") : text;
    });
  });

  function put(element, value, text) {
    if (value === undefined) delete element.dataset.value;
    else element.dataset.value = value;
    if (element.textContent !== text) element.textContent = text;
  }

  function showNumber({ element, parts, unit, size, ...file }) {
    if (!isChanged()) return put(element, file.value, file.text);
    const sum = energy(parts);
    const isShare = unit === "%";
    const whole = energy(data.runs[0].parts_pj);
    const value = isShare ? (whole ? sum / whole : 0) : sum;
    const note = isShare && element.className === "note" ? " of energy" : "";
    put(element, value, isShare ? percent(value) + note : quantity(value * size, unit));
  }

  const isSeen = (table) =>
    table === null || (!table.closest("details:not([open])") && distance(table) === 0);

  // A table that is not seen follows when the hand rests: most of a page's numbers are in those.
  const staleTables = new Set();
  function showNumbers(tables) {
    for (const table of tables) {
      staleTables.delete(table);
      for (const show of cells.get(table)) show();
      const header = table?.querySelector("th[aria-sort]");
      if (header) reorder(table, header.cellIndex, header.getAttribute("aria-sort"));
    }
  }

  // -- figures ----------------------------------------------------------------------------------

  // Bars are energies of one component, or (on a second horizontal axis) its share of the sum.
  function barsOf({ data: traces }) {
    const bars = traces
      .filter((trace) => trace.type === "bar")
      .map((trace) => {
        const axis = trace.orientation === "h" ? "x" : "y";
        const isShare = trace.xaxis === "x2";
        return { trace, axis, isShare, component: trace.legendgroup, file: trace[axis] };
      });
    const sums = traces
      .filter((trace) => trace.type !== "bar" && trace.legendgroup === "sum")
      .map((trace) => {
        const axis = bars.length ? bars[0].axis : "x";
        return { trace, axis, file: trace[axis] };
      });
    return () => priceBars(bars, sums);
  }

  function priceBars(bars, sums) {
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
    for (const { trace, axis, file } of sums) {
      const sum = (_, i) => bars.reduce((whole, bar) => whole + bar.now[i], 0);
      trace[axis] = isChanged() ? file.map(sum) : file;
    }
  }

  // Bars on the first vertical axis are percents of the first run's energy, which changes as well.
  function relativeOf({ data: traces }) {
    const bars = traces
      .filter((trace) => (trace.yaxis ?? "y") === "y")
      .map((trace) => ({ trace, component: trace.legendgroup, file: trace.x }));
    return () => {
      const { parts_pj } = data.runs[0];
      const change = atFile(parts_pj) / energy(parts_pj);
      for (const { trace, component, file } of bars) {
        const factor = factorOf(component) * change;
        trace.x = isChanged() ? file.map((value) => factor * value) : file;
      }
    };
  }

  // Every rectangle but that of everything is of one component.
  function treeOf({ data: [trace] }) {
    const { ids, parents, values, text, hovertext } = trace;
    const places = new Map(ids.map((id, place) => [id, place]));
    const components = ids.map((id, place) => (parents[place] ? id.split("/")[0] : null));
    const sums = values.map(() => 0);
    values.forEach((value, leaf) => {
      for (let place = leaf; place !== undefined; place = places.get(parents[place])) {
        sums[place] += value;
      }
    });
    return () => {
      Object.assign(trace, { values, text, hovertext });
      if (!isChanged()) return;
      const now = sums.map((sum, place) => factorOf(components[place]) * sum);
      const whole = values.reduce((sum, v, place) => sum + factorOf(components[place]) * v, 0);
      now[components.indexOf(null)] = whole;
      trace.values = values.map((value, place) => factorOf(components[place]) * value);
      trace.text = now.map((value) => quantity(value, "J"));
      trace.hovertext = hovertext.map((words, place) => {
        const share = percent(whole ? now[place] / whole : 0);
        return [words.split("<br>")[0], trace.text[place], share].join("<br>");
      });
    };
  }

  const timed = data.runs.filter(({ latency_s }) => latency_s !== null);

  // By run: whether no other one has less of latency or energy and no more of the other.
  function front() {
    const costs = timed.map(({ latency_s, parts_pj }) => [latency_s, energy(parts_pj)]);
    const beats = ([time, spent], [t, e]) => time <= t && spent <= e && (time < t || spent < e);
    const isOn = (own) => !costs.some((other) => beats(other, own));
    return new Map(timed.map((run, place) => [run, isOn(costs[place])]));
  }

  let onFront = null; // at these factors, where it was asked for
  const isOnFront = (run) => (onFront ??= front()).get(run);

  function paretoOf({ data: [line, ...traces], layout }) {
    const runs = new Map(timed.map((run) => [run.name, run]));
    const points = traces.flatMap(({ customdata, x, y, hovertext }) =>
      customdata.map((name, i) => ({
        ...{ run: runs.get(name), x: x[i] },
        ...{ file: y[i], said: hovertext[i] },
      })),
    );
    const file = traces.map(({ y, hovertext, textposition, marker }) => ({
      ...{ y, hovertext, textposition },
      symbol: marker.symbol,
    }));
    const fileLine = { x: line.x, y: line.y };
    const fileRange = layout.yaxis.range;
    return () => {
      traces.forEach((trace, place) => {
        const { symbol, ...others } = file[place];
        Object.assign(trace, others);
        trace.marker.symbol = symbol;
      });
      Object.assign(line, fileLine);
      layout.yaxis.range = [...fileRange];
      if (!isChanged()) return;
      pricePoints(points);
      const best = points.filter(({ isBest }) => isBest).sort((a, b) => a.x - b.x || a.y - b.y);
      Object.assign(line, { x: best.map(({ x }) => x), y: best.map(({ y }) => y) });
      let first = 0;
      for (const trace of traces) {
        const own = points.slice(first, (first += trace.customdata.length));
        trace.y = own.map(({ y }) => y);
        trace.hovertext = own.map(({ words }) => words);
        trace.textposition = own.map(({ side }) => side);
        trace.marker.symbol = own.map(({ isBest }) => (isBest ? "circle" : "circle-open"));
      }
      layout.yaxis.range = rangeOf(points.map(({ y }) => y));
    };
  }

  // As codesign/pages/pareto.py does it: words, and the sides on which names stand.
  function pricePoints(points) {
    for (const point of points) {
      const { latency_s, parts_pj } = point.run;
      const spent = energy(parts_pj);
      point.y = spent ? (point.file * spent) / atFile(parts_pj) : 0;
      point.isBest = isOnFront(point.run);
      point.words = [
        point.said.split("<br>")[0],
        `${quantity(latency_s, "s")}, ${quantity(spent * 1e-12, "J")}`,
        `EDP ${quantity(latency_s * spent * 1e-12, "J·s")}`,
        point.isBest ? "on the front" : "not on the front",
      ].join("<br>");
    }
    const order = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
    order.forEach((point, rank) => {
      point.side = ["bottom center", "top center"][rank % 2];
    });
  }

  function rangeOf(values) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = 0.12 * (most - least) || 0.1 * most || 1;
    return [Math.max(least - room, 0), most + room];
  }

  const HOW = { bars: barsOf, relative: relativeOf, tree: treeOf, pareto: paretoOf };
  const pictures = Object.entries(data.figures)
    .filter(([name]) => name in figures)
    .map(([name, how]) => ({ name, price: HOW[how](figures[name]) }));

  // What is in the window follows a slider at once, the rest of what is near when the hand rests, and
  // a figure that is far away when it comes near.
  let latest = 0;
  async function followFactors() {
    const mine = ++latest;
    const isMoved = () => mine !== latest;
    onFront = null;
    for (const table of cells.keys()) staleTables.add(table);
    showNumbers([...cells.keys()].filter(isSeen));
    for (const { name, price } of pictures) {
      price();
      stale.add(name);
    }
    reach = 0;
    await drawNear();
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    await opened;
    if (isMoved()) return;
    showNumbers(staleTables);
    reach = 1;
    await drawNear();
    if (!isMoved()) document.documentElement.dataset.factors = fragment(false);
  }

  addEventListener("beforeprint", () => showNumbers(staleTables));

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
    const before = data.runs.map(({ parts_pj }) => atFile(parts_pj));
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
    showOutcome();
    // What is jumped to must not lie under the panel.
    const height = isChanged() ? panel.offsetHeight : 0;
    document.documentElement.style.scrollPaddingTop = `${height}px`;
    followFactors();
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
    opened.then(() => (document.documentElement.dataset.factors = ""));
  }
}
