// What tiles are joined on.

import { greyPng } from "./grey_png.js";
import { newCanvas, release } from "./picture.js";

/** Colours, on a canvas. */
export class ColourSheet {
  constructor(width, height) {
    Object.assign(this, { width, height, canvas: newCanvas(width, height) });
    this.context = this.canvas.getContext("2d");
  }

  put(pixels, rows, columns) {
    const [dx, dy] = [columns.first - columns.start, rows.first - rows.start];
    this.context.putImageData(pixels, columns.start, rows.start, dx, dy, columns.last - columns.first, rows.last - rows.first);
  }

  png() {
    return this.canvas.convertToBlob({ type: "image/png" });
  }

  release() {
    release(this.canvas);
  }
}

/** One number of 0 to 255 for each pixel: a label map. */
export class LabelSheet {
  constructor(width, height) {
    Object.assign(this, { width, height, levels: new Uint8Array(width * height) });
  }

  put({ data, width }, rows, columns) {
    for (let row = rows.first; row < rows.last; row++) {
      const from = (row - rows.start) * width - columns.start;
      const to = row * this.width;
      for (let column = columns.first; column < columns.last; column++) this.levels[to + column] = data[4 * (from + column)];
    }
  }

  png() {
    return greyPng(this.levels, this.width, this.height);
  }

  release() {
    this.levels = null;
  }
}
