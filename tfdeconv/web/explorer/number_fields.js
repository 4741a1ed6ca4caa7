// A grid of number fields: the input or the kernel, to read and to write.

import { element } from "../dom.js";
import { general } from "./values.js";

const WRAP = 8; // fields in a row of a signal of one axis

export class NumberFields {
  /** `name` is x or w; `onchange(numbers)` gets all numbers, `onerror(text)` what is no number; `onhover(index)`. */
  constructor({ name, title, onchange, onerror, onhover }) {
    Object.assign(this, { name, onchange, onerror });
    this.grid = element("div", { className: `fields ${name}`, role: "group", "aria-label": title });
    this.fields = [];
    this.shape = "";
    this.grid.addEventListener("pointerover", (event) => onhover(this.fields.indexOf(event.target)));
    this.grid.addEventListener("pointerleave", () => onhover(-1));
    this.grid.addEventListener("focusin", (event) => onhover(this.fields.indexOf(event.target)));
    this.grid.addEventListener("focusout", () => onhover(-1));
    this.grid.addEventListener("input", (event) => this.#read(event.target));
  }

  /** Show a plane of one or two axes. */
  show(plane, rank) {
    const shape = `${rank}:${plane.rows}x${plane.columns}`;
    if (shape !== this.shape) {
      this.shape = shape;
      this.fields = Array.from(plane.data, (_, index) => {
        const at = rank === 1 ? index : `${Math.floor(index / plane.columns)},${index % plane.columns}`;
        return element("input", {
          type: "text", inputMode: "decimal", autocomplete: "off", "aria-label": `${this.name}[${at}]`,
        });
      });
      this.grid.replaceChildren(...this.fields);
      this.grid.style.setProperty("--columns", rank === 1 ? Math.min(plane.columns, WRAP) : plane.columns);
    }
    const active = this.grid.getRootNode().activeElement;
    this.fields.forEach((field, index) => {
      if (field === active && Number(field.value) === plane.data[index] && field.value.trim() !== "") return;
      field.value = general(plane.data[index]);
      field.removeAttribute("aria-invalid");
    });
  }

  /** Mark the fields that take part in the value pointed at. */
  mark(indices) {
    const marked = new Set(indices);
    this.fields.forEach((field, index) => field.classList.toggle("marked", marked.has(index)));
  }

  #read(changed) {
    const numbers = this.fields.map((field) => (field.value.trim() === "" ? NaN : Number(field.value)));
    const bad = this.fields.filter((_, index) => !Number.isFinite(numbers[index]));
    for (const field of this.fields) field.toggleAttribute("aria-invalid", bad.includes(field));
    for (const field of bad) field.setAttribute("aria-invalid", "true");
    if (bad.length) {
      const worst = bad.includes(changed) ? changed : bad[0];
      this.onerror(`${worst.getAttribute("aria-label")} must be a number; received '${worst.value}'.`);
    } else {
      this.onchange(numbers);
    }
  }
}
