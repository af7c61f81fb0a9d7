/** The ways by which photos come in: dropped, pasted, chosen, taken, or the sample. */

import { get } from "./build.js";
import { say } from "./say.js";
import { t } from "./words.js";

const NO_PHOTO = /^(text|application|video|audio)\//;

/** @param {(files: File[]) => void} onFiles */
export function listenForPhotos(onFiles) {
  const take = (files) => {
    // What is no photo in spite of its type, the server says beside it.
    const photos = [...files].filter((file) => file.size && !NO_PHOTO.test(file.type));
    if (photos.length) onFiles(photos);
    else say(t("intake.none"));
  };
  listenToPickers(take);
  listenToDrops(take);
  document.addEventListener("paste", (event) => {
    if (event.target.closest("input:not([type=radio], [type=range])")) return;
    const { files } = event.clipboardData;
    if (files.length) take(files);
  });
  get("sample").addEventListener("click", () => takeSample(take));
}

function listenToPickers(take) {
  const openers = { choose: "files", add: "files", "add-more": "files", camera: "shot" };
  for (const [button, picker] of Object.entries(openers)) {
    get(button).addEventListener("click", () => get(picker).click());
  }
  for (const picker of [get("files"), get("shot")]) {
    picker.addEventListener("change", () => {
      take(picker.files);
      picker.value = ""; // so that the same photo can be chosen again
    });
  }
}

function listenToDrops(take) {
  const veil = get("drop");
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (hasFiles(event)) veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

async function takeSample(take) {
  try {
    const response = await fetch(new URL("sample.jpg", import.meta.url));
    if (!response.ok) throw new TypeError();
    take([new File([await response.blob()], "astronaut.jpg", { type: "image/jpeg" })]);
  } catch {
    say(t("intake.sample_failed"));
  }
}
