// A grid of cells on a canvas: drawn sharp at any size, pointed at with a pointer or the arrow keys.

import { element } from "../dom.js";
import { css, textOn } from "./palette.js";
import { general } from "./values.js";

const LARGEST_CELL = 64;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Grid {
  /** `onpoint(row, column)` is called for the cell under the pointer, `onmove(rows, columns)` for arrow keys. */
  constructor({ label, onpoint = null, onmove = null, kind = "" }) {
    this.canvas = element("canvas", {
      role: onmove ? "application" : "img",
      "aria-label": label,
      tabIndex: onmove ? 0 : -1,
    });
    this.element = element("div", { className: `grid ${kind}` }, this.canvas); // the canvas fills it
    this.content = null;
    if (onpoint) {
      const point = (event) => {
        const cell = this.cellAt(event);
        if (cell) onpoint(...cell);
      };
      this.canvas.addEventListener("pointermove", point);
      this.canvas.addEventListener("pointerdown", point);
    }
    if (onmove) {
      this.canvas.setAttribute("aria-roledescription", "grid of samples; arrow keys move");
      this.canvas.addEventListener("keydown", (event) => {
        if (!(event.key in ARROWS)) return;
        event.preventDefault();
        onmove(...ARROWS[event.key]);
      });
    }
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /** Show `content`: { rows, columns, palette, cell(row, column), frames, gaps }.
   *
   * A cell is null or { fill, text, value, hatched, quiet }; a frame { row, column, rows, columns, colour,
   * width, dash }; `gaps` are rows that stand half a cell below the one before. */
  show(content) {
    this.content = content;
    this.draw();
  }

  label(text) {
    this.canvas.setAttribute("aria-label", text);
  }

  draw() {
    const { canvas, content } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!content || width === 0 || height === 0) return;
    const ratio = globalThis.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const gaps = content.gaps ?? [];
    const margin = 3;
    const fitting = Math.min(
      (width - 2 * margin) / content.columns,
      (height - 2 * margin) / (content.rows + gaps.length / 2),
      LARGEST_CELL,
    );
    const size = fitting > 4 ? Math.floor(fitting) : fitting;
    const offsets = Array.from({ length: content.rows + 1 }, (_, row) => gaps.filter((gap) => gap <= row).length / 2);
    const left = Math.round((width - size * content.columns) / 2);
    const top = Math.round((height - size * (content.rows + gaps.length / 2)) / 2);
    this.place = { size, left, top, offsets };
    const cells = this.#cells();
    const longest = cells.reduce((most, { text }) => Math.max(most, text.length), 1);
    const font = Math.min(size * 0.46, 17, (size * 0.92) / (0.58 * longest)); // one size for all numbers
    for (const { row, column, cell, text } of cells) {
      const [x, y] = [left + column * size, top + (row + offsets[row]) * size];
      this.#cell(context, cell, x, y, size);
      if (text && font >= 6.5) this.#text(context, cell, text, x + size / 2 + 0.5, y + size / 2 + 1, font);
    }
    for (const frame of content.frames ?? []) this.#frame(context, frame);
  }

  #cells() {
    const { rows, columns, cell: make } = this.content;
    const found = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const cell = make(row, column);
        if (!cell) continue;
        const text = cell.text ?? (cell.value === undefined ? "" : general(cell.value + 0, 3)); // no -0
        found.push({ row, column, cell, text });
      }
    }
    return found;
  }

  #cell(context, cell, x, y, size) {
    const { palette } = this.content;
    const fill = cell.fill ?? palette.surface;
    context.fillStyle = css(fill);
    context.fillRect(x, y, size, size);
    if (cell.hatched) this.#hatch(context, x, y, size);
    if (size >= 5) {
      context.strokeStyle = css(palette.line);
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, size, size);
    }
  }

  #text(context, cell, text, x, y, font) {
    const { palette } = this.content;
    context.fillStyle = cell.quiet ? css(palette.quiet) : textOn(cell.fill ?? palette.surface);
    context.font = `${font}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, y);
  }

  #hatch(context, x, y, size) {
    context.save();
    context.beginPath();
    context.rect(x, y, size, size);
    context.clip();
    context.strokeStyle = css(this.content.palette.line);
    context.lineWidth = 1;
    context.beginPath();
    for (let step = -size; step < size; step += 6) {
      context.moveTo(x + step, y + size);
      context.lineTo(x + step + size, y);
    }
    context.stroke();
    context.restore();
  }

  #frame(context, { row, column, rows, columns, colour, width = 3, dash = [], inset = 0 }) {
    const { size, left, top, offsets } = this.place;
    const first = offsets[Math.min(Math.max(Math.floor(row), 0), offsets.length - 1)];
    context.strokeStyle = colour;
    context.lineWidth = Math.min(width, Math.max(1, size / 4));
    context.setLineDash(dash);
    context.strokeRect(
      left + column * size + inset + 0.5,
      top + (row + first) * size + inset + 0.5,
      columns * size - 2 * inset,
      rows * size - 2 * inset,
    );
    context.setLineDash([]);
  }

  /** The [row, column] of the cell at an event; null beside the grid. */
  cellAt(event) {
    if (!this.place) return null;
    const box = this.canvas.getBoundingClientRect();
    const { size, left, top, offsets } = this.place;
    const column = Math.floor((event.clientX - box.left - left) / size);
    const y = (event.clientY - box.top - top) / size;
    const row = offsets.findIndex((offset, index) => y >= index + offset && y < index + 1 + offset);
    if (row < 0 || row >= this.content.rows || column < 0 || column >= this.content.columns) return null;
    return [row, column];
  }

  /** Where the middle of a cell is on the page, for tests and tooltips. */
  centre(row, column) {
    const box = this.canvas.getBoundingClientRect();
    const { size, left, top, offsets } = this.place;
    return { x: box.left + left + (column + 0.5) * size, y: box.top + top + (row + offsets[row] + 0.5) * size };
  }
}
