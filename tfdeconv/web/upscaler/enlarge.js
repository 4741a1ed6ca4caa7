// Pictures through an upscaler.

import { ServerError } from "./model_server.js";
import { PictureError, decode, encode } from "./picture.js";
import { runTiles } from "./run_tiles.js";
import { ColourSheet } from "./sheets.js";
import { scaleText } from "./tile_rule.js";
import { smallestTile } from "./tiling.js";
import { bleed, limitToNeighbours } from "./transparency.js";

const PROBE = [64, 48]; // width and height of the picture that tells the scale

/** The factor of a model that does not say it: found out by sending a small picture. */
export async function findScale(server, model) {
  const [width, height] = PROBE;
  const [answer] = await server.predict(model, [await encode(new ImageData(width, height))]);
  const pixels = await decode(answer[model.output]);
  const scale = pixels.height / height;
  if (!Number.isInteger(scale) || scale < 1 || pixels.width !== width * scale) {
    throw new ServerError(
      `The model '${model.name}' must enlarge pictures by a whole factor, or say how they are cut (export it with ` +
        `tile=); it maps ${width} x ${height} pixels to ${pixels.width} x ${pixels.height}.`,
    );
  }
  return scale;
}

/** The enlarged picture, as a sheet. `onprogress(done, all)` counts tiles. */
export async function enlarge(picture, { server, model, rule, onprogress, signal }) {
  const makeSheets = (width, height) => [new ColourSheet(width, height)];
  const options = { makeSheets, onprogress, signal };
  if (picture.opaque) {
    const ask = async (seen, together) => {
      const [answer] = await server.predict(model, [await encode(seen)], together);
      return [await decode(answer[model.output])];
    };
    const [sheet] = await runTiles(picture, { ...options, rule, ask });
    return sheet;
  }
  const [scale, under] = rule.scale[0];
  if (under !== 1 || String(rule.scale[0]) !== String(rule.scale[1])) {
    throw new PictureError(
      `The model enlarges by ${scaleText(rule.scale)}, and a transparent picture needs a whole factor. Save it without transparency.`,
    );
  }
  const reach = Math.max(...rule.halo) + 1;
  const ask = async (seen, together) => [await enlargeTransparent(seen, { server, model, scale, reach, signal: together })];
  const [sheet] = await runTiles(picture, { ...options, rule: withContext(rule, reach), ask });
  return sheet;
}

/** A rule whose tiles see `reach` pixels more. */
function withContext(rule, reach) {
  const halo = rule.halo.map((own) => own + reach);
  return { ...rule, halo, tile: rule.tile.map((own, axis) => Math.max(own, smallestTile(halo[axis], rule.stride[axis]))) };
}

async function enlargeTransparent(seen, { server, model, scale, reach, signal }) {
  const colour = withAlpha(bleed(seen, reach), () => 255);
  const answers = await server.predict(model, [await encode(colour), await encode(grey(seen))], signal);
  const [pixels, alpha] = await Promise.all(answers.map((answer) => decode(answer[model.output])));
  for (const { width, height } of [pixels, alpha]) {
    if (width !== seen.width * scale || height !== seen.height * scale) {
      throw new PictureError(
        `The model '${model.name}' made ${width} x ${height} pixels of ${seen.width} x ${seen.height}; a transparent ` +
          `picture needs ${scale} times as many along each side.`,
      );
    }
  }
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
