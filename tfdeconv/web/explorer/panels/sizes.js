// The arithmetic of the sizes, as `tfdeconv explain` prints it.

import { element } from "../../dom.js";
import { effectiveKernelSize } from "../geometry.js";

export function createSizes() {
  const text = element("pre", { tabIndex: 0, role: "region", "aria-label": "Arithmetic of the sizes" });
  return {
    id: "sizes",
    title: "Sizes",
    body: [text],
    draw(view) {
      const alike = view.axes.every((one) => JSON.stringify(one) === JSON.stringify(view.axes[0]));
      const names = alike ? [view.rank > 1 ? "along each axis" : ""] : ["rows", "columns"];
      text.textContent = names
        .map((name, index) => [name, ...lines(view.axes[index])].filter(Boolean).join("\n"))
        .join("\n\n");
    },
  };
}

function lines({ inputSize: i, kernelSize: k, stride: s, dilationRate: d, window: { lead, size }, full, tail }) {
  const ke = effectiveKernelSize(k, d);
  const end = tail < 0 ? `${-tail} zero${tail < -1 ? "s" : ""} appended at the end` : `${tail} at the end`;
  return [
    "effective kernel",
    `  ke = (k - 1) * d + 1 = (${k} - 1) * ${d} + 1 = ${ke}`,
    "full output",
    `  F = (i - 1) * s + ke = (${i} - 1) * ${s} + ${ke} = ${full}`,
    `window: samples ${lead} to ${lead + size - 1}, ${size} in all`,
    `  ${lead} cropped at the start, ${end}`,
  ];
}
