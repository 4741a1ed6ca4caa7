// One of a few: buttons in a row, lists.

import { element } from "../dom.js";

/** One of several buttons of which one is pressed. */
export function radio(group, value, text, onchange) {
  const input = element("input", { type: "radio", name: group, value, onchange });
  return { input, label: element("label", {}, input, element("span", {}, text)) };
}

/** The buttons in a row under a title; `read(state)` tells which is pressed. */
export function segmented(title, buttons, read) {
  const made = element(
    "fieldset", { className: "segmented" },
    element("legend", {}, title),
    element("div", { className: "choices" }, ...buttons.map((button) => button.label)),
  );
  return {
    element: made,
    sync: (state) => buttons.forEach(({ input }) => (input.checked = input.value === read(state))),
  };
}

/** Fill a select where its entries changed, and choose one. */
export function options(select, entries, value) {
  const key = entries.map(([name]) => name).join();
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...entries.map(([name, text]) => element("option", { value: name }, text)));
  }
  select.value = value;
}

/** A choice of presets for the numbers, and other random ones. */
export function presetChoice(label, presets, { read, write }) {
  const select = element("select", { "aria-label": label, onchange: () => write({ preset: select.value, seed: 1, numbers: null }) });
  const again = element("button", {
    type: "button", "aria-label": `other numbers: ${label}`, onclick: () => write({ ...read(), seed: read().seed + 1 }),
  }, "other numbers");
  return {
    element: element("div", { className: "presets" }, select, again),
    sync() {
      const { preset } = read();
      options(select, preset === "own" ? [...presets, ["own", "own numbers"]] : presets, preset);
      again.hidden = preset !== "random" && preset !== "learned";
    },
  };
}
