/** Small pictures of all photos, to choose the one that is shown. */

import { get, icon, make } from "./build.js";
import { say } from "./say.js";
import { t } from "./words.js";

export class Strip {
  #album;
  /** @type {Map<import("./photo.js").Photo, HTMLLIElement>} */
  #items = new Map();

  /** @param {import("./album.js").Album} album */
  constructor(album) {
    this.#album = album;
  }

  show() {
    const { photos, current } = this.#album;
    get("strip").parentElement.hidden = photos.length === 0;
    for (const [photo, item] of this.#items) {
      if (!photos.includes(photo)) this.#remove(photo, item);
    }
    for (const photo of photos) {
      if (!this.#items.has(photo)) this.#add(photo);
      this.#update(photo, photo === current);
    }
  }

  #add(photo) {
    const image = make("img", {
      alt: "",
      onload: () => {
        image.hidden = false;
      },
      onerror: () => {
        image.hidden = true;
      },
    });
    const thumb = make(
      "button",
      { type: "button", className: "thumb", onclick: () => this.#album.show(photo) },
      image,
      make("span", { className: "badge" }),
    );
    const remove = make(
      "button",
      { type: "button", className: "remove", onclick: () => this.#drop(photo) },
      icon("close"),
    );
    remove.ariaLabel = remove.title = t("strip.remove", { name: photo.name });
    const item = make("li", {}, thumb, remove);
    this.#items.set(photo, item);
    get("strip").append(item);
  }

  #update(photo, isCurrent) {
    const item = this.#items.get(photo);
    const [thumb] = item.children;
    const [image, badge] = thumb.children;
    const url = photo.latest?.url ?? photo.url;
    if (image.getAttribute("src") !== url) image.src = url;
    item.dataset.state = photo.isBusy && photo.state === "ready" ? "drawing" : photo.state;
    badge.textContent =
      photo.state === "uploading"
        ? `${Math.round(100 * photo.progress)}%`
        : photo.state === "failed"
          ? "!"
          : "";
    thumb.ariaCurrent = String(isCurrent);
    thumb.title = photo.name;
    thumb.ariaLabel = t("strip.photo", { name: photo.name, state: t(`state.${photo.state}`) });
    if (isCurrent && !item.classList.contains("is-current"))
      item.scrollIntoView({ block: "nearest", inline: "nearest" });
    item.classList.toggle("is-current", isCurrent);
  }

  #drop(photo) {
    this.#album.remove(photo);
    say(t("strip.removed", { name: photo.name }));
    const next = this.#items.get(this.#album.current);
    (next?.querySelector("button") ?? get("choose")).focus();
  }

  #remove(photo, item) {
    item.remove();
    this.#items.delete(photo);
  }
}
