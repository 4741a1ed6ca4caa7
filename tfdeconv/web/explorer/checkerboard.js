// Phase sums: what a transposed convolution makes of a constant (Odena, Dumoulin and Olah 2016).

import { plane, planeAxes } from "./arithmetic.js";
import { phases } from "./geometry.js";

/** The sum of the taps that reach each phase of the strides, a plane of [*strides]. */
export function phaseSums(axes, kernel) {
  const [rows, columns] = planeAxes(axes);
  const down = phases(kernel.rows, rows.stride, rows.dilationRate);
  const across = phases(kernel.columns, columns.stride, columns.dilationRate);
  const sums = plane(rows.stride, columns.stride);
  down.forEach((r, a) =>
    across.forEach((c, b) => {
      sums.data[r * sums.columns + c] += kernel.data[a * kernel.columns + b];
    }),
  );
  return sums;
}

/** How many taps reach each phase. */
export function phaseCounts(axes) {
  const [rows, columns] = planeAxes(axes);
  const taps = rows.kernelSize * columns.kernelSize;
  return phaseSums(axes, plane(rows.kernelSize, columns.kernelSize, new Float64Array(taps).fill(1)));
}

/** How much checkerboard it makes of a constant, from 0 to 1: sqrt(sum((P - mean)^2) / sum(P^2)). */
export function checkerboardScore(sums) {
  const energy = sums.data.reduce((sum, value) => sum + value * value, 0);
  if (energy === 0) return 0;
  const mean = sums.data.reduce((sum, value) => sum + value, 0) / sums.data.length;
  return Math.sqrt(sums.data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / energy);
}
