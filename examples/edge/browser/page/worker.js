/** Cuts people out of photos, one after the other, away from the page. */

import { load } from "./load.js";
import { Tensor } from "./runtime.js";

const MOST_PIXELS = 50e6;

const session = load((share) => postMessage({ kind: "loading", share }));
session.then(
  () => postMessage({ kind: "ready" }),
  (error) => postMessage({ kind: "broken", reason: `The network cannot run: ${error.message}` }),
);
let last = session.catch(() => {});
addEventListener("message", ({ data }) => {
  last = last.then(() => answer(data));
});

async function answer({ id, file }) {
  try {
    const { picture, ...found } = await cutOut(file);
    postMessage({ kind: "done", id, picture, ...found }, [picture]);
  } catch (error) {
    postMessage({ kind: "failed", id, reason: error.message });
  }
}

/** See `Cutout` in cutter.js. */
async function cutOut(file) {
  const photo = await readPhoto(file);
  const start = performance.now();
  const alpha = await findAlpha(photo);
  const milliseconds = performance.now() - start;
  let sum = 0;
  for (let i = 0; i < alpha.length; i++) {
    photo.data[4 * i + 3] = alpha[i];
    sum += alpha[i];
  }
  const share = sum / 255 / alpha.length;
  return { picture: await createImageBitmap(photo), milliseconds, share };
}

/** Upright, on white. @returns {Promise<ImageData>} */
async function readPhoto(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is not a photo that this browser can read.`);
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS)
    throw new Error(
      `${file.name} is too large: it has ${Math.ceil((width * height) / 1e6)} megapixels, and a photo may have ${MOST_PIXELS / 1e6}.`,
    );
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** The people's share of each pixel, 0..255. */
async function findAlpha({ data, width, height }) {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0, j = 0; i < data.length; i += 4) {
    rgb[j++] = data[i];
    rgb[j++] = data[i + 1];
    rgb[j++] = data[i + 2];
  }
  const image = new Tensor("uint8", rgb, [1, height, width, 3]);
  const network = await session;
  const { alpha } = await network.run({ image }, ["alpha"]).catch((error) => {
    throw new Error(`The network failed, perhaps for lack of memory: ${error.message}`);
  });
  return alpha.data;
}
