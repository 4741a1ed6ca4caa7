// Tiles of the upscaler's page for the questions of test_upscaler_tiling.py: JSON in, JSON out.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { tiles } = await import(pathToFileURL(process.argv[2]).href);
const questions = JSON.parse(readFileSync(0, "utf8"));
const answers = questions.map(({ height, width, ...rule }) => {
  try {
    return tiles(height, width, rule).map((tile) =>
      [tile.rows, tile.columns].map(({ start, stop, keepStart, keepStop }) => [start, stop, keepStart, keepStop]),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message;
  }
});
process.stdout.write(JSON.stringify(answers));
