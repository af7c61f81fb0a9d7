/**
 * How pictures are drawn: one look for all photos, never changed, only replaced.
 *
 * @typedef {object} Background
 * @property {"white" | "transparent" | "original" | "blur" | "none" | "colour" | "picture"} kind
 * @property {string} [colour] #rrggbb
 * @property {File} [picture]
 * @property {Blob} [small] the same picture for the screen, because it is sent with each drawing
 *
 * @typedef {object} Look
 * @property {string} style
 * @property {number | null} colours null: as many as the photo needs
 * @property {number} lines
 * @property {number} detail
 * @property {number} vivid
 * @property {Background} background
 * @property {string} people "all", "largest" or a number
 * @property {string} edges "refined" or "soft"
 */

/** The knobs of drawing, which the style Classic does without. */
export const KNOBS = ["colours", "lines", "detail", "vivid"];

/** @type {Look} */
export const PLAIN = Object.freeze({
  style: "comic",
  colours: null,
  lines: 1,
  detail: 1,
  vivid: 1,
  background: Object.freeze({ kind: "white" }),
  people: "all",
  edges: "refined",
});

/** Whether the style knows the knobs of drawing. */
export const hasKnobs = (look) => look.style !== "classic";

/**
 * The service's options for a look, without those that are as they are anyway.
 * @param {Look} look
 * @param {{forScreen?: boolean}} [more]
 * @returns {FormData} with a file when the background is a picture
 */
export function toOptions(look, { forScreen = false } = {}) {
  const options = new FormData();
  const knobs = hasKnobs(look) ? KNOBS : [];
  for (const name of ["style", ...knobs, "people", "edges"]) {
    if (look[name] !== PLAIN[name]) options.set(name, look[name]);
  }
  const { kind, colour, picture, small } = look.background;
  if (kind !== PLAIN.background.kind)
    options.set("background", (forScreen && small) || (picture ?? colour ?? kind));
  return options;
}

/** A text that is the same for looks that draw the same. */
export function keyOf(look) {
  const entries = [...toOptions(look)].map(([name, value]) =>
    value instanceof File ? [name, value.name, value.size, value.lastModified] : [name, value],
  );
  return JSON.stringify(entries);
}

/** Looks in the order they were chosen, and which of them is on. */
export class History extends EventTarget {
  #looks = [PLAIN];
  #at = 0;
  #passing = null;

  /** The look that is on. */
  get look() {
    return this.#passing ?? this.#looks[this.#at];
  }
  get canUndo() {
    return this.#at > 0;
  }
  get canRedo() {
    return this.#at < this.#looks.length - 1;
  }
  get isPlain() {
    return keyOf(this.look) === keyOf(PLAIN);
  }

  /** Replaces parts of the look. While a knob still moves, it is `passing`: no step of its own. */
  change(parts, { passing = false } = {}) {
    const look = Object.freeze({ ...this.look, ...parts });
    this.#passing = passing ? look : null;
    if (!passing && keyOf(look) !== keyOf(this.#looks[this.#at])) {
      this.#looks = [...this.#looks.slice(0, this.#at + 1), look];
      this.#at += 1;
    }
    this.dispatchEvent(new Event("change"));
  }

  undo() {
    this.#move(-1);
  }
  redo() {
    this.#move(1);
  }

  #move(step) {
    const at = this.#at + step;
    if (at < 0 || at >= this.#looks.length) return;
    [this.#at, this.#passing] = [at, null];
    this.dispatchEvent(new Event("change"));
  }
}
