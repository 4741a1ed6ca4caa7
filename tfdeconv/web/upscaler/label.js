// Pictures through a segmenter.

import { decode, encode } from "./picture.js";
import { runTiles } from "./run_tiles.js";
import { ColourSheet, LabelSheet } from "./sheets.js";

/** The overlay to look at and the label map, as sheets. `onprogress(done, all)` counts tiles. */
export function label(picture, { server, model, rule, onprogress, signal }) {
  const ask = async (seen, together) => {
    const [{ overlay_bytes: overlay, label_map_bytes: labels }] = await server.predict(model, [await encode(seen)], together);
    return Promise.all([decode(overlay), decode(labels)]);
  };
  const makeSheets = (width, height) => [new ColourSheet(width, height), new LabelSheet(width, height)];
  return runTiles(picture, { rule, ask, makeSheets, onprogress, signal });
}
