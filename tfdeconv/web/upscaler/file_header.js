// What a picture file holds that a browser would drop without a word: further frames, 16 bits a channel.

/** { frames: whether there is more than one, deep: whether it has more than 8 bits a channel }. */
export async function readHeader(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = (at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
  if (text(1, 3) === "PNG") return { frames: hasAnimationChunk(bytes, text), deep: bytes[24] > 8 };
  if (text(0, 3) === "GIF") return { frames: countGifFrames(bytes) > 1, deep: false };
  if (text(8, 8) === "WEBPVP8X") return { frames: (bytes[20] & 2) !== 0, deep: false };
  return { frames: text(4, 8) === "ftypavis", deep: false };
}

function hasAnimationChunk(bytes, text) {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 8 <= bytes.length; at += view.getUint32(at) + 12) {
    const name = text(at + 4, 4);
    if (name === "acTL") return true;
    if (name === "IDAT") return false;
  }
  return false;
}

/** Blocks of GIF89a: an image begins with 0x2C, an extension with 0x21, and both end with empty sub-blocks. */
function countGifFrames(bytes) {
  const table = (flags) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(bytes[10]);
  let frames = 0;
  while (at < bytes.length && bytes[at] !== 0x3b && frames < 2) {
    if (bytes[at] === 0x2c) {
      frames++;
      at += 11 + table(bytes[at + 9]); // the descriptor, its colours, and the size of the codes
    } else {
      at += 2;
    }
    while (at < bytes.length && bytes[at] !== 0) at += bytes[at] + 1;
    at += 1;
  }
  return frames;
}
