// Cut a picture into overlapping pieces whose middles join without a seam: tfdeconv.geometry.spans and axis_tiles.

/** The pieces of an axis, { start, stop, keepStart, keepStop }; what they keep covers it once.
 *
 * All have one length, start at multiples of `stride`, and lose `halo` samples at ends inside the axis. */
export function spans(size, { tile, halo, stride = 1 }) {
  if (size <= tile) return [{ start: 0, stop: size, keepStart: 0, keepStop: size }];
  let steps = Math.floor((size - tile + stride - 1) / stride); // from the first piece to the last, in strides
  let reach = Math.floor((size - steps * stride - 2 * halo) / stride); // from one piece to the next
  if (reach < 1) {
    throw new RangeError(
      `tile must be at least ${smallestTile(halo, stride)} for every size: ${halo} + ${halo} samples at its ends are ` +
        `context, and it moves in steps of ${stride}; received ${tile}.`,
    );
  }
  const gaps = Math.ceil(steps / reach);
  while (gaps * (reach - 1) >= steps + 1) [steps, reach] = [steps + 1, reach - 1]; // as short as `gaps` allows
  const length = size - steps * stride;
  const starts = Array.from({ length: gaps + 1 }, (_, index) => Math.floor((index * steps) / gaps) * stride);
  const cuts = starts.slice(1).map((start, index) => Math.floor((start + starts[index] + length) / 2));
  return starts.map((start, index) => ({
    start,
    stop: start + length,
    keepStart: index === 0 ? 0 : cuts[index - 1],
    keepStop: index === gaps ? size : cuts[index],
  }));
}

/** The smallest tile that suffices for every size. */
export function smallestTile(halo, stride) {
  return 2 * halo + 2 * stride - 1;
}

/** Where what a span keeps belongs in an output of `size` samples, `scale` = [over, under] for each of the input:
 * { start, first, last }, the answer's own first sample and the kept ones. */
export function placed({ start, keepStart, keepStop }, size, scale, isLast) {
  return {
    start: scaled(start, scale),
    first: scaled(keepStart, scale),
    last: isLast ? size : scaled(keepStop, scale),
  };
}

/** A number of samples of the input in samples of an output. */
export function scaled(samples, [over, under]) {
  return Math.floor((samples * over) / under);
}
