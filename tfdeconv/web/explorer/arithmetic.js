// What one transposed convolution computes: terms, output, matrix, overlaps; tfdeconv.analysis in JavaScript.
//
// A plane is { rows, columns, data }, row by row. A signal of one axis is a plane of one row, and its axis
// has a first axis of one sample beside it, so that everything below is written once.

import { fullSize } from "./geometry.js";

/** One axis: its sizes and the window of the full output that is returned. */
export function axis(inputSize, kernelSize, stride, dilationRate, window) {
  const full = fullSize(inputSize, kernelSize, stride, dilationRate);
  return { inputSize, kernelSize, stride, dilationRate, window, full, tail: full - window.lead - window.size };
}

const UNIT = axis(1, 1, 1, 1, { lead: 0, size: 1 });

/** The [rows, columns] of axes. */
export function planeAxes(axes) {
  return axes.length === 1 ? [UNIT, axes[0]] : axes;
}

export function plane(rows, columns, data = new Float64Array(rows * columns)) {
  return { rows, columns, data };
}

/** The axis with all that the window or the full output holds. */
export function uncropped(one) {
  const size = Math.max(one.full, one.window.lead + one.window.size);
  return { ...one, window: { lead: 0, size }, tail: one.full - size };
}

/** The [input, tap] pairs whose products reach sample `output` of the window along one axis. */
export function reaching(one, output) {
  const found = [];
  for (let p = 0; p < one.inputSize; p++) {
    const distance = output + one.window.lead - p * one.stride;
    const tap = distance / one.dilationRate;
    if (Number.isInteger(tap) && tap >= 0 && tap < one.kernelSize) found.push([p, tap]);
  }
  return found;
}

/** The products that make the output value at [row, column]: `[{ input, tap, value, weight }]`. */
export function contributions(axes, [row, column], x, kernel) {
  const [rows, columns] = planeAxes(axes);
  const terms = [];
  for (const [p, a] of reaching(rows, row)) {
    for (const [q, b] of reaching(columns, column)) {
      terms.push({
        input: [p, q],
        tap: [a, b],
        value: x.data[p * x.columns + q],
        weight: kernel.data[a * kernel.columns + b],
      });
    }
  }
  return terms;
}

/** The output, stamp by stamp; with `count`, of the first `count` inputs only. */
export function output(axes, x, kernel, count = x.data.length) {
  const [rows, columns] = planeAxes(axes);
  const result = plane(rows.window.size, columns.window.size);
  for (let index = 0; index < count; index++) {
    const top = Math.floor(index / x.columns) * rows.stride - rows.window.lead;
    const left = (index % x.columns) * columns.stride - columns.window.lead;
    for (let a = 0; a < kernel.rows; a++) {
      const row = top + a * rows.dilationRate;
      if (row < 0 || row >= result.rows) continue;
      for (let b = 0; b < kernel.columns; b++) {
        const column = left + b * columns.dilationRate;
        if (column < 0 || column >= result.columns) continue;
        result.data[row * result.columns + column] += x.data[index] * kernel.data[a * kernel.columns + b];
      }
    }
  }
  return result;
}

/** How many taps reach each output sample. */
export function overlap(axes) {
  const counts = planeAxes(axes).map((one) =>
    Array.from({ length: one.window.size }, (_, sample) => reaching(one, sample).length),
  );
  return plane(counts[0].length, counts[1].length, Float64Array.from(counts[0].flatMap((r) => counts[1].map((c) => r * c))));
}

/** The matrix T with y = T x, [outputs, inputs], both row by row. */
export function operatorMatrix(axes, kernel) {
  const [rows, columns] = planeAxes(axes);
  const result = plane(rows.window.size * columns.window.size, rows.inputSize * columns.inputSize);
  const across = Array.from({ length: columns.window.size }, (_, column) => reaching(columns, column));
  for (let row = 0; row < rows.window.size; row++) {
    for (const [p, a] of reaching(rows, row)) {
      across.forEach((pairs, column) => {
        for (const [q, b] of pairs) {
          const at = (row * columns.window.size + column) * result.columns + p * columns.inputSize + q;
          result.data[at] = kernel.data[a * kernel.columns + b];
        }
      });
    }
  }
  return result;
}

/** One axis of the picture with zeros: what a convolution of stride 1 slides over to give the window.
 *
 * Each sample is the index of an input, or -1 for a zero between inputs, or -2 for one around them. Output
 * `n` sees the samples `n ... n + ke - 1`, through the flipped kernel. */
export function zeroInserted(one) {
  const ke = one.full - (one.inputSize - 1) * one.stride;
  return Array.from({ length: one.window.size + ke - 1 }, (_, sample) => {
    const at = sample + one.window.lead - (ke - 1);
    if (at < 0 || at > (one.inputSize - 1) * one.stride) return -2;
    return at % one.stride === 0 ? at / one.stride : -1;
  });
}

/** The output again, by zero insertion and a convolution. */
export function zeroInsertionOutput(axes, x, kernel) {
  const [rows, columns] = planeAxes(axes);
  const [down, across] = [zeroInserted(rows), zeroInserted(columns)];
  const result = plane(rows.window.size, columns.window.size);
  const at = (one, sample, tap) => sample + (one.kernelSize - 1 - tap) * one.dilationRate;
  for (let row = 0; row < result.rows; row++) {
    for (let column = 0; column < result.columns; column++) {
      let sum = 0;
      for (let a = 0; a < kernel.rows; a++) {
        const p = down[at(rows, row, a)];
        if (p < 0) continue;
        for (let b = 0; b < kernel.columns; b++) {
          const q = across[at(columns, column, b)];
          if (q >= 0) sum += x.data[p * x.columns + q] * kernel.data[a * kernel.columns + b];
        }
      }
      result.data[row * result.columns + column] = sum;
    }
  }
  return result;
}

/** A matrix times a plane, read row by row. */
export function matrixProduct(matrix, x, rows, columns) {
  const result = plane(rows, columns);
  for (let row = 0; row < matrix.rows; row++) {
    let sum = 0;
    for (let column = 0; column < matrix.columns; column++) {
      sum += matrix.data[row * matrix.columns + column] * x.data[column];
    }
    result.data[row] = sum;
  }
  return result;
}

/** The largest difference of two planes of one size. */
export function largestDifference(one, other) {
  return one.data.reduce((most, value, index) => Math.max(most, Math.abs(value - other.data[index])), 0);
}
