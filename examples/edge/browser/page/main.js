/** The page: takes a photo, has it cut out, shows the cut-out and offers it as a file. */

import { Cutter } from "./cutter.js";
import { listenForPhotos } from "./intake.js";

const MOST_MEGABYTES = 100;
const get = (id) => document.getElementById(id);
const body = document.body;
const canvas = get("cutout");
const isLoading = () => body.dataset.state === "loading"; // until a photo waits for it
let name = "photo";

const cutter = new Cutter({
  onLoading: (share) => isLoading() && (get("progress").value = share),
  onReady: () => isLoading() && say("ready", "Ready."),
  onBroken: (reason) => fail("broken", reason),
});
listenForPhotos(cutOut);
get("download").addEventListener("click", download);

/** @param {File} file */
async function cutOut(file) {
  if (body.dataset.state === "broken") return;
  if (file.size > MOST_MEGABYTES * 1e6)
    return fail("ready", `${file.name} is too large: a photo may have ${MOST_MEGABYTES} MB.`);
  say("busy", `Cutting out ${file.name}…`);
  try {
    const cutout = await cutter.cut(file);
    if (cutout) show(file, cutout);
  } catch (error) {
    if (body.dataset.state !== "broken") fail("ready", error.message);
  }
}

function show(file, { picture, milliseconds, share }) {
  const { width, height } = picture;
  Object.assign(canvas, { width, height, hidden: false, ariaLabel: `Cut-out of ${file.name}` });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  name = file.name.replace(/(.)\.[^.]*$/, "$1");
  get("download").disabled = false;
  body.classList.add("has-photo");
  const size = `${width} x ${height} pixels in ${(milliseconds / 1000).toFixed(2)} seconds.`;
  say("ready", share ? size : `Nobody was found in ${file.name}. ${size}`);
}

async function download() {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}_cutout.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {"busy" | "ready"} state */
function say(state, text) {
  body.dataset.state = state;
  get("status").textContent = text;
  get("status").hidden = false;
  get("problem").hidden = true;
  get("progress").hidden = state !== "busy";
  get("progress").removeAttribute("value"); // nobody knows how far a network is
}

/** @param {"ready" | "broken"} state whether another photo may do better */
function fail(state, text) {
  say(state, "");
  get("status").hidden = true;
  get("problem").textContent = text;
  get("problem").hidden = false;
  get("choose").disabled = state === "broken";
}
