/** The colours of the drawing that is shown, to be copied. */

import { get, make } from "./build.js";
import { say } from "./say.js";
import { t } from "./words.js";

export class Swatches {
  #shown = "";
  #list = make("div", { className: "palette" });
  #all = make("button", { type: "button", className: "quiet small" }, t("palette.all"));

  constructor() {
    const legend = make("legend", {}, t("palette.title"));
    get("reset").before(
      make("fieldset", { className: "section section-palette" }, legend, this.#list, this.#all),
    );
    this.#all.addEventListener("click", () => copy(this.#shown.split(",")));
    this.show([]);
  }

  /** @param {string[]} colours #rrggbb */
  show(colours) {
    const shown = colours.join(",");
    if (shown && shown === this.#shown) return;
    this.#shown = shown;
    this.#all.hidden = !shown;
    this.#list.replaceChildren(
      ...(shown ? colours.map(swatch) : [make("p", { className: "why" }, t("palette.empty"))]),
    );
  }
}

function swatch(colour) {
  const button = make("button", {
    type: "button",
    className: "colour",
    onclick: () => copy([colour]),
  });
  button.style.setProperty("--swatch", colour);
  button.ariaLabel = t("palette.colour", { colour });
  button.title = colour;
  return button;
}

async function copy(colours) {
  try {
    await navigator.clipboard.writeText(colours.join("\n"));
    say(
      colours.length === 1
        ? t("palette.copied", { colour: colours[0] })
        : t("palette.copied_all", { count: colours.length }),
    );
  } catch {
    say(colours.join(" ")); // a browser without a clipboard: at least it can be read
  }
}
