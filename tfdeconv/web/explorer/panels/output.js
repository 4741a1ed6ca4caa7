// The output: every input stamps the kernel, stamps add up, a window is kept.

import { element } from "../../dom.js";
import { Grid } from "../grid.js";
import { css, signed, stampColour } from "../palette.js";

export function createOutput({ point, move, player, readout }) {
  const grid = new Grid({ label: "Output", kind: "tall", onmove: move, onpoint: (...cell) => point(...toWindow(cell)) });
  let view = null;

  function toWindow([row, column]) {
    if (view.rank === 1) return [0, column - view.axes[0].window.lead];
    return [row - view.rows.window.lead, column - view.columns.window.lead];
  }

  return {
    id: "output",
    title: "Output: stamps, added up",
    body: [grid.element, player, readout],
    grid,
    draw(next) {
      view = next;
      grid.label(`Output of ${view.y.rows} by ${view.y.columns} samples. Arrow keys choose one; its sum is below.`);
      grid.show(view.rank === 1 ? oneAxis(view) : twoAxes(view));
    },
    legend: () => element("p", { className: "legend" },
      element("span", { className: "key hatched" }), "cropped ", element("span", { className: "key kept" }), "kept ",
      element("span", { className: "key stamp" }), "a stamp"),
  };
}

function twoAxes(view) {
  const { full, palette, rows, columns, partial } = view;
  const most = Math.max(...full.data.map(Math.abs));
  const kept = (row, column) => inside(rows, row) && inside(columns, column);
  return {
    rows: full.rows,
    columns: full.columns,
    palette,
    cell(row, column) {
      const value = partial.data[row * full.columns + column];
      if (kept(row, column)) return { value, fill: signed(palette, value, most) };
      return { value, fill: palette.cropped, hatched: true, quiet: true };
    },
    frames: [
      ...view.stamps.map((index) => stampFrame(view, index)),
      { row: rows.window.lead, column: columns.window.lead, rows: rows.window.size, columns: columns.window.size, colour: css(palette.ink) },
      pointed(view, view.pointed[0] + rows.window.lead, view.pointed[1] + columns.window.lead),
    ].filter(Boolean),
  };
}

function stampFrame({ rows, columns, x, palette }, index) {
  const [p, q] = [Math.floor(index / x.columns), index % x.columns];
  const span = (one) => (one.kernelSize - 1) * one.dilationRate + 1;
  return {
    row: p * rows.stride, column: q * columns.stride, rows: span(rows), columns: span(columns),
    colour: stampColour(palette, p, q), width: 3, inset: 2 + 2 * ((p + q) % 2),
  };
}

function oneAxis(view) {
  const { full, palette, columns, x, kernel, partial } = view;
  const count = x.columns;
  const stamp = (p, column) => {
    const tap = (column - p * columns.stride) / columns.dilationRate;
    return Number.isInteger(tap) && tap >= 0 && tap < kernel.columns ? x.data[p] * kernel.data[tap] : null;
  };
  const most = Math.max(...full.data.map(Math.abs));
  return {
    rows: count + 1,
    columns: full.columns,
    palette,
    gaps: [count],
    cell(row, column) {
      const value = row < count ? stamp(row, column) : partial.data[column];
      if (value === null || (row < count && row >= view.count)) return null;
      if (!inside(columns, column)) return { value, fill: palette.cropped, hatched: true, quiet: true };
      return { value, fill: row < count ? palette.input : signed(palette, value, most) };
    },
    frames: [
      ...view.stamps.map((p) => ({
        row: p, column: p * columns.stride, rows: 1, columns: (columns.kernelSize - 1) * columns.dilationRate + 1,
        colour: stampColour(palette, 0, p),
      })),
      { row: count, column: columns.window.lead, rows: 1, columns: columns.window.size, colour: css(palette.ink) },
      pointed(view, count, view.pointed[1] + columns.window.lead),
    ].filter(Boolean),
  };
}

/** The frame of the sample pointed at. */
export function pointed({ palette }, row, column) {
  return { row, column, rows: 1, columns: 1, colour: css(palette.ink), width: 4, inset: 3 };
}

function inside(one, sample) {
  return sample >= one.window.lead && sample < one.window.lead + one.window.size;
}
