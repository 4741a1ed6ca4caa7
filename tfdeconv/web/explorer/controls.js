// The controls: sizes, padding in the words of a framework, and what the numbers are.

import { element } from "../dom.js";
import { options, radio, segmented } from "./choices.js";
import { legalSizes } from "./configuration.js";
import { perAxis } from "./per_axis.js";
import { LIMITS, WORDS, filled } from "./state.js";

const LABELS = {
  input: { keras: "input size", torch: "input size", onnx: "input size", caffe: "input size" },
  kernel: { keras: "kernel_size", torch: "kernel_size", onnx: "kernel_shape", caffe: "kernel_size" },
  stride: { keras: "strides", torch: "stride", onnx: "strides", caffe: "stride" },
  dilation: { keras: "dilation_rate", torch: "dilation", onnx: "dilations", caffe: "dilation" },
  before: { keras: "crop before", torch: "padding", onnx: "pads, begin", caffe: "pad" },
  after: { keras: "crop after", onnx: "pads, end" },
  outputPadding: { keras: "output_padding", torch: "output_padding", onnx: "output_padding" },
  outputShape: { keras: "output_shape", onnx: "output_shape" },
};

const PADDINGS = {
  keras: [["same", "same"], ["valid", "valid"], ["samples", "samples"]],
  onnx: [["samples", "NOTSET: pads"], ["same_upper", "SAME_UPPER"], ["same_lower", "SAME_LOWER"], ["valid", "VALID"]],
};

/** All controls; `change(state)` is called with a new state, `sync(state)` shows one. */
export function createControls({ change, changeWords, current }) {
  const parts = [
    words(changeWords),
    dims(change, current),
    ...["input", "kernel", "stride", "dilation"].map((name) => sizeControl(name, change, current)),
    paddingName(change, current),
    pairControl("before", 0, change, current),
    pairControl("after", 1, change, current),
    sizeChoice(change, current),
    optionalControl("outputPadding", change, current),
    optionalControl("outputShape", change, current),
  ];
  return {
    elements: parts.map((part) => part.element),
    sync: (state) => parts.forEach((part) => part.sync(state)),
    /** Mark the control that an error speaks of. */
    blame(argument) {
      for (const part of parts) {
        const guilty = part.arguments?.includes(argument);
        part.element.classList.toggle("blamed", Boolean(guilty));
        for (const field of part.element.querySelectorAll("input, select")) {
          if (guilty) field.setAttribute("aria-invalid", "true");
          else field.removeAttribute("aria-invalid");
        }
      }
    },
  };
}

function words(changeWords) {
  const buttons = Object.entries(WORDS).map(([name, text]) =>
    radio("words", name, text, () => changeWords(name)),
  );
  return segmented("Words of", buttons, (state) => state.words);
}

function dims(change, current) {
  const buttons = [["1", "1-D"], ["2", "2-D"]].map(([value, text]) =>
    radio("dims", value, text, () => change(withDims(current(), Number(value)))),
  );
  return segmented("Axes", buttons, (state) => String(state.dims));
}

/** The state with one axis or two; the second axis begins as the first. */
function withDims(state, count) {
  const fit = (values) => (values && Array.isArray(values) ? Array.from({ length: count }, (_, i) => values[i] ?? values[0]) : values);
  const reset = (content, standard) => (content.preset === "own" ? { preset: standard, seed: 1, numbers: null } : content);
  const names = ["input", "kernel", "stride", "dilation", "padding", "outputPadding", "outputShape"];
  return {
    ...state,
    ...Object.fromEntries(names.map((name) => [name, fit(state[name])])),
    dims: count,
    values: reset(state.values, "count"),
    weights: reset(state.weights, "ones"),
  };
}

function sizeControl(name, change, current) {
  return perAxis({
    label: (state) => LABELS[name][state.words],
    arguments: { input: ["input", "input_size"], kernel: ["kernel", "kernel_size"], stride: ["stride", "strides"], dilation: ["dilation", "dilation_rate"] }[name],
    read: (state) => state[name],
    write: (state, values) => resized({ ...state, [name]: values }, state),
    bounds: (state) => [1, LIMITS[name][state.dims - 1]],
  }, change, current);
}

