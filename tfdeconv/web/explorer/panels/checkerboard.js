// What a constant input becomes: the checkerboard as a picture and as a number.

import { element } from "../../dom.js";
import { checkerboardScore, phaseSums } from "../checkerboard.js";
import { Grid } from "../grid.js";
import { general } from "../values.js";

const VISIBLE = 1e-3; // tfdeconv.analysis.checkerboard_report.VISIBLE
const PERIODS = 6;

export function createCheckerboard() {
  const grid = new Grid({ label: "Checkerboard" });
  const meter = element("meter", { min: 0, max: 1, low: VISIBLE, high: 0.2, optimum: 0, "aria-label": "checkerboard strength" });
  const number = element("strong");
  const panel = {
    id: "checkerboard",
    title: "Checkerboard: what a constant becomes",
    body: [grid.element, element("p", { className: "score" }, "strength ", number, meter)],
    caption: "",
    grid,
    draw(view) {
      const sums = phaseSums(view.axes, view.kernel);
      const score = checkerboardScore(sums);
      const mean = sums.data.reduce((sum, value) => sum + value, 0) / sums.data.length;
      const root = Math.sqrt(sums.data.reduce((sum, value) => sum + value * value, 0) / sums.data.length) || 1;
      meter.value = score;
      number.textContent = score.toFixed(3);
      panel.say(
        (score > VISIBLE ? "" : "No checkerboard. ") +
          `Sums of the taps by phase: ${[...sums.data].slice(0, 9).map((value) => general(value, 3)).join(", ")}` +
          `${sums.data.length > 9 ? ", ..." : ""}. A constant of 1 becomes this pattern.`,
      );
      grid.label(`A constant input becomes a pattern of strength ${score.toFixed(3)}`);
      const rows = view.rank === 1 ? 1 : PERIODS * sums.rows;
      grid.show({
        rows,
        columns: PERIODS * sums.columns * (view.rank === 1 ? 2 : 1),
        palette: view.palette,
        cell(row, column) {
          const value = sums.data[(row % sums.rows) * sums.columns + (column % sums.columns)];
          const level = 255 * Math.min(Math.max(0.5 + (0.5 * (value - mean)) / root, 0), 1);
          return { text: "", fill: [level, level, level] };
        },
      });
    },
  };
  return panel;
}
