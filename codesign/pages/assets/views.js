"use strict";
// Draws a figure as the reader chooses: its views stand in the same place, one at a time.

for (const select of document.querySelectorAll(".choice select")) {
  const name = select.dataset.plot;
  const views = [figures[name], ...figures[name].views];
  select.addEventListener("change", async () => {
    const { data, layout } = views[select.selectedIndex];
    figures[name] = { ...figures[name], data, layout };
    const plot = document.getElementById(name);
    plot.style.height = `${layout.height}px`;
    if (!drawings.has(name)) return; // it will be drawn as chosen
    await drawings.get(name);
    await Plotly.react(plot, told(data), put(layout, themed(layout)), config);
    plot.dispatchEvent(new Event("viewed"));
  });
}
