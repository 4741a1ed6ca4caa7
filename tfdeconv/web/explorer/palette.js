// The colours of theme.css as a canvas needs them: numbers, in the scheme that is on.

const NAMES = [
  "surface", "raised", "line", "ink", "quiet", "accent", "positive", "negative", "input", "kernel", "count",
  "cropped", "stamp-0", "stamp-1", "stamp-2", "stamp-3",
];

/** Read the colours at an element: name -> [red, green, blue]. */
export function readPalette(probe) {
  const found = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  }
  return found;
}

/** The colour between two, `share` of the way. */
export function mix(from, to, share) {
  return from.map((value, index) => value + share * (to[index] - value));
}

export function css([red, green, blue]) {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)})`;
}

/** Black or white, whichever is read better on a colour. */
export function textOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#15191e" : "#ffffff";
}

/** The fill of a signed value where `most` is the largest magnitude. */
export function signed(palette, value, most) {
  const share = most === 0 ? 0 : Math.min(Math.abs(value) / most, 1);
  return mix(palette.surface, value < 0 ? palette.negative : palette.positive, 0.85 * share);
}

/** The colour of the stamp of an input, told apart from its neighbours. */
export function stampColour(palette, row, column) {
  return css(palette[`stamp-${(2 * (row % 2) + (column % 2)) % 4}`]);
}
