/** What lies behind people: what can be named, any colour, or a picture of one's own. */

import { make } from "./build.js";
import { LONGER_SIDE } from "./painter.js";
import { choose, fillRadios } from "./radios.js";
import { t } from "./words.js";

const NAMED = ["white", "transparent", "blur", "original", "none", "picture", "colour"];
const FIRST_COLOUR = "#8fd3ff";
const QUALITY = 0.9;

export class Backgrounds {
  element = make("div", { className: "swatches" });
  #colour = make("input", { type: "color", value: FIRST_COLOUR, className: "swatch" });
  #pick = make(
    "label",
    { className: "choice pick" },
    this.#colour,
    make("span", {}, t("background.change")),
  );
  #file = make("input", { type: "file", accept: "image/*", hidden: true });
  #pictureUrl = "";
  /** The background whose picture was chosen last. */
  #own = null;
  #shown = null;
  #ask;

  /** @param {(background: import("./look.js").Background, more?: {passing: boolean}) => void} ask */
  constructor(ask) {
    this.#ask = ask;
    const choices = NAMED.map((value) => ({
      value,
      text: t(`background.${value}`),
      picture: make("i", { className: "swatch" }),
    }));
    fillRadios(this.element, "background", choices, (value) => this.#onChoice(value));
    this.#colour.ariaLabel = t("background.colour_pick");
    this.#file.ariaLabel = t("background.picture_pick");
    this.#colour.addEventListener("input", () => this.#askColour(true));
    this.#colour.addEventListener("change", () => this.#askColour(false));
    this.#file.addEventListener("change", () => this.#onPicture());
    // A picture that is on already can be replaced by another.
    const again = this.element.querySelector("input[value=picture]");
    again.addEventListener("click", () => {
      if (this.#shown?.kind === "picture") this.#file.click();
    });
    this.element.append(this.#pick, this.#file);
  }

  /** @param {import("./look.js").Background} background */
  show(background) {
    this.#shown = background;
    choose(this.element, background.kind);
    if (background.colour) this.#colour.value = background.colour;
    this.#pick.hidden = background.kind !== "colour";
    if (background.picture) this.#setPicture(background);
    this.element.style.setProperty("--colour", this.#colour.value);
  }

  #onChoice(kind) {
    if (kind === "colour") this.#askColour(false);
    else if (kind !== "picture") this.#ask({ kind });
    else if (this.#own) this.#ask(this.#own);
    else {
      choose(this.element, this.#shown.kind); // until there is a picture
      this.#file.click();
    }
  }

  #askColour(passing) {
    this.#ask({ kind: "colour", colour: this.#colour.value }, { passing });
  }

  async #onPicture() {
    const [picture] = this.#file.files;
    this.#file.value = "";
    if (picture) this.#ask({ kind: "picture", picture, small: await reduce(picture) });
  }

  #setPicture(background) {
    if (background === this.#own) return;
    URL.revokeObjectURL(this.#pictureUrl);
    this.#own = background;
    this.#pictureUrl = URL.createObjectURL(background.small ?? background.picture);
    this.element.style.setProperty("--picture", `url("${this.#pictureUrl}")`);
  }
}

/** A picture for the screen; undefined where this browser cannot read it, but the server may. */
async function reduce(picture) {
  try {
    const pixels = await createImageBitmap(picture);
    const scale = Math.min(1, LONGER_SIDE / Math.max(pixels.width, pixels.height));
    const canvas = new OffscreenCanvas(
      Math.ceil(scale * pixels.width),
      Math.ceil(scale * pixels.height),
    );
    canvas.getContext("2d").drawImage(pixels, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  } catch {
    return undefined;
  }
}
