// How many taps reach each output sample.

import { overlap } from "../arithmetic.js";
import { phaseCounts } from "../checkerboard.js";
import { Grid } from "../grid.js";
import { mix } from "../palette.js";
import { pointed } from "./output.js";

export function createOverlap({ point, move }) {
  const grid = new Grid({ label: "Overlap counts", onmove: move, onpoint: point });
  const panel = {
    id: "overlap",
    title: "Overlap: taps that reach each output",
    body: [grid.element],
    caption: "",
    grid,
    draw(view) {
      const counts = overlap(view.axes);
      const phases = phaseCounts(view.axes).data;
      const [least, most] = [Math.min(...phases), Math.max(...phases)];
      const { palette } = view;
      const largest = Math.max(...counts.data, 1);
      panel.say(least === most
        ? `Even: ${most} for every output away from the borders.`
        : `Uneven: ${[...new Set(phases)].sort((a, b) => b - a).join(", ")} away from the borders, in turn.`);
      grid.label(`Overlap counts of ${counts.rows} by ${counts.columns} outputs`);
      grid.show({
        rows: counts.rows,
        columns: counts.columns,
        palette,
        cell(row, column) {
          const value = counts.data[row * counts.columns + column];
          return { value, fill: mix(palette.surface, palette.count, value === 0 ? 0 : 0.15 + (0.85 * value) / largest) };
        },
        frames: view.isKept ? [pointed(view, ...view.pointed)] : [],
      });
    },
  };
  return panel;
}
