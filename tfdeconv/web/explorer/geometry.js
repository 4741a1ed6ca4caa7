// Sizes and windows of transposed convolutions along one axis: tfdeconv.geometry, formula by formula.
//
//   full[q] = sum of x[p] * w[a] over all p, a with p * s + a * d == q       size F = (i - 1) * s + ke
//
// A padding of any framework only chooses the window { lead, size } of it that is returned. Paddings are
// "same", "valid", an int, or [before, after], as in Python; both are tested against each other.

import { InvalidArgumentError, atLeast, integer, paddingName, paddingPair, repr } from "./arguments.js";

const AUTO_PADS = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"];

/** Samples that a dilated kernel spans (Dumoulin and Visin 2016, relationship 15). */
export function effectiveKernelSize(kernelSize, dilationRate = 1) {
  return (kernelSize - 1) * dilationRate + 1;
}

/** Size of the uncropped output (relationship 12). */
export function fullSize(inputSize, kernelSize, stride, dilationRate = 1) {
  return (inputSize - 1) * stride + effectiveKernelSize(kernelSize, dilationRate);
}

/** Lead of TensorFlow's SAME window of `size` samples out of `full`: the odd sample goes at the end. */
export function sameLead(full, size) {
  return Math.floor(Math.max(full - size, 0) / 2);
}

/** Samples that a convention removes from the [start, end] of the full output. */
export function crops(kernelSize, stride, { padding = "valid", outputPadding = null, dilationRate = 1 } = {}) {
  atLeast(1, "kernel_size", kernelSize);
  atLeast(1, "strides", stride);
  atLeast(1, "dilation_rate", dilationRate);
  const ke = effectiveKernelSize(kernelSize, dilationRate);
  if (typeof padding === "string") return kerasCrops(ke, stride, paddingName(padding), outputPadding);
  const [before, after] = Array.isArray(padding)
    ? paddingPair(padding)
    : [atLeast(0, "padding", padding), padding];
  const extra = outputPadding === null ? 0 : atLeast(0, "output_padding", outputPadding);
  const limit = Math.max(stride, dilationRate);
  if (extra >= limit) {
    throw new InvalidArgumentError(
      `output_padding must be below max(strides, dilation_rate) = ${limit} when padding is given in ` +
        `samples; received ${extra}. Larger outputs: use a negative second number in ` +
        "padding=(before, after).",
    );
  }
  return [before, after - extra];
}

function kerasCrops(ke, stride, padding, outputPadding) {
  if (outputPadding !== null) {
    atLeast(0, "output_padding", outputPadding);
    if (outputPadding >= stride) {
      throw new InvalidArgumentError(
        `output_padding must be below strides = ${stride} with padding=${repr(padding)}; received ` +
          `${outputPadding}. Choose from 0 to ${stride - 1}, or leave it None.`,
      );
    }
  }
  if (padding === "valid") return [0, outputPadding === null ? ke - Math.max(ke, stride) : 0 - outputPadding];
  let total = ke - stride; // size i * s
  if (outputPadding !== null) {
    if ((ke % 2) + outputPadding === 0) {
      throw new InvalidArgumentError(
        "output_padding must be at least 1 with padding='same' and an even effective kernel size " +
          `(${ke}): 0 asks for (i - 1) * strides samples, which a 'same' convolution maps to i - 1 ` +
          "inputs. Received 0. Use output_padding=None for i * strides samples.",
      );
    }
    total = ke - (ke % 2) - outputPadding; // size (i - 1) * s + ke % 2 + output_padding
  }
  const before = sameLead(total, 0);
  return [before, total - before];
}

/** The first of the output sizes that the forward convolution maps back to `inputSize`. */
export function smallestOutputSize(inputSize, kernelSize, stride, padding, dilationRate = 1) {
  if (typeof padding === "string" && paddingName(padding) === "same") {
    return (inputSize - 1) * atLeast(1, "strides", stride) + 1;
  }
  const samples = typeof padding === "string" ? 0 : padding;
  const [before, after] = crops(kernelSize, stride, { padding: samples, dilationRate });
  return fullSize(inputSize, kernelSize, stride, dilationRate) - before - after;
}

/** [first, last] of the output sizes that are legal (relationship 14); null where there is none. */
export function outputSizeRange(inputSize, kernelSize, stride, padding, dilationRate = 1) {
  const least = Math.min(atLeast(0, "input_size", inputSize), 1); // a size of 0 comes of 0 samples alone
  const first = smallestOutputSize(inputSize, kernelSize, stride, padding, dilationRate);
  return first + stride - 1 < least ? null : [Math.max(first, least), first + stride - 1];
}

