/** What just happened, for eyes (for a moment) and for screen readers. */

import { get } from "./build.js";

const SHOWN_MS = 3500;
let timer = 0;

/** Tells screen readers alone. */
export function announce(text) {
  get("status").textContent = text;
}

/** The same at once, because it is a problem. */
export function alarm(text) {
  get("alert").textContent = text;
}

/** Shows a line for a moment, and announces it. */
export function say(text) {
  const toast = get("toast");
  toast.textContent = text;
  toast.hidden = false;
  announce(text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast.hidden = true;
  }, SHOWN_MS);
}
