// A picture through a model tile by tile, several at once, joined on sheets.

import { PictureError, checkSize } from "./picture.js";
import { placed, scaled, spans } from "./tiling.js";

const IN_FLIGHT = 3;

/** Send what `ask(pixels, signal)` needs for each tile, and join its answers.
 *
 * `ask` returns ImageData of one size, one for each of the sheets that `makeSheets(width, height)` returns when the
 * first answer tells the size of the whole; `onprogress(done, all)` counts tiles. Returns the sheets. */
export async function runTiles(picture, { rule, ask, makeSheets, onprogress, signal }) {
  const sizes = [picture.height, picture.width];
  const axes = sizes.map((size, axis) =>
    spans(size, { tile: rule.tile[axis], halo: rule.halo[axis], stride: rule.stride[axis] }),
  );
  const pieces = axes[0].flatMap((row) => axes[1].map((column) => [row, column]));
  checkSize(scaled(sizes[1], rule.scale[1]), scaled(sizes[0], rule.scale[0]));
  const stopping = new AbortController(); // the first failure stops the tiles beside it
  const together = AbortSignal.any([signal, stopping.signal]);
  let [next, done, sheets, answered, whole] = [0, 0, null, null, null];

  function place(answers, piece) {
    const found = [answers[0].height, answers[0].width];
    if (!sheets) {
      check(found, piece);
      answered = found;
      whole = found.map((size, axis) => size + scaled(sizes[axis] - length(piece[axis]), rule.scale[axis]));
      checkSize(whole[1], whole[0]);
      sheets = makeSheets(whole[1], whole[0]);
    }
    if (answers.some(({ height, width }) => height !== answered[0] || width !== answered[1])) {
      throw new PictureError("The model's answers to tiles of one size differ in size.");
    }
    const [rows, columns] = piece.map((span, axis) =>
      placed(span, whole[axis], rule.scale[axis], span.keepStop === sizes[axis]),
    );
    sheets.forEach((sheet, index) => sheet.put(answers[index], rows, columns));
  }

  function check(found, piece) {
    const off = found.some((size, axis) => {
      const slack = rule.tile[axis] === Infinity ? 0 : scaled(2 * rule.halo[axis] + rule.stride[axis], rule.scale[axis]);
      return Math.abs(size - scaled(length(piece[axis]), rule.scale[axis])) > slack;
    });
    if (off) {
      const [height, width] = piece.map(length);
      throw new PictureError(`The model made ${found[1]} x ${found[0]} pixels of ${width} x ${height}.`);
    }
  }

  const worker = async () => {
    while (next < pieces.length) {
      const piece = pieces[next++];
      together.throwIfAborted();
      const answers = await ask(pixelsOf(picture, piece), together);
      together.throwIfAborted();
      place(answers, piece);
      onprogress(++done, pieces.length);
    }
  };
  onprogress(0, pieces.length);
  try {
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, pieces.length) }, worker));
  } catch (error) {
    stopping.abort();
    sheets?.forEach((sheet) => sheet.release());
    throw error;
  }
  return sheets;
}

const length = ({ start, stop }) => stop - start;

function pixelsOf({ context }, [rows, columns]) {
  return context.getImageData(columns.start, rows.start, length(columns), length(rows));
}
