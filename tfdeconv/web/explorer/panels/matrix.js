// The matrix T with y = T x: a row for each output, a column for each input.

import { largestDifference, matrixProduct, operatorMatrix, zeroInsertionOutput } from "../arithmetic.js";
import { Grid } from "../grid.js";
import { css, signed } from "../palette.js";
import { general } from "../values.js";

export function createMatrix({ point }) {
  const grid = new Grid({
    label: "Matrix",
    onpoint: (row) => point(Math.floor(row / panel.width), row % panel.width),
  });
  const panel = {
    id: "matrix",
    title: "The matrix T: y = T x",
    body: [grid.element],
    caption: "",
    grid,
    width: 1,
    draw(view) {
      const { axes, x, kernel, y, palette } = view;
      const matrix = operatorMatrix(axes, kernel);
      panel.width = y.columns;
      const most = Math.max(...kernel.data.map(Math.abs));
      const difference = Math.max(
        largestDifference(y, matrixProduct(matrix, x, y.rows, y.columns)),
        largestDifference(y, zeroInsertionOutput(axes, x, kernel)),
      );
      panel.say(
        `${matrix.rows} x ${matrix.columns}; its transpose is the convolution. Stamps, zero insertion and matrix ` +
          `differ by ${general(difference, 1)} at most.`,
      );
      grid.label(`Matrix of ${matrix.rows} outputs by ${matrix.columns} inputs`);
      const frames = view.isKept
        ? [{ row: view.pointed[0] * y.columns + view.pointed[1], column: 0, rows: 1, columns: matrix.columns, colour: css(palette.ink), width: 3 }]
        : [];
      grid.show({
        rows: matrix.rows,
        columns: matrix.columns,
        palette,
        cell(row, column) {
          const value = matrix.data[row * matrix.columns + column];
          return value === 0 ? { text: "", fill: palette.surface } : { value, fill: signed(palette, value, most) };
        },
        frames,
      });
    },
  };
  return panel;
}
