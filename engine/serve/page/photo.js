/** One photo, from its file to its drawings. */

/**
 * @typedef {object} Drawing
 * @property {string} url of the picture, in this browser
 * @property {"cartoon" | "cutout"} kind
 * @property {string[]} palette #rrggbb, the commonest first
 * @property {string[]} warnings
 */

const MOST_DRAWINGS = 12;
let count = 0;

export class Photo {
  /** Whether it waits, is sent, is looked at, is ready to be drawn, or cannot be. */
  state = "waiting";
  /** Of the sending, 0..1. */
  progress = 0;
  /** @type {import("./service.js").Kept | null} */
  kept = null;
  /** @type {import("./problem.js").Problem | null} */
  problem = null;
  /** Whether a drawing of it is being made. */
  isBusy = false;
  /** The drawing that was made last. @type {Drawing | null} */
  latest = null;
  /** Stops all that is done for it. */
  closing = new AbortController();
  /** @type {Map<string, Drawing>} */
  #drawings = new Map();
  #onChange;

  /** @param {File} file @param {() => void} onChange */
  constructor(file, onChange) {
    count += 1;
    this.id = `photo-${count}`;
    this.file = file;
    this.name = file.name;
    this.url = URL.createObjectURL(file);
    this.#onChange = onChange;
  }

  /** What its files are called: the name without its ending. */
  get stem() {
    return this.name.replace(/(.)\.[^.]*$/, "$1") || "photo";
  }

  /** Sets fields, and tells. */
  set(fields) {
    if (this.closing.signal.aborted) return;
    Object.assign(this, fields);
    this.#onChange();
  }

  drawing(key) {
    return this.#drawings.get(key) ?? null;
  }

  /** Keeps a drawing, and lets go of the oldest when there are many. */
  keep(key, drawing) {
    this.#drawings.set(key, drawing);
    const [oldest] = this.#drawings.keys();
    if (this.#drawings.size > MOST_DRAWINGS) {
      URL.revokeObjectURL(this.#drawings.get(oldest).url);
      this.#drawings.delete(oldest);
    }
    this.set({ latest: drawing });
  }

  close() {
    this.closing.abort();
    for (const url of [this.url, ...[...this.#drawings.values()].map((d) => d.url)])
      URL.revokeObjectURL(url);
  }
}