/** Own numbers keep their places when the sizes change; new places hold 0. */
function resized(state, before) {
  const fit = (content, sizes, old) => {
    if (content.preset !== "own") return content;
    const [rows, columns] = sizes.length === 1 ? [1, sizes[0]] : sizes;
    const [oldRows, oldColumns] = old.length === 1 ? [1, old[0]] : old;
    const numbers = Array.from({ length: Math.max(0, rows * columns) }, (_, index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      return row < oldRows && column < oldColumns ? (content.numbers[row * oldColumns + column] ?? 0) : 0;
    });
    return { ...content, numbers };
  };
  return {
    ...state,
    values: fit(state.values, state.input, before.input),
    weights: fit(state.weights, state.kernel, before.kernel),
  };
}

function paddingName(change, current) {
  const select = element("select", {
    "aria-label": "padding",
    onchange: () => {
      const state = current();
      const padding = select.value === "samples" ? filled(state.dims, [0, 0]) : select.value;
      change({ ...state, padding });
    },
  });
  const caption = element("span", { className: "name" });
  const made = element("label", { className: "control choice" }, caption, select);
  return {
    element: made,
    arguments: ["padding", "auto_pad"],
    sync(state) {
      made.hidden = !(state.words in PADDINGS);
      if (made.hidden) return;
      caption.textContent = state.words === "onnx" ? "auto_pad" : "padding";
      options(select, PADDINGS[state.words], typeof state.padding === "string" ? state.padding : "samples");
    },
  };
}

function pairControl(name, side, change, current) {
  const both = (state) => state.words === "torch" || state.words === "caffe";
  return perAxis({
    label: (state) => LABELS[name][state.words],
    arguments: ["padding", "pads"],
    read: (state) => state.padding.map((pair) => pair[side]),
    write: (state, values) => ({
      ...state,
      padding: state.padding.map((pair, index) => {
        if (both(state)) return [values[index], values[index]];
        return side === 0 ? [values[index], pair[1]] : [pair[0], values[index]];
      }),
    }),
    bounds: (state) => [side === 1 && state.words === "keras" ? -4 : 0, 8],
    visible: (state) => typeof state.padding !== "string" && (side === 0 || !both(state)),
  }, change, current);
}

function sizeChoice(change, current) {
  const select = element("select", {
    "aria-label": "output size",
    onchange: () => {
      const state = current();
      const legal = legalSizes(state)?.map((range) => range?.[1] ?? 1);
      change({
        ...state,
        outputPadding: select.value === "padding" ? filled(state.dims, 1) : null,
        outputShape: select.value === "shape" ? (legal ?? state.input.map((size, index) => size * state.stride[index])) : null,
      });
    },
  });
  const made = element("label", { className: "control choice" }, element("span", { className: "name" }, "output size"), select);
  return {
    element: made,
    sync(state) {
      made.hidden = !(state.words === "keras" || state.words === "onnx");
      const value = state.outputShape ? "shape" : state.outputPadding ? "padding" : "default";
      options(select, [["default", "by default"], ["padding", "output_padding"], ["shape", "output_shape"]], value);
    },
  };
}

function optionalControl(name, change, current) {
  const torch = (state) => name === "outputPadding" && state.words === "torch";
  return perAxis({
    label: (state) => LABELS[name][state.words] + (name === "outputShape" ? legalText(state) : ""),
    arguments: name === "outputPadding" ? ["output_padding"] : ["output_shape"],
    read: (state) => state[name] ?? filled(state.dims, 0),
    write: (state, values) => ({ ...state, [name]: torch(state) && values.every((value) => value === 0) ? null : values }),
    bounds(state) {
      if (name === "outputPadding") return [0, Math.max(...state.stride, ...state.dilation)];
      const legal = legalSizes(state)?.filter(Boolean) ?? [];
      const most = Math.max(...(legal.length ? legal.flat() : state.input.map((size, index) => (size + 2) * state.stride[index])));
      const least = legal.length ? Math.min(...legal.flat()) : 1;
      return [Math.max(0, least - 1), most + 1];
    },
    visible: (state) => torch(state) || (state[name] !== null && (name === "outputPadding" ? hasExtra(state) : hasShape(state))),
  }, change, current);
}

const hasExtra = ({ words }) => words !== "caffe";
const hasShape = ({ words }) => words !== "caffe" && words !== "torch";

function legalText(state) {
  const legal = legalSizes(state);
  if (!legal || legal.includes(null)) return "";
  const texts = legal.map(([least, most]) => (least === most ? String(least) : `${least} to ${most}`));
  return `: ${[...new Set(texts)].join(" x ")}`;
}