/** The window of Keras's and TensorFlow's conventions, and of paddings in samples. */
export function window(
  inputSize, kernelSize, stride,
  { padding = "valid", outputPadding = null, outputSize = null, dilationRate = 1 } = {},
) {
  if (outputSize === null) {
    const [before, after] = crops(kernelSize, stride, { padding, outputPadding, dilationRate });
    atLeast(0, "input_size", inputSize);
    const size = fullSize(inputSize, kernelSize, stride, dilationRate) - before - after;
    if (inputSize === 0) return { lead: before, size: Math.max(size, 0) }; // nothing comes of nothing
    return { lead: before, size: positiveSize(size, inputSize, kernelSize, stride, padding) };
  }
  atLeast(0, "input_size", inputSize);
  if (outputPadding !== null) {
    throw new InvalidArgumentError(
      `output_padding and an output size exclude each other; received output_padding=${outputPadding} ` +
        `and output size ${outputSize}. Give one of them.`,
    );
  }
  integer("output_shape", outputSize);
  const legal = outputSizeRange(inputSize, kernelSize, stride, padding, dilationRate);
  if (legal === null) {
    const largest = smallestOutputSize(inputSize, kernelSize, stride, padding, dilationRate) + stride - 1;
    positiveSize(largest, inputSize, kernelSize, stride, padding);
  }
  if (outputSize < legal[0] || outputSize > legal[1]) {
    throw new InvalidArgumentError(
      `output_shape must lie in [${legal[0]}, ${legal[1]}] for input ${inputSize}, kernel ${kernelSize}, ` +
        `stride ${stride}${dilationRate === 1 ? "" : `, dilation ${dilationRate}`} and padding ` +
        `${repr(padding)}; received ${outputSize}.`,
    );
  }
  if (typeof padding === "string") {
    const full = fullSize(inputSize, kernelSize, stride, dilationRate);
    return { lead: paddingName(padding) === "same" ? sameLead(full, outputSize) : 0, size: outputSize };
  }
  return { lead: Array.isArray(padding) ? padding[0] : padding, size: outputSize };
}

/** The window of torch.nn.ConvTransposeNd and, with an output padding of 0, of Caffe's Deconvolution. */
export function torchWindow(inputSize, kernelSize, stride, padding, outputPadding, dilationRate = 1) {
  atLeast(0, "padding", padding);
  return window(inputSize, kernelSize, stride, { padding, outputPadding, dilationRate });
}

/** The window of ONNX's ConvTranspose (opset 11 and newer). */
export function onnxWindow(
  inputSize, kernelSize, stride,
  { pads = [0, 0], outputPadding = 0, outputSize = null, autoPad = "NOTSET", dilationRate = 1 } = {},
) {
  if (!AUTO_PADS.includes(autoPad)) {
    throw new InvalidArgumentError(
      `auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID; received ${repr(autoPad)}.`,
    );
  }
  const pair = autoPad === "VALID" ? [0, 0] : pads.map((pad) => atLeast(0, "pads", pad));
  const [before, after] = crops(kernelSize, stride, { padding: pair, outputPadding, dilationRate });
  atLeast(1, "input_size", inputSize);
  const full = fullSize(inputSize, kernelSize, stride, dilationRate);
  if (outputSize === null && (autoPad === "NOTSET" || autoPad === "VALID")) {
    return { lead: before, size: positiveSize(full - before - after, inputSize, kernelSize, stride, pads) };
  }
  const natural = full + outputPadding;
  const size =
    outputSize === null ? Math.min(inputSize * stride, natural) : atLeast(1, "output_shape", outputSize);
  const upper = sameLead(natural, size); // the smaller half in front
  return { lead: autoPad === "SAME_UPPER" ? upper : Math.max(natural - size, 0) - upper, size };
}

/** The phase, output position modulo `stride`, that each tap contributes to. */
export function phases(kernelSize, stride, dilationRate = 1) {
  return Array.from({ length: kernelSize }, (_, tap) => (tap * dilationRate) % stride);
}

/** Taps of the linear interpolation kernel for an integer factor (Long, Shelhamer and Darrell 2015). */
export function linearKernelSize(factor) {
  return 2 * atLeast(1, "factor", factor) - (factor % 2);
}

/** Weights of the 1-D linear interpolation kernel; N-D kernels are outer products of these. */
export function linearKernel(kernelSize) {
  const half = Math.floor((atLeast(1, "kernel_size", kernelSize) + 1) / 2);
  return Array.from({ length: kernelSize }, (_, tap) => 1 - Math.abs(tap - (kernelSize - 1) / 2) / half);
}

function positiveSize(size, inputSize, kernelSize, stride, padding) {
  if (size < 1) {
    throw new InvalidArgumentError(
      `padding must leave at least 1 output sample; padding ${repr(padding)} leaves ${size} for input ` +
        `${inputSize}, kernel ${kernelSize}, stride ${stride}. Use a smaller padding.`,
    );
  }
  return size;
}
