/** The worker as seen from the page, which stays alive while it works. */

const ABILITIES = {
  WebAssembly: () => typeof WebAssembly === "object",
  OffscreenCanvas: () => typeof OffscreenCanvas === "function",
  Worker: () => typeof Worker === "function",
};

/**
 * @typedef {object} Cutout
 * @property {ImageBitmap} picture with the people alone
 * @property {number} milliseconds that the network took
 * @property {number} share of the picture that is people, 0..1
 */

export class Cutter {
  #listeners;
  #worker = null;
  /** The photo that was given last; an earlier one is not waited for any more. */
  #latest = { id: 0, resolve() {}, reject() {} };

  /** @param listeners onLoading(share), onReady(), onBroken(reason) */
  constructor(listeners) {
    this.#listeners = listeners;
    const missing = Object.keys(ABILITIES).find((name) => !ABILITIES[name]());
    if (missing) return this.#breakWith(`This browser has no ${missing}. Take a newer one.`);
    this.#start();
  }

  /** @param {File} file @returns {Promise<Cutout | null>} null when another photo came after it */
  cut(file) {
    this.#latest.resolve(null);
    return new Promise((resolve, reject) => {
      this.#latest = { id: this.#latest.id + 1, resolve, reject };
      this.#worker.postMessage({ id: this.#latest.id, file });
    });
  }

  #start() {
    // A worker from a blob is bound by this page's policy. One from a file would follow that
    // file's headers, which a server of static files does not send.
    const script = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.#worker.addEventListener("error", ({ message }) =>
      this.#breakWith(`The network cannot run: ${message || "a script is missing"}.`),
    );
  }

  #hear({ kind, id, ...news }) {
    if (kind === "loading") this.#listeners.onLoading(news.share);
    else if (kind === "ready") this.#listeners.onReady();
    else if (kind === "broken") this.#breakWith(news.reason);
    else if (id !== this.#latest.id) news.picture?.close();
    else if (kind === "failed") this.#latest.reject(new Error(news.reason));
    else this.#latest.resolve(news);
  }

  #breakWith(reason) {
    // Later, because the listeners may need what the constructor returns.
    queueMicrotask(() => this.#listeners.onBroken(reason));
    this.#latest.reject(new Error(reason));
  }
}
