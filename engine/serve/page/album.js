/** The photos on the page, in the order they came, and the one that is shown. */

import { forget } from "./service.js";
import { Photo } from "./photo.js";

/** Dispatches "change" whenever a photo comes, goes, is chosen, or gets on. */
export class Album extends EventTarget {
  /** @type {Photo[]} */
  photos = [];
  /** @type {Photo | null} */
  current = null;

  /** Adds files, and shows the first of them. @param {File[]} files */
  add(files) {
    const added = files.map((file) => new Photo(file, () => this.#tell()));
    this.photos.push(...added);
    this.current = added[0] ?? this.current;
    this.#tell();
    return added;
  }

  show(photo) {
    this.current = photo;
    this.#tell();
  }

  remove(photo) {
    const index = this.photos.indexOf(photo);
    this.photos.splice(index, 1);
    photo.close();
    if (photo.kept) forget(photo.kept.id);
    if (this.current === photo) this.current = this.photos[index] ?? this.photos.at(-1) ?? null;
    this.#tell();
  }

  /** Lets the server forget all of them. */
  forgetAll() {
    for (const photo of this.photos) {
      if (photo.kept) forget(photo.kept.id);
    }
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
