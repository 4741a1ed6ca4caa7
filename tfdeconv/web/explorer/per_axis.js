// A number for each axis: a slider and a field.

import { element } from "../dom.js";

let counter = 0;

/** A number for each axis, as a slider and a field; one for both while they are equal and linked. */
export function perAxis({ label, arguments: names, read, write, bounds, visible = () => true }, change, current) {
  const id = `control-${counter++}`;
  const caption = element("span", { className: "name", id });
  const apart = element("button", {
    type: "button", className: "apart", title: "One number for each axis", "aria-pressed": "false",
    id: `${id}-apart`, "aria-labelledby": `${id}-apart ${id}`,
  }, "each axis");
  let separate = false;
  const rows = [0, 1].map((index) => {
    const axis = element("span", { className: "axis", id: `${id}-${index}` });
    const set = (event) => {
      const value = Number(event.target.value);
      if (event.target.value.trim() === "" || !Number.isInteger(value)) return;
      const values = read(current()).slice();
      if (separate) values[index] = value;
      else values.fill(value);
      change(write(current(), values));
    };
    const labelled = { "aria-labelledby": `${id} ${id}-${index}` };
    const slider = element("input", { type: "range", step: 1, oninput: set, ...labelled });
    const field = element("input", { type: "number", step: 1, oninput: set, ...labelled });
    return { axis, slider, field, element: element("div", { className: "row" }, axis, slider, field) };
  });
  apart.addEventListener("click", () => {
    separate = !separate;
    const values = read(current());
    change(separate ? current() : write(current(), values.map(() => values[0])));
  });
  const made = element(
    "div", { className: "control", role: "group", "aria-labelledby": id },
    element("div", { className: "heading" }, caption, apart),
    ...rows.map((row) => row.element),
  );
  return {
    element: made,
    arguments: names,
    sync(state) {
      const shown = visible(state);
      made.hidden = !shown;
      if (!shown) return;
      const values = read(state);
      const [least, most] = bounds(state);
      separate = state.dims === 2 && (separate || values[0] !== values[1]);
      caption.textContent = label(state);
      apart.hidden = state.dims === 1;
      apart.setAttribute("aria-pressed", String(separate));
      rows.forEach((row, index) => {
        row.element.hidden = index > 0 && !separate;
        row.axis.textContent = separate ? ["rows", "columns"][index] : "";
        Object.assign(row.slider, { min: least, max: most, value: values[index] ?? values[0] });
        row.field.min = least;
        if (row.field.getRootNode().activeElement !== row.field || Number(row.field.value) !== values[index]) {
          row.field.value = values[index] ?? values[0];
        }
      });
    },
  };
}
