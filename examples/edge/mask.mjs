// Cuts the person out of a PNG with the self-contained graph: node mask.mjs MODEL PHOTO OUT
import { readFileSync, writeFileSync } from "node:fs";
import { PNG } from "pngjs";
import * as ort from "onnxruntime-web"; // or "onnxruntime-node": the same API

const [model, photo, out] = process.argv.slice(2);
const png = PNG.sync.read(readFileSync(photo)); // always RGBA
const pixels = png.width * png.height;
const rgb = new Uint8Array(3 * pixels);
for (let i = 0; i < pixels; i++) rgb.set(png.data.subarray(4 * i, 4 * i + 3), 3 * i);

const session = await ort.InferenceSession.create(readFileSync(model));
const image = new ort.Tensor("uint8", rgb, [1, png.height, png.width, 3]);
const { alpha } = await session.run({ image });

for (let i = 0; i < pixels; i++) png.data[4 * i + 3] = alpha.data[i];
writeFileSync(out, PNG.sync.write(png));
