// How pictures are cut for a model: { halo, stride, tile, scale }, each [rows, columns]; scales are [over, under].

/** The text that `export_saved_model(..., tile=...)` writes, as a rule; null where it is none for pictures. */
export function readRule(text) {
  const { halo, stride, tile, scale } = JSON.parse(text);
  const [input, ...outputs] = Object.values(scale).map((axes) => axes.map(fraction));
  const [first, ...others] = outputs.map(String);
  const isPicture = [halo, stride, tile, input].every(({ length }) => length === 2);
  if (!isPicture || first === undefined || others.some((other) => other !== first)) return null;
  return { halo, stride, tile, scale: outputs[0] };
}

/** The rule for a model that says none, in tiles with a context that somebody chose. */
export function guessedRule(context, scale) {
  return { halo: [context, context], stride: [1, 1], tile: [GUESSED_TILE, GUESSED_TILE], scale: [[scale, 1], [scale, 1]] };
}

export const GUESSED_TILE = 512;

/** The whole picture in one request. */
export const WHOLE = { halo: [0, 0], stride: [1, 1], tile: [Infinity, Infinity], scale: [[1, 1], [1, 1]] };

/** A scale in words: "2", "3/2", "2 x 1". */
export function scaleText(scale) {
  const texts = scale.map(([over, under]) => (under === 1 ? String(over) : `${over}/${under}`));
  return texts[0] === texts[1] ? texts[0] : texts.join(" x ");
}

function fraction(value) {
  const [over, under = 1] = String(value).split("/").map(Number);
  return [over, under];
}
