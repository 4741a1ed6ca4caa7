// Inputs and kernels to begin with, and numbers as Python prints them.

import { InvalidArgumentError } from "./arguments.js";
import { plane } from "./arithmetic.js";
import { linearKernel } from "./geometry.js";

/** The input of a state: counted, ones, an impulse, random digits, or a person's own numbers. */
export function inputValues({ values, input }) {
  const result = plane(...shape(input));
  const count = result.data.length;
  const random = generator(values.seed);
  const middle = Math.floor((result.rows - 1) / 2) * result.columns + Math.floor((result.columns - 1) / 2);
  const presets = {
    count: (index) => index + 1,
    ones: () => 1,
    impulse: (index) => (index === middle ? 1 : 0),
    random: () => Math.floor(random() * 10),
    own: (index) => checked("values", values.numbers, count)[index],
  };
  return plane(result.rows, result.columns, Float64Array.from({ length: count }, (_, index) => presets[values.preset](index)));
}

/** The kernel of a state: ones, linear interpolation, one that looks as if learned, or a person's own taps. */
export function kernelTaps({ weights, kernel }) {
  const [rows, columns] = shape(kernel);
  if (weights.preset === "bilinear") {
    const [down, across] = [linearKernel(rows), linearKernel(columns)];
    return plane(rows, columns, Float64Array.from(down.flatMap((a) => across.map((b) => a * b))));
  }
  if (weights.preset === "learned") return learnedKernel(rows, columns, weights.seed);
  const taps = weights.preset === "ones" ? null : checked("weights", weights.numbers, rows * columns);
  return plane(rows, columns, Float64Array.from({ length: rows * columns }, (_, index) => (taps ? taps[index] : 1)));
}

// Trained kernels are large in the middle, oriented, and unequal from tap to tap.
function learnedKernel(rows, columns, seed) {
  const random = generator(seed);
  const [angle, shift] = [random() * Math.PI, random() * Math.PI];
  return plane(rows, columns, Float64Array.from({ length: rows * columns }, (_, index) => {
    const [y, x] = [position(Math.floor(index / columns), rows), position(index % columns, columns)];
    const wave = Math.cos(2.2 * (x * Math.cos(angle) + y * Math.sin(angle)) + 0.4 * shift);
    return Math.round(100 * (Math.exp(-1.5 * (x * x + y * y)) * wave + 0.3 * (random() - 0.5))) / 100;
  }));
}

const position = (index, size) => (size === 1 ? 0 : (2 * index) / (size - 1) - 1);

function shape(sizes) {
  return sizes.length === 1 ? [1, sizes[0]] : sizes;
}

function checked(name, numbers, count) {
  if (numbers.length !== count) {
    throw new InvalidArgumentError(`${name} must be ${count} numbers; received ${numbers.length}: ${numbers.join(",")}.`);
  }
  return numbers;
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Python's `f"{value:g}"`, with fewer digits where asked. */
export function general(value, digits = 6) {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power < -4 || power >= digits) {
    return `${stripped(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return stripped(value.toFixed(digits - 1 - power));
}

const stripped = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** The terms of one output value as tfdeconv.analysis.contributions prints them. */
export function sentence(name, terms) {
  if (terms.length === 0) return `${name} = 0 (no tap reaches it)`;
  const names = terms.map(({ input, tap }) => `x[${input}]*w[${tap}]`);
  const numbers = terms.map(({ value, weight }) => `${general(value)}*${general(weight)}`);
  const total = terms.reduce((sum, { value, weight }) => sum + value * weight, 0);
  return `${name} = ${names.join(" + ")} = ${numbers.join(" + ")} = ${general(total)}`;
}
