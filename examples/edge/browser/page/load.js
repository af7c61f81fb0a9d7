/** Loads runtime and network, and tells how far it is. */

import { env, InferenceSession } from "./runtime.js";
import { SIZES } from "./sizes.js";

/** @param {(share: number) => void} onProgress 0..1 @returns {Promise<InferenceSession>} */
export async function load(onProgress) {
  const whole = Object.values(SIZES).reduce((sum, size) => sum + size);
  let loaded = 0;
  const count = (bytes) => onProgress((loaded += bytes) / whole);
  const [network, runtime] = await Promise.all(
    ["network.onnx", "runtime.wasm"].map((name) => download(name, count)),
  );
  env.logLevel = "error";
  env.wasm.numThreads = 1; // more need headers that a server of static files does not send
  env.wasm.wasmBinary = runtime;
  return InferenceSession.create(network, { executionProviders: ["wasm"] });
}

async function download(name, count) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}.`);
  const bytes = new Uint8Array(SIZES[name]);
  let at = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    bytes.set(value, at);
    at += value.length;
    count(value.length);
  }
}
