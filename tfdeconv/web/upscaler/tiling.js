// Cut a picture into overlapping pieces whose enlarged middles join without a seam: tfdeconv.zoo.pictures.tiling.
//
// A network's `halo` is how many pixels around an input its outputs depend on; its `stride` the multiple at which
// tiles may start (1 where it only enlarges). The rules of the networks that tfdeconv ships are in tiling.json.

/** Largest side of a tile, context included: tfdeconv.zoo.pictures.upscaling.DEFAULT_TILE. */
export const DEFAULT_TILE = 320;

/** The tiles of a picture, row by row: `[{ rows, columns }]` of spans { start, stop, keepStart, keepStop }.
 *
 * All tiles have one size, at the borders they are moved inwards, and what they keep covers the picture once. */
export function tiles(height, width, { tile = DEFAULT_TILE, halo, stride = 1 }) {
  const context = halo + stride - 1;
  if (tile <= 2 * context) {
    throw new RangeError(`tile must be above ${2 * context}, twice the ${context} pixels of context; received ${tile}.`);
  }
  const columns = spans(width, tile, context, stride);
  return spans(height, tile, context, stride).flatMap((row) => columns.map((column) => ({ rows: row, columns: column })));
}

function spans(size, tile, context, stride) {
  if (size <= tile) return [{ start: 0, stop: size, keepStart: 0, keepStop: size }];
  const count = Math.ceil((size - 2 * context) / (tile - 2 * context));
  let length = Math.ceil((size - 2 * context) / count) + 2 * context;
  length += (size - length) % stride; // the last tile starts at a multiple, too
  const starts = Array.from({ length: count }, (_, index) =>
    Math.floor((index * (size - length)) / (count - 1) / stride) * stride,
  );
  const middles = starts.slice(1).map((start, index) => Math.floor((start + starts[index] + length) / 2));
  return starts.map((start, index) => ({
    start,
    stop: start + length,
    keepStart: index === 0 ? 0 : middles[index - 1],
    keepStop: index === count - 1 ? size : middles[index],
  }));
}
