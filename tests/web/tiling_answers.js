// Tiles of the upscaler's page for the questions of test_upscaler_tiling.py: JSON in, JSON out.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { placed, spans } = await import(pathToFileURL(process.argv[2]).href);
const questions = JSON.parse(readFileSync(0, "utf8"));
const answers = questions.map(({ size, scale, ...rule }) => {
  try {
    const found = spans(size, rule);
    const whole = Math.floor((size * scale[0]) / scale[1]);
    return found.map((span, index) => {
      const { start, first, last } = placed(span, whole, scale, index === found.length - 1);
      return { span: [span.start, span.stop, span.keepStart, span.keepStop], start, kept: [first, last] };
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message;
  }
});
process.stdout.write(JSON.stringify(answers));
