// Answers the questions of test_explorer_arithmetic.py: JSON lines in, JSON lines out.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(process.argv[2] + "/").href;
const [geometry, arithmetic, checkerboard, equivalents, resize, values, state, configuration] = await Promise.all(
  ["geometry", "arithmetic", "checkerboard", "equivalents", "resize_convolution", "values", "state", "configuration"].map(
    (name) => import(`${folder}${name}.js`),
  ),
);

const attempt = (make) => {
  try {
    return make();
  } catch (error) {
    if (error.name !== "InvalidArgumentError") throw error;
    return { error: error.message };
  }
};

const numbers = (plane) => [...plane.data];

function answer(question) {
  const [i, k, s, d] = [question.input, question.kernel, question.stride, question.dilation];
  const windows = {
    keras: attempt(() => geometry.window(i, k, s, { ...question.keras, dilationRate: d })),
    torch: attempt(() => geometry.torchWindow(i, k, s, question.torch.padding, question.torch.outputPadding, d)),
    onnx: attempt(() => geometry.onnxWindow(i, k, s, { ...question.onnx, dilationRate: d })),
    range: attempt(() => geometry.outputSizeRange(i, k, s, question.keras.padding, d)),
  };
  return { windows, computed: question.axes && computed(question) };
}

function computed({ axes: sizes, x: input, w, words }) {
  const axes = sizes.map(([i, k, s, d, lead, size]) => arithmetic.axis(i, k, s, d, { lead, size }));
  const [rows, columns] = arithmetic.planeAxes(axes);
  const x = arithmetic.plane(rows.inputSize, columns.inputSize, Float64Array.from(input));
  const kernel = arithmetic.plane(rows.kernelSize, columns.kernelSize, Float64Array.from(w));
  const y = arithmetic.output(axes, x, kernel);
  const matrix = arithmetic.operatorMatrix(axes, kernel);
  const middle = [Math.floor(y.rows / 2), Math.floor(y.columns / 2)];
  const terms = arithmetic.contributions(axes, middle, x, kernel);
  const sums = checkerboard.phaseSums(axes, kernel);
  const one = resize.equalTransposed(axes, kernel);
  const indices = axes.length === 1 ? [middle[1]] : middle;
  const last = (index) => (axes.length === 1 ? [index[1]] : index);
  return {
    y: numbers(y),
    zeroInsertion: numbers(arithmetic.zeroInsertionOutput(axes, x, kernel)),
    product: numbers(arithmetic.matrixProduct(matrix, x, y.rows, y.columns)),
    matrix: numbers(matrix),
    counts: numbers(arithmetic.overlap(axes)),
    sums: numbers(sums),
    phaseCounts: numbers(checkerboard.phaseCounts(axes)),
    score: checkerboard.checkerboardScore(sums),
    sentence: values.sentence(
      `y[${indices}]`,
      terms.map((term) => ({ ...term, input: last(term.input), tap: last(term.tap) })),
    ),
    calls: equivalents.equivalents(axes),
    resized: numbers(resize.resizeThenConvolve(axes, x, kernel)),
    fused: numbers(arithmetic.output(one.axes, x, one.kernel)),
    linear: axes.map((axis) => geometry.linearKernel(axis.kernelSize)),
    translated: Object.keys(state.WORDS).map((name) => translated(axes, words, name)),
  };
}

// The state in other words has the same windows, unless the note says that they have none.
function translated(axes, from, to) {
  const each = (name) => axes.map((axis) => axis[name]);
  const before = {
    ...state.initialState(),
    dims: axes.length,
    words: from,
    input: each("inputSize"),
    kernel: each("kernelSize"),
    stride: each("stride"),
    dilation: each("dilationRate"),
  };
  const { state: after, note } = configuration.translate(before, to, axes);
  const again = state.decode(state.encode(after));
  const found = configuration.configuration(again).map(({ window }) => [window.lead, window.size]);
  return { words: to, note, windows: found, same: JSON.stringify(again) === JSON.stringify(after) };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
