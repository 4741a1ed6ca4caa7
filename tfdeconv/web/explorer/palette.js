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

/** Black or white, whichever is read better on a colour: its contrast is at least 4.5 on every one. */
export function textOn(colour) {
  return luminance(colour) > 0.179 ? "#000000" : "#ffffff"; // (l + 0.05) / 0.05 = 1.05 / (l + 0.05) there
}

/** WCAG 2's relative luminance of an sRGB colour. */
function luminance(colour) {
  const [red, green, blue] = colour.map((level) =>
    level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
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
