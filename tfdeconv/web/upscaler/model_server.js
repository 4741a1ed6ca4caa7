// TensorFlow Serving's REST API, as far as pictures need it: models, signatures, PNG in and PNG out.

import { readRule } from "./tile_rule.js";

/** A request failed; the message is the server's own or says in words what happened. */
export class ServerError extends Error {
  name = "ServerError";
}

const SIGNATURE = "serve_image_bytes";
const TILES = "tiles"; // the signature that says how pictures are cut: tfdeconv.wire.tile_rule
const KINDS = { upscaled_bytes: "upscaler", overlay_bytes: "segmenter" };

let blocked = null; // the address that this page's policy keeps it from
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective === "connect-src") blocked = event.blockedURI;
});

export class ModelServer {
  /** `address` is an origin such as http://host:8501; empty: the one that serves this page. */
  constructor(address = "") {
    this.address = address.replace(/\/+$/, "");
  }

  /** Names of the models; null where the server does not tell (TensorFlow Serving itself). */
  async models() {
    const answer = await this.#fetch("/modelz");
    if (answer.status === 404) return null;
    const { models } = await content(answer);
    return models
      .filter(({ versions }) => versions.some(({ state }) => state === "AVAILABLE"))
      .map(({ name }) => name);
  }

  /** What a model does with pictures: { name, kind, output, rule }; no rule where it does not say how they are cut. */
  async describe(name) {
    const document = await content(await this.#fetch(`/v1/models/${encodeURIComponent(name)}/metadata`));
    const signatures = document.metadata?.signature_def?.signature_def ?? {};
    const outputs = Object.keys(signatures[SIGNATURE]?.outputs ?? {});
    const output = outputs.find((candidate) => candidate in KINDS);
    if (!output) {
      throw new ServerError(
        `The model '${name}' takes no pictures: it has no signature '${SIGNATURE}' with ` +
          `${Object.keys(KINDS).join(" or ")}. Export it with tfdeconv.export_saved_model.`,
      );
    }
    const rule = TILES in signatures ? await this.#tileRule(name) : null;
    return { name, kind: KINDS[output], output, rule };
  }

  async #tileRule(name) {
    const { predictions } = await this.#ask(name, { signature_name: TILES, instances: [{ query: TILES }] });
    try {
      return readRule(predictions[0]);
    } catch (error) {
      throw new ServerError(
        `The model '${name}' says with its signature '${TILES}' how pictures are cut, and this page cannot read it: ` +
          `${error.message}. Export it with this version's tfdeconv.export_saved_model(..., tile=...).`,
      );
    }
  }

  /** The answers to pictures as PNG files: `[{ upscaled_bytes: Blob }]`. */
  async predict(model, pictures, signal = null) {
    const instances = await Promise.all(pictures.map(async (picture) => ({ b64: await base64(picture) })));
    const { predictions } = await this.#ask(model.name, { signature_name: SIGNATURE, instances }, signal);
    return predictions.map((prediction) => {
      const named = "b64" in prediction ? { [model.output]: prediction } : prediction;
      return Object.fromEntries(Object.entries(named).map(([name, { b64 }]) => [name, png(b64)]));
    });
  }

  async #ask(name, request, signal = null) {
    const answer = await this.#fetch(`/v1/models/${encodeURIComponent(name)}:predict`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
    return content(answer);
  }

  async #fetch(path, options = {}) {
    try {
      return await fetch(this.address + path, { cache: "no-store", credentials: "omit", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const at = this.address || location.origin;
      await new Promise((resolve) => setTimeout(resolve)); // the policy's event comes after the refusal
      if (blocked?.startsWith(at)) {
        throw new ServerError(`This page may not ask ${at}: start it with \`tfdeconv web --server ${at}\`.`);
      }
      throw new ServerError(
        `The server at ${at} does not answer. Is it running` +
          (this.address && this.address !== location.origin
            ? ", and does it allow other origins (--rest_api_enable_cors_support)?"
            : "?"),
      );
    }
  }
}

async function content(answer) {
  let document = null;
  try {
    document = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  if (answer.ok && document !== null) return document;
  throw new ServerError(document?.error ?? `The server answered ${answer.status} ${answer.statusText}`.trim() + ".");
}

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const parts = [];
  for (let at = 0; at < bytes.length; at += 0x8000) parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  return btoa(parts.join(""));
}

function png(b64) {
  return new Blob([Uint8Array.from(atob(b64), (character) => character.charCodeAt(0))], { type: "image/png" });
}
