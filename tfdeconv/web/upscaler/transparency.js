// Alpha channels through an enlarging network: tfdeconv.zoo.pictures.transparency on 8-bit RGBA.

/** Colours that continue from visible pixels into invisible ones, ring after ring; alpha stays. */
export function bleed({ data, width, height }, reach) {
  const filled = Float32Array.from(data);
  let known = Uint8Array.from({ length: width * height }, (_, index) => (data[4 * index + 3] > 0 ? 1 : 0));
  for (let ring = 0; ring < reach; ring++) {
    const next = known.slice();
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        if (known[at]) continue;
        const sums = [0, 0, 0];
        let count = 0;
        for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++) {
          for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++) {
            const from = y * width + x;
            if (!known[from]) continue;
            count++;
            for (let channel = 0; channel < 3; channel++) sums[channel] += filled[4 * from + channel];
          }
        }
        if (count === 0) continue;
        next[at] = 1;
        for (let channel = 0; channel < 3; channel++) filled[4 * at + channel] = sums[channel] / count;
      }
    }
    known = next;
  }
  return new ImageData(Uint8ClampedArray.from(filled), width, height);
}

/** An enlarged alpha value at [row, column], kept between the inputs around it: opaque stays opaque. */
export function limitToNeighbours(value, alpha, width, height, row, column, scale) {
  const [top, bottom] = around(row, scale, height);
  const [left, right] = around(column, scale, width);
  let [least, greatest] = [255, 0];
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const input = alpha(y, x);
      least = Math.min(least, input);
      greatest = Math.max(greatest, input);
    }
  }
  return Math.min(Math.max(value, least), greatest);
}

// The centre of output q lies at input (2 q + 1 - scale) / (2 scale).
function around(output, scale, size) {
  const numerator = 2 * output + 1 - scale;
  const clip = (at) => Math.min(Math.max(at, 0), size - 1);
  return [clip(Math.ceil(numerator / (2 * scale)) - 1), clip(Math.floor(numerator / (2 * scale)) + 1)];
}
