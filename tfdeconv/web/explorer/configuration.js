// From the controls to axes with their windows, in the words of one framework, and from one to another.

import { InvalidArgumentError, repr } from "./arguments.js";
import { axis } from "./arithmetic.js";
import { outputPaddings } from "./equivalents.js";
import { onnxWindow, outputSizeRange, window } from "./geometry.js";
import { LIMITS, WORDS, filled } from "./state.js";

const AUTO_PADS = { same_upper: "SAME_UPPER", same_lower: "SAME_LOWER", valid: "VALID" };

/** The axes of a state, or the library's error. */
export function configuration(state) {
  for (const name of ["input", "kernel", "stride", "dilation"]) {
    const most = LIMITS[name][state.dims - 1];
    const large = state[name].find((value) => value > most);
    if (large !== undefined) {
      throw new InvalidArgumentError(
        `${name} must be at most ${most} to be drawn here; received ${large}. The pattern of a smaller one ` +
          "is the same.",
      );
    }
  }
  if (state.words === "caffe" && (state.outputPadding || state.outputShape)) {
    throw new InvalidArgumentError("output_padding and output_shape must be left out with Caffe, which has none.");
  }
  return Array.from({ length: state.dims }, (_, index) => {
    const [i, k, s, d] = [state.input, state.kernel, state.stride, state.dilation].map((values) => values[index]);
    const found = axis(i, k, s, d, axisWindow(state, index, i, k, s, d));
    const most = LIMITS.output[state.dims - 1];
    if (Math.max(found.window.size, found.full) > most) {
      throw new InvalidArgumentError(
        `the output must have at most ${most} samples to be drawn here; received ` +
          `${Math.max(found.window.size, found.full)}. The pattern of a smaller one is the same.`,
      );
    }
    return found;
  });
}

function axisWindow(state, index, i, k, s, dilationRate) {
  const outputPadding = state.outputPadding?.[index] ?? null;
  const outputSize = state.outputShape?.[index] ?? null;
  const named = typeof state.padding === "string";
  if (state.words !== "onnx") {
    const padding = named ? state.padding : samples(state.padding[index]);
    return window(i, k, s, { padding, outputPadding, outputSize, dilationRate });
  }
  return onnxWindow(i, k, s, {
    pads: named ? [0, 0] : state.padding[index],
    outputPadding: outputPadding ?? 0,
    outputSize,
    autoPad: named ? AUTO_PADS[state.padding] : "NOTSET",
    dilationRate,
  });
}

/** The legal output sizes along each axis in Keras's words; null where there is none, or no rule. */
export function legalSizes(state) {
  if (state.words === "onnx") return null;
  try {
    return state.input.map((size, index) => {
      const padding = typeof state.padding === "string" ? state.padding : samples(state.padding[index]);
      return outputSizeRange(size, state.kernel[index], state.stride[index], padding, state.dilation[index]);
    });
  } catch (error) {
    if (error instanceof InvalidArgumentError) return null;
    throw error;
  }
}

/** `{ state, note }`: the same windows in other words; the note says where those words have none. */
export function translate(state, words, axes) {
  const other = { ...state, words, outputPadding: null, outputShape: null };
  const pairs = axes.map((one) => [one.window.lead, one.tail]);
  if (words === "keras") {
    const named = kerasPadding(axes);
    return { state: { ...other, padding: named?.padding ?? pairs, outputPadding: named?.extras ?? null }, note: "" };
  }
  const limits = axes.map((one) => Math.max(one.stride, one.dilationRate));
  if (words === "onnx" && axes.every((one, index) => -one.tail < limits[index])) {
    const padding = pairs.map(([before, after]) => [before, Math.max(after, 0)]);
    const extras = axes.map((one) => Math.max(-one.tail, 0));
    return { state: { ...other, padding, outputPadding: extras.some(Boolean) ? extras : null }, note: "" };
  }
  const padding = axes.map((one) => [one.window.lead, one.window.lead]);
  const extras = outputPaddings(axes, axes.map((one) => one.window.lead), words === "torch" ? limits : filled(axes.length, 1));
  if (extras && words !== "onnx") {
    return { state: { ...other, padding, outputPadding: extras.some(Boolean) ? extras : null }, note: "" };
  }
  return {
    state: { ...other, padding: filled(state.dims, [0, 0]) },
    note: `${WORDS[words]} has no words for that window: here is its full output.`,
  };
}

function kerasPadding(axes) {
  for (const padding of ["same", "valid"]) {
    for (const limits of [null, axes.map((one) => one.stride)]) {
      const extras = limits && outputPaddings(axes, filled(axes.length, padding), limits);
      if (extras) return { padding, extras };
      if (!limits && plain(axes, padding)) return { padding, extras: null };
    }
  }
  return null;
}

function plain(axes, padding) {
  return axes.every((one) => {
    const { lead, size } = window(one.inputSize, one.kernelSize, one.stride, { padding, dilationRate: one.dilationRate });
    return lead === one.window.lead && size === one.window.size;
  });
}

function samples([before, after]) {
  return before === after ? before : [before, after];
}

/** The argument that an error speaks of: its first word. */
export function argumentOf(error) {
  return /^[a-z_]+/.exec(error.message)?.[0] ?? repr(null);
}
