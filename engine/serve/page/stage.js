/** The photo that is shown, its drawing over it, and what is to be said of it. */

import { get, make } from "./build.js";
import { Divider } from "./divider.js";
import { listen } from "./gestures.js";
import { drawOriginal } from "./painter.js";
import { announce } from "./say.js";
import { Viewport } from "./viewport.js";
import { t } from "./words.js";

const SAID_AFTER_MS = 250;
const TAG_ROOM = 90;

export class Stage {
  /** Tells when somebody looks closely. */
  viewport = new Viewport();
  #divider = new Divider(get("divider"));
  #root = get("stage");
  #before = this.#root.querySelector("img.before");
  #after = this.#root.querySelector(".after");
  #photo = null;
  #drawing = null;
  #busyTimer = 0;

  constructor() {
    listen(this.#root, this.viewport, this.#divider);
    for (const part of [this.viewport, this.#divider])
      part.addEventListener("change", () => this.#place());
    new ResizeObserver(([{ contentRect }]) =>
      this.viewport.setRoom(contentRect.width, contentRect.height),
    ).observe(this.#root);
  }

  /** @param {import("./photo.js").Photo} photo */
  show(photo) {
    if (photo !== this.#photo) this.#change(photo);
    if (photo.latest !== this.#drawing) this.#showDrawing(photo, photo.latest);
    this.#sayBusy(photo);
  }

  async #change(photo) {
    this.#photo = photo;
    this.#drawing = null;
    this.#after.hidden = get("divider").hidden = true;
    this.#root.classList.remove("is-drawn");
    this.#divider.moveTo(1);
    this.#before.alt = t("stage.photo_of", { name: photo.name });
    const size = await this.#showPhoto(photo);
    if (this.#photo !== photo) return;
    this.#root.classList.toggle("is-blank", !size && !photo.latest);
    if (size) this.viewport.setPicture(...size);
  }

  /** @returns {Promise<[number, number] | null>} width and height; null where nothing can be shown */
  async #showPhoto(photo) {
    this.#before.hidden = false;
    this.#before.src = photo.url;
    try {
      await this.#before.decode();
    } catch {
      if (this.#photo !== photo) return null;
      this.#before.hidden = true;
      photo.url = await drawOriginal(photo).catch(() => "");
      return photo.url && this.#photo === photo ? this.#showPhoto(photo) : null;
    }
    return [this.#before.naturalWidth, this.#before.naturalHeight];
  }

  async #showDrawing(photo, drawing) {
    this.#drawing = drawing;
    if (!drawing) return;
    const image = make("img", { src: drawing.url, draggable: false });
    image.alt = t(`stage.${drawing.kind}_of`, { name: photo.name });
    await image.decode().catch(() => {});
    if (this.#drawing !== drawing) return; // another one came while this one was decoded
    const isFirst = this.#after.hidden;
    this.#after.replaceChildren(image);
    this.#after.hidden = get("divider").hidden = false;
    this.#root.classList.add("is-drawn");
    this.#root.classList.remove("is-blank");
    this.#root.querySelector(".tag-after").textContent = t(`kind.${drawing.kind}`);
    if (this.#before.hidden)
      this.viewport.setPicture(photo.kept.width, photo.kept.height, { isOther: isFirst });
    if (isFirst) this.#divider.reveal();
    announce(t("said.drawn", { kind: t(`kind.${drawing.kind}`), name: photo.name }));
  }

  /** Puts picture and line where they belong. */
  #place() {
    const { left, top, width, height } = this.viewport.rect;
    const { start, width: seen } = this.viewport.visible;
    const line = start + this.#divider.share * seen;
    const style = {
      "--left": `${left}px`,
      "--top": `${top}px`,
      "--width": `${width}px`,
      "--height": `${height}px`,
      "--divide": `${line}px`,
      "--cut": `${(100 * (line - left)) / width}%`,
    };
    for (const [name, value] of Object.entries(style)) this.#root.style.setProperty(name, value);
    const marks = {
      "is-near": !this.viewport.isFitted,
      "no-before": line - start < TAG_ROOM,
      "no-after": start + seen - line < TAG_ROOM,
    };
    for (const [name, isOn] of Object.entries(marks)) this.#root.classList.toggle(name, isOn);
    get("zoom-share").textContent = t("drawing.percent", {
      value: Math.round(100 * this.viewport.zoom),
    });
    get("zoom-out").disabled = this.viewport.isFitted;
    get("zoom-in").disabled = this.viewport.zoom >= this.viewport.most;
  }

  #sayBusy(photo) {
    const isBusy = photo.isBusy && photo.state !== "failed";
    const box = get("busy");
    this.#root.ariaBusy = String(isBusy);
    const step = photo.state === "ready" ? "drawing" : photo.state;
    const percent = Math.round(100 * photo.progress);
    box.querySelector("span").textContent = isBusy ? t(`busy.${step}`, { percent }) : "";
    const bar = box.querySelector("progress");
    if (step === "uploading") bar.value = percent;
    else bar.removeAttribute("value");
    if (!isBusy) {
      clearTimeout(this.#busyTimer);
      [this.#busyTimer, box.hidden] = [0, true];
    } else if (!this.#busyTimer) {
      // What takes a blink needs no words.
      this.#busyTimer = setTimeout(() => {
        box.hidden = false;
      }, SAID_AFTER_MS);
    }
  }
}
