// Before and after in one place: a slider between them, at a zoom, in a frame that scrolls.

import { element } from "../dom.js";
import { release } from "./picture.js";

const ZOOMS = [["fit", "fit"], ["0.5", "50%"], ["1", "100%"], ["2", "200%"], ["4", "400%"]];

export class Compare {
  constructor() {
    // Canvases: a browser keeps what images have shown, picture after picture.
    this.before = element("canvas", { className: "before", role: "img" });
    this.after = element("canvas", { className: "after", role: "img" });
    this.stage = element("div", { className: "stage" }, this.before, this.after, element("span", { className: "edge" }));
    this.frame = element("div", {
      className: "frame", tabIndex: 0, role: "region", "aria-label": "The picture before and after; scrolls",
    }, this.stage);
    this.slider = element("input", {
      type: "range", min: 0, max: 100, value: 50, step: 0.5, "aria-label": "Share of the picture before",
      oninput: () => this.#split(),
    });
    this.zoom = element("select", { "aria-label": "Zoom", onchange: () => this.#size() },
      ...ZOOMS.map(([value, text]) => element("option", { value }, text)));
    this.caption = element("p", { className: "caption" });
    this.element = element("section", { className: "compare", hidden: true, "aria-label": "Before and after" },
      element("div", { className: "bar" },
        element("span", {}, "before"), this.slider, element("span", {}, "after"), this.zoom),
      this.frame, this.caption);
    this.#split();
    this.frame.addEventListener("pointermove", (event) => {
      if (event.buttons !== 1) return;
      const box = this.stage.getBoundingClientRect();
      this.slider.value = (100 * (event.clientX - box.left)) / box.width;
      this.#split();
    });
    new ResizeObserver(() => this.#size()).observe(this.frame);
  }

  /** Show two picture files; `width` and `height` are those of the result. */
  async show({ before, after, width, height, text }) {
    await Promise.all([draw(this.before, before), draw(this.after, after)]);
    this.element.hidden = false;
    Object.assign(this, { width, height });
    this.before.setAttribute("aria-label", `before: ${text}`);
    this.after.setAttribute("aria-label", `after: ${text}`);
    this.caption.textContent = text;
    this.#size();
  }

  clear() {
    this.element.hidden = true;
    release(this.before);
    release(this.after);
  }

  #split() {
    this.stage.style.setProperty("--split", `${this.slider.value}%`);
  }

  #size() {
    if (!this.width) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const fitting = Math.min(this.frame.clientWidth / this.width, this.frame.clientHeight / this.height);
    const factor = this.zoom.value === "fit" ? fitting : Number(this.zoom.value) / ratio; // 100%: pixel for pixel
    this.stage.style.width = `${this.width * factor}px`;
    this.stage.style.height = `${this.height * factor}px`;
    this.stage.classList.toggle("magnified", factor * ratio > 1);
  }
}

async function draw(canvas, file) {
  const bitmap = await createImageBitmap(file);
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
}
