/** Photos on their way to the server: few at a time, and again when the server forgot them. */

import { asProblem, Problem } from "./problem.js";
import { draw, readLimits, sendPhoto } from "./service.js";
import { t } from "./words.js";

const AT_ONCE = 2;
const MOST_TRIES = 4;
const LONGEST_WAIT_S = 10;
const limits = readLimits();
/** @type {Map<import("./photo.js").Photo, Promise<void>>} */
const underWay = new Map();
/** @type {(() => void)[]} */
const queue = [];
let running = 0;

/**
 * What the service draws of a photo, which is sent first where that has to be.
 * @param {import("./photo.js").Photo} photo
 * @param {"cartoon" | "cutout"} kind
 * @param {FormData} options
 * @param {AbortSignal} signal stops the drawing; the sending goes on, because others wait for it
 * @returns {Promise<Response>}
 */
export async function drawSent(photo, kind, options, signal) {
  await send(photo);
  signal.throwIfAborted();
  try {
    return await patiently(() => draw(photo.kept.id, kind, options, signal), signal);
  } catch (error) {
    if (!(error instanceof Problem && error.isForgotten)) throw error;
    photo.kept = null;
    await send(photo);
    signal.throwIfAborted();
    return draw(photo.kept.id, kind, options, signal);
  }
}

/** Sends a photo unless the server has it. Rejects with the problem, which the photo has then. */
function send(photo) {
  if (photo.kept) return Promise.resolve();
  if (!underWay.has(photo)) {
    underWay.set(
      photo,
      inTurn(() => sendNow(photo)).finally(() => underWay.delete(photo)),
    );
  }
  return underWay.get(photo);
}

async function sendNow(photo) {
  const { signal } = photo.closing;
  signal.throwIfAborted();
  const isFirst = photo.latest === null;
  const onProgress = (progress) => {
    if (isFirst) photo.set({ progress, state: progress < 1 ? "uploading" : "finding" });
  };
  onProgress(0);
  try {
    await refuseLarge(photo.file);
    const kept = await patiently(() => sendPhoto(photo.file, onProgress, signal), signal);
    photo.set({ kept, state: "ready", problem: null });
  } catch (error) {
    photo.set({ state: "failed", problem: asProblem(error) });
    throw error;
  }
}

/** Says so before a photo is sent in vain. */
async function refuseLarge(file) {
  const most = (await limits).max_megabytes;
  const megabytes = (file.size / 1e6).toFixed(1);
  if (!(file.size > most * 1e6)) return;
  throw new Problem(413, { detail: t("problem.too_large.limit", { megabytes, most }) });
}

/** Calls again, after a while, when the service has too much to do. */
async function patiently(call, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Problem && error.isPassing) || tries === MOST_TRIES) throw error;
      const seconds = Math.min(LONGEST_WAIT_S, error.retryAfter || tries);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      signal.throwIfAborted();
    }
  }
}

async function inTurn(work) {
  if (running === AT_ONCE) await new Promise((resolve) => queue.push(resolve));
  else running += 1;
  try {
    return await work();
  } finally {
    if (queue.length) queue.shift()();
    else running -= 1;
  }
}
