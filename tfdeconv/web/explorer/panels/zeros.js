// The same output by zero insertion: a convolution of stride 1 slides over the input with zeros.

import { zeroInserted } from "../arithmetic.js";
import { Grid } from "../grid.js";
import { css, mix } from "../palette.js";

export function createZeros({ point, move }) {
  const grid = new Grid({ label: "Zero insertion", onmove: move, onpoint: (row, column) => point(...toWindow(row, column)) });
  let view = null;

  /** The output whose kernel has its middle at a cell. */
  function toWindow(row, column) {
    const middle = (one, sample) => clamp(sample - Math.floor(((one.kernelSize - 1) * one.dilationRate) / 2), one.window.size);
    return view.rank === 1 ? [0, middle(view.columns, column)] : [middle(view.rows, row), middle(view.columns, column)];
  }

  return {
    id: "zeros",
    title: "Zero insertion, then a convolution",
    body: [grid.element],
    caption: "Zeros between the inputs (plain) and around them (hatched); the flipped kernel (green) moves by one.",
    grid,
    draw(next) {
      view = next;
      grid.label(`The input with inserted zeros, and the flipped kernel at output ${view.pointedText}`);
      grid.show(view.rank === 1 ? oneAxis(view) : twoAxes(view));
    },
  };
}

function sample(view, p, q) {
  const { x, palette } = view;
  if (p >= 0 && q >= 0) return { value: x.data[p * x.columns + q], fill: palette.input };
  const around = p === -2 || q === -2;
  return { text: around ? "" : "0", fill: palette.surface, hatched: around, quiet: true };
}

function twoAxes(view) {
  const { rows, columns, palette } = view;
  const [down, across] = [zeroInserted(rows), zeroInserted(columns)];
  const [row, column] = view.pointed;
  const tap = (one, at, start) => {
    const index = (at - start) / one.dilationRate;
    return Number.isInteger(index) && index >= 0 && index < one.kernelSize;
  };
  return {
    rows: down.length,
    columns: across.length,
    palette,
    cell(r, c) {
      const cell = sample(view, down[r], across[c]);
      const tapped = view.isKept && tap(rows, r, row) && tap(columns, c, column);
      return tapped ? { ...cell, fill: mix(cell.fill, palette["stamp-2"], 0.3) } : cell;
    },
    frames: view.isKept
      ? [{ row, column, rows: down.length - rows.window.size + 1, columns: across.length - columns.window.size + 1, colour: css(palette["stamp-2"]), width: 4 }]
      : [],
  };
}

function oneAxis(view) {
  const { columns, palette, kernel } = view;
  const across = zeroInserted(columns);
  const start = view.pointed[1];
  const span = across.length - columns.window.size + 1;
  return {
    rows: 2,
    columns: across.length,
    palette,
    gaps: [1],
    cell(row, column) {
      if (row === 0) return sample(view, 0, across[column]);
      const tap = kernel.columns - 1 - (column - start) / columns.dilationRate;
      if (!view.isKept || !Number.isInteger(tap) || tap < 0 || tap >= kernel.columns) return null;
      return { value: kernel.data[tap], fill: palette.kernel };
    },
    frames: view.isKept ? [{ row: 0, column: start, rows: 1, columns: span, colour: css(palette["stamp-2"]), width: 4 }] : [],
  };
}

const clamp = (value, size) => Math.min(Math.max(value, 0), size - 1);
