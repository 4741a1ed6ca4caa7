// A picture file as pixels, and pixels as PNG.

import { readHeader } from "./file_header.js";

/** A file is no picture, or too large a one; the message says so. */
export class PictureError extends Error {
  name = "PictureError";
}

const LARGEST_SIDE = 16384;
const LARGEST_AREA = 120e6;

/** Read a file: { canvas, context, width, height, opaque, deep }, turned upright, in sRGB; `deep` had over 8 bits. */
export async function readPicture(file) {
  let [header, bitmap] = [null, null];
  try {
    header = await readHeader(file);
    bitmap = header.frames ? null : await createImageBitmap(file);
  } catch {
    throw new PictureError(`'${file.name}' is no picture that this browser can read. Use PNG, JPEG, WebP, GIF or BMP.`);
  }
  if (header.frames) {
    throw new PictureError(`'${file.name}' is animated, and one still picture at a time is worked on. Save the frame that is wanted.`);
  }
  const { width, height } = bitmap;
  checkSize(width, height);
  const canvas = newCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { canvas, context, width, height, deep: header.deep, opaque: isOpaque(context, width, height) };
}

/** Refuse what a browser cannot draw. */
export function checkSize(width, height) {
  if (Math.max(width, height) > LARGEST_SIDE || width * height > LARGEST_AREA) {
    throw new PictureError(
      `A picture of ${width} x ${height} pixels is too large for a browser: sides up to ${LARGEST_SIDE}, ` +
        `${LARGEST_AREA / 1e6} megapixels in all. Use \`tfdeconv upscale\`.`,
    );
  }
}

function isOpaque(context, width, height) {
  const rows = Math.max(1, Math.floor(4e6 / width)); // not all pixels in memory once more
  for (let top = 0; top < height; top += rows) {
    const { data } = context.getImageData(0, top, width, Math.min(rows, height - top));
    for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false;
  }
  return true;
}

export function newCanvas(width, height) {
  return new OffscreenCanvas(width, height);
}

/** Pixels as a PNG file. */
export async function encode(pixels) {
  const canvas = newCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  release(canvas);
  return blob;
}

/** The pixels of a PNG file. */
export async function decode(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = newCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  release(canvas);
  return pixels;
}

/** Give a canvas's memory back now, not when the collector comes. */
export function release(canvas) {
  canvas.width = 0;
  canvas.height = 0;
}
