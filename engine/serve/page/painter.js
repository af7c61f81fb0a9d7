/** Draws photos as the look says, for the screen. */

import { keyOf, toOptions } from "./look.js";
import { asProblem } from "./problem.js";
import { drawSent } from "./sending.js";

/** Of pictures for the screen, in pixels. */
export const LONGER_SIDE = 1600;
const QUALITY = 85;

export class Painter {
  #history;
  /** @type {Map<import("./photo.js").Photo, AbortController>} */
  #running = new Map();
  /** What is drawn: "cartoon" or "cutout". */
  kind = "cartoon";
  /** Whether pictures are as large as the photo, because somebody looks closely. */
  isLarge = false;

  /** @param {import("./look.js").History} history */
  constructor(history) {
    this.#history = history;
  }

  /** Draws a photo, unless that drawing is known; what was begun before is dropped. */
  async paint(photo) {
    this.#running.get(photo)?.abort();
    const key = `${this.kind} ${this.isLarge} ${keyOf(this.#history.look)}`;
    const known = photo.drawing(key);
    if (known) {
      photo.set({ latest: known, isBusy: false, problem: null });
      return;
    }
    const stop = new AbortController();
    this.#running.set(photo, stop);
    photo.set({ isBusy: true });
    try {
      const drawing = await this.#draw(photo, AbortSignal.any([stop.signal, photo.closing.signal]));
      photo.set({ isBusy: false, problem: null });
      photo.keep(key, drawing);
    } catch (error) {
      if (!stop.signal.aborted) photo.set({ isBusy: false, problem: asProblem(error) });
    }
  }

  /** @returns {Promise<import("./photo.js").Drawing>} */
  async #draw(photo, signal) {
    const { kind } = this;
    const options = toOptions(this.#history.look, { forScreen: true });
    options.set("format", "webp");
    options.set("quality", QUALITY);
    options.set("metadata", "strip");
    if (!this.isLarge) options.set("size", LONGER_SIDE);
    const response = await drawSent(photo, kind, options, signal);
    const picture = await response.blob();
    signal.throwIfAborted();
    return { kind, url: URL.createObjectURL(picture), ...readFacts(response.headers) };
  }
}

/** The photo itself as the server reads it, for browsers that cannot show its kind of file. */
export async function drawOriginal(photo) {
  const options = new FormData();
  for (const [name, value] of [
    ["background", "original"],
    ["format", "webp"],
    ["size", LONGER_SIDE],
  ]) {
    options.set(name, value);
  }
  const response = await drawSent(photo, "cutout", options, photo.closing.signal);
  return URL.createObjectURL(await response.blob());
}

/** What an answer's headers tell of the drawing. @param {Headers} headers */
function readFacts(headers) {
  const palette = headers.get("Cartoonify-Palette") ?? "";
  return {
    palette: palette ? palette.split(",") : [],
    warnings: JSON.parse(headers.get("Cartoonify-Warnings") ?? "[]"),
  };
}
