/** The line between photo and result, which pointers and keys move. */

import { t } from "./words.js";

const STEP = {
  ArrowLeft: -0.02,
  ArrowDown: -0.02,
  ArrowRight: 0.02,
  ArrowUp: 0.02,
  PageDown: -0.1,
  PageUp: 0.1,
};
const REVEAL_MS = 700;

/** Dispatches "change". */
export class Divider extends EventTarget {
  /** How much of what is seen is photo, 0..1. */
  share = 1;
  #element;
  #frame = 0;

  /** @param {HTMLElement} element with role=slider */
  constructor(element) {
    super();
    this.#element = element;
    element.addEventListener("keydown", (event) => this.#onKey(event));
    this.moveTo(this.share);
  }

  moveTo(share) {
    cancelAnimationFrame(this.#frame);
    this.#set(share);
  }

  /** Moves from the photo to the middle, so that the drawing comes into sight. */
  reveal() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.moveTo(0.5);
    const start = performance.now();
    const step = (now) => {
      const passed = Math.min(1, Math.max(0, now - start) / REVEAL_MS);
      this.#set(1 - 0.5 * (1 - (1 - passed) ** 3));
      if (passed < 1) this.#frame = requestAnimationFrame(step);
    };
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(step);
  }

  #set(share) {
    this.share = Math.min(1, Math.max(0, share));
    const percent = Math.round(100 * this.share);
    this.#element.setAttribute("aria-valuenow", percent);
    this.#element.setAttribute("aria-valuetext", t("stage.divider_at", { share: percent }));
    this.dispatchEvent(new Event("change"));
  }

  #onKey(event) {
    const ends = { Home: 0, End: 1 };
    const to = ends[event.key] ?? this.share + (STEP[event.key] ?? NaN);
    if (Number.isNaN(to) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.moveTo(to);
  }
}
