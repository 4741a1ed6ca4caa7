// Nearest resize and a convolution with this kernel, beside the one transposed convolution that they are.

import { element } from "../../dom.js";
import { largestDifference, output } from "../arithmetic.js";
import { Grid } from "../grid.js";
import { signed } from "../palette.js";
import { equalTransposed, resizeThenConvolve } from "../resize_convolution.js";
import { general } from "../values.js";

export function createResize() {
  const grids = ["kernel of the convolution", "the one equal kernel", "resized, then convolved", "transposed, once"].map(
    (text) => ({ grid: new Grid({ label: text, kind: "small" }), text }),
  );
  const panel = {
    id: "resize",
    title: "Nearest resize + convolution is one kernel",
    body: [element("div", { className: "quad" }, ...grids.map(({ grid, text }) => element("figure", {}, grid.element, element("figcaption", {}, text))))],
    caption: "",
    draw(view) {
      const { axes, x, kernel, palette } = view;
      const one = equalTransposed(axes, kernel);
      const [resized, transposed] = [resizeThenConvolve(axes, x, kernel), output(one.axes, x, one.kernel)];
      const taps = kernel.data.length * resized.data.length;
      panel.say(
        `${taps.toLocaleString("en")} multiplications become ${(x.data.length * one.kernel.data.length).toLocaleString("en")}; ` +
          `the outputs differ by ${general(largestDifference(resized, transposed), 1)} at most.`,
      );
      [kernel, one.kernel, resized, transposed].forEach((plane, index) => {
        const most = Math.max(...plane.data.map(Math.abs));
        grids[index].grid.label(`${grids[index].text}, ${plane.rows} by ${plane.columns}`);
        grids[index].grid.show({
          rows: plane.rows,
          columns: plane.columns,
          palette,
          cell(row, column) {
            const value = plane.data[row * plane.columns + column];
            return { value, fill: signed(palette, value, most) };
          },
        });
      });
    },
  };
  return panel;
}
