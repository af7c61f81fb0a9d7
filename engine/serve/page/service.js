/** Calls of the service that this page came from. */

import { askForToken, tokenHeaders } from "./token.js";
import { Problem, problemOf, toProblem } from "./problem.js";

/**
 * @typedef {object} Kept
 * @property {string} id
 * @property {number} width
 * @property {number} height
 * @property {number} share of the picture that is kept, 0..1
 */

/**
 * Sends a photo, in which the network then looks for people.
 * @param {File} file
 * @param {(share: number) => void} onProgress of the sending, 0..1
 * @param {AbortSignal} signal
 * @returns {Promise<Kept>}
 */
export async function sendPhoto(file, onProgress, signal) {
  const answer = await withToken(() => upload("v1/photos", file, onProgress, signal));
  return JSON.parse(answer);
}

/**
 * Draws a photo that was sent.
 * @param {string} id
 * @param {"cartoon" | "cutout"} kind
 * @param {FormData} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} whose body is the picture
 */
export function draw(id, kind, options, signal) {
  return withToken(async () => {
    const url = `v1/photos/${encodeURIComponent(id)}/${kind}`;
    const response = await fetch(url, {
      method: "POST",
      body: options,
      headers: tokenHeaders(),
      signal,
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  });
}

/**
 * The service's limits; none are known where it does not tell, for instance before the password.
 * @returns {Promise<{max_megabytes?: number}>}
 */
export async function readLimits() {
  try {
    const response = await fetch("v1/styles", { headers: tokenHeaders() });
    return (await response.json()).limits ?? {};
  } catch {
    return {};
  }
}

/** Lets the server forget a photo now. What it answers does not matter: it forgets by itself. */
export function forget(id) {
  fetch(`v1/photos/${encodeURIComponent(id)}`, {
    method: "DELETE",
    headers: tokenHeaders(),
    keepalive: true,
  }).catch(() => {});
}

/** Calls again with the token that the reader enters, where one is needed. */
async function withToken(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401) || !(await askForToken()))
        throw error;
    }
  }
}

/** `fetch` does not tell how much of a body was sent. */
function upload(url, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    request.open("POST", url);
    for (const [name, value] of Object.entries(tokenHeaders()))
      request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.upload.onload = () => onProgress(1);
    request.onerror = () => reject(new Problem(0));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.onload = () => {
      if (request.status < 300) resolve(request.responseText);
      else
        reject(
          toProblem(request.status, request.responseText, request.getResponseHeader("Retry-After")),
        );
    };
    request.onloadend = () => signal.removeEventListener("abort", stop);
    const form = new FormData();
    form.set("file", file, file.name);
    request.send(form);
  });
}
