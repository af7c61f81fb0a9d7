/** Where the picture lies on the stage: fitted, enlarged, moved. All lengths are CSS pixels. */

const MARGIN = 16;
const MOST_ENLARGED_TO_FIT = 3;
const MOST_ZOOM = 4;

/** Dispatches "change". */
export class Viewport extends EventTarget {
  zoom = 1;
  #room = { width: 1, height: 1 };
  #picture = { width: 1, height: 1 };
  /** The part of the picture at the middle of the room, as shares of its sides. */
  #centre = { x: 0.5, y: 0.5 };

  /** Where the picture is, in the room. */
  get rect() {
    const scale = this.#fit * this.zoom;
    const [width, height] = [this.#picture.width * scale, this.#picture.height * scale];
    const left = this.#room.width / 2 - this.#centre.x * width;
    const top = this.#room.height / 2 - this.#centre.y * height;
    return { left, top, width, height };
  }

  /** The part of the room in which there is picture, from left to right. */
  get visible() {
    const { left, width } = this.rect;
    const start = Math.max(0, left);
    return { start, width: Math.max(1, Math.min(this.#room.width, left + width) - start) };
  }

  get isFitted() {
    return this.zoom === 1;
  }
  get most() {
    return Math.max(MOST_ZOOM, MOST_ZOOM / this.#fit);
  }

  setRoom(width, height) {
    this.#room = { width, height };
    this.#settle();
  }

  /** Another picture, fitted; or the same one in other pixels, where it is. */
  setPicture(width, height, { isOther = true } = {}) {
    this.#picture = { width, height };
    if (isOther) this.fit();
    else this.#settle();
  }

  fit() {
    [this.zoom, this.#centre] = [1, { x: 0.5, y: 0.5 }];
    this.#settle();
  }

  /** Enlarges around a point of the room, its middle unless told. */
  zoomBy(factor, x = this.#room.width / 2, y = this.#room.height / 2) {
    const before = this.rect;
    const zoom = Math.min(this.most, Math.max(1, this.zoom * factor));
    const grown = zoom / this.zoom;
    this.zoom = Math.abs(zoom - 1) < 0.02 ? 1 : zoom;
    this.#centre = {
      x: (this.#room.width / 2 - x + (x - before.left) * grown) / (before.width * grown),
      y: (this.#room.height / 2 - y + (y - before.top) * grown) / (before.height * grown),
    };
    this.#settle();
  }

  panBy(dx, dy) {
    const { width, height } = this.rect;
    this.#centre = { x: this.#centre.x - dx / width, y: this.#centre.y - dy / height };
    this.#settle();
  }

  get #fit() {
    const across = (this.#room.width - 2 * MARGIN) / this.#picture.width;
    const down = (this.#room.height - 2 * MARGIN) / this.#picture.height;
    return Math.max(0.001, Math.min(across, down, MOST_ENLARGED_TO_FIT));
  }

  /** Keeps the picture in the room. */
  #settle() {
    const { width, height } = this.rect;
    this.#centre = {
      x: within(this.#centre.x, this.#room.width / width),
      y: within(this.#centre.y, this.#room.height / height),
    };
    this.dispatchEvent(new Event("change"));
  }
}

/** A centre from which a room of that share shows nothing beyond the picture. */
function within(centre, share) {
  return share >= 1 ? 0.5 : Math.min(1 - share / 2, Math.max(share / 2, centre));
}
