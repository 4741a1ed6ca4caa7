// One picture through a served model, tile by tile.

import { ServerError } from "./model_server.js";
import { PictureError, checkSize, decode, encode, newCanvas, release } from "./picture.js";
import { tiles } from "./tiling.js";
import { bleed, limitToNeighbours } from "./transparency.js";

const IN_FLIGHT = 3;
const PROBE = [5, 4]; // width and height of the picture that tells the scale

/** The factor by which a model enlarges: found out by sending a picture of a few pixels. */
export async function findScale(server, model) {
  const [width, height] = PROBE;
  const [answer] = await server.predict(model, [await encode(new ImageData(width, height))]);
  const pixels = await decode(answer[model.output]);
  const scale = pixels.height / height;
  if (!Number.isInteger(scale) || scale < 2 || pixels.width !== width * scale) {
    throw new ServerError(
      `The model '${model.name}' must enlarge pictures by a whole factor, 2 or more; it maps ${width} x ${height} ` +
        `pixels to ${pixels.width} x ${pixels.height}.`,
    );
  }
  return scale;
}

/** The enlarged picture as a canvas. `rule` is { halo, stride }; `onprogress(done, all)` counts tiles. */
export async function enlarge(picture, { server, model, scale, rule, onprogress, signal }) {
  const { width, height, opaque } = picture;
  checkSize(width * scale, height * scale);
  const reach = opaque ? 0 : rule.halo + 1;
  const pieces = tiles(height, width, { ...rule, halo: rule.halo + reach });
  const result = newCanvas(width * scale, height * scale);
  const context = result.getContext("2d");
  const stopping = new AbortController(); // the first failure stops the tiles beside it
  const together = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal;
  let [next, done] = [0, 0];
  const worker = async () => {
    while (next < pieces.length) {
      const piece = pieces[next++];
      together.throwIfAborted();
      const seen = pixelsOf(picture, piece);
      const pixels = await enlargeTile(seen, { server, model, scale, opaque, reach, signal: together });
      place(context, pixels, piece, scale);
      onprogress(++done, pieces.length);
    }
  };
  onprogress(0, pieces.length);
  try {
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, pieces.length) }, worker));
  } catch (error) {
    stopping.abort();
    release(result);
    throw error;
  }
  return result;
}

function pixelsOf({ context }, { rows, columns }) {
  return context.getImageData(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start);
}

async function enlargeTile(seen, { server, model, scale, opaque, reach, signal }) {
  const colour = opaque ? seen : withAlpha(bleed(seen, reach), () => 255);
  const pictures = [await encode(colour)];
  if (!opaque) pictures.push(await encode(grey(seen)));
  const answers = await server.predict(model, pictures, signal);
  const [pixels, alpha] = await Promise.all(answers.map((answer) => decode(answer[model.output])));
  for (const { width, height } of [pixels, alpha ?? pixels]) {
    if (width !== seen.width * scale || height !== seen.height * scale) {
      throw new PictureError(
        `The model '${model.name}' made ${width} x ${height} pixels of a tile of ${seen.width} x ${seen.height}.`,
      );
    }
  }
  if (opaque) return pixels;
  const before = (row, column) => seen.data[4 * (row * seen.width + column) + 3];
  return withAlpha(pixels, (row, column) => {
    const value = alpha.data[4 * (row * alpha.width + column)];
    return limitToNeighbours(value, before, seen.width, seen.height, row, column, scale);
  });
}

function withAlpha(pixels, alphaAt) {
  const { data, width } = pixels;
  for (let at = 0; at < data.length / 4; at++) data[4 * at + 3] = alphaAt(Math.floor(at / width), at % width);
  return pixels;
}

function grey({ data, width, height }) {
  const pixels = new ImageData(width, height);
  for (let at = 0; at < data.length; at += 4) {
    pixels.data.fill(data[at + 3], at, at + 3);
    pixels.data[at + 3] = 255;
  }
  return pixels;
}

function place(context, pixels, { rows, columns }, scale) {
  const [left, top] = [columns.start * scale, rows.start * scale];
  const [dx, dy] = [(columns.keepStart - columns.start) * scale, (rows.keepStart - rows.start) * scale];
  const [width, height] = [(columns.keepStop - columns.keepStart) * scale, (rows.keepStop - rows.keepStart) * scale];
  context.putImageData(pixels, left, top, dx, dy, width, height);
}
