"use strict";
// Keeps, among lines through parallel axes, those that cross each axis where the reader dragged.

function brush(plot, { brush: count }) {
  const kept = new Map(); // by number of an axis, the lowest and the highest height
  const whole = new WeakMap(); // of each trace, the heights of all of its lines
  const passes = (heights, start) =>
    [...kept].every(([axis, [low, high]]) => {
      const height = heights[start + axis];
      return height !== null && height >= low && height <= high;
    });

  function show() {
    for (const trace of plot.data.filter(({ customdata }) => customdata)) {
      if (!whole.has(trace)) whole.set(trace, [...trace.y]);
      const heights = whole.get(trace);
      const step = count + 1; // a gap behind each line
      const isKept = Array.from({ length: heights.length / step }, (_, line) =>
        passes(heights, line * step),
      );
      trace.y = heights.map((height, place) => (isKept[Math.floor(place / step)] ? height : null));
    }
    const axes = plot.layout.shapes.filter(({ type }) => type === "line");
    const marks = [...kept].map(([axis, [y0, y1]]) => ({
      ...{ type: "rect", x0: axis - 0.05, x1: axis + 0.05, y0, y1 },
      ...{ fillcolor: "rgba(214,0,122,0.35)", line: { color: "#D6007A", width: 1 } },
    }));
    plot.layout.shapes = [...axes, ...marks];
    plot.layout.selections = [];
    Plotly.redraw(plot);
  }

  plot.on("plotly_selected", (event) => {
    if (!event?.range) return;
    const [left, right] = event.range.x.toSorted((a, b) => a - b);
    const heights = event.range.y.toSorted((a, b) => a - b);
    for (let axis = Math.max(Math.ceil(left), 0); axis <= Math.min(right, count - 1); axis += 1) {
      kept.set(axis, heights);
    }
    show();
  });
  plot.on("plotly_deselect", () => {
    kept.clear();
    show();
  });
  plot.addEventListener("viewed", () => kept.size && show());
}
