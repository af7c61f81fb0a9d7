#!/usr/bin/env node
// Puts the page, onnxruntime-web and the network into one folder of static files:
// node browser/build.mjs MODEL SITE
import { copyFile, cp, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const RUNTIME = join(HERE, "..", "node_modules", "onnxruntime-web", "dist");

const [model, site] = process.argv.slice(2);
if (!site) {
  console.error("build.mjs: expected: node browser/build.mjs MODEL SITE");
  process.exit(2);
}
const large = {
  "network.onnx": model,
  "runtime.wasm": join(RUNTIME, "ort-wasm-simd-threaded.wasm"),
};
try {
  await mkdir(site, { recursive: true });
  await cp(join(HERE, "page"), site, { recursive: true });
  await copyFile(join(RUNTIME, "ort.wasm.bundle.min.mjs"), join(site, "runtime.js"));
  const sizes = {};
  for (const [name, path] of Object.entries(large)) {
    await copyFile(path, join(site, name));
    sizes[name] = (await stat(path)).size;
  }
  // A server that compresses does not tell how much there is to load.
  await writeFile(join(site, "sizes.js"), `export const SIZES = ${JSON.stringify(sizes)};\n`);
} catch (error) {
  console.error(`build.mjs: ${error.message}`);
  process.exit(1);
}
