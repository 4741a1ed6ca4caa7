// Step and play: stamp by stamp, or output by output.

import { element } from "../dom.js";
import { radio, segmented } from "./choices.js";

const MILLISECONDS = 700;

/** Buttons and a slider; `show(mode, step)` is called for each step. */
export class Player {
  constructor(show) {
    this.show = show;
    this.mode = "stamps";
    this.step = 0;
    this.count = 1;
    this.timer = null;
    const button = (text, onclick) => element("button", { type: "button", onclick }, text);
    this.play = button("Play", () => (this.timer ? this.stop() : this.start()));
    this.slider = element("input", {
      type: "range", min: 0, step: 1, "aria-label": "Step",
      oninput: () => {
        this.stop();
        this.#go(Number(this.slider.value));
      },
    });
    this.text = element("output", { className: "steps" });
    const modes = [["stamps", "stamp by stamp"], ["outputs", "output by output"]].map(([value, text]) =>
      radio("mode", value, text, () => {
        this.stop();
        this.mode = value;
        this.#go(null);
      }),
    );
    this.modes = segmented("Steps", modes, () => this.mode);
    this.element = element(
      "div", { className: "player", role: "group", "aria-label": "Step and play" },
      button("Back", () => this.#by(-1)), this.play, button("Step", () => this.#by(1)), this.slider, this.text,
      this.modes.element,
    );
  }

  /** Show where it stands: step 0 of the stamps is before the first, of the outputs at the first. */
  sync(mode, step, count) {
    Object.assign(this, { mode, step, count });
    this.slider.max = count;
    this.slider.min = mode === "stamps" ? 0 : 1;
    this.slider.value = step;
    this.text.textContent = `${step} of ${count}`;
    this.modes.sync();
  }

  start() {
    this.play.textContent = "Pause";
    if (this.step >= this.count) this.#go(Number(this.slider.min));
    this.timer = setInterval(() => {
      if (this.step >= this.count) this.stop();
      else this.#go(this.step + 1);
    }, MILLISECONDS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "Play";
  }

  #by(difference) {
    this.stop();
    const [least, most] = [Number(this.slider.min), this.count];
    this.#go(Math.min(Math.max(this.step + difference, least), most));
  }

  #go(step) {
    this.show(this.mode, step);
  }
}
