// What the controls hold, and the link that restores it: #dims=2&words=torch&input=2&kernel=3&stride=2...
//
// The names and spellings are those of `tfdeconv explain`: 3 or 3x4, padding 1, 1,0 or same.

import { InvalidArgumentError, repr } from "./arguments.js";

export const WORDS = { keras: "Keras", torch: "PyTorch", onnx: "ONNX", caffe: "Caffe" };

/** The largest sizes that can be drawn so that a person sees something. */
export const LIMITS = { input: [16, 8], kernel: [9, 9], stride: [6, 6], dilation: [4, 4], output: [128, 96] };

const SIZES = ["input", "kernel", "stride", "dilation"];
const PADDING_NAMES = { keras: ["same", "valid"], torch: [], caffe: [], onnx: ["same_upper", "same_lower", "valid"] };

/** The state of a page that nobody has touched: the example of the tour. */
export function initialState() {
  return {
    dims: 2,
    words: "keras",
    input: [2, 2],
    kernel: [3, 3],
    stride: [2, 2],
    dilation: [1, 1],
    padding: "same", // a name of PADDING_NAMES, or [before, after] of each axis
    outputPadding: null,
    outputShape: null,
    values: { preset: "count", seed: 1, numbers: null },
    weights: { preset: "ones", seed: 1, numbers: null },
  };
}

/** The text behind # that restores a state. */
export function encode(state) {
  const entries = [["dims", state.dims], ["words", state.words]];
  for (const name of SIZES) entries.push([name, sizesText(state[name])]);
  entries.push(["padding", paddingText(state.padding)]);
  if (state.outputPadding) entries.push(["output_padding", sizesText(state.outputPadding)]);
  if (state.outputShape) entries.push(["output_shape", sizesText(state.outputShape)]);
  entries.push(["values", presetText(state.values)], ["weights", presetText(state.weights)]);
  return entries.map(([name, value]) => `${name}=${value}`).join("&");
}

/** The same as a command. */
export function commandLine(state, x, kernel) {
  const words = state.words === "keras" ? "" : ` --${state.words}`;
  const sizes = SIZES.map((name) => ` --${name} ${sizesText(state[name])}`).join("");
  const extra = state.outputPadding ? ` --output-padding ${sizesText(state.outputPadding)}` : "";
  const shape = state.outputShape ? ` --output-shape ${sizesText(state.outputShape)}` : "";
  const values = state.values.preset === "count" ? "" : ` --values ${[...x.data].join(",")}`;
  const preset = state.weights.preset;
  const weights = preset === "ones" ? "" : ` --weights ${preset === "bilinear" ? preset : [...kernel.data].join(",")}`;
  return (
    `tfdeconv explain${words} --dims ${state.dims}${sizes} --padding ${paddingText(state.padding)}` +
    extra + shape + valueOption(values) + valueOption(weights)
  );
}

/** A state from the text behind #; what is left out stays as it is in `initialState`. */
export function decode(text) {
  const state = initialState();
  const given = new Map(new URLSearchParams(text.replace(/^#/, "").replaceAll("+", "%2B")));
  const known = ["dims", "words", ...SIZES, "padding", "output_padding", "output_shape", "values", "weights"];
  for (const name of given.keys()) {
    if (!known.includes(name)) throw new InvalidArgumentError(`a link has no ${repr(name)}; it has ${known.join(", ")}.`);
  }
  if (given.has("dims")) state.dims = oneOf("dims", given.get("dims"), ["1", "2"]) === "1" ? 1 : 2;
  if (given.has("words")) state.words = oneOf("words", given.get("words"), Object.keys(WORDS));
  for (const name of SIZES) {
    state[name] = given.has(name) ? sizes(name, given.get(name), state.dims) : state[name].slice(0, state.dims);
  }
  state.padding = given.has("padding")
    ? padding(given.get("padding"), state)
    : state.words === "keras" ? "same" : filled(state.dims, [0, 0]);
  if (given.has("output_padding")) state.outputPadding = sizes("output_padding", given.get("output_padding"), state.dims);
  if (given.has("output_shape")) state.outputShape = sizes("output_shape", given.get("output_shape"), state.dims);
  if (given.has("values")) state.values = preset("values", given.get("values"), ["count", "ones", "impulse", "random"]);
  if (given.has("weights")) state.weights = preset("weights", given.get("weights"), ["ones", "bilinear", "learned"]);
  return state;
}

/** Whether `name` is a padding of these words. */
export function hasPadding(words, name) {
  return PADDING_NAMES[words].includes(name);
}

export function filled(length, value) {
  return Array.from({ length }, () => value);
}

function sizesText(values) {
  return values.every((value) => value === values[0]) ? String(values[0]) : values.join("x");
}

function paddingText(value) {
  if (typeof value === "string") return value;
  const texts = value.map(([before, after]) => (before === after ? String(before) : `${before},${after}`));
  return texts.every((text) => text === texts[0]) ? texts[0] : texts.join("x");
}

function presetText({ preset: name, seed, numbers }) {
  if (name === "own") return numbers.join(",");
  return ["random", "learned"].includes(name) ? `${name}:${seed}` : name;
}

function valueOption(text) {
  return text.replace(/ (--\w+) -/, " $1=-"); // a negative number is no option
}

function oneOf(name, text, allowed) {
  if (!allowed.includes(text)) {
    throw new InvalidArgumentError(`${name} must be ${allowed.join(", ")}; received ${repr(text)}.`);
  }
  return text;
}

function ints(text, separator) {
  const parts = text.split(separator);
  return parts.every((part) => /^-?\d{1,6}$/.test(part)) ? parts.map(Number) : null;
}

function sizes(name, text, dims) {
  const numbers = ints(text, "x");
  if (!numbers || ![1, dims].includes(numbers.length)) {
    throw new InvalidArgumentError(
      `${name} must be a number, or one for each of the ${dims} axes such as 3x4; received ${repr(text)}.`,
    );
  }
  return numbers.length === 1 ? filled(dims, numbers[0]) : numbers;
}

function padding(text, { words, dims }) {
  const name = text.toLowerCase();
  if (hasPadding(words, name)) return name;
  const entries = text.split("x").map((part) => ints(part, ","));
  const most = words === "keras" || words === "onnx" ? 2 : 1;
  if (![1, dims].includes(entries.length) || entries.some((entry) => !entry || entry.length > most)) {
    const names = [...PADDING_NAMES[words], "samples such as 1 or 1x2"];
    throw new InvalidArgumentError(
      `padding must be ${names.join(", ")}${most === 2 ? ", or before,after such as 1,0" : ""} with ` +
        `${WORDS[words]}; received ${repr(text)}.`,
    );
  }
  const pairs = entries.map((entry) => (entry.length === 1 ? [entry[0], entry[0]] : entry));
  return pairs.length === 1 ? filled(dims, pairs[0]) : pairs;
}

function preset(name, text, presets) {
  const [word, seed] = text.split(":");
  if (presets.includes(word)) return { preset: word, seed: Math.abs(Number.parseInt(seed, 10)) || 1, numbers: null };
  const numbers = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (!numbers.every(Number.isFinite)) {
    throw new InvalidArgumentError(
      `${name} must be ${presets.join(", ")} or numbers separated by commas; received ${repr(text)}.`,
    );
  }
  return { preset: "own", seed: 1, numbers };
}
