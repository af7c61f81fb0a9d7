#!/usr/bin/env node
// Cuts the people out of a photo: node cutout.mjs MODEL PHOTO OUT.png
// MODEL is made by `python -m export deeplabv3plus_mobilenet_v2 --graph mask`.
import { readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as ort from "onnxruntime-web"; // onnxruntime-node has the same API
import sharp from "sharp";

const USAGE = "expected: node cutout.mjs MODEL PHOTO OUT.png";
const MOST_PIXELS = 200e6;

/** What is told in one line; the exit codes are those of the `cartoonify` command. */
class Problem extends Error {
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}
const asProblem = (exitCode, what) => (error) => {
  throw new Problem(exitCode, `${what}: ${error.message.split("\n")[0]}`);
};

async function main(words) {
  const [model, path, out] = words;
  if (words.length !== 3) throw new Problem(2, `found ${words.length} arguments, ${USAGE}`);
  if (!/\.png$/i.test(out)) throw new Problem(2, `${out} does not end in .png, ${USAGE}`);
  const photo = await readPhoto(path).catch(asProblem(3, path));
  const session = await openSession(model).catch(asProblem(4, model));
  const start = performance.now();
  const alpha = await findAlpha(session, photo).catch(asProblem(4, model));
  const milliseconds = Math.round(performance.now() - start);
  await writeCutout(photo, alpha, out).catch(asProblem(3, out));
  console.log(`${out}: ${photo.width} x ${photo.height}, network ${milliseconds} ms`);
}

/** Upright sRGB on white, 3 bytes per pixel. */
async function readPhoto(path) {
  const bytes = await readFile(path); // so that a file that is missing says so itself
  const { data, info } = await sharp(bytes, { limitInputPixels: MOST_PIXELS })
    .autoOrient()
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function openSession(path) {
  const session = await ort.InferenceSession.create(await readFile(path), { logSeverityLevel: 3 });
  if (session.inputNames[0] === "image" && session.outputNames.includes("alpha")) return session;
  throw new Error("this is no mask graph; export it with --graph mask");
}

/** The people's share of each pixel, 0..255. */
async function findAlpha(session, { data, width, height }) {
  const image = new ort.Tensor("uint8", data, [1, height, width, 3]);
  const { alpha } = await session.run({ image }, ["alpha"]);
  return alpha.data;
}

/** Whole or not at all: under another name first. */
async function writeCutout({ data, width, height }, alpha, out) {
  const part = join(dirname(out), `.${basename(out)}.${process.pid}`);
  try {
    await sharp(data, { raw: { width, height, channels: 3 } })
      .joinChannel(Buffer.from(alpha.buffer, alpha.byteOffset, alpha.length), {
        raw: { width, height, channels: 1 },
      })
      .png()
      .toFile(part);
    await rename(part, out);
  } finally {
    await rm(part, { force: true });
  }
}

main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof Problem)) throw error;
  console.error(`cutout.mjs: ${error.message}`);
  process.exitCode = error.exitCode;
});
