// The same transposed convolution in the words of every framework: tfdeconv.analysis.equivalents.

import { InvalidArgumentError, list, repr, tuple } from "./arguments.js";
import { window } from "./geometry.js";

/** `[{ framework, call, note }]`; `call` is null where there is none, and `note` says why. */
export function equivalents(axes) {
  return [tfdeconv(axes), keras(axes), tensorflow(axes), torch(axes), onnx(axes), caffe(axes)];
}

function tfdeconv(axes) {
  const found = kerasPadding(axes);
  const padding = found ? repr(found.padding) : tuple(axes.map((one) => [one.window.lead, one.tail]));
  const extra = found?.extras ? optional("output_padding", found.extras) : "";
  const rest = optional("dilation_rate", each(axes, "dilationRate"), 1);
  return said(
    "tfdeconv",
    `Conv${axes.length}DTranspose(1, ${short(each(axes, "kernelSize"))}, strides=${short(each(axes, "stride"))}, ` +
      `padding=${padding}${extra}${rest})`,
  );
}

function keras(axes) {
  if (most(axes, "stride") > 1 && most(axes, "dilationRate") > 1) {
    return none("Keras", "it refuses dilation together with strides");
  }
  const found = kerasPadding(axes);
  if (!found) {
    return none(
      "Keras",
      `its paddings cannot start at sample ${short(leads(axes))} of the full output and return ` +
        short(sizes(axes)),
    );
  }
  return said(
    "Keras",
    `Conv${axes.length}DTranspose(1, ${short(each(axes, "kernelSize"))}, strides=${short(each(axes, "stride"))}, ` +
      `padding=${repr(found.padding)}${found.extras ? optional("output_padding", found.extras) : ""}` +
      `${optional("dilation_rate", each(axes, "dilationRate"), 1)})`,
  );
}

function kerasPadding(axes) {
  for (const padding of ["same", "valid"]) {
    if (axes.every((one) => sameWindow(one, { padding }))) return { padding, extras: null };
    const extras = outputPaddings(axes, axes.map(() => padding), each(axes, "stride"));
    if (extras) return { padding, extras };
  }
  return null;
}

function tensorflow(axes) {
  for (const padding of ["same", "valid"]) {
    if (!axes.every((one) => sameWindow(one, { padding, outputSize: one.window.size }))) continue;
    const dilated = most(axes, "dilationRate") > 1;
    return said(
      "TensorFlow",
      `tf.nn.conv${axes.length}d_transpose(x, kernel, [n, ${sizes(axes).join(", ")}, 1], ` +
        `strides=${short(each(axes, "stride"))}, padding=${repr(padding.toUpperCase())}` +
        `${optional("dilations", each(axes, "dilationRate"), 1)})`,
      dilated ? "dilated kernels need oneDNN or XLA on CPU" : "",
    );
  }
  return none("TensorFlow", "neither SAME nor VALID selects this window: slice the VALID output");
}

function torch(axes) {
  const limits = axes.map((one) => Math.max(one.stride, one.dilationRate));
  const extras = outputPaddings(axes, leads(axes), limits);
  const call =
    `ConvTranspose${axes.length}d(1, 1, ${short(each(axes, "kernelSize"))}, ` +
    `stride=${short(each(axes, "stride"))}`;
  const rest = optional("dilation", each(axes, "dilationRate"), 1);
  if (extras) {
    const padding = optional("padding", leads(axes), 0) + optional("output_padding", extras, 0);
    return said("PyTorch", `${call}${padding}${rest})`);
  }
  if (axes.some((one) => one.tail < 0)) {
    return none("PyTorch", "the window passes the end too far: append zeros");
  }
  const kept = axes.map(({ window: { lead, size } }) => `${lead}:${lead + size}`).join(", ");
  return said("PyTorch", `${call}${rest})`, `then keep y[..., ${kept}]`);
}

function onnx(axes) {
  if (axes.some((one) => -one.tail >= Math.max(one.stride, one.dilationRate))) {
    return none("ONNX", "the window passes the end too far: append zeros");
  }
  const attributes = [
    `kernel_shape=${list(each(axes, "kernelSize"))}`,
    `strides=${list(each(axes, "stride"))}`,
    `pads=${list([...leads(axes), ...axes.map((one) => Math.max(one.tail, 0))])}`,
  ];
  if (axes.some((one) => one.tail < 0)) {
    attributes.push(`output_padding=${list(axes.map((one) => Math.max(-one.tail, 0)))}`);
  }
  if (most(axes, "dilationRate") > 1) attributes.push(`dilations=${list(each(axes, "dilationRate"))}`);
  return said("ONNX", `ConvTranspose(${attributes.join(", ")})`);
}

function caffe(axes) {
  const exact = axes.every((one) => one.tail === one.window.lead);
  const call =
    "Deconvolution { num_output: 1" +
    field("kernel_size", each(axes, "kernelSize")) +
    field("stride", each(axes, "stride")) +
    (exact ? field("pad", leads(axes), 0) : "") +
    field("dilation", each(axes, "dilationRate"), 1) +
    " }";
  if (exact) return said("Caffe", call);
  if (axes.some((one) => one.tail < 0)) return none("Caffe", "it cannot return more than the full output");
  return said("Caffe", call, `then Crop { offset: ${leads(axes).join(" offset: ")} }`);
}

/** The output padding of each axis, below its limit, that gives these windows; null: there is none. */
export function outputPaddings(axes, paddings, limits) {
  const found = axes.map((one, index) => {
    for (let outputPadding = 0; outputPadding < limits[index]; outputPadding++) {
      if (sameWindow(one, { padding: paddings[index], outputPadding })) return outputPadding;
    }
    return null;
  });
  return found.includes(null) ? null : found;
}

/** Whether a convention of Keras's or in samples selects the axis's window. */
export function sameWindow(one, convention) {
  try {
    const { lead, size } = window(one.inputSize, one.kernelSize, one.stride, {
      ...convention,
      dilationRate: one.dilationRate,
    });
    return lead === one.window.lead && size === one.window.size;
  } catch (error) {
    if (error instanceof InvalidArgumentError) return false;
    throw error;
  }
}

const said = (framework, call, note = "") => ({ framework, call, note });
const none = (framework, note) => ({ framework, call: null, note });
const each = (axes, name) => axes.map((one) => one[name]);
const most = (axes, name) => Math.max(...each(axes, name));
const leads = (axes) => axes.map((one) => one.window.lead);
const sizes = (axes) => axes.map((one) => one.window.size);
const alike = (values) => values.every((value) => value === values[0]);
const short = (values) => (alike(values) ? String(values[0]) : tuple(values));

function optional(name, values, standard = null) {
  return values.every((value) => value === standard) ? "" : `, ${name}=${short(values)}`;
}

function field(name, values, standard = null) {
  if (values.every((value) => value === standard)) return "";
  return (alike(values) ? values.slice(0, 1) : values).map((value) => ` ${name}: ${value}`).join("");
}
