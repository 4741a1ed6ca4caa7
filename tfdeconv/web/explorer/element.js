// <upsampling-explorer>: a transposed convolution to play with.
//
// Attributes: `state`, what a link holds behind #; `panels`, names of those to show (all without it); `linked`,
// where the page's own address holds the state; `page`, the address of the whole explorer. What stands inside
// the element is shown in print and without JavaScript.

import { element } from "../dom.js";
import { InvalidArgumentError } from "./arguments.js";
import { contributions, output, planeAxes, uncropped } from "./arithmetic.js";
import { presetChoice } from "./choices.js";
import { argumentOf, configuration, translate } from "./configuration.js";
import { createControls } from "./controls.js";
import { NumberFields } from "./number_fields.js";
import { readPalette } from "./palette.js";
import { createCalls } from "./panels/calls.js";
import { createCheckerboard } from "./panels/checkerboard.js";
import { createMatrix } from "./panels/matrix.js";
import { createOutput } from "./panels/output.js";
import { createOverlap } from "./panels/overlap.js";
import { createResize } from "./panels/resize.js";
import { createSizes } from "./panels/sizes.js";
import { createZeros } from "./panels/zeros.js";
import { Player } from "./player.js";
import { decode, encode, initialState } from "./state.js";
import { inputValues, kernelTaps, sentence } from "./values.js";

const INPUTS = [["count", "1, 2, 3, ..."], ["ones", "ones"], ["impulse", "an impulse"], ["random", "random"]];
const KERNELS = [["ones", "ones"], ["bilinear", "bilinear"], ["learned", "as if learned"]];

