// Sizes and paddings as a person gives them, checked with the texts of tfdeconv.axis_arguments.

/** An argument breaks a rule; the message names argument, rule, received value and fix. */
export class InvalidArgumentError extends Error {
  name = "InvalidArgumentError";
}

/** A value as Python writes it: `'same'`, `None`, `(1, 2)`. */
export function repr(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "string") {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    return quote + value.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) + quote;
  }
  if (Array.isArray(value)) return tuple(value);
  if (Number.isNaN(value)) return "nan";
  return String(value).replace("Infinity", "inf");
}

/** A Python tuple: `(3,)`, `(3, 4)`. */
export function tuple(values) {
  return `(${values.map(repr).join(", ")}${values.length === 1 ? "," : ""})`;
}

/** A Python list: `[3, 4]`. */
export function list(values) {
  return `[${values.map(repr).join(", ")}]`;
}

/** `value` as an int, or an error that names the argument. */
export function integer(name, value) {
  if (!Number.isInteger(value)) {
    throw new InvalidArgumentError(`${name} must be an int; received ${repr(value)}.`);
  }
  return value;
}

/** `value` as an int of at least `minimum`. */
export function atLeast(minimum, name, value) {
  if (integer(name, value) < minimum) {
    throw new InvalidArgumentError(`${name} must be at least ${minimum}; received ${value}.`);
  }
  return value;
}

/** The name of one of Keras's paddings, in lower case. */
export function paddingName(padding) {
  const name = padding.toLowerCase();
  if (name !== "same" && name !== "valid") {
    throw new InvalidArgumentError(
      `padding must be 'same', 'valid', an int or (before, after) pairs; received ${repr(padding)}.`,
    );
  }
  return name;
}

/** `[before, after]`; a negative second number enlarges the output. */
export function paddingPair(pair) {
  if (pair.length !== 2) {
    throw new InvalidArgumentError(
      `padding must hold an int or a (before, after) pair for each axis; received ${repr(pair)}.`,
    );
  }
  return [atLeast(0, "padding", pair[0]), integer("padding", pair[1])];
}
