// Nearest resize, then a convolution: the same as one transposed convolution with another kernel.

import { axis, plane, planeAxes } from "./arithmetic.js";

/** Every sample repeated `stride` times, then a convolution of stride 1 with "same" padding (zeros).
 *
 * The kernel is not flipped, as in every framework's convolution. */
export function resizeThenConvolve(axes, x, kernel) {
  const [rows, columns] = planeAxes(axes);
  const result = plane(x.rows * rows.stride, x.columns * columns.stride);
  const [up, left] = [before(kernel.rows), before(kernel.columns)];
  for (let row = 0; row < result.rows; row++) {
    for (let column = 0; column < result.columns; column++) {
      let sum = 0;
      for (let a = 0; a < kernel.rows; a++) {
        for (let b = 0; b < kernel.columns; b++) {
          const [r, c] = [row + a - up, column + b - left];
          if (r < 0 || r >= result.rows || c < 0 || c >= result.columns) continue;
          const from = Math.floor(r / rows.stride) * x.columns + Math.floor(c / columns.stride);
          sum += x.data[from] * kernel.data[a * kernel.columns + b];
        }
      }
      result.data[row * result.columns + column] = sum;
    }
  }
  return result;
}

/** The one kernel, a box convolved with the flipped kernel, and the axes with its window. */
export function equalTransposed(axes, kernel) {
  const [rows, columns] = planeAxes(axes);
  const one = plane(kernel.rows + rows.stride - 1, kernel.columns + columns.stride - 1);
  for (let a = 0; a < kernel.rows; a++) {
    for (let b = 0; b < kernel.columns; b++) {
      const weight = kernel.data[(kernel.rows - 1 - a) * kernel.columns + (kernel.columns - 1 - b)];
      for (let r = 0; r < rows.stride; r++) {
        for (let c = 0; c < columns.stride; c++) one.data[(a + r) * one.columns + (b + c)] += weight;
      }
    }
  }
  const fused = axes.map(({ inputSize, kernelSize, stride }) =>
    axis(inputSize, kernelSize + stride - 1, stride, 1, {
      lead: kernelSize - 1 - before(kernelSize),
      size: inputSize * stride,
    }),
  );
  return { kernel: one, axes: fused };
}

function before(kernelSize) {
  return Math.floor((kernelSize - 1) / 2); // zeros in front, as TensorFlow's SAME
}