class UpsamplingExplorer extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    this.attachShadow({ mode: "open" });
    this.state = initialState();
    this.pointed = null; // [row, column] in the window
    this.hovered = -1;
    this.steps = { mode: "stamps", step: null }; // null: all of them
    this.#build();
    this.#restore();
    this.#watchColours();
    if (this.hasAttribute("linked")) addEventListener("hashchange", () => this.#restore());
  }

  #build() {
    const change = (state) => this.#change(state);
    const current = () => this.state;
    this.controls = createControls({ change, current, changeWords: (words) => this.#changeWords(words) });
    const content = (name) => ({
      read: () => this.state[name],
      write: (value) => change({ ...this.state, [name]: value }),
    });
    this.presets = [presetChoice("input values", INPUTS, content("values")), presetChoice("kernel", KERNELS, content("weights"))];
    const fields = (name, title, key, onhover) =>
      new NumberFields({
        name, title, onhover,
        onchange: (numbers) => content(key).write({ preset: "own", seed: 1, numbers }),
        onerror: (text) => this.#say(text),
      });
    this.xFields = fields("x", "input", "values", (index) => this.#hover(index));
    this.wFields = fields("w", "kernel", "weights", () => {});
    this.player = new Player((mode, step) => this.#step(mode, step));
    this.readout = element("output", { className: "readout", "aria-live": "polite" });
    this.error = element("p", { className: "error", role: "alert" });
    this.status = element("p", { className: "status", role: "status" });
    const point = (row, column) => this.point(row, column);
    const move = (rows, columns) => this.point(this.pointed[0] + rows, this.pointed[1] + columns);
    const tools = { point, move, announce: (text) => this.#announce(text), player: this.player.element, readout: this.readout };
    const made = [createOutput, createSizes, createZeros, createOverlap, createMatrix, createCheckerboard, createResize, createCalls]
      .map((create) => create(tools));
    const chosen = this.getAttribute("panels")?.split(/[\s,]+/);
    this.panels = made.filter((panel) => !chosen || chosen.includes(panel.id));
    this.probe = element("span", { hidden: true });
    this.app = element(
      "div", { className: "app" },
      element("div", { className: "controls", role: "group", "aria-label": "Configuration" },
        ...this.controls.elements.slice(0, 2), this.error,
        element("div", { className: "control" }, element("div", { className: "heading" }, element("span", { className: "name" }, "input x"), this.presets[0].element), this.xFields.grid),
        element("div", { className: "control" }, element("div", { className: "heading" }, element("span", { className: "name" }, "kernel w"), this.presets[1].element), this.wFields.grid),
        ...this.controls.elements.slice(2),
        element("div", { className: "links" },
          element("button", { type: "button", onclick: () => this.#copyLink() }, "Copy link"),
          element("button", { type: "button", onclick: () => this.#change(this.#given()) }, "Start again"),
          this.hasAttribute("page") ? (this.open = element("a", {}, "Open the explorer")) : null),
        this.status),
      element("div", { className: "panels" }, ...this.panels.map(section)),
      this.probe,
    );
    const styles = ["../theme.css", "explorer.css"].map((name) =>
      element("link", { rel: "stylesheet", href: new URL(name, import.meta.url).href }),
    );
    this.app.hidden = true; // until it has its style: the page around must not jump
    Promise.all(styles.map((link) => new Promise((ready) => (link.onload = link.onerror = ready)))).then(() => {
      this.app.hidden = false;
      this.#draw();
    });
    this.shadowRoot.append(...styles, this.app, element("div", { className: "still" }, element("slot")));
  }

  #watchColours() {
    const redraw = () => requestAnimationFrame(() => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.body, { attributes: true }); // a switch of the page around
  }

  #given() {
    return this.hasAttribute("state") ? decode(this.getAttribute("state")) : initialState();
  }

  #restore() {
    const text = this.hasAttribute("linked") ? location.hash.slice(1) : "";
    if (text && text === this.written) return;
    try {
      this.#change(text ? decode(text) : this.#given(), { keep: false });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.#change(initialState(), { keep: false });
      this.#say(`The link cannot be read: ${error.message}`);
    }
  }

  #change(state) {
    this.player.stop();
    this.state = state;
    this.steps.step = null;
    this.controls.sync(state);
    for (const preset of this.presets) preset.sync();
    let axes;
    try {
      axes = configuration(state);
      [this.x, this.kernel] = [inputValues(state), kernelTaps(state)];
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.#say(error.message, argumentOf(error));
      return;
    }
    this.axes = axes;
    this.#say("");
    this.xFields.show(this.x, state.dims);
    this.wFields.show(this.kernel, state.dims);
    const [rows, columns] = planeAxes(axes);
    const sizes = [rows.window.size, columns.window.size];
    this.pointed ??= sizes.map((size) => Math.floor(size / 2));
    this.pointed = sizes.map((size, index) => Math.max(0, Math.min(this.pointed[index], size - 1)));
    this.written = encode(state);
    if (this.hasAttribute("linked")) history.replaceState(null, "", `#${this.written}`);
    if (this.open) this.open.href = `${this.getAttribute("page")}#${this.written}`;
    this.app.classList.toggle("one-axis", state.dims === 1);
    this.#draw();
  }

  #changeWords(words) {
    if (!this.error.textContent) {
      const { state, note } = translate(this.state, words, this.axes);
      this.#change(state);
      this.#announce(note);
      return;
    }
    const padding = words === "keras" ? "same" : this.state.input.map(() => [0, 0]);
    this.#change({ ...this.state, words, padding, outputPadding: null, outputShape: null });
  }

  /** Choose the output sample at a row and column of the window; outside it, one that is cropped. */
  point(row, column) {
    if (!this.axes) return;
    const within = (at, one) => Math.min(Math.max(at, -one.window.lead), uncropped(one).window.size - one.window.lead - 1);
    const [rows, columns] = planeAxes(this.axes);
    const next = [within(row, rows), within(column, columns)];
    if (next[0] === this.pointed[0] && next[1] === this.pointed[1]) return;
    this.pointed = next;
    if (this.steps.mode === "outputs") this.steps.step = null;
    this.#draw();
  }

  #hover(index) {
    if (index === this.hovered) return;
    this.hovered = index;
    this.#draw();
  }

  #step(mode, step) {
    this.steps = { mode, step };
    if (mode === "outputs" && step !== null) {
      const width = planeAxes(this.axes)[1].window.size;
      this.pointed = [Math.floor((step - 1) / width), (step - 1) % width];
    }
    this.#draw();
  }

  #draw() {
    if (!this.axes) return;
    const view = this.#view();
    const total = this.steps.mode === "stamps" ? view.x.data.length : view.y.data.length;
    const at = view.isKept ? view.pointed[0] * view.y.columns + view.pointed[1] + 1 : total;
    this.player.sync(this.steps.mode, this.steps.mode === "stamps" ? view.count : at, total);
    const terms = view.terms;
    this.xFields.mark(terms.map(({ input }) => input[0] * view.x.columns + input[1]));
    this.wFields.mark(terms.map(({ tap }) => tap[0] * view.kernel.columns + tap[1]));
    const last = (index) => (view.rank === 1 ? [index[1]] : index);
    const shown = terms.map((term) => ({ ...term, input: last(term.input), tap: last(term.tap) }));
    this.readout.textContent = sentence(view.isKept ? `y[${view.pointedText}]` : `cropped: full[${view.pointedText}]`, shown);
    for (const panel of this.panels) panel.draw(view);
  }

  #view() {
    const { axes, x, kernel, state, pointed } = this;
    const [rows, columns] = planeAxes(axes);
    const all = axes.map(uncropped);
    const count = this.steps.mode === "stamps" && this.steps.step !== null ? this.steps.step : x.data.length;
    const isKept = pointed.every((at, index) => at >= 0 && at < [rows, columns][index].window.size);
    const inFull = [pointed[0] + rows.window.lead, pointed[1] + columns.window.lead];
    const terms = contributions(all, inFull, x, kernel);
    const shown = isKept ? pointed : inFull;
    let stamps = terms.map(({ input }) => input[0] * x.columns + input[1]);
    if (this.hovered >= 0) stamps = [this.hovered];
    else if (count < x.data.length) stamps = count ? [count - 1] : [];
    return {
      state, axes, rows, columns, rank: axes.length, x, kernel, pointed, isKept, terms, stamps, count,
      pointedText: axes.length === 1 ? String(shown[1]) : shown.join(","),
      palette: readPalette(this.probe),
      full: output(all, x, kernel),
      partial: output(all, x, kernel, count),
      y: output(axes, x, kernel),
    };
  }

  #say(text, argument = null) {
    this.error.textContent = text;
    this.controls.blame(argument);
    this.shadowRoot.querySelector(".panels").classList.toggle("stale", text !== "");
  }

  #announce(text) {
    this.status.textContent = text;
  }

  async #copyLink() {
    const page = new URL(this.getAttribute("page") ?? location.href, location.href);
    page.hash = encode(this.state);
    try {
      await navigator.clipboard.writeText(page.href);
      this.#announce("Copied the link to this configuration.");
    } catch {
      this.#announce(`The browser does not let this page copy. The link: ${page.href}`);
    }
  }
}

function section(panel) {
  const caption = element("p", { className: "caption" }, panel.caption ?? "");
  panel.say = (text) => (caption.textContent = text);
  const heading = element("h3", { id: `panel-${panel.id}` }, panel.title);
  return element(
    "section", { className: `panel ${panel.id}`, "aria-labelledby": `panel-${panel.id}` },
    heading, ...panel.body, panel.legend?.() ?? null, panel.caption === undefined ? null : caption,
  );
}

customElements.define("upsampling-explorer", UpsamplingExplorer);
